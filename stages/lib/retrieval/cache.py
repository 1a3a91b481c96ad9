"""A cache on disk for costly values, kept between runs.

The key of a value is a hash of everything that decides it. The cache is in the user's cache
directory (PAIRSMITH_CACHE, else XDG_CACHE_HOME, else ~/.cache). All checkouts and temporary
experiments share it. Its removal changes the speed and nothing else, so a value must depend on
its key alone, and not on other values that are computed with it.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stages.lib.core.errors import UserError
from stages.lib.core.terminal import say_error
from stages.lib.retrieval.cache_store import CacheStore
from stages.lib.retrieval.cache_upgrade import older_values

Compute = Callable[[list[str]], Iterable[tuple[str, bytes]]]

# What is computed is written at least this often, so that a run that is killed loses little.
WRITE_SECONDS = 5.0
_LIMIT = re.compile(r"([1-9][0-9]*)(MB|GB)")
_DEFAULT_LIMIT = "10GB"

# What this process has already warned of, and the faults that it does not meet a second time.
_warnings: set[str] = set()
_unreadable_folders: set[Path] = set()
_unwritable_folders: set[Path] = set()


def get_or_compute(
    name: str,
    settings: str,
    texts: Sequence[str],
    compute: Compute,
) -> dict[str, bytes]:
    """Return the value of each of `texts`, from the cache `name` or from `compute`.

    Args:
        name: the kind of the values.
        settings: names everything except the text that decides a value: hashes of models,
            versions and parameters.
        texts: the texts, each once.
        compute: called once with all texts that the cache lacks, in their order. It yields each of
            them with its value, as soon as it has it: values are stored while others are computed.
    """
    key_of_text = {text: _cache_key(settings, text) for text in texts}
    with _opened_store(name) as store:
        value_of_key = store.read(name, key_of_text.values()) if store else {}
        values: dict[str, bytes] = {}
        for text, key in key_of_text.items():
            if key in value_of_key:
                values[text] = value_of_key[key]

        missing = [text for text in key_of_text if text not in values]
        if missing:
            computed = compute(missing)
            values |= _stored(store, name, computed, key_of_text)

    lacking = sum(text not in values for text in missing)
    if lacking:
        raise ValueError(f"{lacking} of {len(missing)} values of {name} were not computed")
    return values


def cache_folder() -> Path | None:
    """Return the folder of all caches, which need not exist; None if PAIRSMITH_CACHE is off."""
    own_folder = os.environ.get("PAIRSMITH_CACHE")
    if own_folder == "off":
        return None
    if own_folder:
        return Path(own_folder)
    try:
        shared_folder = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:
        # A user of a container may have no home.
        _warn("this user has no home folder, so there is no cache", "set PAIRSMITH_CACHE")
        return None
    return Path(shared_folder) / "pairsmith"


def cache_limit() -> int:
    """Return the bytes that the cache may take: PAIRSMITH_CACHE_LIMIT, or 10 GB.

    Raises:
        UserError: PAIRSMITH_CACHE_LIMIT is not a number of MB or GB.
    """
    value = os.environ.get("PAIRSMITH_CACHE_LIMIT") or _DEFAULT_LIMIT
    match = _LIMIT.fullmatch(value)
    if match is None:
        raise UserError(
            f"the environment has PAIRSMITH_CACHE_LIMIT={value!r}",
            "set it to a whole number of MB or GB, such as 20GB, or unset it",
        )
    return int(match[1]) * {"MB": 10**6, "GB": 10**9}[match[2]]


@contextmanager
def _opened_store(name: str) -> Iterator[CacheStore | None]:
    """Yield the store, with the values of an older version; None if there is no usable cache."""
    folder = cache_folder()
    limit = cache_limit()
    if folder is None or folder in _unreadable_folders:
        yield None
        return

    store = CacheStore(folder, limit, _warn)
    store.is_writable = store.is_writable and folder not in _unwritable_folders
    try:
        _take_over(store, name)
        yield store
    finally:
        store.close()
        if not store.is_readable:
            _unreadable_folders.add(folder)
        if not store.is_writable:
            _unwritable_folders.add(folder)


def _take_over(store: CacheStore, name: str) -> None:
    """Copy the values that an older version of the project stored under `name`, once."""
    older_folder = store.path.parent / name
    if store.has_taken_over(name) or not (older_folder / "data.mdb").is_file():
        return

    count = 0
    for value_of_key in older_values(older_folder, _warn):
        store.write(name, value_of_key)
        count += len(value_of_key)
    if store.is_writable:
        store.note_taken_over(name)
        _warn(
            f"the cache took over {count:,} values of an older version from {older_folder}, as "
            "they are: they have no checksum",
            "'python -m stages cache --clear-older' removes that folder, which older clones use",
        )


def _stored(
    store: CacheStore | None,
    name: str,
    computed: Iterable[tuple[str, bytes]],
    key_of_text: dict[str, bytes],
) -> dict[str, bytes]:
    """Return what is computed, by text. It is stored meanwhile, also if the work breaks off."""
    values: dict[str, bytes] = {}
    unwritten: dict[bytes, bytes] = {}
    last_time = time.monotonic()
    try:
        for text, value in computed:
            values[text] = value
            unwritten[key_of_text[text]] = value
            if store and time.monotonic() - last_time >= WRITE_SECONDS:
                store.write(name, unwritten)
                unwritten = {}
                last_time = time.monotonic()
    finally:
        if store:
            store.write(name, unwritten)
    return values


def _warn(fact: str, remedy: str) -> None:
    """Print a warning, once in the life of a process."""
    if fact not in _warnings:
        _warnings.add(fact)
        say_error(f"warning: {fact}\n  remedy: {remedy}")


def _cache_key(settings: str, text: str) -> bytes:
    encoded = f"{settings}\0{text}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(encoded, digest_size=20).digest()
