"""Identifiers: their patterns, and the hash that makes them."""

from __future__ import annotations

import hashlib

# An id is a letter and 16 hexadecimal digits. The letter keeps documents, pairs and queries apart:
# several evaluation tools silently drop hits whose id equals the query's.
DOC_ID = r"^d[0-9a-f]{16}$"
PAIR_ID = r"^p[0-9a-f]{16}$"
QUERY_ID = r"^q[0-9a-f]{16}$"
ANY_ID = r"^[dpqr][0-9a-f]{16}$"


def hash_hex(*parts: str) -> str:
    """Return 16 hexadecimal digits (BLAKE2b) that depend on each part and on its length.

    >>> hash_hex("ab", "c")
    'bdacf99855a60c09'
    >>> hash_hex("a", "bc")
    'c68544935b760ce6'
    """
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        # Broken JSON may hold half of a surrogate pair.
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "little") + encoded)

    return digest.hexdigest()
