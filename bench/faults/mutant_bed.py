"""A copy of the project in which a fault is planted, and its tests are run.

The tests run in forked processes, so that heavy modules are imported once.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
# Imported once, before processes for tests are forked. None is a module of the project.
HEAVY = (
    "numpy", "pandas", "pandera.pandas", "pyarrow.parquet", "hypothesis.strategies", "scipy.stats",
    "pydantic", "ruamel.yaml", "typer.testing", "torch", "sentence_transformers", "lmdb", "bm25s",
)  # fmt: skip
MEMORY_BYTES = 12 << 30
# The exit code of pytest where no test has the marks.
NO_TESTS = 5


def copy_tree(target: Path) -> None:
    """Copy what git knows or would take."""
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target / name)


def files_of_tests(tree: Path, tests: Sequence[str]) -> list[str]:
    """Return the test files below tests/ that need no run of the tiny project."""
    files: list[Path] = []
    for name in tests:
        place = tree / "tests" / name
        files += sorted(place.rglob("test_*.py")) if place.is_dir() else [place]
    return [
        str(file.relative_to(tree))
        for file in files
        if "tiny_project" not in file.read_text("utf-8")
    ]


class InOrder:
    """A plugin of pytest that keeps the order of the files, and writes the seconds of each to a file."""

    def __init__(self, files: Sequence[str], seconds_file: Path) -> None:
        self._place = {file: place for place, file in enumerate(files)}
        self._seconds_file = seconds_file
        self._seconds: dict[str, float] = defaultdict(float)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Sort the tests by the place of their file."""
        items.sort(key=lambda item: self._place[item.nodeid.split("::")[0]])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add the seconds of a test."""
        self._seconds[report.nodeid.split("::")[0]] += report.duration

    def pytest_sessionfinish(self) -> None:
        """Write the seconds."""
        self._seconds_file.write_text(json.dumps(self._seconds), "utf-8")


def run_tests(
    tree: Path, files: Sequence[str], marks: str, timeout: float
) -> tuple[bool, dict[str, float]]:
    """Run test files of the copy until a test fails; return whether all passed, and seconds by file.

    The tests run in a forked process, so that heavy modules are imported once.

    Args:
        tree: the copy.
        files: the test files, in order.
        marks: which tests run, as pytest's option -m says it.
        timeout: seconds after which the tests count as failed.
    """
    seconds_file = tree.parent / "seconds.json"
    seconds_file.unlink(missing_ok=True)
    process = os.fork()
    if not process:
        _run_forked(tree, files, marks, seconds_file)

    # A process that hangs goes with all that it started.
    end = time.monotonic() + timeout
    done, status = os.waitpid(process, os.WNOHANG)
    while not done and time.monotonic() < end:
        time.sleep(0.05)
        done, status = os.waitpid(process, os.WNOHANG)
    if not done:
        os.killpg(process, signal.SIGKILL)
        os.waitpid(process, 0)

    passed = bool(done) and os.waitstatus_to_exitcode(status) in (0, NO_TESTS)
    return passed, json.loads(seconds_file.read_text("utf-8")) if seconds_file.exists() else {}


def _run_forked(tree: Path, files: Sequence[str], marks: str, seconds_file: Path) -> None:
    """Run the tests, and end the process with the exit code of pytest."""
    code = 70
    try:
        os.setsid()
        os.chdir(tree)
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
        output = os.open(tree.parent / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)

        # Only the code of the copy is seen.
        own = {str(ROOT), str(ROOT / "bench")}
        sys.path[:] = [str(tree), *(place for place in sys.path if place not in own)]
        for name in [name for name in sys.modules if name.split(".")[0] == "bench"]:
            del sys.modules[name]
        options = ["-x", "-q", "-p", "no:cacheprovider", "-m", marks]
        options += ["--basetemp", str(tree.parent / "tests")]
        code = int(pytest.main([*options, *files], plugins=[InOrder(files, seconds_file)]))
    finally:
        os._exit(code)


class Bed:
    """A copy of the project in which faults are planted.

    Args:
        tree: where the copy is made.
        tests: the files and folders below tests/ that must see the faults of each part.
    """

    def __init__(self, tree: Path, tests: Mapping[str, Sequence[str]]) -> None:
        self._tree = tree
        self._tests = tests
        self._seconds: dict[tuple[str, str], dict[str, float]] = {}
        copy_tree(tree)
        for name in HEAVY:
            import_module(name)

    def notices(self, part: str, file: str, source: str, marks: str) -> bool:
        """Return True if a test of the part with these marks fails where the file has this source.

        Raises:
            SystemExit: a test fails without a fault.
        """
        if (part, marks) not in self._seconds:
            self._run_without_fault(part, marks)

        # Tests of the same name first, then the fastest.
        seconds = self._seconds[part, marks]
        name = f"test_{Path(file).stem}"
        files = sorted(
            seconds, key=lambda test: (not Path(test).stem.startswith(name), seconds[test])
        )

        # Python would take the compiled file for that of a source of the same second and size.
        planted = self._tree / file
        planted.write_text(source, "utf-8")
        for compiled in planted.parent.glob(f"__pycache__/{planted.stem}.*"):
            compiled.unlink()
        passed, _ = run_tests(self._tree, files, marks, 4 * sum(seconds.values()) + 60)
        shutil.copyfile(ROOT / file, planted)
        return not passed

    def _run_without_fault(self, part: str, marks: str) -> None:
        files = files_of_tests(self._tree, self._tests[part])
        passed, seconds = run_tests(self._tree, files, marks, 3600)
        if not passed:
            output = (self._tree.parent / "output.txt").read_text("utf-8")
            raise SystemExit(f"Without a fault the tests of {part} fail:\n{output[-3000:]}")

        self._seconds[part, marks] = seconds
        total = sum(seconds.values())
        print(f"{part}: {total:.0f} s {marks}, without a fault", file=sys.stderr, flush=True)
