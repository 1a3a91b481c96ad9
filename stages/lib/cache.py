"""The content-addressed cache: costly values by everything that decides them, kept between runs.

It lies in the user's cache directory (PAIRSMITH_CACHE, else XDG_CACHE_HOME, else ~/.cache) and is shared by all
checkouts and temporary experiments. Removing it changes the speed and nothing else, so whoever makes a value must make
it from its key alone, whatever else is made beside it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_MAP_SIZE = 1 << 38  # an address range, not a file size: the file grows with what is stored


def through(
    name: str, decides: str, texts: Sequence[str], make: Callable[[list[str]], Mapping[str, bytes]]
) -> dict[str, bytes]:
    """Return the value of each of `texts`; `make` is asked once, for those that the cache `name` lacks, in order.

    `decides` names everything but the text that decides a value: models by their hashes, versions, settings.
    """
    import lmdb

    folder = cache_folder() / name
    folder.mkdir(parents=True, exist_ok=True)
    with lmdb.open(str(folder), map_size=_MAP_SIZE, metasync=False) as cache:
        keys = {text: _key(decides, text) for text in texts}
        with cache.begin() as reading:
            stored = {text: reading.get(key) for text, key in keys.items()}
        values = {text: bytes(value) for text, value in stored.items() if value is not None}
        missing = [text for text in keys if text not in values]
        fresh = make(missing) if missing else {}
        with cache.begin(write=True) as writing:
            for text in missing:
                writing.put(keys[text], fresh[text])
    return {**values, **fresh}


def cache_folder() -> Path:
    """Return where costly results are kept between runs."""
    if own := os.environ.get("PAIRSMITH_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pairsmith"


def _key(decides: str, text: str) -> bytes:
    return hashlib.blake2b(
        f"{decides}\0{text}".encode("utf-8", "surrogatepass"), digest_size=20
    ).digest()
