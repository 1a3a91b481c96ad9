"""Mend what a killed run left behind, so that the next run goes on: `make repro` calls it first.

    python -m stages heal            mend, and say what was done and what DVC will do next
    python -m stages heal --check    change nothing; say what is damaged, and exit with 1
    python -m stages heal --deep     also hash every output in DVC's cache, after a power failure

A damaged dvc.lock is saved beside itself. Its whole stages are kept, the others come from the copy
that each stage makes when it begins, then from HEAD, then from DVC's run cache. A training that
would run anew needs `--train`. Outputs need no mending: they appear whole or not at all, and DVC
makes anew what is missing. If the last stage was killed, a note says where, and what helps.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from stages.commands.heal import at_work, dvc_files, lock_file
from stages.commands.heal.forecast import CACHED, COMPUTED, forecast
from stages.commands.heal.lock_file import Pipeline, RebuiltLock
from stages.commands.json_output import AsJson, message_printer, say_json
from stages.commands.pipeline import read_pipeline
from stages.lib.core import atomic
from stages.lib.core.errors import UserError
from stages.lib.core.lock_copy import DVC_LOCK as LOCK
from stages.lib.core.lock_copy import LOCK_COPY
from stages.lib.core.process_locks import forget_killed_run, killed_run
from stages.lib.core.stage import command
from stages.lib.core.terminal import say_error

OUTPUT_FOLDERS = (Path("data"), Path("metrics"))
# The stages whose results take hours. What they would compute anew is asked for.
TRAINING = ("finetune",)


class MendedLock(NamedTuple):
    """A dvc.lock that was damaged.

    Attributes:
        reason: what was wrong with it.
        saved: where it stands as it was.
        kept: number of stages that were whole.
        copied: number of stages from its copy.
        committed: number of stages from HEAD.
        cached: stages whose results DVC's run cache has.
        computed: stages that are computed anew.
    """

    reason: str
    saved: Path
    kept: int
    copied: int
    committed: int
    cached: list[str]
    computed: list[str]

    @property
    def lines(self) -> list[str]:
        """Return what was done and what DVC will do next, as two lines of text."""
        return [
            f"{LOCK} {self.reason}; it is saved as {self.saved}. Kept: {self.kept} stages; "
            f"from its copy: {self.copied}; from HEAD: {self.committed}.",
            f"From the run cache: {_listed(self.cached)}. Computed anew: {_listed(self.computed)}.",
        ]


def main(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; name what is damaged, and exit with 1.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="With --check: say nothing if nothing is damaged.")
    ] = False,
    deep: Annotated[
        bool, typer.Option("--deep", help="Hash every output in DVC's cache, not only its size.")
    ] = False,
    train: Annotated[
        bool, typer.Option("--train", help="A training whose result is lost may run anew.")
    ] = False,
    target: Annotated[
        str | None, typer.Option(help="The stage that runs next, with all before it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Mend what a killed run left behind: dvc.lock, and DVC's own files."""
    if not dvc_files.DVC_FOLDER.is_dir():
        raise UserError(f"there is no .dvc in {Path.cwd().name}/", "run from the root of a project")
    tell = message_printer(as_json)
    if check:
        killed = killed_run()
        if killed is not None:
            say_error(f"note: {killed}")
        damages = find_damage(deep)
        if as_json:
            say_json({"damaged": damages, "killed_run": killed})
        if damages:
            raise UserError("\n".join(damages), "run 'python -m stages heal', or 'make repro'")
        if not quiet:
            tell("nothing is damaged")
        return

    with at_work.alone():
        done = mend_files(deep)
        for line in done:
            tell(line)
        killed = killed_run()
        if killed is not None:
            tell(f"note: {killed}")
            forget_killed_run()
        mended = mend_lock(train, target, tell)
    if as_json:
        lock = None if mended is None else mended._asdict()
        say_json({"done": done, "killed_run": killed, "lock": lock})


def mend_files(deep: bool) -> list[str]:
    """Mend DVC's own files and remove unfinished ones; return what was done, a line each."""
    lines = [f"ended {name}, which a killed run left at work" for name in at_work.end_orphans()]
    places = dvc_files.find_places()

    if at_work.is_damaged():
        dvc_files.remove(at_work.RWLOCK)
        lines.append(f"removed {at_work.RWLOCK}, a list of who is at work, which was damaged")

    for path in dvc_files.damaged_databases(places):
        dvc_files.remove(path)
        lines.append(f"removed {path}, hashes that DVC remembered, which was damaged")

    unfinished = [
        *dvc_files.unfinished_runs(places),
        *dvc_files.temporary_files(places, OUTPUT_FOLDERS),
    ]
    for path in unfinished:
        dvc_files.remove(path)
    left = [name for folder in OUTPUT_FOLDERS for name in atomic.remove_abandoned(folder)]
    if unfinished or left:
        lines.append(f"removed {len(unfinished) + len(left)} unfinished files")

    lock = _read(LOCK)
    for path, cached in list(dvc_files.damaged_objects(lock, places, deep=deep)):
        is_replaced = dvc_files.replace_object(path, cached)
        action = "replaced" if is_replaced else "removed"
        lines.append(f"{action} the copy of {path} in DVC's cache, which was damaged")
    return lines


