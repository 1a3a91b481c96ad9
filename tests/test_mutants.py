"""A planted fault is shown to the tests that enter its function, and those that notice it are named."""

import subprocess
import sys

import pytest

from bench.faults import mutant_bed
from bench.mutants import PARTS, Mutant, read_explained
from tests.conftest import ROOT

SOURCE = '''"""A module."""

LIMIT = 3


def outer(number):
    """Return a function."""

    def inner():
        return number

    return inner


class Box:
    @property
    def size(self):
        return LIMIT
'''


@pytest.mark.parametrize(
    ("line", "start"), [(3, None), (6, 6), (7, 6), (10, 9), (12, 6), (15, None), (16, 16), (18, 16)]
)
def test_a_line_belongs_to_the_innermost_function(line, start):
    assert mutant_bed.function_of_line(SOURCE, line) == start


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


def test_every_fault_that_is_explained_can_still_be_planted():
    for (file, *change), reason in read_explained().items():
        old = [line.removeprefix("- ") for line in change if line.startswith("- ")]
        lines = [line.strip() for line in (ROOT / file).read_text("utf-8").splitlines()]
        assert reason
        assert set(old) <= set(lines), f"{file}: {old}"


PLANT = """
import sys
from pathlib import Path
from bench.faults import mutant_bed
from bench.faults.mutant_bed import Bed, ROOT

mutant_bed.HEAVY = ()
folder = Path(sys.argv[1])
bed = Bed(folder / "tree", {"pair": ("pair/test_candidates.py",)}, folder)
file = "stages/pair/candidates.py"
source = (ROOT / file).read_text("utf-8")
for old, new in (("max(parts, key=len)", "min(parts)"), ("if not candidates", "if candidates")):
    assert old in source
    line = source[: source.index(old)].count(chr(10)) + 1
    print(bed.notices("pair", file, line, source.replace(old, new), "not slow") or "none")
print((folder / "tree" / file).read_text("utf-8") == source)
"""


@pytest.mark.slow
def test_a_fault_is_noticed_and_the_copy_is_as_before(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PLANT, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    not_entered, planted, is_restored = done.stdout.splitlines()
    assert not_entered == "none"
    assert planted == "tests/pair/test_candidates.py::test_a_row_names_its_recipe"
    assert is_restored == "True"
    assert (tmp_path / "pair, not slow.json").is_file()
