"""Where training computes: a GPU if there is one."""

from __future__ import annotations

from typing import NamedTuple

from stages.lib.errors import Problem


class Device(NamedTuple):
    """The kind of processor, and whether it computes in bfloat16."""

    kind: str
    bf16: bool


def pick(wanted: str, bf16: bool) -> Device:
    """Return the device that `wanted` (auto, cpu, cuda, mps) means here. Raises Problem where it is not there."""
    import torch

    cuda = torch.cuda.is_available()
    device = choose(wanted, cuda, torch.backends.mps.is_available())
    return Device(
        device,
        bf16 and device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False),
    )


def choose(wanted: str, cuda: bool, mps: bool) -> str:
    """Return `wanted`, or for auto the fastest of what there is."""
    there = {"cuda": cuda, "mps": mps, "cpu": True}
    if wanted == "auto":
        return next(kind for kind, is_there in there.items() if is_there)
    if not there[wanted]:
        raise Problem(
            f"params.yaml: finetune.device is {wanted}, but torch finds none here",
            "set finetune.device: auto, or install a build of torch for it",
        )
    return wanted
