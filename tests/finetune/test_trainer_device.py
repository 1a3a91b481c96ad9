"""A GPU where there is one, and an error where a device is not there."""

import pytest

from stages.finetune.trainer import Device, choose_device, pick_device
from stages.lib.core.errors import UserError


@pytest.mark.parametrize(
    ("name", "cuda", "mps", "kind"),
    [
        ("auto", False, False, "cpu"),
        ("auto", True, False, "cuda"),
        ("auto", False, True, "mps"),
        ("auto", True, True, "cuda"),
        ("cpu", True, True, "cpu"),
        ("mps", False, True, "mps"),
    ],
)
def test_the_fastest_of_what_there_is(name, cuda, mps, kind):
    assert choose_device(name, cuda, mps) == kind


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_missing_device_is_an_error(name):
    with pytest.raises(
        UserError, match=rf"finetune.device is {name}, but torch finds none here(.|\n)*device: auto"
    ):
        choose_device(name, has_cuda=False, has_mps=False)


def test_a_processor_computes_in_full_precision():
    assert pick_device("cpu", bf16=True) == Device("cpu", bf16=False)
