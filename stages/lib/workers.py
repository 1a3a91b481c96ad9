"""How many may work at once on this machine."""

from __future__ import annotations

import os

from stages.lib.errors import Problem


def workers() -> int:
    """Return how many processes may work: PAIRSMITH_WORKERS, or the processors this one may use."""
    value = os.environ.get("PAIRSMITH_WORKERS", "")
    if not value:
        return (
            len(os.sched_getaffinity(0))
            if hasattr(os, "sched_getaffinity")
            else os.cpu_count() or 1
        )
    if not value.isascii() or not value.isdigit() or not int(value):
        raise Problem(
            f"the environment has PAIRSMITH_WORKERS={value!r}",
            "set it to a whole number from 1, or unset it",
        )
    return int(value)
