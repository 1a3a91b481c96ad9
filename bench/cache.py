"""The cache beside the one before it: what a checksum and a file that survives damage cost.

    python bench/cache.py [--values 100000] [--rounds 3] [--json]

Each value has the size of an embedding (384 numbers of 4 bytes). Each side works in a folder of its
own; the best of the rounds counts. `before` is LMDB without checksums, as older versions used it.

    SIDE.read, SIDE.write     processor seconds to read and to write all values
    read_ratio, write_ratio   `now` over `before`
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from stages.lib.retrieval.cache_store import CacheStore  # noqa: E402

VALUE_BYTES = 384 * 4
Values = dict[bytes, bytes]


def values_of(count: int) -> Values:
    """Return `count` values of random bytes, by the hash of their number."""
    source = random.Random(1)
    values = {}
    for number in range(count):
        key = hashlib.blake2b(str(number).encode(), digest_size=20).digest()
        values[key] = source.randbytes(VALUE_BYTES)
    return values


def write_before(folder: Path, values: Values) -> None:
    """Write all values with LMDB."""
    import lmdb

    with (
        lmdb.open(str(folder), map_size=1 << 38, metasync=False) as database,
        database.begin(write=True) as writing,
    ):
        for key, value in values.items():
            writing.put(key, value)


def read_before(folder: Path, keys: list[bytes]) -> Values:
    """Return all values from LMDB."""
    import lmdb

    with (
        lmdb.open(str(folder), map_size=1 << 38, metasync=False) as database,
        database.begin() as reading,
    ):
        return {key: bytes(reading.get(key, b"")) for key in keys}


def write_now(folder: Path, values: Values) -> None:
    """Write all values with the store of the project."""
    store = _store(folder)
    store.write("embeddings", values)
    store.close()


def read_now(folder: Path, keys: list[bytes]) -> Values:
    """Return all values from the store of the project."""
    store = _store(folder)
    values = store.read("embeddings", keys)
    store.close()
    return values


def measure(count: int, rounds: int) -> dict[str, float]:
    """Return the figures of both sides."""
    values = values_of(count)
    keys = list(values)
    sides = {"before": (write_before, read_before), "now": (write_now, read_now)}
    figures: dict[str, float] = {}
    for name, (write, read) in sides.items():
        for _ in range(rounds):
            folder = Path(tempfile.mkdtemp())
            try:
                _keep_best(figures, f"{name}.write", partial(write, folder, values))
                _keep_best(figures, f"{name}.read", partial(read, folder, keys))
                assert read(folder, keys) == values
            finally:
                shutil.rmtree(folder)

    for work in ("read", "write"):
        figures[f"{work}_ratio"] = figures[f"now.{work}"] / figures[f"before.{work}"]
    return figures


def _store(folder: Path) -> CacheStore:
    def refuse(fact: str, remedy: str) -> None:
        raise RuntimeError(f"{fact}; {remedy}")

    return CacheStore(folder, 10**11, refuse)


def _keep_best(figures: dict[str, float], name: str, work: Callable[[], object]) -> None:
    start = time.process_time()
    work()
    seconds = time.process_time() - start
    figures[name] = min(seconds, figures.get(name, seconds))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--values", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = measure(arguments.values, arguments.rounds)
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:<16} {value:10.4f}")


if __name__ == "__main__":
    main()
