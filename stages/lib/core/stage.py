"""The command around a stage.

It gives short errors, rollback of failed runs, offline mode, pinned versions, and one thread.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

import typer

from stages.lib.core import atomic
from stages.lib.core.errors import UserError
from stages.lib.core.lock_copy import copy_lock
from stages.lib.core.machine_faults import exit_code, problem_of
from stages.lib.core.orphans import end_with_dvc
from stages.lib.core.params import PARAMS_FILE
from stages.lib.core.process_locks import clone_lock
from stages.lib.core.signals import ended_by_signals
from stages.lib.core.terminal import say_error

# Models come from disk. A stage that reaches for a model hub must fail.
os.environ.update(
    HF_HUB_OFFLINE="1",
    TRANSFORMERS_OFFLINE="1",
    HF_DATASETS_OFFLINE="1",
    TOKENIZERS_PARALLELISM="false",
)
# One order of sums for all shapes of a matrix. MKL reads it when torch is loaded.
_TORCH_WAS_LOADED = "torch" in sys.modules
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
Item = TypeVar("Item")
Value = float | int | str | bool


def command(
    main: Callable[..., None], *groups: str, edits_params: bool = False, alone: bool = False
) -> typer.Typer:
    """Return the Typer application that runs `main`.

    Numpy multiplies on one thread meanwhile: with several threads the last bits of a sum depend
    on the number of cores. A UserError is printed in at most ten lines, and the exit status is 1.
    After a failed run, also one that Ctrl-C or SIGTERM ended, each file that it wrote is as it was
    before. A run fails too if its own code or parameters were edited meanwhile: DVC would record
    the new hashes beside the old result.

    Args:
        main: the function that does the work.
        groups: dependency groups of pyproject.toml whose pinned versions must be installed.
        edits_params: whether `main` itself writes params.yaml.
        alone: whether a second process waits that would work in the same clone.
    """

    @functools.wraps(main)
    def guarded(*args: Any, **kwargs: Any) -> None:
        copy_lock()
        before = _source_hashes()
        if edits_params:
            before.pop(str(PARAMS_FILE), None)
        atomic.begin_run()
        try:
            check_pins(groups)
            with ended_by_signals(), _single_blas_thread():
                main(*args, **kwargs)
                _check_unedited(before)
                atomic.commit()
        except BaseException as error:
            _roll_back()
            problem = problem_of(error)
            if problem is None:
                raise
            say_error(f"error: {problem}")
            raise typer.Exit(exit_code(error)) from None

    @functools.wraps(main)
    def locked(*args: Any, **kwargs: Any) -> None:
        end_with_dvc()
        with clone_lock() if alone else nullcontext():
            guarded(*args, **kwargs)

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(locked)
    return app


def _roll_back() -> None:
    """Undo the run. What cannot be undone is printed, and does not hide why the run failed."""
    try:
        atomic.rollback()
    except UserError as problem:
        say_error(f"error: {problem}")


def check_pins(groups: Iterable[str], pyproject: Path = Path("pyproject.toml")) -> None:
    """Check that the pinned versions of the dependency `groups` are installed.

    DVC records the pins of pyproject.toml as parameters of the stage, so they must be the
    versions in use.

    Raises:
        UserError: a package has another version, or is missing.
    """
    import tomllib

    declared = tomllib.loads(pyproject.read_text("utf-8"))["dependency-groups"]
    for group in groups:
        for pin in declared[group]:
            # What follows ";" says for which platform the pin is.
            requirement = pin.partition(";")[0].strip()
            name, _, pinned = requirement.partition("==")
            name = name.partition("[")[0]
            try:
                # A local build of torch has the version 2.13.0+cpu. It is the same release.
                installed = version(name).partition("+")[0]
            except PackageNotFoundError:
                installed = "not installed"
            if installed != pinned:
                raise UserError(
                    f"pyproject.toml pins {name} to {pinned}, but here it is {installed}",
                    "run 'make setup'",
                )


def write_metrics(metrics: Mapping[str, Value], path: Path) -> None:
    """Write flat JSON with sorted keys and floats of four digits: the numbers that DVC compares.

    Raises:
        UserError: a number is not finite.
    """
    _write_json(_rounded(metrics, path), path)


def write_details(details: Mapping[str, Value], path: Path) -> None:
    """Write nested JSON with sorted keys and floats of four digits.

    Each dot in a key is a level: `{"dropped.empty": 0}` becomes `{"dropped": {"empty": 0}}`.

    Raises:
        UserError: a number is not finite.
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
        raise UserError(
            f"{path}: {', '.join(bad)} came out as not-a-number or infinite",
            "report this as a bug of the stage: a metric without data is left out, never NaN",
        )
    return rounded


def _write_json(values: Mapping[str, Any], path: Path) -> None:
    atomic.write_text(path, json.dumps(values, indent=2, sort_keys=True) + "\n")


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


def mkl_mode() -> str:
    """Return the mode of MKL_CBWR that torch was loaded with; "" if it was loaded before."""
    return "" if _TORCH_WAS_LOADED else os.environ["MKL_CBWR"].upper()


def _single_blas_thread() -> AbstractContextManager[Any]:
    """Limit the matrix products of numpy to one thread. Threads of torch follow `run.threads`."""
    from threadpoolctl import ThreadpoolController

    openblas = ThreadpoolController().select(internal_api="openblas")
    limited: AbstractContextManager[Any] = openblas.limit(limits=1)
    return limited


def _source_hashes() -> dict[str, str]:
    """Return the SHA-256 of params.yaml and of every file of code."""
    files = [PARAMS_FILE, *sorted(Path("stages").rglob("*.py"))]
    return {
        str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.exists()
    }


def _check_unedited(before: dict[str, str]) -> None:
    """Raise UserError if a file that this process uses has changed since `before`."""
    # Only modules that are loaded matter. Another stage may be edited meanwhile.
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    used = {os.path.relpath(file) for file in files if file}
    used.add(str(PARAMS_FILE))

    after = _source_hashes()
    edited = [file for file, digest in before.items() if file in used and digest != after.get(file)]
    if edited:
        raise UserError(
            f"{', '.join(edited)} changed while the stage was running, "
            "so its result fits neither version",
            "run it again; 'dvc exp run --temp' works on a copy and is not affected",
        )


def runs_on_ray() -> bool:
    """Return whether PAIRSMITH_ENGINE says that work runs on a Ray cluster, not on this machine.

    Raises:
        UserError: it has another value than `local` and `ray`.
    """
    engine = os.environ.get("PAIRSMITH_ENGINE", "") or "local"
    if engine not in ("local", "ray"):
        raise UserError(
            f"the environment has PAIRSMITH_ENGINE={engine!r}",
            "set it to 'local' (processes of this machine) or 'ray' (a Ray cluster), or unset it",
        )

    return engine == "ray"


def workers() -> int:
    """Return how many processes may work: PAIRSMITH_WORKERS, or the processors this one may use."""
    value = os.environ.get("PAIRSMITH_WORKERS", "")
    if not value:
        return (
            len(os.sched_getaffinity(0))
            if hasattr(os, "sched_getaffinity")
            else os.cpu_count() or 1
        )
    if not value.isascii() or not value.isdigit() or not int(value):
        raise UserError(
            f"the environment has PAIRSMITH_WORKERS={value!r}",
            "set it to a whole number from 1, or unset it",
        )
    return int(value)
