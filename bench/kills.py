"""Kill the pipeline at named writes and at random moments, and compare every byte after the next run.

    python bench/kills.py --moments 40 --seed 1     at 40 random moments
    python bench/kills.py --writes 20 --seed 1      at 20 of the writes that a run makes; 0: at all
    python bench/kills.py --writes 0 --stage split --alone       at all writes of one stage
    python bench/kills.py --lock 100                dvc.lock cut at every hundredth byte
    python bench/kills.py --files                   DVC's own files and outputs, cut one by one
    python bench/kills.py --repro 3 --seed 1        the whole `make repro`, at 3 random moments

The project is a small FAQ, run once and committed. Then a row is added, so every stage runs anew,
and that run is killed with SIGKILL: by turns the whole process group, as when a machine dies, and
DVC alone, which leaves its stage at work. The next run is `python -m stages heal` and `dvc repro`,
as in `make repro`. It must end well, without a human hand, with the bytes of a run that nobody
disturbed: all outputs, metrics and dvc.lock. `--repro` runs all stages, training included; the
others run the model-free stages up to `--stage`. At named writes each stage is killed and run anew
where the stages before it have run, since they come to the same bytes each time.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

from stages.commands.heal.lock_file import decode, rebuild, why_damaged
from stages.commands.pipeline import StageEntry, read_pipeline
from stages.lib.core.lock_copy import LOCK_COPY

ROOT = Path(__file__).parent.parent
HOOK = ROOT / "bench/faults/kill_hook"
# The model-free stages, up to the first that is worth killing at this size.
LAST_STAGE = "augment"


class Project(NamedTuple):
    """A project whose next run has everything to do.

    Attributes:
        folder: the project, with one run committed and a new row behind it.
        after: hash by path, after a run that nobody disturbed.
        lock: dvc.lock of that run.
        writes: the writes of that run, as the hook names them, in order, where they are asked for.
        seconds: how long it took.
        last_stage: the stage up to which it ran.
    """

    folder: Path
    after: Mapping[str, str]
    lock: str
    writes: Sequence[str]
    seconds: float
    last_stage: str

    @property
    def stages(self) -> dict[str, StageEntry]:
        """The stages up to the last one, by name."""
        pipeline = read_pipeline(self.folder / "dvc.yaml")
        names = list(pipeline)
        return {name: pipeline[name] for name in names[: names.index(self.last_stage) + 1]}


def prepare(folder: Path, last_stage: str) -> Project:
    """Make the project below `folder`, run it, add a row, and run a copy without disturbance."""
    tests: Any = import_module("tests.conftest")
    start = folder / "start"
    start.mkdir(parents=True)
    tests.copy_project(start)
    tests.write_csv(tests.faq_rows(), start / "data/raw/faq.csv")
    tests.use_faq(start)
    _must(run_dvc(start, last_stage))
    tests.git(start, "add", "-A")
    tests.git(
        start, "-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "-qm", "run"
    )

    row = {"id": "new", "question": "Is there a cover?", "answer": "Yes, of cloth.", "product": "x"}
    tests.write_csv([*tests.faq_rows(), row], start / "data/raw/faq.csv")
    undisturbed = copy(start, folder / "undisturbed")
    return _finished(start, undisturbed, last_stage)


def by_stage(project: Project) -> list[Project]:
    """Return a project for each stage, with its writes: the stages before it have run."""
    parts = []
    state = project.folder
    for name in project.stages:
        parent = Path(tempfile.mkdtemp(prefix="stage-", dir=project.folder.parent))
        log = parent / "writes"
        finished = copy(state, parent / "finished")
        part = _finished(state, finished, name, KILLS_LOG=str(log))
        writes = list(dict.fromkeys(log.read_text("utf-8").splitlines()))
        parts.append(part._replace(writes=writes))
        state = finished
    if parts[-1].after != project.after:
        raise RuntimeError("stages run one by one came to other bytes")
    return parts


def _finished(start: Path, copied: Path, last_stage: str, **extra: str) -> Project:
    """Run `copied`, a copy of `start`, and return what came of it."""
    began = time.monotonic()
    _must(run_dvc(copied, last_stage, **extra))
    return Project(
        folder=start,
        after=hashes(copied, last_stage),
        lock=(copied / "dvc.lock").read_text("utf-8"),
        writes=(),
        seconds=time.monotonic() - began,
        last_stage=last_stage,
    )


def hashes(folder: Path, last_stage: str) -> dict[str, str]:
    """Return the MD5 of dvc.lock and of every file that the stages up to `last_stage` write."""
    result = {}
    for name, stage in read_pipeline(folder / "dvc.yaml").items():
        for path in stage.written:
            files = [folder / path, *(folder / path).rglob("*")]
            for file in sorted(file for file in files if file.is_file()):
                result[str(file.relative_to(folder))] = _md5(file)
        if name == last_stage:
            break
    return {**result, "dvc.lock": _md5(folder / "dvc.lock")}


def next_run(project: Project, folder: Path) -> str | None:
    """Heal and run `folder` as `make repro` does; return what is wrong then, None if nothing is."""
    heal = _python(folder, "-m", "stages", "heal")
    if heal.returncode:
        return f"heal: {heal.stderr[-300:]}"
    process = run_dvc(folder, project.last_stage)
    if process.returncode:
        return f"dvc repro: {process.stderr[-300:]}"

    after = hashes(folder, project.last_stage)
    differing = [
        path
        for path in sorted(project.after.keys() | after.keys())
        if project.after.get(path) != after.get(path)
    ]
    left = [str(path) for path in folder.joinpath("data").rglob(".*.tmp")]
    return f"differs: {', '.join([*differing, *left][:5])}" if differing or left else None


def at_moments(project: Project, count: int, seed: int) -> Iterator[tuple[str, str | None]]:
    """Yield name and result of `count` kills at random moments of the run."""
    chance = random.Random(seed)
    for index in range(count):
        seconds = chance.random() * project.seconds
        alone = bool(index % 2)
        name = f"{'DVC alone' if alone else 'all'} after {seconds:.2f} s"

        def kill(process: subprocess.Popen[bytes], seconds: float, alone: bool) -> None:
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                if alone:
                    process.kill()
                else:
                    os.killpg(process.pid, signal.SIGKILL)
            process.wait()

        with _trial(project) as folder:
            process = start(folder, project.last_stage)
            kill(process, seconds, alone)
            yield name, next_run(project, folder)


def at_writes(
    project: Project, count: int, seed: int, alone: bool = False
) -> Iterator[tuple[str, str | None]]:
    """Yield name and result of kills just before `count` of the writes of a run; 0 is all.

    With `alone` they are writes of the last stage.
    """
    parts = by_stage(project)
    if alone:
        parts = parts[-1:]
    trials = [(part, write) for part in parts for write in part.writes]
    if count:
        trials = random.Random(seed).sample(trials, min(count, len(trials)))
    for part, write in trials:
        with _trial(part) as folder:
            process = start(folder, part.last_stage, KILLS_AT=write)
            status = process.wait()
            fault = next_run(part, folder)
            name = f"{part.last_stage}: {write}"
            yield name, fault if status else "the run did not come to this write"


def at_bytes_of_lock(project: Project, step: int) -> Iterator[tuple[str, str | None]]:
    """Yield name and result for dvc.lock of a finished run, cut at every `step`-th byte.

    Cuts from which the same file is rebuilt are tried once: with the lock at HEAD, and without. The
    copy that stages make is removed, since it would save every stage but the last.
    """
    tests: Any = import_module("tests.conftest")
    pipeline = {name: stage.written for name, stage in project.stages.items()}
    content = project.lock.encode()
    tried: set[tuple[str, bool]] = set()
    with _trial(project) as finished:
        _must(run_dvc(finished, project.last_stage))
        for with_head in (True, False):
            committed = project.lock if with_head else ""
            message = "lock" if with_head else "no lock"
            tests.git(
                finished, *(["add", "-A"] if with_head else ["rm", "-q", "--cached", "dvc.lock"])
            )
            identity = ("-c", "user.name=test", "-c", "user.email=test@localhost")
            tests.git(finished, *identity, "commit", "-qm", message)

            for length in range(0, len(content), step):
                text = decode(content[:length])
                damaged = why_damaged(text, committed, pipeline) is not None
                rebuilt = rebuild(text, [committed], pipeline).text if damaged else text
                name = f"dvc.lock cut at {length}, {message} at HEAD"
                if (rebuilt, with_head) in tried:
                    yield name, None
                    continue
                tried.add((rebuilt, with_head))
                (finished / LOCK_COPY).unlink(missing_ok=True)
                (finished / "dvc.lock").write_bytes(content[:length])
                yield name, next_run(project, finished)


def at_files(project: Project) -> Iterator[tuple[str, str | None]]:
    """Yield name and result for outputs and DVC's own files of a finished run, cut to a half."""
    with _trial(project) as folder:
        _must(run_dvc(folder, project.last_stage))
        # DVC keeps no run of a stage with an uncached output that is no metric; `commit` does.
        names = list(project.stages)
        _must(_python(folder, "-m", "dvc", "commit", "--force", "--quiet", *names))
        kinds: dict[str, list[Path]] = {}
        for name, stage in project.stages.items():
            outputs = [folder / path for path in stage.written]
            kinds[f"outputs of {name}"] = [path for path in outputs if path.is_file()]
        kinds["run cache"] = [path for path in (folder / ".dvc/cache/runs").rglob("*/*/*")]
        kinds["outputs in DVC's cache"] = list((folder / ".dvc/cache/files/md5").rglob("*/*"))
        kinds["DVC's state"] = list(Path(_site_folder(folder)).rglob("*.db"))
        kinds["rwlock"] = [folder / ".dvc/tmp/rwlock"]

        for kind, paths in kinds.items():
            for path in paths:
                _cut(path)
            if paths:
                yield f"{len(paths)} {kind}, cut to a half", next_run(project, folder)


