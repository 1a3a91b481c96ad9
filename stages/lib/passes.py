"""Run torch in several threads at once, each computation on a single thread.

Sums that several threads share have other last bits on other machines. With one thread for each
computation the speed depends on the number of threads, and no bit does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from stages.lib.stage import progress
from stages.lib.workers import workers

Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    label: str,
) -> list[Result]:
    """Return the result of `function` for each item, in their order.

    Torch lets other threads run while it computes. `label` is for the progress bar.

    >>> side_by_side(len, ["a", "bcd"], label="counting")
    [1, 3]
    """
    with one_thread(), ThreadPoolExecutor(workers()) as pool:
        results = pool.map(function, items)
        return list(progress(results, len(items), label))


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep torch to one thread inside the `with` block.

    >>> import torch
    >>> with one_thread():
    ...     torch.get_num_threads()
    1
    """
    import torch

    threads_before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads_before)
