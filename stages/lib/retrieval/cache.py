"""A cache on disk for costly values, kept between runs.

The key of a value is a hash of everything that decides it. The cache is in the user's cache
directory (PAIRSMITH_CACHE, else XDG_CACHE_HOME, else ~/.cache). All checkouts and temporary
experiments share it. Its removal changes the speed and nothing else, so a value must depend on
its key alone, and not on other values that are computed with it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

# A range of addresses, not the size of a file: the file grows with its content.
_MAP_SIZE = 1 << 38


def get_or_compute(
    name: str,
    settings: str,
    texts: Sequence[str],
    compute: Callable[[list[str]], Mapping[str, bytes]],
) -> dict[str, bytes]:
    """Return the value of each of `texts`, from the cache `name` or from `compute`.

    `compute` is called once with all texts that the cache lacks, in their order. `settings`
    names everything except the text that decides a value: hashes of models, versions and
    parameters.
    """
    import lmdb

    folder = cache_folder() / name
    folder.mkdir(parents=True, exist_ok=True)
    with lmdb.open(str(folder), map_size=_MAP_SIZE, metasync=False) as cache:
        # Read the values that are in the cache.
        key_of_text = {text: _cache_key(settings, text) for text in texts}
        cached: dict[str, bytes] = {}
        with cache.begin() as reading:
            for text, key in key_of_text.items():
                value = reading.get(key)
                if value is not None:
                    cached[text] = bytes(value)

        # Compute the others, and store them.
        missing = [text for text in key_of_text if text not in cached]
        computed = compute(missing) if missing else {}
        with cache.begin(write=True) as writing:
            for text in missing:
                writing.put(key_of_text[text], computed[text])
    return {**cached, **computed}


def cache_folder() -> Path:
    """Return the folder of all caches, which need not exist."""
    own_folder = os.environ.get("PAIRSMITH_CACHE")
    if own_folder:
        return Path(own_folder)
    shared_folder = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(shared_folder) / "pairsmith"


def _cache_key(settings: str, text: str) -> bytes:
    encoded = f"{settings}\0{text}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(encoded, digest_size=20).digest()
