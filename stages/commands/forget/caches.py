"""Take what was computed from a record out of the cache of costly values.

The key of a value is a hash of the text, of the prompt before it and of the model, and a vector
does not say whose it is. So single values of a record cannot be told from those of others: all go,
or those that no run uses any more.
"""

from __future__ import annotations

from typing import NamedTuple

from stages.commands.cache import clear_older_folders, clear_values
from stages.lib.core.errors import UserError
from stages.lib.retrieval.cache import cache_folder, cache_limit
from stages.lib.retrieval.cache_store import CacheStore


class ClearedCache(NamedTuple):
    """What was in the cache.

    Attributes:
        values: the number of values.
        checkpoints: the number of checkpoints of trainings that never ended.
        older: the number of folders of older versions.
    """

    values: int
    checkpoints: int
    older: int


def clear_cache(*, dry_run: bool) -> ClearedCache:
    """Remove all values, checkpoints and folders of older versions, and return their numbers.

    Raises:
        UserError: the cache cannot be read or written.
    """
    folder = cache_folder()
    if folder is None or not folder.exists():
        return ClearedCache(0, 0, 0)

    limit = cache_limit()
    store = CacheStore(folder, limit, _refuse)
    values = sum(count for count, _ in store.counts().values())
    store.close()
    checkpoints = sorted(folder.glob("checkpoints/*.checkpoint"))
    older = len(list(folder.glob("*/data.mdb")))
    if not dry_run:
        clear_values(folder, limit)
        clear_older_folders(folder)
        for path in checkpoints:
            path.unlink(missing_ok=True)
    return ClearedCache(values, len(checkpoints), older)


def _refuse(fact: str, remedy: str) -> None:
    raise UserError(fact, remedy)
