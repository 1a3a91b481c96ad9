"""SIGTERM and SIGHUP end a run as Ctrl-C does: it puts back what it changed, and exits."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# SIGHUP comes when a terminal is closed.
_ENDING = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Raise SystemExit in the block when a signal asks the process to end.

    Without it such a signal ends Python at once, and temporary files stay. A handler of somebody
    else stays in place, and so does a signal that is ignored, as under `nohup`.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    process_id = os.getpid()

    def end(number: int, frame: FrameType | None) -> None:
        # A forked worker has this handler too. It has nothing to put back.
        if os.getpid() != process_id:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        raise SystemExit(128 + number)

    handled = [number for number in _ENDING if signal.getsignal(number) == signal.SIG_DFL]
    for number in handled:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, signal.SIG_DFL)
