"""Say which stages DVC will take from its run cache, and which it will compute anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.commands.heal.dvc_files import Places, folder_listing, object_path
from stages.lib.core.errors import UserError
from stages.lib.core.yaml_files import read_yaml

UNCHANGED = "unchanged"
CACHED = "cached"
COMPUTED = "computed"


@dataclass(frozen=True)
class StageRun:
    """What a stage read, and what it gave; hashes by path.

    A hash is None if it is not known: the file comes from a stage that is computed anew.
    """

    cmd: str
    deps: Mapping[str, str | None]
    params: Mapping[str, Mapping[str, Any]]
    outs: Mapping[str, str | None]

    def answers(self, current: StageRun) -> bool:
        """Return whether this run was one of the stage as it is now, as far as that is known."""
        return (
            self.cmd == current.cmd
            and self.params == current.params
            and self.outs.keys() == current.outs.keys()
            and self.deps.keys() == current.deps.keys()
            and all(
                current.deps[path] is None or current.deps[path] == md5
                for path, md5 in self.deps.items()
            )
        )


def forecast(places: Places, target: str | None) -> dict[str, str]:
    """Return stage name to UNCHANGED, CACHED or COMPUTED, in the order in which DVC runs them.

    A stage behind one that is computed anew counts as cached if any of its runs would fit: the
    same inputs give the same bytes again.

    Args:
        places: where DVC keeps its own files.
        target: the stage that is asked of DVC, with all before it; None for all stages.

    Raises:
        UserError: DVC cannot read its files.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    known: dict[str, str | None] = {}
    results: dict[str, str] = {}
    try:
        with Repo() as repository:
            for stage in _ordered(repository, target):
                locked = _stage_run(stage)
                # Hashes of what lies there now, and of what earlier stages will give.
                stage.save_deps(allow_missing=True)
                saved = _stage_run(stage)
                deps = {path: known.get(path, md5) for path, md5 in saved.deps.items()}
                current = StageRun(saved.cmd, deps, saved.params, saved.outs)

                name = str(stage.name)
                results[name], outs = _result(stage, locked, current, places)
                known.update(outs)
    except DvcException as error:
        raise UserError(f"DVC cannot read the pipeline: {error}", "correct what it names") from None
    return results


def _ordered(repository: Any, target: str | None) -> Iterator[Any]:
    """Yield the stages of dvc.yaml, each behind those that it reads from."""
    import networkx

    graph = repository.index.graph
    source = None
    for stage in graph:
        if target is not None and getattr(stage, "name", None) == target:
            source = stage
    for stage in networkx.dfs_postorder_nodes(graph, source):
        # A tracked file of the user is a node too, without a name.
        if getattr(stage, "name", None):
            yield stage


def _result(
    stage: Any, locked: StageRun, current: StageRun, places: Places
) -> tuple[str, Mapping[str, str | None]]:
    """Return where the outputs of a stage come from, and their hashes."""
    if locked.answers(current) and None not in locked.outs.values():
        if not any(out.status() for out in stage.outs):
            return UNCHANGED, locked.outs
        if _all_cached(locked, places):
            return CACHED, locked.outs

    for run in _cached_runs(current.cmd, places):
        if run.answers(current) and _all_cached(run, places):
            return CACHED, run.outs
    return COMPUTED, dict.fromkeys(current.outs)


def _stage_run(stage: Any) -> StageRun:
    from dvc.stage.serialize import to_single_stage_lockfile

    return _from_entry(to_single_stage_lockfile(stage))


def _from_entry(entry: Mapping[str, Any]) -> StageRun:
    """Return the run that an entry of dvc.lock or of the run cache describes."""
    deps = {file["path"]: file.get("md5") for file in entry.get("deps", [])}
    outs = {file["path"]: file.get("md5") for file in entry.get("outs", [])}
    params = {file: dict(values) for file, values in entry.get("params", {}).items()}
    return StageRun(str(entry["cmd"]), deps, params, outs)


def _cached_runs(cmd: str, places: Places) -> Iterator[StageRun]:
    """Yield the runs of a command in the run cache, the newest first."""
    start = f"cmd: {cmd}\n".encode()
    paths = [path for path in places.runs.glob("*/*/*") if path.read_bytes().startswith(start)]
    for path in sorted(paths, key=lambda path: (-path.stat().st_mtime, path.name)):
        yield _from_entry(read_yaml(path))


def _all_cached(run: StageRun, places: Places) -> bool:
    """Return whether DVC's cache holds every output of a run."""
    return all(md5 is not None and _is_cached(md5, places) for md5 in run.outs.values())


def _is_cached(md5: str, places: Places) -> bool:
    path: Path = object_path(places, md5)
    if not path.is_file() or not md5.endswith(".dir"):
        return path.is_file()
    listing = folder_listing(path)
    return listing is not None and all(
        object_path(places, file["md5"]).is_file() for file in listing
    )
