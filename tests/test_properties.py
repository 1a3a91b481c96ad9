"""Properties take few examples in `make check` and all of them everywhere else."""

from pathlib import Path

import pytest
from hypothesis import settings

from tests.properties import CHECK, FEW, examples


@pytest.fixture
def profile(request):
    """Load a profile for one test."""
    before = settings.get_current_profile_name()
    settings.load_profile(request.param)
    yield request.param
    settings.load_profile(before)


@pytest.mark.parametrize(
    ("profile", "number", "tried"),
    [("full", 60, 60), ("full", 400, 400), (CHECK, 60, FEW), (CHECK, 3, 3)],
    indirect=["profile"],
)
def test_the_profile_limits_the_number_of_examples(profile, number, tried):
    assert examples(number).max_examples == tried
    assert examples(number).deadline is None


def test_make_check_names_the_profile_and_make_test_does_not():
    lines = Path("Makefile").read_text("utf-8").splitlines()
    runs = [line for line in lines if f"--hypothesis-profile {CHECK}" in line]
    assert ["not slow" in line for line in runs] == [True]


def test_profiles_have_a_number_of_examples_and_no_deadline():
    assert settings.get_profile("full").max_examples == 100
    assert settings.get_profile(CHECK).max_examples == FEW
    assert settings.get_profile("full").deadline is None
    assert settings.get_profile(CHECK).deadline is None
