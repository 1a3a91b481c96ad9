"""What every stage shares: short errors, no traces of failed runs, offline mode, pins, one thread, no edits."""

from __future__ import annotations

import functools
import hashlib
import json
import math
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

import typer

from stages.lib import written
from stages.lib.errors import Problem
from stages.lib.params import PARAMS

# Models come from disk. A stage that reaches for a hub must fail here, not on a train.
os.environ.update(
    HF_HUB_OFFLINE="1",
    TRANSFORMERS_OFFLINE="1",
    HF_DATASETS_OFFLINE="1",
    TOKENIZERS_PARALLELISM="false",
)

Item = TypeVar("Item")
Value = float | int | str | bool


def command(main: Callable[..., None], *groups: str) -> typer.Typer:
    """Return the Typer app of a stage whose work is `main` and which needs the dependency `groups`.

    Numpy multiplies on one thread meanwhile: sums that several threads share end in other last bits where there are
    other numbers of cores. A Problem is printed in at most ten lines and exits with 1. Whatever the failed run had
    written is removed, so that nothing half-done can be taken for a result. A run during which its own code or
    parameters were edited fails too: DVC would record the new hashes beside the old result.
    """

    @functools.wraps(main)
    def guarded(*args: Any, **kwargs: Any) -> None:
        before = _sources()
        written.begin()
        try:
            check_pins(groups)
            with _one_thread():
                main(*args, **kwargs)
            _check_unedited(before)
        except Problem as problem:
            written.discard()
            typer.echo(f"error: {problem}", err=True)
            raise typer.Exit(1) from None
        except BaseException:
            written.discard()
            raise

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(guarded)
    return app


def check_pins(groups: Iterable[str], pyproject: Path = Path("pyproject.toml")) -> None:
    """Refuse to run with other package versions than the ones DVC records.

    `groups` are dependency groups of pyproject.toml, which dvc.yaml names as the stage's parameters.
    """
    import tomllib

    declared = tomllib.loads(pyproject.read_text("utf-8"))["dependency-groups"]
    for group in groups:
        for pin in declared[group]:
            name, _, wanted = (
                pin.partition(";")[0].strip().partition("==")
            )  # after ";": for which platform
            name = re.sub(r"\[.*\]", "", name)
            try:
                # A local build of torch calls itself 2.13.0+cpu; it is the same release.
                found = version(name).partition("+")[0]
            except PackageNotFoundError:
                found = "not installed"
            if found != wanted:
                raise Problem(
                    f"pyproject.toml pins {name} to {wanted}, but here it is {found}",
                    "run 'make setup'",
                )


def write_metrics(metrics: Mapping[str, Value], path: Path) -> None:
    """Write flat JSON with sorted keys and floats of four digits: the numbers that DVC compares.

    Raises:
        Problem: a number is not finite.
    """
    _write_json(_rounded(metrics, path), path)


def write_details(details: Mapping[str, Value], path: Path) -> None:
    """Write nested JSON with sorted keys and floats of four digits.

    Each dot in a key is a level: `{"dropped.empty": 0}` becomes `{"dropped": {"empty": 0}}`.

    Raises:
        Problem: a number is not finite.
        ValueError: a key is also the beginning of another one.
    """
    _write_json(nested(_rounded(details, path)), path)


def nested(values: Mapping[str, Value]) -> dict[str, Any]:
    """Return `values` as nested dictionaries, a level for each dot in a key.

    >>> nested({"rows_in": 3, "dropped.empty": 1, "dropped.long": 0})
    {'rows_in': 3, 'dropped': {'empty': 1, 'long': 0}}
    """
    result: dict[str, Any] = {}
    for key, value in values.items():
        *topics, name = key.split(".")
        level = result
        for topic in topics:
            level = level.setdefault(topic, {})
            if not isinstance(level, dict):
                raise ValueError(f"the key '{key}' goes on where another key ends")
        if name in level:
            raise ValueError(
                f"the key '{key}' is there already, or is the beginning of another key"
            )
        level[name] = value
    return result


def _rounded(values: Mapping[str, Value], path: Path) -> dict[str, Value]:
    # Adding 0.0 turns -0.0 into 0.0. A diff would show -0.0 as a change.
    rounded = {
        key: round(float(value), 4) + 0.0 if isinstance(value, float) else value
        for key, value in values.items()
    }
    bad = [
        key
        for key, value in rounded.items()
        if isinstance(value, float) and not math.isfinite(value)
    ]
    if bad:
        raise Problem(
            f"{path}: {', '.join(bad)} came out as not-a-number or infinite",
            "report this as a bug of the stage: a metric without data is left out, never NaN",
        )
    return rounded


def _write_json(values: Mapping[str, Any], path: Path) -> None:
    with written.atomically(path) as temporary:
        temporary.write_text(
            json.dumps(values, indent=2, sort_keys=True) + "\n", "utf-8", newline="\n"
        )


def progress(items: Iterable[Item], total: int, label: str) -> Iterator[Item]:
    """Yield `items`, with a bar on a terminal and silence elsewhere."""
    if not sys.stderr.isatty() or os.environ.get("CI"):
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(
        items, description=label, total=total, console=Console(stderr=True), transient=True
    )


def _one_thread() -> AbstractContextManager[Any]:
    """Keep numpy's products to one thread; torch has threads of its own, which `run.threads` counts."""
    from threadpoolctl import ThreadpoolController

    limited: AbstractContextManager[Any] = (
        ThreadpoolController().select(internal_api="openblas").limit(limits=1)
    )
    return limited


def _sources() -> dict[str, str]:
    files = [PARAMS, *sorted(Path("stages").rglob("*.py"))]
    return {
        str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.exists()
    }


def _check_unedited(before: dict[str, str]) -> None:
    # Only what this process loaded decides: editing another stage meanwhile is fine.
    loaded = {
        os.path.relpath(file)
        for module in list(sys.modules.values())
        if (file := getattr(module, "__file__", None))
    }
    after = _sources()
    edited = [
        file
        for file in before
        if before[file] != after.get(file) and (file == str(PARAMS) or file in loaded)
    ]
    if edited:
        raise Problem(
            f"{', '.join(edited)} changed while the stage was running, so its result fits neither version",
            "run it again; long runs are immune as 'dvc exp run --temp'",
        )
