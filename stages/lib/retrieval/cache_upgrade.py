"""Read the values that older versions of the project stored with LMDB, a folder for each kind.

LMDB ends the process when its file is damaged, so a process of its own reads it, and sends each
value as key, length and bytes.
"""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

_KEY_BYTES = 20
_LENGTH = struct.Struct("<Q")
# How many values are handed on together.
_BATCH = 5000


def older_values(folder: Path, warn: Callable[[str, str], None]) -> Iterator[dict[bytes, bytes]]:
    """Yield the values of `folder` by key, in parts. A damaged file gives those before the damage.

    Args:
        folder: the folder of an LMDB database.
        warn: gets a fact and a remedy.
    """
    process = subprocess.Popen(
        [sys.executable, __file__, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with process:
        assert process.stdout is not None
        part: dict[bytes, bytes] = {}
        while True:
            head = process.stdout.read(_KEY_BYTES + _LENGTH.size)
            if len(head) < _KEY_BYTES + _LENGTH.size:
                break
            (length,) = _LENGTH.unpack(head[_KEY_BYTES:])
            value = process.stdout.read(length)
            if len(value) < length:
                break
            part[head[:_KEY_BYTES]] = value
            if len(part) == _BATCH:
                yield part
                part = {}
        yield part

    if process.returncode:
        warn(
            f"the cache of an older version in {folder} is damaged or cannot be read",
            "its other values are computed anew; 'python -m stages cache --clear-older' removes it",
        )


def _send(folder: Path) -> None:
    """Write all values of an LMDB database to standard output."""
    import lmdb

    with (
        lmdb.open(str(folder), readonly=True, lock=False, create=False) as database,
        database.begin() as reading,
    ):
        for key, value in reading.cursor():
            if len(key) == _KEY_BYTES:
                sys.stdout.buffer.write(key + _LENGTH.pack(len(value)) + value)


if __name__ == "__main__":
    _send(Path(sys.argv[1]))