def mend_lock(train: bool, target: str | None, tell: Callable[[str], None]) -> MendedLock | None:
    """Rebuild dvc.lock if it is damaged, and return what DVC will do next; None if it is whole.

    Args:
        train: whether a training whose result is lost may run anew.
        target: the stage that runs next; None for all.
        tell: prints what DVC will do next, before a person is asked for a training.

    Raises:
        UserError: dvc.lock has markers of a merge conflict, or a training would run anew and
            nobody allowed it. dvc.lock is as it was then.
    """
    reason = _lock_damage()
    if reason is None:
        return None
    content = LOCK.read_bytes()
    copies = [_read(LOCK_COPY), _committed_lock()]
    rebuilt = lock_file.rebuild(lock_file.decode(content), copies, _pipeline())

    # Nothing of what a user may have written is lost.
    saved = LOCK.with_name(f"{LOCK.name}.damaged-{hashlib.sha256(content).hexdigest()[:8]}")
    _write(saved, content)
    _write(LOCK, rebuilt.text.encode())
    try:
        results = forecast(dvc_files.find_places(), target)
        mended = _mended(reason, saved, rebuilt, results)
        for line in mended.lines:
            tell(line)
        _ask_for_training(results, train)
    except BaseException:
        _write(LOCK, content)
        raise
    return mended


def find_damage(deep: bool) -> list[str]:
    """Return what is damaged, a sentence each.

    Raises:
        UserError: dvc.lock has markers of a merge conflict.
    """
    damages = []
    reason = _lock_damage()
    if reason is not None:
        damages.append(f"{LOCK} {reason}")
    if at_work.is_damaged():
        damages.append(f"{at_work.RWLOCK} is damaged")
    places = dvc_files.find_places()
    damages += [f"{path} is damaged" for path in dvc_files.damaged_databases(places)]
    damages += [f"{path} was never finished" for path in dvc_files.unfinished_runs(places)]
    damages += [
        f"{cached}, the copy of {path}, is damaged"
        for path, cached in dvc_files.damaged_objects(_read(LOCK), places, deep=deep)
    ]
    return damages


def _lock_damage() -> str | None:
    """Return what is wrong with dvc.lock; None if nothing is.

    Raises:
        UserError: git left its markers of a merge conflict in it.
    """
    if not LOCK.exists():
        return None
    text = lock_file.decode(LOCK.read_bytes())
    if lock_file.has_conflict(text):
        raise UserError(
            f"{LOCK} has the markers of a merge conflict, and is not mended by guessing",
            "take either side, and DVC runs what neither ran: 'git checkout --theirs dvc.lock "
            "metrics', 'dvc checkout', 'make repro', 'git add dvc.lock metrics' (docs/remotes.md)",
        )
    return lock_file.why_damaged(text, _committed_lock(), _pipeline())


def _mended(
    reason: str, saved: Path, rebuilt: RebuiltLock, results: Mapping[str, str]
) -> MendedLock:
    copied, committed = (len(names) for names in rebuilt.copied)
    return MendedLock(
        reason,
        saved,
        kept=len(rebuilt.kept),
        copied=copied,
        committed=committed,
        cached=[name for name, result in results.items() if result == CACHED],
        computed=[name for name, result in results.items() if result == COMPUTED],
    )


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "none"


def _ask_for_training(results: Mapping[str, str], train: bool) -> None:
    lost = [name for name in TRAINING if results.get(name) == COMPUTED and _has_outputs(name)]
    if not lost or train:
        return
    if sys.stdin.isatty() and not os.environ.get("CI"):
        if typer.confirm(f"{lost[0]} would train anew. Go on?", err=True):
            return
        raise UserError(f"{LOCK} is left as it was", "answer yes to go on")
    raise UserError(
        f"the result of {lost[0]} is lost, and it would train anew; {LOCK} is left as it was",
        "run 'make repro TRAIN=yes' or 'python -m stages heal --train' to allow it; "
        "'dvc pull --run-cache' may bring the result from a remote",
    )


def _has_outputs(name: str) -> bool:
    """Return whether a stage has run here. What lies under metrics/ may have come by git."""
    paths = [path for path in _pipeline().get(name, ()) if not path.startswith("metrics/")]
    return any(Path(path).exists() for path in paths)


def _pipeline() -> Pipeline:
    return {name: stage.written for name, stage in read_pipeline().items()}


def _committed_lock() -> str:
    """Return dvc.lock at HEAD; empty without git, commit or file."""
    try:
        process = subprocess.run(
            ["git", "show", f"HEAD:./{LOCK}"], capture_output=True, check=False
        )
    except OSError:
        return ""
    return lock_file.decode(process.stdout) if process.returncode == 0 else ""


def _read(path: Path) -> str:
    return lock_file.decode(path.read_bytes()) if path.exists() else ""


def _write(path: Path, content: bytes) -> None:
    with atomic.write(path) as temporary:
        temporary.write_bytes(content)
    # It stays if the command fails later.
    atomic.settle()


app = command(main)

if __name__ == "__main__":
    app()
