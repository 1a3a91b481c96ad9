"""Work in threads while torch computes: each forward pass on one thread, several side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from stages.lib.core.stage import progress, workers

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_threads(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    label: str,
) -> list[Result]:
    """Return the result of `function` for each item, in their order.

    Torch lets other threads run while it computes. `label` is for the progress bar.

    >>> map_in_threads(len, ["a", "bcd"], label="counting")
    [1, 3]
    """
    return list(iterate_in_threads(function, items, label))


def iterate_in_threads(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    label: str,
) -> Iterator[Result]:
    """Yield the result of `function` for each item, in their order, as soon as it is there.

    Torch lets other threads run while it computes. `label` is for the progress bar.

    >>> next(iterate_in_threads(len, ["a", "bcd"], label="counting"))
    1
    """
    with single_torch_thread():
        pool = ThreadPoolExecutor(workers())
        try:
            yield from progress(pool.map(function, items), len(items), label)
        finally:
            # After an interruption nobody waits for the items that have not begun.
            pool.shutdown(cancel_futures=True)


@contextmanager
def single_torch_thread() -> Iterator[None]:
    """Keep torch to one thread inside the `with` block.

    >>> import torch
    >>> with single_torch_thread():
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
