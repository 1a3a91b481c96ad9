"""Shingles and MinHash signatures of many texts at once, as 64-bit hashes.

Sources: Broder 1997 (MinHash); Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets", 3.4
(banding). The signatures come from rensa's standard MinHash. Two rows have the Jaccard similarity
of the shingles that `stages.lib.text.shingles` returns, except where two 64-bit hashes collide.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow

from stages.lib.core.tables import Table
from stages.lib.text.normal_form import normal_form, shingle_kinds

PERMUTATIONS = 126
SEED = 20260101

# The smallest chance that a pair at the threshold becomes a candidate. To verify a candidate is
# cheap. A missed edge is not.
CERTAINTY = 0.998

Hashes = npt.NDArray[np.uint64]
Positions = npt.NDArray[np.int64]

# Odd constants that combine the three parts of a 3-gram.
_FACTORS = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xC2B2AE3D27D4EB4F),
    np.uint64(0x165667B19E3779F9),
)

# Code points get this offset, so that "a b c" as characters is not "a b c" as words.
_CHARACTER_OFFSET = np.uint64(1 << 40)

_BYTES = {"arrow": arrow.binary()}


class MinHashes(Table):
    """One row is one kind of shingles of a text, as hashes. This table never leaves the stage."""

    id: str = pa.Field(str_matches=r"^[dp][0-9a-f]{16}$", description="the document or pair")
    shingle_kind: str = pa.Field(
        isin=["characters", "words"], description="whether the shingles are of characters or words"
    )
    form_hash: int = pa.Field(description="64-bit hash of the normal form")
    bands: object = pa.Field(
        metadata=_BYTES, description="64-bit hashes of the bands of its MinHash signature"
    )
    shingles: object = pa.Field(metadata=_BYTES, description="sorted 64-bit hashes of its shingles")

    class Config(Table.Config):
        """Key."""

        unique = ["id", "shingle_kind"]


class Banding(NamedTuple):
    """How a signature is cut into bands. Texts that agree in all rows of a band are candidates."""

    bands: int
    rows_per_band: int


def choose_banding(threshold: float) -> Banding:
    """Return the most selective banding that still finds a pair at `threshold`.

    A pair of true similarity s becomes a candidate with the chance 1 - (1 - s^rows)^bands. At the
    threshold this chance is at least CERTAINTY.

    >>> choose_banding(0.8)
    Banding(bands=21, rows_per_band=6)
    """
    best = Banding(PERMUTATIONS, 1)
    for rows in range(1, PERMUTATIONS + 1):
        bands = PERMUTATIONS // rows
        chance = 1.0 - (1.0 - threshold**rows) ** bands
        if chance >= CERTAINTY:
            best = Banding(bands, rows)
    return best


def minhash_rows(
    frame: pd.DataFrame, id_column: str, text_column: str, banding: Banding
) -> list[pd.DataFrame]:
    """Return the MinHashes rows of the texts in `text_column`, as a list of one frame."""
    forms = [normal_form(text) for text in frame[text_column]]
    form_hashes = np.array([_signed_hash(form) for form in forms], dtype=np.int64)
    shingles = shingle_hashes(forms)
    bands = band_hashes(shingles.hashes, shingles.starts, banding)

    # A text has one row, or two: one of characters and one of words.
    rows = pd.DataFrame(
        {
            "id": frame[id_column].to_numpy()[shingles.texts],
            "shingle_kind": np.where(shingles.by_words, "words", "characters"),
            "form_hash": form_hashes[shingles.texts],
            "bands": [row.tobytes() for row in bands],
            "shingles": [
                shingles.hashes[start:end].tobytes() for start, end in pairwise(shingles.starts)
            ],
        },
        columns=list(MinHashes.empty().columns),
    )
    return [rows.astype(MinHashes.empty().dtypes.to_dict())]


class ShingleHashes(NamedTuple):
    """The shingles of texts, as hashes. A row is one kind of shingles of one text.

    Attributes:
        texts: shape (rows,), the index of the text of each row, ascending.
        by_words: shape (rows,), true where shingles are of words, false where of characters.
        hashes: the hashes of all rows one after another, sorted and distinct within a row.
        starts: shape (rows + 1,), where each row begins in `hashes`; the last value is their end.
    """

    texts: Positions
    by_words: npt.NDArray[np.bool_]
    hashes: Hashes
    starts: Positions


def shingle_hashes(forms: Sequence[str]) -> ShingleHashes:
    """Return the shingles of texts in normal form; `stages.lib.text.shingles` defines them."""
    words_of_form = [form.split() for form in forms]

    # Find the texts that have each kind of shingles. Some have both.
    word_texts: list[int] = []
    character_texts: list[int] = []
    for text, (form, words) in enumerate(zip(forms, words_of_form, strict=True)):
        by_words, by_characters = shingle_kinds(form, len(words))
        if by_words:
            word_texts.append(text)
        if by_characters:
            character_texts.append(text)

    # Hash the shingles. An owner is a position in `character_texts` or `word_texts`.
    hash_of_word = _WordHashes()
    character_hashes, character_owners = _character_shingles(
        [forms[text] for text in character_texts], hash_of_word
    )
    word_hashes, word_owners = _word_shingles(
        [words_of_form[text] for text in word_texts], hash_of_word
    )
    hashes = np.concatenate([character_hashes, word_hashes])
    owners = np.concatenate([character_owners, len(character_texts) + word_owners])

    # Rows are numbered text by text. Of one text the row of characters comes first.
    texts = np.array([*character_texts, *word_texts], dtype=np.int64)
    by_words_of_owner = np.repeat([False, True], [len(character_texts), len(word_texts)])
    order = np.argsort(2 * texts + by_words_of_owner)

    # The inverse of `order`: the row of each owner.
    row_of_owner = np.empty_like(order)
    row_of_owner[order] = np.arange(len(order))

    distinct, starts = _sorted_by_row(hashes, row_of_owner[owners], len(order))
    return ShingleHashes(texts[order], by_words_of_owner[order], distinct, starts)


def band_hashes(hashes: Hashes, starts: Positions, banding: Banding) -> Hashes:
    """Return a hash per row and band, shape (rows, bands), of rows as in `ShingleHashes`."""
    from rensa import RMinHash

    # Without rows rensa has nothing to hash.
    if len(starts) == 1:
        return np.empty((0, banding.bands), dtype=np.uint64)

    digests = RMinHash.digest_matrix_from_flat_token_hashes(
        hashes, starts.astype(np.uint64), PERMUTATIONS, SEED
    )

    # Signatures have the shape (rows, bands, rows_per_band). What is left over is not used.
    signatures = np.array(digests.to_rows(), dtype=np.uint64)
    used = signatures[:, : banding.bands * banding.rows_per_band]
    banded = used.reshape(len(used), banding.bands, banding.rows_per_band)

    # Combine the values of a band into one hash.
    combined = np.zeros((len(used), banding.bands), dtype=np.uint64)
    for row in range(banding.rows_per_band):
        combined = _mix(combined * _FACTORS[0] + banded[:, :, row] + np.uint64(1))
    return combined


class _WordHashes(dict[str, int]):
    """Word to 64-bit hash. Each word is hashed once."""

    def __missing__(self, word: str) -> int:
        value = int.from_bytes(_digest(word))

        # The next look-up finds it without a call.
        self[word] = value
        return value


def _character_shingles(
    forms: Sequence[str], hash_of_word: _WordHashes
) -> tuple[Hashes, Positions]:
    """Return the hashes of character 3-grams, and the index of the form of each."""
    # A form needs three characters for one 3-gram.
    long_forms = [index for index, form in enumerate(forms) if len(form) > 2]
    short_forms = [index for index, form in enumerate(forms) if len(form) <= 2]

    # A 3-gram is made of three code points.
    characters = chain.from_iterable(forms[index] for index in long_forms)
    code_points = np.array([ord(character) for character in characters], dtype=np.uint64)
    lengths = np.array([len(forms[index]) for index in long_forms], dtype=np.int64)
    trigrams, trigram_owners = _trigrams(code_points + _CHARACTER_OFFSET, lengths)

    # A form that is too short for one 3-gram is its own shingle.
    whole_forms = [hash_of_word[f"\0{forms[index]}"] for index in short_forms]

    # Both kinds together, with the index of the form of each.
    hashes = np.concatenate([trigrams, np.array(whole_forms, dtype=np.uint64)])
    owners = [
        np.array(long_forms, dtype=np.int64)[trigram_owners],
        np.array(short_forms, dtype=np.int64),
    ]
    return hashes, np.concatenate(owners)


def _word_shingles(
    texts: Sequence[list[str]], hash_of_word: _WordHashes
) -> tuple[Hashes, Positions]:
    """Return the hashes of word 3-grams, and the index of the text of each."""
    all_words = chain.from_iterable(texts)
    hashes = np.fromiter(map(hash_of_word.__getitem__, all_words), dtype=np.uint64)
    lengths = np.array([len(words) for words in texts], dtype=np.int64)
    return _trigrams(hashes, lengths)


def _trigrams(items: Hashes, lengths: Positions) -> tuple[Hashes, Positions]:
    """Return the hashes of each three items in a row, and the index of the text of each.

    Args:
        items: the items of all texts, one after another.
        lengths: how many items each text has, at least three.
    """
    if not len(lengths):
        return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)

    # Each part has a factor of its own, so that the order of the three items counts.
    last = _mix(items[2:] * _FACTORS[2])
    last_two = _mix(items[1:-1] * _FACTORS[1] + last)
    trigrams = _mix(items[:-2] * _FACTORS[0] + last_two)

    # No 3-gram begins at the last two items of a text: it would reach into the next text.
    begins = np.ones(len(items), dtype=bool)
    ends = np.cumsum(lengths)
    begins[ends - 1] = False
    begins[ends - 2] = False
    owners = np.repeat(np.arange(len(lengths)), lengths - 2)

    return trigrams[begins[:-2]], owners


def _sorted_by_row(hashes: Hashes, rows: Positions, count: int) -> tuple[Hashes, Positions]:
    """Return the distinct hashes of each of `count` rows, sorted, and where each row begins."""
    # Sort by hash, and then stably by row. Two sorts by one key each are several times as fast as
    # one sort by two keys. Small integers sort faster.
    order = np.argsort(hashes)
    row_type = np.uint16 if count < 1 << 16 else np.int64
    rows_by_hash = rows[order].astype(row_type)
    order = order[np.argsort(rows_by_hash, kind="stable")]
    hashes = hashes[order]
    rows = rows[order]

    # A hash that equals its predecessor in the same row is a repetition.
    is_new = np.ones(len(hashes), dtype=bool)
    is_new[1:] = (hashes[1:] != hashes[:-1]) | (rows[1:] != rows[:-1])

    starts = np.searchsorted(rows[is_new], np.arange(count + 1))
    return hashes[is_new], starts.astype(np.int64)


def _mix(values: Hashes) -> Hashes:
    """Return `values` through the finalizer of SplitMix64 (Steele, Lea and Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _signed_hash(text: str) -> int:
    return int.from_bytes(_digest(text), signed=True)


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
