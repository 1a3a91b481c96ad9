"""A planted fault is seen by all tests of its part, and the test that notices it is named."""

import json
import subprocess
import sys

import pytest

from bench.faults import mutant_bed
from bench.mutants import PARTS, Mutant, read_explained
from tests.conftest import ROOT

SOURCE = """
LIMIT = 3
first = lambda number: number

def outer(number):
    def inner():
        return number
    return inner

class Box:
    sides = 4

    @property
    def size(self):
        return LIMIT
"""


@pytest.mark.parametrize(
    ("old", "new", "functions"),
    [
        ("return number", "return -number", ["outer"]),
        ("return LIMIT", "return 0", ["Box.size"]),
        ("LIMIT = 3", "LIMIT = 4", []),
        ("sides = 4", "sides = 5", []),
        ("number: number", "number: -number", []),
        ("outer(number)", "outer(number=1)", []),
    ],
)
def test_a_fault_in_a_function_is_new_code_of_this_function(old, new, functions):
    changed = mutant_bed.changed_functions(SOURCE, SOURCE.replace(old, new), "module.py")
    assert list(changed) == functions


def test_new_code_reaches_whoever_imported_the_function(tmp_path):
    file = tmp_path / "module.py"
    file.write_text(SOURCE)
    namespace = {}
    exec(compile(SOURCE, str(file), "exec"), namespace)
    imported = namespace["outer"]
    codes = mutant_bed.changed_functions(
        SOURCE, SOURCE.replace("return number", "return -number"), str(file)
    )
    assert imported(7)() == 7
    assert mutant_bed.swap(file, codes) == 1
    assert imported(7)() == -7
    assert mutant_bed.swap(tmp_path / "other.py", codes) == 0


def test_every_part_names_files_and_tests_that_exist():
    for part in PARTS.values():
        assert all((ROOT / "stages" / file).is_file() for file in part.files)
        assert all((ROOT / "tests" / name).exists() for name in part.tests)
        assert mutant_bed.files_of_tests(ROOT, part.tests)


def test_tests_that_need_the_tiny_project_are_left_out():
    files = mutant_bed.files_of_tests(ROOT, ["commands/compare"])
    assert "tests/commands/compare/test_verdicts.py" in files
    assert "tests/commands/compare/test_rescore.py" not in files


def test_a_change_is_shown_by_its_lines():
    file = "stages/pair/candidates.py"
    source = (ROOT / file).read_text("utf-8")
    (line,) = [line for line in source.splitlines() if line.startswith("MIN_WORDS = ")]
    mutant = Mutant("pair", file, 1, source.replace(line, "MIN_WORDS = 99"))
    assert mutant.change() == [f"- {line}", "+ MIN_WORDS = 99"]
    assert mutant.function() == ""


def test_every_fault_that_is_explained_can_still_be_planted():
    for (file, function, *change), reason in read_explained().items():
        old = [line.removeprefix("- ") for line in change if line.startswith("- ")]
        lines = [line.strip() for line in (ROOT / file).read_text("utf-8").splitlines()]
        places = [number for number, line in enumerate(lines, 1) if line == old[0]]
        assert reason
        assert function in [Mutant("", file, number, "").function() for number in places], old


PLANT = """
import sys
from pathlib import Path
from bench.faults import mutant_bed
from bench.faults.mutant_bed import Bed, Fault, ROOT

mutant_bed.HEAVY = ()
folder = Path(sys.argv[1])
file = "stages/pair/candidates.py"
source = (ROOT / file).read_text("utf-8")
faults = []
for key, old, new in (
    ("seen", "if not candidates", "if candidates"),
    ("unseen", "max(parts, key=len)", "min(parts)"),
    ("outside", "MIN_WORDS = 4", "MIN_WORDS = 5"),
    ("import", "MIN_WORDS = 4", "MIN_WORDS = four"),
):
    assert old in source
    faults.append(Fault(file, source.replace(old, new), key))
Bed(folder / "tree").run(["pair/test_candidates.py"], "not slow", faults, folder / "found.jsonl")
assert (folder / "tree" / file).read_text("utf-8") == source
"""


@pytest.mark.slow
def test_a_fault_is_noticed_by_the_test_that_fails(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PLANT, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = (tmp_path / "found.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [
        ["seen", "tests/pair/test_candidates.py::test_a_row_names_its_recipe"],
        ["unseen", ""],
        ["outside", ""],
        ["import", mutant_bed.STOPPED],
    ]
