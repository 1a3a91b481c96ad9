"""A copy of the project in which faults are planted, and its tests are run.

The tests of a part are collected once, in a process that imports the code without a fault. For each
fault that process forks, and the fork gives the changed function its new code: whoever imported the
function sees it. A fault outside of functions is planted in the file, and the tests are collected
anew. A test that fails runs again without the fault, and must pass.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import CodeType, FunctionType
from typing import NamedTuple, TypeGuard

import pytest

ROOT = Path(__file__).parent.parent.parent
# Imported once, before processes for tests are forked. None is a module of the project.
HEAVY = (
    "numpy", "pandas", "pandera.pandas", "pyarrow.parquet", "hypothesis.strategies", "scipy.stats",
    "pydantic", "ruamel.yaml", "typer.testing", "torch", "sentence_transformers", "lmdb", "bm25s",
)  # fmt: skip
MEMORY_BYTES = 12 << 30
# Processor time after which the tests of one fault count as failed, and a limit for a standstill.
PROCESSOR_SECONDS = 600
SECONDS = 7200
OPTIMIZED = 0x1  # the flag of the code of a function
STOPPED = "(stopped)"


class Fault(NamedTuple):
    """A file, its source with the fault, and a name for what is found."""

    file: str
    source: str
    key: str


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


def codes_of_functions(code: CodeType) -> dict[str, CodeType]:
    """Return the codes of the functions and methods of a module by qualified name."""
    codes: dict[str, CodeType] = {}
    for constant in code.co_consts:
        if _is_function(constant):
            codes[constant.co_qualname] = constant
        elif isinstance(constant, CodeType):
            codes |= codes_of_functions(constant)
    return codes


def _is_function(constant: object) -> TypeGuard[CodeType]:
    """Return True for the code of a function that has a name of its own."""
    if not isinstance(constant, CodeType):
        return False
    return bool(constant.co_flags & OPTIMIZED) and not constant.co_name.startswith("<")


def changed_functions(before: str, after: str, name: str) -> dict[str, CodeType]:
    """Return the new code of each function that differs; none if something else differs.

    >>> list(changed_functions("def f(): return 1", "def f(): return 2", "m.py"))
    ['f']
    >>> changed_functions("def f(x=1): return x", "def f(x=2): return x", "m.py")
    {}
    """
    old_module = compile(before, name, "exec")
    new_module = compile(after, name, "exec")
    old = codes_of_functions(old_module)
    new = codes_of_functions(new_module)
    changed = {name: code for name, code in new.items() if old.get(name) != code}

    # With the old functions in place of the new ones nothing must differ.
    return changed if _without_functions(old_module) == _without_functions(new_module) else {}


def _without_functions(code: CodeType) -> tuple[object, ...]:
    constants = [
        _without_functions(constant) if isinstance(constant, CodeType) else repr(constant)
        for constant in code.co_consts
        if not _is_function(constant)
    ]
    return code.co_code, code.co_names, tuple(constants)


def swap(file: Path, codes: dict[str, CodeType]) -> int:
    """Give the functions of `file` that are in memory their new code; return how many there are."""
    count = 0
    for found in gc.get_objects():
        if isinstance(found, FunctionType) and found.__code__.co_filename == str(file):
            name = found.__code__.co_qualname
            if name in codes:
                found.__code__ = codes[name]
                count += 1
    return count


class FaultLoop:
    """A plugin of pytest that runs the collected tests once for each fault, until one fails.

    Args:
        tree: the copy of the project.
        faults: the faults.
        found: a file that gets, as JSON, the key of each fault and the test that failed, or "".
        is_planted: whether the file in the copy has the fault already.
    """

    def __init__(
        self, tree: Path, faults: Sequence[Fault], found: Path, *, is_planted: bool
    ) -> None:
        self._tree = tree
        self._faults = faults
        self._found = found
        self._is_planted = is_planted
        self._failed = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the first test that fails."""
        if report.failed and not self._failed:
            self._failed = report.nodeid

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the tests for each fault, in a fork of this process."""
        for fault in self._faults:
            codes: dict[str, CodeType] = {}
            if not self._is_planted:
                before = (self._tree / fault.file).read_text("utf-8")
                codes = changed_functions(before, fault.source, str(self._tree / fault.file))
                if not codes:
                    continue
            items = in_order(session.items, fault.file)
            test = self._first_failure(items, fault.file, codes)
            again = [item for item in items if item.nodeid == test]
            if again and not self._is_planted and self._first_failure(again, fault.file, {}):
                pytest.exit(f"{test} fails without a fault", 1)
            with self._found.open("a", encoding="utf-8") as file:
                file.write(json.dumps([fault.key, test]) + "\n")
        return True

    def _first_failure(
        self, items: Sequence[pytest.Item], file: str, codes: dict[str, CodeType]
    ) -> str:
        reading, writing = os.pipe()
        process = os.fork()
        if not process:
            self._run(items, file, codes, writing)

        os.close(writing)
        ready, _, _ = select.select([reading], [], [], SECONDS)
        test = os.read(reading, 10_000).decode() if ready else ""
        os.close(reading)
        if not ready:
            os.killpg(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        return test if os.waitstatus_to_exitcode(status) == 0 else STOPPED

    def _run(
        self, items: Sequence[pytest.Item], file: str, codes: dict[str, CodeType], writing: int
    ) -> None:
        """Run the tests, write the first that fails, and end the process."""
        exit_code = 1
        try:
            os.setsid()
            limit = int(sum(resource.getrusage(resource.RUSAGE_SELF)[:2])) + PROCESSOR_SECONDS
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
            if codes and not swap(self._tree / file, codes):
                raise LookupError(f"no function of {file} is in memory: {sorted(codes)}")
            for item, after in zip(items, [*items[1:], None], strict=True):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
                if self._failed:
                    break
            os.write(writing, self._failed.encode())
            exit_code = 0
        finally:
            os._exit(exit_code)


def in_order(items: Sequence[pytest.Item], file: str) -> list[pytest.Item]:
    """Return the tests, those that look likely to notice a fault of `file` first.

    First come the examples in its docstrings, then the test files of its name, then those that
    import it. Examples of other files are left out.
    """
    module = file.removesuffix(".py").replace("/", ".")
    name = f"test_{Path(file).stem}"
    place_of_path: dict[Path, int] = {}

    def place(item: pytest.Item) -> int:
        if "[stages." in item.nodeid:
            return 0 if item.nodeid.endswith(f"[{module}]") else -1
        if item.path not in place_of_path:
            imports = 2 if module in item.path.read_text("utf-8") else 3
            place_of_path[item.path] = 1 if item.path.stem.startswith(name) else imports
        return place_of_path[item.path]

    return sorted([item for item in items if place(item) >= 0], key=place)


class Bed:
    """A copy of the project in which faults are planted, at `tree`."""

    def __init__(self, tree: Path) -> None:
        self._tree = tree
        copy_tree(tree)
        for name in HEAVY:
            import_module(name)

    def run(self, tests: Sequence[str], marks: str, faults: Sequence[Fault], found: Path) -> None:
        """Show faults to tests, and write to `found` which test noticed each.

        Args:
            tests: files and folders below tests/.
            marks: which of the tests run, as pytest's option -m says it.
            faults: the faults.
            found: a file of JSON lines.

        Raises:
            SystemExit: the tests do not run, or one fails without a fault.
        """
        self._collect_and_run(tests, marks, faults, found, is_planted=False)

        # What is left stands outside of functions.
        known = dict(map(json.loads, found.read_text("utf-8").splitlines()))
        for fault in faults:
            if fault.key in known:
                continue
            planted = self._tree / fault.file
            planted.write_text(fault.source, "utf-8")
            try:
                self._collect_and_run(tests, marks, [fault], found, is_planted=True)
            finally:
                shutil.copyfile(ROOT / fault.file, planted)

    def _collect_and_run(
        self,
        tests: Sequence[str],
        marks: str,
        faults: Sequence[Fault],
        found: Path,
        *,
        is_planted: bool,
    ) -> None:
        found.touch()
        count = len(found.read_text("utf-8").splitlines())
        process = os.fork()
        if not process:
            loop = FaultLoop(self._tree, faults, found, is_planted=is_planted)
            _collect(self._tree, files_of_tests(self._tree, tests), marks, loop)

        _, status = os.waitpid(process, 0)
        if os.waitstatus_to_exitcode(status) == 0:
            return
        output = (self._tree.parent / "output.txt").read_text("utf-8", "replace")
        if not is_planted:
            raise SystemExit(f"The tests do not run without a fault:\n{output[-3000:]}")
        # A fault that stops the import is noticed.
        if count == len(found.read_text("utf-8").splitlines()):
            with found.open("a", encoding="utf-8") as file:
                file.write(json.dumps([faults[0].key, STOPPED]) + "\n")


def _collect(tree: Path, files: Sequence[str], marks: str, loop: FaultLoop) -> None:
    """Let pytest collect the test files and run the loop, and end the process."""
    code = 70
    try:
        os.chdir(tree)
        output = os.open(tree.parent / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)

        # Only the code of the copy is seen. Compiled files would be taken for those of a planted
        # source of the same size and second.
        sys.dont_write_bytecode = True
        own = {str(ROOT), str(ROOT / "bench")}
        sys.path[:] = [str(tree), *(place for place in sys.path if place not in own)]
        for name in [name for name in sys.modules if name.split(".")[0] == "bench"]:
            del sys.modules[name]
        options = ["-q", "-p", "no:cacheprovider", "--hypothesis-profile", "check", "-m", marks]
        options += ["--basetemp", str(tree.parent / "tests")]
        code = int(pytest.main([*options, *files], plugins=[loop]))
    finally:
        os._exit(0 if code in (0, pytest.ExitCode.NO_TESTS_COLLECTED) else code or 70)
