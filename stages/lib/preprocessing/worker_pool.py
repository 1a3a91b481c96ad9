"""Worker processes that may die: the work goes on, or a message names the rows at fault.

The system kills a process when memory runs out. The work that was under way is done again in
halves, one at a time, which need less. If a half fails too, the rows are named.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing

from stages.lib.core.errors import UserError
from stages.lib.core.orphans import watch_parent
from stages.lib.core.process_locks import note_work
from stages.lib.core.ray_cluster import Item, Result, Work
from stages.lib.core.stage import progress, workers


def run_all(work: Work[Item, Result], items: Sequence[Item]) -> list[Result]:
    """Return the result of each item, in their order, with a progress bar.

    Raises:
        UserError: a worker process died twice at the same rows.
    """
    # A single item is a small table, and a process of its own would take longer than the work. If
    # this process is killed, the next one says where.
    if len(items) <= 1:
        return [_done_here(work, item) for item in progress(items, len(items), work.label)]

    worker_count = min(workers(), len(items))
    results: dict[int, Result] = {}
    # Closing ends the workers also after an interruption.
    with closing(_completed(work, items, worker_count)) as completed:
        for index, result in progress(completed, len(items), work.label):
            results[index] = result
    return [results[index] for index in range(len(items))]


def _done_here(work: Work[Item, Result], item: Item) -> Result:
    note_work(f"{work.label}, {work.describe(item)}")
    result = work(item)
    note_work("")
    return result


def _completed(
    work: Work[Item, Result], items: Sequence[Item], worker_count: int
) -> Generator[tuple[int, Result], None, None]:
    """Yield the index and the result of each item, as they are completed."""
    waiting = deque(range(len(items)))
    while waiting:
        # A pool is broken as a whole when one of its workers dies.
        under_way: dict[Future[Result], int] = {}
        pool = _Pool(worker_count)
        try:
            yield from pool.completed(work, items, waiting=waiting, under_way=under_way)
        except BrokenProcessPool:
            pass
        finally:
            pool.end(is_idle=not under_way)
        for index in sorted(under_way.values()):
            yield index, _done_in_halves(work, items[index])


def _done_in_halves(work: Work[Item, Result], item: Item) -> Result:
    """Return the result of an item at which a worker may have died."""
    halves = work.halves(item)
    results = []
    for half_index, half in enumerate(halves or [item]):
        pool = _Pool(1)
        try:
            results.append(pool.executor.submit(work, half).result())
        except BrokenProcessPool:
            raise UserError(
                f"a worker process died twice ({work.label}), most likely since the memory was not "
                f"enough: at {work.describe(half)}",
                "end other programs or set PAIRSMITH_WORKERS=1, then run the same command again; "
                "if it does not help, look at these rows: a text may be very long",
            ) from None
        finally:
            pool.end(is_idle=len(results) == half_index + 1)
    return work.join(item, results) if halves else results[0]


class _Pool:
    """Worker processes that end with this process, however it ends."""

    def __init__(self, worker_count: int) -> None:
        # With fork, workers share what is already imported. It is safe on Linux only.
        method = "fork" if sys.platform == "linux" else "spawn"
        self.worker_count = worker_count
        self.executor = ProcessPoolExecutor(
            worker_count,
            mp_context=multiprocessing.get_context(method),
            initializer=_begin_worker,
            initargs=(os.getpid(),),
        )

    def completed(
        self,
        work: Work[Item, Result],
        items: Sequence[Item],
        *,
        waiting: deque[int],
        under_way: dict[Future[Result], int],
    ) -> Iterator[tuple[int, Result]]:
        """Yield the index and the result of the items whose indices are `waiting`.

        Indices move from `waiting` to `under_way`, and leave it when they are completed. An error
        is that of the first item that fails, however fast the others are.
        """
        errors: dict[int, Exception] = {}
        while under_way or (waiting and not errors):
            while waiting and not errors and len(under_way) < self.worker_count:
                under_way[self.executor.submit(work, items[waiting[0]])] = waiting[0]
                waiting.popleft()

            completed, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in completed:
                error = future.exception()
                if isinstance(error, BrokenProcessPool):
                    raise error
                index = under_way.pop(future)
                if error is None:
                    yield index, future.result()
                else:
                    errors[index] = _as_exception(error)
        if errors:
            raise errors[min(errors)]

    def end(self, *, is_idle: bool) -> None:
        """End all workers. Without `is_idle` their work is stopped, as after an interruption."""
        if not is_idle:
            for process in multiprocessing.active_children():
                process.terminate()
        self.executor.shutdown(cancel_futures=True)


def _as_exception(error: BaseException) -> Exception:
    # What ends a worker, such as sys.exit in a library, is an error of its work.
    return error if isinstance(error, Exception) else RuntimeError(repr(error))


def _begin_worker(parent_id: int) -> None:
    """Prepare a worker process: signals are for its parent, and it ends when the parent does."""
    # Ctrl-C reaches the parent too, which ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    watch_parent(parent_id, lambda: os._exit(1))