def run_dvc(folder: Path, target: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Return what came of `dvc repro TARGET` in `folder`."""
    return _python(folder, "-m", "dvc", "repro", target, **extra)


def start(folder: Path, target: str, **extra: str) -> subprocess.Popen[bytes]:
    """Start DVC in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro", target],
        cwd=folder,
        env=_environment(folder, extra),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def copy(source: Path, target: Path) -> Path:
    """Copy a project with its DVC, and return the copy."""
    shutil.copytree(source, target, symlinks=True)
    return target


class _trial:  # noqa: N801  it reads as a function
    """A copy of the project for one trial, which is removed afterwards."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.parent = Path(tempfile.mkdtemp(prefix="trial-", dir=project.folder.parent))

    def __enter__(self) -> Path:
        return copy(self.project.folder, self.parent / "project")

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.parent)


def _site_folder(folder: Path) -> str:
    return str(folder.parent / f"{folder.name}-site")


def _environment(folder: Path, extra: Mapping[str, str]) -> dict[str, str]:
    return {
        **os.environ,
        "CI": "1",
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": _site_folder(folder),
        "PAIRSMITH_CACHE": str(folder.parent / "cache"),
        "PYTHONPATH": str(HOOK) if extra else "",
        "KILLS_ROOT": str(folder),
        **extra,
    }


def _python(folder: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=_environment(folder, extra),
        capture_output=True,
        text=True,
        check=False,
    )


def _cut(path: Path) -> None:
    """Cut a file to a half in place. Files in DVC's cache are read-only and stay so."""
    mode = path.stat().st_mode
    path.chmod(0o644)
    content = path.read_bytes()
    # Not by hard links: another file with these bytes stays as it is.
    path.unlink()
    path.write_bytes(content[: len(content) // 2])
    path.chmod(mode)


def _must(process: subprocess.CompletedProcess[str]) -> None:
    if process.returncode:
        raise RuntimeError(process.stdout[-1000:] + process.stderr[-2000:])


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def main() -> int:
    """Run the trials that the arguments name, and return 1 if one failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--moments", type=int, default=0, help="kills at random moments")
    parser.add_argument("--writes", type=int, help="kills at writes; 0 is each of them")
    parser.add_argument("--lock", type=int, default=0, help="cut dvc.lock at every such byte")
    parser.add_argument("--files", action="store_true", help="cut outputs and files of DVC")
    parser.add_argument("--repro", type=int, default=0, help="kills at moments of all stages")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stage", default=LAST_STAGE, help="the last stage that runs")
    parser.add_argument("--alone", action="store_true", help="with --writes: that stage alone")
    parser.add_argument("--json", action="store_true", help="print figures alone, as JSON")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        trials: dict[str, Callable[[], Iterator[tuple[str, str | None]]]] = {}
        if options.moments or options.writes is not None or options.lock or options.files:
            project = prepare(Path(folder), options.stage)
        if options.repro:
            last_stage = list(read_pipeline(ROOT / "dvc.yaml"))[-1]
            whole = prepare(Path(folder, "whole"), last_stage)
            trials["repro"] = lambda: at_moments(whole, options.repro, options.seed)
        if options.moments:
            trials["moments"] = lambda: at_moments(project, options.moments, options.seed)
        if options.writes is not None:
            trials["writes"] = lambda: at_writes(
                project, options.writes, options.seed, options.alone
            )
        if options.lock:
            trials["lock"] = lambda: at_bytes_of_lock(project, options.lock)
        if options.files:
            trials["files"] = lambda: at_files(project)

        figures: dict[str, int] = {}
        for kind, results in trials.items():
            figures[kind] = figures[f"{kind}_failed"] = 0
            for name, fault in results():
                figures[kind] += 1
                figures[f"{kind}_failed"] += fault is not None
                if not options.json or fault is not None:
                    sys.stderr.write(f"{name}: {fault or 'same bytes'}\n")
    sys.stdout.write(json.dumps(figures) + "\n")
    return int(any(count for name, count in figures.items() if name.endswith("_failed")))


if __name__ == "__main__":
    sys.exit(main())
