"""A copy of the project in which a fault is planted, and the tests that reach it are run.

The tests of a part run once without a fault. That tells which functions each test enters, so a
fault is shown only to tests that enter its function. Tests run in forked processes, so that heavy
modules are imported once.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

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
OPTIONS = ("-x", "-q", "-p", "no:cacheprovider", "--hypothesis-profile", "check")


class Reached(NamedTuple):
    """The seconds of a test, and the functions that it enters, each by file and first line."""

    seconds: float
    functions: frozenset[tuple[str, int]]


class Reach:
    """A plugin of pytest that writes what each test enters of the code below stages/."""

    def __init__(self, tree: Path, result: Path) -> None:
        self._root = str(tree / "stages")
        self._tree = tree
        self._result = result
        self._codes: dict[int, CodeType] = {}
        self._entered: set[int] = set()
        self._of_imports: set[int] = set()
        self._of_file: dict[str, set[int]] = defaultdict(set)
        self._of_test: dict[str, set[int]] = {}
        self._seconds: dict[str, float] = defaultdict(float)

    def _enter(self, frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if event == "call" and id(code) not in self._entered:
            self._entered.add(id(code))
            self._codes[id(code)] = code

    def pytest_sessionstart(self) -> None:
        """Begin to watch."""
        threading.setprofile(self._enter)
        sys.setprofile(self._enter)

    def pytest_collection_finish(self) -> None:
        """Keep what imports entered: it counts for all tests."""
        self._of_imports = set(self._entered)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        """Keep what fixtures enter: it counts for all tests of the file."""
        self._entered.clear()
        yield
        self._of_file[item.nodeid.split("::")[0]] |= self._entered

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Keep what a test enters."""
        sys.setprofile(self._enter)
        yield
        self._of_test[item.nodeid] = set(self._entered)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add the seconds of a test."""
        self._seconds[report.nodeid] += report.duration

    def pytest_sessionfinish(self) -> None:
        """Write what was entered."""
        sys.setprofile(None)
        threading.setprofile(None)
        rows = {}
        for test, entered in self._of_test.items():
            every = entered | self._of_imports | self._of_file[test.split("::")[0]]
            codes = [self._codes[number] for number in every]
            places = [
                (str(Path(code.co_filename).relative_to(self._tree)), code.co_firstlineno)
                for code in codes
                if code.co_filename.startswith(self._root)
            ]
            rows[test] = [self._seconds[test], sorted(places)]
        self._result.write_text(json.dumps(rows), "utf-8")


class Chosen:
    """A plugin of pytest that runs the named tests alone, in their order."""

    def __init__(self, tests: Sequence[str]) -> None:
        self._place = {test: place for place, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave the others out."""
        chosen = [item for item in items if item.nodeid in self._place]
        items[:] = sorted(chosen, key=lambda item: self._place[item.nodeid])


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


def function_of_line(source: str, line: int) -> int | None:
    """Return the first line of the innermost function around a line; None outside of functions."""
    starts = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            start = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            if start <= line <= (node.end_lineno or node.lineno):
                starts.append(start)
    return max(starts, default=None)


def run_tests(
    tree: Path, files: Sequence[str], marks: str, plugin: Reach | Chosen, timeout: float
) -> bool:
    """Run test files of the copy in a forked process until a test fails; return True if none does.

    Args:
        tree: the copy.
        files: the test files.
        marks: which tests run, as pytest's option -m says it.
        plugin: what is done with the tests.
        timeout: seconds after which the tests count as failed.
    """
    process = os.fork()
    if not process:
        _run_forked(tree, [*OPTIONS, "-m", marks, *files], plugin)

    # A process that hangs goes with all that it started.
    end = time.monotonic() + timeout
    done, status = os.waitpid(process, os.WNOHANG)
    while not done and time.monotonic() < end:
        time.sleep(0.05)
        done, status = os.waitpid(process, os.WNOHANG)
    if not done:
        os.killpg(process, signal.SIGKILL)
        os.waitpid(process, 0)
    return bool(done) and os.waitstatus_to_exitcode(status) in (0, NO_TESTS)


