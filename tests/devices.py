"""A processor that passes for a GPU, so that the code for GPUs runs on any machine."""

from stages.lib.core.device import Device


class PretendedGpu(Device):
    """A device that torch computes on as a processor, and that the project treats as a GPU."""

    @property
    def is_cpu(self):
        return False


PRETENDED = PretendedGpu("cpu")
PRETENDED_BF16 = PretendedGpu("cpu", "bfloat16")
