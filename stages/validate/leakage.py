"""The last audit before training: rows to be trained on that equal, or nearly equal, a held-out text."""

from __future__ import annotations

import pandas as pd

from stages.lib.near import exact_edges, known_readings
from stages.lib.text import hash_hex, hash_shingles, normal_form, shingles


def leaked_rows(triplets: pd.DataFrame, fingerprints: pd.DataFrame, threshold: float) -> list[str]:
    """Return the pair ids whose anchor, positive or a negative matches a held-out fingerprint.

    Anchors are compared with held-out anchors and documents with held-out documents, by exact Jaccard of
    hashed shingles at or above `threshold`; equal normal forms count whatever their side. Works on
    hashes alone: the held-out texts are not there to be seen.
    """
    held = fingerprints.assign(side=fingerprints["id"].str[0])
    equal = set(held["normal_hash"])
    found: set[str] = set()
    for side, texts in (
        ("p", _texts(triplets, ["anchor"])),
        ("d", _texts(triplets, ["positive", "negatives"])),
    ):
        found.update(
            pair
            for text, pairs in texts.items()
            if hash_hex(normal_form(text)) in equal
            for pair in pairs
        )
        mine = {text: hash_shingles(shingles(text)) for text in texts}
        for text, _, _ in exact_edges(mine, known_readings(held[held["side"] == side]), threshold):
            found.update(texts[text])
    return sorted(found)


def _texts(triplets: pd.DataFrame, columns: list[str]) -> dict[str, list[str]]:
    """Return each distinct text of `columns` with the pairs that hold it."""
    found: dict[str, list[str]] = {}
    for column in columns:
        for pair_id, value in zip(triplets["pair_id"], triplets[column], strict=True):
            for text in [value] if isinstance(value, str) else value:
                found.setdefault(text, []).append(pair_id)
    return found
