"""No process goes on alone: a worker ends with its stage, and a stage with the DVC that runs it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable

_WATCH_SECONDS = 1.0


def end_with_dvc() -> None:
    """End this process as SIGTERM does when the DVC that runs it has died.

    Otherwise the stage would go on, and write while the next run reads.
    """
    if "DVC_STAGE" in os.environ:
        watch_parent(os.getppid(), lambda: os.kill(os.getpid(), signal.SIGTERM))


def watch_parent(parent_id: int, end: Callable[[], None]) -> None:
    """Call `end` in a thread when the process `parent_id` is no longer the parent of this one."""
    threading.Thread(target=_watch, args=(parent_id, end), daemon=True).start()


def _watch(parent_id: int, end: Callable[[], None]) -> None:
    # An orphan gets another parent.
    while os.getppid() == parent_id:
        time.sleep(_WATCH_SECONDS)
    end()
