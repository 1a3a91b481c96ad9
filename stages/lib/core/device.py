"""The device that a model computes on: the processor, or a GPU.

`run.device` decides for all stages that embed, score or train. On the processor every result is
the same to the bit. On a GPU it is not: the order of its sums depends on the size of a batch and on
the kind of GPU. So `auto` is no default, and what was computed says on which class of device.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, NamedTuple

from stages.lib.core.errors import UserError
from stages.lib.core.params import RunParams

Kind = Literal["cpu", "cuda", "mps"]
Precision = Literal["float32", "bfloat16"]


class Device(NamedTuple):
    """Where a model computes, and in which numbers. A processor computes in float32 alone."""

    kind: Kind
    precision: Precision = "float32"

    @property
    def is_cpu(self) -> bool:
        """Return whether this is the processor, where all bits are the same each time."""
        return self.kind == "cpu"

    @property
    def class_name(self) -> str:
        """Return the class that results compare by.

        >>> Device("cpu").class_name, Device("cuda", "bfloat16").class_name
        ('cpu', 'cuda bfloat16')
        """
        return self.kind if self.is_cpu else f"{self.kind} {self.precision}"

    @property
    def identity(self) -> str:
        """Return the class and the name of the GPU: what decides the last bits of a GPU's result.

        Of the processor, see the encoder.
        """
        if self.kind != "cuda":
            return self.class_name

        import torch

        return f"{self.class_name} {torch.cuda.get_device_name()}"

    @property
    def key_suffix(self) -> str:
        """Return what a key of the cache ends with; "" for the processor, as it always was."""
        return "" if self.is_cpu else f" {self.identity}"

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context in which a forward pass computes in the precision of the device."""
        if self.precision == "float32":
            return nullcontext()

        import torch

        return torch.autocast(self.kind, dtype=torch.bfloat16)


CPU = Device("cpu")


def choose_device(run: RunParams) -> Device:
    """Return the device that the section `run` means on this machine.

    `auto` is the first of cuda, mps and cpu that torch finds.

    Raises:
        UserError: the device is not there, or does not compute in `run.precision`.
    """
    # Nothing has to be looked up, so torch is not imported.
    if run.device == "cpu":
        return CPU

    import torch

    # The fastest kind comes first.
    is_available: dict[Kind, bool] = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if run.device == "auto":
        kind = next(kind for kind, available in is_available.items() if available)
    elif is_available[run.device]:
        kind = run.device
    else:
        raise UserError(
            f"params.yaml: run.device is {run.device}, but torch finds none here",
            "set run.device: cpu, or install a build of torch for this GPU and its driver",
        )

    # A processor keeps float32, so that the same file is right on all machines.
    if kind == "cpu" or run.precision == "float32":
        return Device(kind)
    if kind == "mps" or not torch.cuda.is_bf16_supported(including_emulation=False):
        raise UserError(
            f"params.yaml: run.precision is {run.precision}, but this {kind} device has none",
            "set run.precision: float32",
        )
    return Device(kind, run.precision)
