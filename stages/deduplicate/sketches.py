"""Sketches: shingles and MinHash signatures of many texts at once, as hashes.

Sources: Broder 1997 (MinHash), Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets" 3.4 (banding).
Signatures by rensa's standard MinHash. Two sketches have the Jaccard similarity of the shingles of stages/lib/text.py,
but for a collision of 64-bit hashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.deduplicate.table import Sketches
from stages.lib.text import normal_form, readings

PERMUTATIONS = 126
SEED = 20260101
# The least chance of a pair at the threshold to become a candidate. Verification is cheap, missed edges are not.
CERTAINTY = 0.998

Hashes = npt.NDArray[np.uint64]
_FACTORS = tuple(
    np.uint64(factor) for factor in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
)
_MIX = (
    np.uint64(30),
    np.uint64(0xBF58476D1CE4E5B9),
    np.uint64(27),
    np.uint64(0x94D049BB133111EB),
    np.uint64(31),
)


class Bands(NamedTuple):
    """How a signature is cut: texts that agree in all rows of one band are candidates."""

    number: int
    rows: int


def bands(threshold: float) -> Bands:
    """Return the most selective bands that find a pair at `threshold` with a chance of at least CERTAINTY.

    A pair of true similarity s becomes a candidate with 1 - (1 - s^rows)^number.
    """
    fitting = [
        Bands(PERMUTATIONS // rows, rows)
        for rows in range(1, PERMUTATIONS + 1)
        if 1.0 - (1.0 - threshold**rows) ** (PERMUTATIONS // rows) >= CERTAINTY
    ]
    return fitting[-1] if fitting else Bands(PERMUTATIONS, 1)


class _WordHashes(dict[str, int]):
    """Word to 64-bit hash, each computed once."""

    def __missing__(self, word: str) -> int:
        self[word] = value = int.from_bytes(
            blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        )
        return value


def sketch(frame: pd.DataFrame, key: str, column: str, cut: Bands) -> list[pd.DataFrame]:
    """Return the Sketches of the texts in `column`, one for each reading; ids stand in `key`."""
    forms = [normal_form(text) for text in frame[column]]
    found = shingle_hashes(forms)
    sketches = pd.DataFrame(
        {
            "id": frame[key].to_numpy()[found.texts],
            "reading": np.where(found.by_words, "words", "characters"),
            "form": np.array([_signed(form) for form in forms], dtype=np.int64)[found.texts],
            "bands": [row.tobytes() for row in signatures(found.flat, found.starts, cut)],
            "shingles": [found.flat[start:end].tobytes() for start, end in pairwise(found.starts)],
        },
        columns=list(Sketches.empty().columns),
    )
    return [sketches.astype(Sketches.empty().dtypes.to_dict())]


class Readings(NamedTuple):
    """The readings of texts: of which text each is, ascending, and whether it is of words or of characters.

    The shingles of all stand in `flat`, different and sorted within a reading; `starts` tells where each begins, and
    where the last one ends.
    """

    texts: npt.NDArray[np.int64]
    by_words: npt.NDArray[np.bool_]
    flat: Hashes
    starts: npt.NDArray[np.int64]


def shingle_hashes(forms: Sequence[str]) -> Readings:
    """Return the readings of texts in normal form; stages.lib.text.shingles tells which they are."""
    hashes, split = _WordHashes(), [form.split() for form in forms]
    kinds = [readings(form, len(tokens)) for form, tokens in zip(forms, split, strict=True)]
    words = [at for at, (by_words, _) in enumerate(kinds) if by_words]
    characters = [at for at, (_, by_characters) in enumerate(kinds) if by_characters]
    # Rows are numbered text by text, characters before words.
    texts = np.array([*characters, *words], dtype=np.int64)
    by_words = np.repeat([False, True], [len(characters), len(words)])
    order = np.argsort(2 * texts + by_words)
    row = np.empty_like(order)
    row[order] = np.arange(len(order))
    long = [(at, number) for number, at in enumerate(characters) if len(forms[at]) > 2]
    short = [(at, number) for number, at in enumerate(characters) if len(forms[at]) <= 2]
    of_words, word_owners = _trigrams(
        np.fromiter(
            map(hashes.__getitem__, chain.from_iterable(split[at] for at in words)), dtype=np.uint64
        ),
        np.array([len(split[at]) for at in words], dtype=np.int64),
    )
    of_characters, character_owners = _trigrams(
        # Another offset than words have: "a b c" in letters is not "a b c" in words.
        np.array([ord(sign) for at, _ in long for sign in forms[at]], dtype=np.uint64)
        + np.uint64(1 << 40),
        np.array([len(forms[at]) for at, _ in long], dtype=np.int64),
    )
    whole = np.array([hashes[f"\0{forms[at]}"] for at, _ in short], dtype=np.uint64)
    owners = [
        np.array([number for _, number in long], dtype=np.int64)[character_owners],
        np.array([number for _, number in short], dtype=np.int64),
        len(characters) + word_owners,
    ]
    flat, starts = _unique(
        np.concatenate([of_characters, whole, of_words]), row[np.concatenate(owners)], len(order)
    )
    return Readings(texts[order], by_words[order], flat, starts)


def signatures(flat: Hashes, starts: npt.NDArray[np.int64], cut: Bands) -> Hashes:
    """Return a hash per text and band of the texts whose shingles `flat` and `starts` hold."""
    from rensa import RMinHash

    if len(starts) == 1:
        return np.empty((0, cut.number), dtype=np.uint64)
    digests = RMinHash.digest_matrix_from_flat_token_hashes(
        flat, starts.astype(np.uint64), PERMUTATIONS, SEED
    )
    rows = np.array(digests.to_rows(), dtype=np.uint64)[:, : cut.number * cut.rows]
    banded = rows.reshape(len(rows), cut.number, cut.rows)
    told = np.zeros((len(rows), cut.number), dtype=np.uint64)
    for row in range(cut.rows):
        told = _mixed(told * _FACTORS[0] + banded[:, :, row] + np.uint64(1))
    return told


def _trigrams(
    items: Hashes, lengths: npt.NDArray[np.int64]
) -> tuple[Hashes, npt.NDArray[np.int64]]:
    """Return the hashes of three items in a row, and of which text each is; no text has fewer than three."""
    if not len(lengths):
        return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
    told = _mixed(
        items[:-2] * _FACTORS[0]
        + _mixed(items[1:-1] * _FACTORS[1] + _mixed(items[2:] * _FACTORS[2]))
    )
    inside = np.ones(len(items), dtype=bool)
    ends = np.cumsum(lengths)
    inside[ends - 1] = inside[ends - 2] = False
    return told[inside[:-2]], np.repeat(np.arange(len(lengths)), lengths - 2)


def _unique(
    flat: Hashes, owners: npt.NDArray[np.int64], count: int
) -> tuple[Hashes, npt.NDArray[np.int64]]:
    # By hash, and then stably by text: two sorts by one key each, several times as fast as one by two.
    order = np.argsort(flat)
    order = order[
        np.argsort(owners[order].astype(np.uint16 if count < 1 << 16 else np.int64), kind="stable")
    ]
    flat, owners = flat[order], owners[order]
    fresh = np.ones(len(flat), dtype=bool)
    fresh[1:] = (flat[1:] != flat[:-1]) | (owners[1:] != owners[:-1])
    flat, owners = flat[fresh], owners[fresh]
    return flat, np.searchsorted(owners, np.arange(count + 1)).astype(np.int64)


def _mixed(values: Hashes) -> Hashes:
    # The finalizer of SplitMix64 (Steele, Lea and Flood 2014).
    values = (values ^ (values >> _MIX[0])) * _MIX[1]
    values = (values ^ (values >> _MIX[2])) * _MIX[3]
    return values ^ (values >> _MIX[4])


def _signed(text: str) -> int:
    return int.from_bytes(
        blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), signed=True
    )
