"""A GPU where there is one, and a word where one is asked for that is not there."""

import pytest

from stages.finetune.devices import Device, choose, pick
from stages.lib.errors import Problem


@pytest.mark.parametrize(
    ("wanted", "cuda", "mps", "chosen"),
    [
        ("auto", False, False, "cpu"),
        ("auto", True, False, "cuda"),
        ("auto", False, True, "mps"),
        ("auto", True, True, "cuda"),
        ("cpu", True, True, "cpu"),
        ("mps", False, True, "mps"),
    ],
)
def test_the_fastest_of_what_there_is(wanted, cuda, mps, chosen):
    assert choose(wanted, cuda, mps) == chosen


@pytest.mark.parametrize("wanted", ["cuda", "mps"])
def test_what_is_not_there_is_told(wanted):
    with pytest.raises(
        Problem, match=rf"finetune.device is {wanted}, but torch finds none here(.|\n)*device: auto"
    ):
        choose(wanted, cuda=False, mps=False)


def test_a_processor_computes_in_full_precision():
    assert pick("cpu", bf16=True) == Device("cpu", bf16=False)
