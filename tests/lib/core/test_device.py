"""One device for all stages: what each name means on each machine, and an error where it is not there."""

import pytest

from stages.lib.core.device import CPU, Device, choose_device
from stages.lib.core.errors import UserError
from stages.lib.core.params import RunParams


def run_params(device, precision="float32"):
    return RunParams(seed=13, threads=2, device=device, precision=precision)


@pytest.fixture
def machine(monkeypatch):
    """Return a function that lets torch find a GPU, or none."""
    import torch

    def pretend(*, cuda=False, mps=False, bf16=True):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: bf16)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H200")

    return pretend


@pytest.mark.parametrize(
    ("name", "cuda", "mps", "kind"),
    [
        ("auto", False, False, "cpu"),
        ("auto", True, False, "cuda"),
        ("auto", False, True, "mps"),
        ("auto", True, True, "cuda"),
        ("cpu", True, True, "cpu"),
        ("cuda", True, False, "cuda"),
        ("mps", False, True, "mps"),
    ],
)
def test_auto_is_the_fastest_that_there_is_and_all_others_are_what_they_say(
    machine, name, cuda, mps, kind
):
    machine(cuda=cuda, mps=mps)
    assert choose_device(run_params(name)) == Device(kind, "float32")


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_missing_device_is_an_error(machine, name):
    machine()
    fact = rf"run.device is {name}, but torch finds none here(.|\n)*run.device: cpu, or install"
    with pytest.raises(UserError, match=fact):
        choose_device(run_params(name))


def test_a_processor_computes_in_float32_whatever_the_precision_is(machine):
    machine()
    assert choose_device(run_params("cpu", "bfloat16")) == CPU
    assert choose_device(run_params("auto", "bfloat16")) == CPU


def test_a_gpu_computes_in_the_precision_of_the_parameter(machine):
    machine(cuda=True)
    assert choose_device(run_params("auto", "bfloat16")) == Device("cuda", "bfloat16")
    assert choose_device(run_params("auto", "float32")) == Device("cuda", "float32")


@pytest.mark.parametrize(("name", "cuda", "mps"), [("cuda", True, False), ("mps", False, True)])
def test_a_gpu_without_bfloat16_is_an_error(machine, name, cuda, mps):
    machine(cuda=cuda, mps=mps, bf16=False)
    fact = rf"run.precision is bfloat16, but this {name} device has none(.|\n)*precision: float32"
    with pytest.raises(UserError, match=fact):
        choose_device(run_params(name, "bfloat16"))


def test_a_file_without_the_keys_computes_on_the_processor():
    assert choose_device(RunParams(seed=13, threads=2)) == CPU


def test_results_compare_by_kind_and_precision_and_keys_know_the_gpu_too(machine):
    machine(cuda=True)
    devices = [CPU, Device("cuda"), Device("cuda", "bfloat16"), Device("mps")]
    assert [device.class_name for device in devices] == [
        "cpu",
        "cuda float32",
        "cuda bfloat16",
        "mps float32",
    ]
    assert [device.key_suffix for device in devices] == [
        "",
        " cuda float32 NVIDIA H200",
        " cuda bfloat16 NVIDIA H200",
        " mps float32",
    ]


def test_a_pass_computes_in_bfloat16_only_where_the_device_does():
    import torch

    left, right = torch.ones(2, 2), torch.ones(2, 2)
    with CPU.autocast():
        assert (left @ right).dtype == torch.float32
    with Device("cpu", "bfloat16").autocast():
        assert (left @ right).dtype == torch.bfloat16
