"""CPU time of a call, which an alarm ends."""

import signal
import time
from contextlib import contextmanager

TRIES = 5


class TooLongError(BaseException):
    """A call took more CPU time than its limit. No `except Exception` swallows it."""


@contextmanager
def at_most(seconds):
    """End the block with TooLongError after so many seconds of CPU time."""

    def end(*_):
        raise TooLongError

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def cpu_seconds(function, limit):
    """Return the CPU time of `function`; `limit` if each of five tries takes longer.

    One try under the limit is enough: a busy machine makes a call slower, never faster.
    """
    for _ in range(TRIES):
        start = time.process_time()
        try:
            with at_most(limit):
                function()
        except TooLongError:
            continue
        return time.process_time() - start
    return limit
