"""Properties take few examples in `make check`, more in `make test`, and all in `make prove`."""

from pathlib import Path

import pytest
from hypothesis import settings

from tests.properties import FULL, LIMITS, examples


@pytest.fixture
def profile(request):
    """Load a profile for one test."""
    before = settings.get_current_profile_name()
    settings.load_profile(request.param)
    yield request.param
    settings.load_profile(before)


@pytest.mark.parametrize(
    ("profile", "number", "tried"),
    [
        (FULL, 60, 60),
        (FULL, 400, 400),
        ("gate", 400, 25),
        ("gate", 20, 20),
        ("check", 60, 10),
        ("check", 3, 3),
    ],
    indirect=["profile"],
)
def test_the_profile_limits_the_number_of_examples(profile, number, tried):
    assert examples(number).max_examples == tried
    assert examples(number).deadline is None


@pytest.mark.parametrize(
    ("profile", "tried"), [(FULL, 60), ("gate", 4), ("check", 4)], indirect=["profile"]
)
def test_a_costly_property_tries_few_outside_of_the_proofs(profile, tried):
    assert examples(60, at_most=4).max_examples == tried


def test_make_check_and_make_prove_name_a_profile():
    lines = Path("Makefile").read_text("utf-8").splitlines()
    named = [line.strip() for line in lines if "--hypothesis-profile" in line]
    assert ["check -m" in line for line in named] == [True, False]
    proofs = 'full -m "(prove or hypothesis or fuzz) and not study and not speed"'
    assert [proofs in line for line in named] == [False, True]


def test_make_prove_runs_all_that_counts_its_inputs():
    """A suite that asks for `seeds` tries more of them there, so it needs the mark."""
    files = [path for path in Path("tests").rglob("test_*.py") if path.name != Path(__file__).name]
    texts = {path.name: path.read_text("utf-8") for path in files}
    counting = {name for name, text in texts.items() if "in seeds(" in text}
    assert counting == {"test_fuzz_commands.py", "test_fuzz_readers.py", "test_fuzz_texts.py"}
    assert counting == {name for name, text in texts.items() if "pytest.mark.fuzz" in text}


def test_profiles_have_a_number_of_examples_and_no_deadline():
    numbers = {name: settings.get_profile(name).max_examples for name in [FULL, *LIMITS]}
    assert numbers == {FULL: 100, "gate": 25, "check": 10}
    assert all(settings.get_profile(name).deadline is None for name in numbers)
