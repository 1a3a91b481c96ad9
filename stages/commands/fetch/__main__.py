"""Fetch what the stages read offline: wheels, the base model, and snapshots of sources.

    python -m stages fetch                what is not here yet
    python -m stages fetch faq            a new snapshot of the source faq
    python -m stages fetch model.base     the base model at its newest commit

Wheels (pinned in [tool.pairsmith.wheels] of pyproject.toml) and a base model of a hub are written
to the folder of the environment. A snapshot of a database or a data set is written to
data/raw/snapshots/ and tracked by DVC. Models and snapshots are pinned by hash in params.yaml. Only
this command, `init` and `push` use the network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from stages.collect.wheels import PYPROJECT, pinned_wheels
from stages.commands.fetch.model_report import model_lines
from stages.commands.fetch.wheels import fetch_wheel
from stages.commands.json_output import AsJson, message_printer, say_json
from stages.lib.core import atomic
from stages.lib.core.errors import UserError
from stages.lib.core.params import PARAMS_FILE, ModelParams, load_section
from stages.lib.core.stage import command
from stages.lib.core.temporary_folders import temporary_folder

# How the base model is named among the sources, whose names hold no dot.
MODEL = "model.base"
# Writes the snapshot of a source; returns the number of rows, and values to pin beside them.
Taker = Callable[[str, Any, Path], tuple[int, Mapping[str, str | int]]]


def main(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="SOURCE", help="Sources, or model.base, that are fetched anew."),
    ] = None,
    pyproject: Annotated[Path, typer.Option(help="File that pins the wheels.")] = PYPROJECT,
    as_json: AsJson = False,
) -> None:
    """Fetch what the stages read offline: wheels, the base model, and snapshots of sources."""
    tell = message_printer(as_json)
    wheels: list[dict[str, str]] = []
    if not names:
        for wheel in pinned_wheels(pyproject).values():
            state = "already here"
            if not wheel.present:
                fetch_wheel(wheel)
                atomic.settle()
                state = "fetched"
            wheels.append({"name": wheel.name, "version": wheel.version, "state": state})
            tell(f"{wheel.name} {wheel.version}: {state}")

    sources = _snapshot_sources()
    _check_names(names or [], sources)
    model: list[str] = []
    if not names or MODEL in names:
        model = _fetch_base_model(anew=bool(names))
        for line in model:
            tell(f"{MODEL}: {line}")
        atomic.settle()

    # Sources that are no files.
    snapshots: dict[str, str] = {}
    for name, source in sources.items():
        if not names or name in names:
            snapshots[name] = _fetch_snapshot(name, source, anew=bool(names))
            tell(f"{name}: {snapshots[name]}")
            atomic.settle()
    if as_json:
        say_json({"wheels": wheels, "model": model, "snapshots": snapshots})


def _snapshot_sources() -> Mapping[str, Any]:
    """Return the settings of the sources that are read from snapshots, by name."""
    from stages.collect.interface import CollectParams
    from stages.collect.kinds.registry import kind_of
    from stages.collect.snapshots import SnapshotSource
    from stages.collect.source import OUT_OF_DOMAIN

    settings = load_section(CollectParams)
    sources: dict[str, Any] = dict(settings.sources)
    if settings.out_of_domain is not None:
        sources[OUT_OF_DOMAIN] = settings.out_of_domain

    snapshots: dict[str, Any] = {}
    for name, source in sources.items():
        if isinstance(source, SnapshotSource):
            kind_of(source).check(name, source, sources)
            snapshots[name] = source
    return snapshots


def _check_names(names: Sequence[str], sources: Mapping[str, Any]) -> None:
    for name in names:
        if name not in (*sources, MODEL):
            listed = ", ".join([*sources, MODEL])
            raise UserError(
                f"params.yaml has no source '{name}' that is read from a snapshot",
                f"name one of: {listed}",
            )


def _fetch_base_model(*, anew: bool) -> list[str]:
    """Fetch the base model if it is one of a hub; return what was done, and what to know of it."""
    from stages.commands.fetch.models import fetch_model
    from stages.commands.fetch.pins import pin
    from stages.commands.init.changes import apply
    from stages.lib.core.model_files import find_base_model, weights_hash
    from stages.lib.core.model_folders import (
        hub_folder,
        is_repository,
        local_folder,
        model_hash,
    )

    params = load_section(ModelParams)
    if local_folder(params.base) is not None or not is_repository(params.base):
        if params.revision:
            find_base_model(params)
        return []

    # What is pinned is here already, or must come as it was.
    is_pinned = bool(params.revision and params.sha256)
    if is_pinned and not anew and hub_folder(params.base, params.revision).is_dir():
        find_base_model(params)
        return ["already here"]

    folder, commit = fetch_model(params.base, "" if anew else params.revision)
    sha256 = model_hash(folder)
    if is_pinned and not anew and sha256 != params.sha256:
        raise UserError(
            f"params.yaml: model.sha256 is {params.sha256[:12]}..., but the hub gives files of "
            f"{sha256[:12]}... for the commit {commit[:12]}",
            'do not trust this hub; or if the change is meant, set model.sha256 to ""',
        )

    # Pin all files, and the weights by themselves, as for a model of this machine.
    weights = weights_hash(folder, f"params.yaml: model.base '{params.base}'")
    pins = {"revision": commit, "sha256": sha256, "weights_sha256": weights}
    text = PARAMS_FILE.read_text("utf-8")
    pinned = pin(text, ["model"], pins, after="base")
    if pinned != text:
        apply({}, {PARAMS_FILE: pinned.encode()})

    state = f"{params.base} at commit {commit[:12]}, pinned in params.yaml"
    return [state, *model_lines(load_section(ModelParams))]


def _fetch_snapshot(name: str, source: Any, *, anew: bool) -> str:
    """Take the snapshot of a source if it is not pinned yet, or `anew`; return what was done."""
    from stages.collect.records import params_path
    from stages.collect.snapshots import check_snapshot, snapshot_path
    from stages.commands.fetch.pins import pin
    from stages.commands.init.changes import apply
    from stages.lib.core.model_files import file_hash

    path = Path(snapshot_path(name))
    if source.sha256 and not anew:
        if not path.is_file():
            return f"pinned, but not here; 'dvc pull {path}' brings it"
        check_snapshot(name, source, Path("data/raw"))
        return "already here"

    with temporary_folder() as folder:
        snapshot = Path(folder, path.name)
        count, more_pins = _taker(source)(name, source, snapshot)
        sha256 = file_hash(snapshot)
        if sha256 == source.sha256 and path.is_file():
            return f"unchanged, {count:,} rows"

        # The file, DVC's record of it and the pin: all or nothing.
        keys = params_path(name).split(".")
        pins = {**more_pins, "sha256": sha256, "rows": count}
        pinned = pin(PARAMS_FILE.read_text("utf-8"), keys, pins, after="reader")
        apply({path: snapshot}, {PARAMS_FILE: pinned.encode()})
    before = f" (before: {source.rows:,})" if source.sha256 else ""
    return f"{count:,} rows{before}; {path} is tracked by DVC and pinned in params.yaml"


def _taker(source: Any) -> Taker:
    """Return the function that writes the snapshot of a source."""
    from stages.commands.fetch import huggingface, sql

    takers: Mapping[str, Taker] = {
        "huggingface": huggingface.take_snapshot,
        "sql": sql.take_snapshot,
    }
    return takers[source.reader]


app = command(main, edits_params=True)

if __name__ == "__main__":
    app()