def _run_forked(tree: Path, arguments: Sequence[str], plugin: Reach | Chosen) -> None:
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
        temporary = ["--basetemp", str(tree.parent / "tests")]
        code = int(pytest.main([*temporary, *arguments], plugins=[plugin]))
    finally:
        os._exit(code)


class Bed:
    """A copy of the project in which faults are planted.

    Args:
        tree: where the copy is made.
        tests: the files and folders below tests/ that must see the faults of each part.
        kept: a folder for what the tests enter, which later runs of the same code use.
    """

    def __init__(self, tree: Path, tests: Mapping[str, Sequence[str]], kept: Path) -> None:
        self._tree = tree
        self._tests = tests
        self._kept = kept
        self._reached: dict[tuple[str, str], dict[str, Reached]] = {}
        copy_tree(tree)
        for name in HEAVY:
            import_module(name)

    def notices(self, part: str, file: str, line: int, source: str, marks: str) -> str:
        """Return a test of the part that fails where the file has this source; "" if none does.

        Raises:
            SystemExit: a test fails without a fault.
        """
        if (part, marks) not in self._reached:
            self._run_without_fault(part, marks)
        reached = self._reached[part, marks]
        tests = self._tests_of(reached, file, line)
        if not tests:
            return ""

        # Python would take the compiled file for that of a source of the same second and size.
        planted = self._tree / file
        planted.write_text(source, "utf-8")
        for compiled in planted.parent.glob(f"__pycache__/{planted.stem}.*"):
            compiled.unlink()
        files = sorted({test.split("::")[0] for test in tests})
        timeout = 4 * sum(reached[test].seconds for test in tests) + 60
        passed = run_tests(self._tree, files, marks, Chosen(tests), timeout)
        shutil.copyfile(ROOT / file, planted)
        return "" if passed else self._failed_test()

    def _tests_of(self, reached: Mapping[str, Reached], file: str, line: int) -> list[str]:
        """Return the tests that enter the function of a line, the fastest first.

        Code outside of functions counts as entered by all. So do tests that enter nothing: they
        start processes of their own.
        """
        start = function_of_line((ROOT / file).read_text("utf-8"), line)
        tests = [
            test
            for test, facts in reached.items()
            if start is None or not facts.functions or (file, start) in facts.functions
        ]
        return sorted(tests, key=lambda test: (reached[test].seconds, test))

    def _failed_test(self) -> str:
        lines = (self._tree.parent / "output.txt").read_text("utf-8", "replace").splitlines()
        failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
        return failed[0].split(" - ")[0].split(" ", 1)[1] if failed else "stopped, or no end"

    def _run_without_fault(self, part: str, marks: str) -> None:
        """Learn what the tests of a part enter. Test files that were seen before do not run."""
        kept_file = self._kept / f"{part}, {marks}.json"
        kept = json.loads(kept_file.read_text("utf-8")) if kept_file.exists() else {}
        names = {
            f"{file} {hashlib.sha256((self._tree / file).read_bytes()).hexdigest()}": file
            for file in files_of_tests(self._tree, self._tests[part])
        }
        new = [file for name, file in names.items() if name not in kept]

        start = time.monotonic()
        result = self._tree.parent / "reached.json"
        result.write_text("{}", "utf-8")
        if new and not run_tests(self._tree, new, marks, Reach(self._tree, result), 3600):
            output = (self._tree.parent / "output.txt").read_text("utf-8", "replace")
            raise SystemExit(f"Without a fault the tests of {part} fail:\n{output[-3000:]}")

        rows = json.loads(result.read_text("utf-8"))
        for name, file in names.items():
            if file in new:
                tests = {test: row for test, row in rows.items() if test.split("::")[0] == file}
                kept[name] = tests
        kept_file.write_text(json.dumps(kept), "utf-8")
        self._reached[part, marks] = {
            test: Reached(seconds, frozenset((file, line) for file, line in places))
            for name in names
            for test, (seconds, places) in kept[name].items()
        }
        told = f"{part}, {marks}: {len(rows)} tests without a fault"
        print(f"{told}, {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
