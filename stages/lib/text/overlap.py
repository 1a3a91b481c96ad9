"""Runs: fifty words in a row, or a long sentence. Texts that share a run overlap.

The Jaccard similarity of two texts is low where one quotes a section of the other. A shared run
shows it. Words are those of the normal form; scripts without spaces count characters, as `words`
does. Runs are compared by 64-bit hashes, so that the texts are not needed.

Sources: Karp and Rabin 1987 (hashes of rolling windows); Schleimer, Wilkerson and Aiken 2003
(winnowing: of each window the smallest hash, so that no shared run is missed).
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from stages.lib.text.normal_form import normal_form, words

# A shared run has so many words, or is a whole sentence of so many words.
RUN_WORDS = 50
SENTENCE_WORDS = 20

# A run that so many documents, or different anchors, of one source hold is boilerplate.
COMMON_COUNT = 10

Hashes = npt.NDArray[np.uint64]
_Indices = npt.NDArray[np.integer[Any]]

# A run holds so many shorter runs, of which the smallest hash is kept.
_SHORT_RUN = 25
_SHORT_RUNS = RUN_WORDS - _SHORT_RUN + 1

# How many words are hashed at a time. It bounds memory and changes no result.
_BATCH_WORDS = 1 << 18

# A sentence ends at a line break, at a full stop before white space, and at a full-width stop.
_SENTENCE_END = re.compile(r"(?<=[.!?\u2026])[\"'\u201d\u2019)\]]*\s+|(?<=[\u3002\uff01\uff1f])|\n")

_ASCII_WORDS = re.compile(r"\w+")

# An odd multiplier has an inverse modulo 2^64.
_BASE = 0x9E3779B97F4A7C15
_BASE_INVERSE = pow(_BASE, -1, 1 << 64)
_SENTENCE_SALT = np.uint64(0xD1B54A32D192ED03)


class RunHashes(NamedTuple):
    """Runs as hashes, and the texts that hold them.

    Attributes:
        hashes: of shape (runs,).
        owners: the index of the text of each run, of shape (runs,).
    """

    hashes: Hashes
    owners: _Indices


class SharedRuns(NamedTuple):
    """The runs that several rows share.

    Attributes:
        groups: the sorted ids of the rows that share a run, each group once, sorted.
        common: the hashes of the runs that are boilerplate, sorted. They are in no group.
    """

    groups: list[list[str]]
    common: Hashes


def run_hashes(texts: Sequence[str]) -> RunHashes:
    r"""Return all runs of the texts, sorted by text and hash, each once in a text.

    >>> sentence = "Hold the button " + "for ten seconds and then " * 4
    >>> run_hashes(["Reset it.", sentence + ". Call us.", "Help:\n" + sentence.upper()]).owners
    array([1, 2])
    """
    parts = [_full_runs(batch) for batch in _batches(texts)]
    return _distinct(parts)


def shared_runs(
    rows: Mapping[str, Sequence[str]], source_of: Mapping[str, str], limit: int = COMMON_COUNT
) -> SharedRuns:
    """Return the runs that at least two rows share, and those that are boilerplate.

    The first pass keeps the sentences, and of the runs of fifty words the hashes that winnowing
    selects: about one in thirteen. Only rows that share one of them are hashed in full.

    Args:
        rows: row id to the texts of the row.
        source_of: row id to source; "" for others.
        limit: the number of rows of one source from which a run is boilerplate.
    """
    ids = _candidate_rows(rows)

    # All runs of these rows; those of one row alone are no evidence.
    runs = _runs_of_rows(rows, ids, _full_runs)
    is_shared = _is_repeated(runs.hashes)
    runs = RunHashes(runs.hashes[is_shared], runs.owners[is_shared])

    # What recurs in many rows of a source is boilerplate.
    sources = sorted({source_of.get(row_id, "") for row_id in ids})
    number_of_source = {source: number for number, source in enumerate(sources)}
    source_of_row = np.array([number_of_source[source_of.get(row_id, "")] for row_id in ids])
    common = _common_hashes(runs, source_of_row, limit)
    is_evidence = ~np.isin(runs.hashes, common)

    return SharedRuns(_groups(runs.hashes[is_evidence], runs.owners[is_evidence], ids), common)


def without_common(hashes: Hashes, common: Hashes) -> Hashes:
    """Return the hashes that are not in `common`."""
    return hashes[~np.isin(hashes, common)]


# --- words, in batches


class _Batch(NamedTuple):
    """The words of several texts, one after the other.

    Attributes:
        words: hashes of the words, of shape (words,).
        text_starts: the first word of each text, then the number of words, (texts + 1,).
        first_text: the index of the first text.
        sentences: first and last word (exclusive) of each long sentence, (sentences, 2).
    """

    words: Hashes
    text_starts: _Indices
    first_text: int
    sentences: _Indices


class _WordHashes(dict[str, int]):
    """Word to its hash, made when it is first met."""

    def __missing__(self, word: str) -> int:
        digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        self[word] = int.from_bytes(digest, "little")
        return self[word]


class _SentenceHashes(dict[str, list[int]]):
    """Sentence to the hashes of its words. A passage has the sentences of its document."""

    def __init__(self) -> None:
        super().__init__()
        self._hash_of_word = _WordHashes()

    def __missing__(self, sentence: str) -> list[int]:
        self[sentence] = list(map(self._hash_of_word.__getitem__, _words(sentence)))
        return self[sentence]


def _batches(texts: Iterable[str]) -> Iterator[_Batch]:
    """Yield the words of all texts, several texts at a time."""
    hashes_of_sentence = _SentenceHashes()
    hashes: list[int] = []
    starts = [0]
    sentences: list[tuple[int, int]] = []
    first_text = 0
    for index, text in enumerate(texts):
        for sentence in _SENTENCE_END.split(text):
            start = len(hashes)
            hashes.extend(hashes_of_sentence[sentence])
            if len(hashes) - start >= SENTENCE_WORDS:
                sentences.append((start, len(hashes)))

        starts.append(len(hashes))
        if len(hashes) >= _BATCH_WORDS:
            yield _make_batch(hashes, starts, first_text, sentences)
            hashes_of_sentence = _SentenceHashes()
            hashes = []
            starts = [0]
            sentences = []
            first_text = index + 1

    yield _make_batch(hashes, starts, first_text, sentences)


def _make_batch(
    hashes: list[int], starts: list[int], first_text: int, sentences: list[tuple[int, int]]
) -> _Batch:
    return _Batch(
        np.array(hashes, dtype=np.uint64),
        np.array(starts, dtype=np.int64),
        first_text,
        np.array(sentences, dtype=np.int64).reshape(-1, 2),
    )


def _words(text: str) -> list[str]:
    form = normal_form(text)
    # The same for ASCII, several times as fast.
    return _ASCII_WORDS.findall(form) if form.isascii() else words(form)


# --- hashes of runs


def _full_runs(batch: _Batch) -> RunHashes:
    """Return the runs of fifty words and the long sentences of a batch."""
    sums = _prefix_sums(batch.words)
    starts = _run_starts(batch)
    windows = _mixed(_hashes_between(sums, starts, starts + RUN_WORDS))
    sentences = _sentence_hashes(batch, sums)

    owners = [_text_of(batch, starts), _text_of(batch, batch.sentences[:, 0])]
    return RunHashes(np.concatenate([windows, sentences]), np.concatenate(owners))


def _selected_runs(batch: _Batch) -> RunHashes:
    """Return the hash that winnowing selects of each run of fifty words, and the long sentences."""
    sums = _prefix_sums(batch.words)
    sentences = _sentence_hashes(batch, sums)
    sentence_owners = _text_of(batch, batch.sentences[:, 0])
    starts = _run_starts(batch)
    if not len(starts):
        return RunHashes(sentences, sentence_owners)

    # Hashes of the short runs, and the smallest one in each run of fifty words.
    short_starts = np.arange(len(batch.words) - _SHORT_RUN + 1)
    short_runs = _mixed(_hashes_between(sums, short_starts, short_starts + _SHORT_RUN))
    smallest = np.lib.stride_tricks.sliding_window_view(short_runs, _SHORT_RUNS).min(axis=1)
    selected = smallest[starts]
    owners = _text_of(batch, starts)

    # Neighbours mostly select the same one.
    is_new = np.ones(len(selected), dtype=np.bool_)
    is_new[1:] = (selected[1:] != selected[:-1]) | (owners[1:] != owners[:-1])
    return RunHashes(
        np.concatenate([selected[is_new], sentences]),
        np.concatenate([owners[is_new], sentence_owners]),
    )


def _run_starts(batch: _Batch) -> _Indices:
    """Return the positions from which fifty words of the same text follow, (runs,)."""
    positions = np.arange(len(batch.words))
    ends = np.repeat(batch.text_starts[1:], np.diff(batch.text_starts))
    return positions[positions + RUN_WORDS <= ends]


def _text_of(batch: _Batch, positions: _Indices) -> _Indices:
    """Return the index of the text of each word position."""
    local = np.searchsorted(batch.text_starts, positions, side="right") - 1
    return np.asarray(local + batch.first_text, dtype=np.int64)


def _sentence_hashes(batch: _Batch, sums: Hashes) -> Hashes:
    polynomials = _hashes_between(sums, batch.sentences[:, 0], batch.sentences[:, 1])
    return _mixed(polynomials ^ _SENTENCE_SALT)


def _prefix_sums(word_hashes: Hashes) -> Hashes:
    """Return the sums of word hash times power of the base, modulo 2^64, (words + 1,)."""
    sums = np.zeros(len(word_hashes) + 1, dtype=np.uint64)
    np.cumsum(word_hashes * _powers(_BASE, _size(word_hashes))[: len(word_hashes)], out=sums[1:])
    return sums


def _hashes_between(sums: Hashes, starts: _Indices, ends: _Indices) -> Hashes:
    """Return the polynomial hash of the words from each start to its end."""
    inverses = _powers(_BASE_INVERSE, _size(sums))
    return np.asarray((sums[ends] - sums[starts]) * inverses[starts], dtype=np.uint64)


def _size(values: Hashes) -> int:
    # Sizes are rounded up, so that few of them are kept.
    return 1 << max(len(values), _BATCH_WORDS).bit_length()


@lru_cache(maxsize=4)
def _powers(base: int, count: int) -> Hashes:
    """Return the first `count` powers of the base modulo 2^64, from 1 on."""
    factors = np.full(count, base, dtype=np.uint64)
    factors[0] = 1
    return np.asarray(np.multiply.accumulate(factors), dtype=np.uint64)


def _mixed(values: Hashes) -> Hashes:
    """Return the values with well mixed bits; different ones stay different (SplitMix64)."""
    mixed = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)


# --- rows that share runs


def _candidate_rows(rows: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the sorted ids of the rows that share a selected run with another row."""
    ids = sorted(rows)
    runs = _runs_of_rows(rows, ids, _selected_runs)
    return [ids[index] for index in np.unique(runs.owners[_is_repeated(runs.hashes)])]


def _runs_of_rows(
    rows: Mapping[str, Sequence[str]], ids: Sequence[str], runs_of: Callable[[_Batch], RunHashes]
) -> RunHashes:
    """Return the runs of the rows `ids`, sorted by hash and owner, each once.

    An owner is the index of a row.
    """
    # Texts are read when their batch is made, so memory never holds all of them.
    row_of_text = array("i")

    def texts() -> Iterator[str]:
        for index, row_id in enumerate(ids):
            for text in rows[row_id]:
                row_of_text.append(index)
                yield text

    # A row of several texts may have a run in two of them, and lie in two batches.
    hashes: list[Hashes] = []
    owners: list[_Indices] = []
    for batch in _batches(texts()):
        runs = runs_of(batch)
        # Numbers of 32 bits, since large tables have many millions of runs.
        row_runs = RunHashes(runs.hashes, np.array(row_of_text, dtype=np.int32)[runs.owners])
        distinct = _distinct([row_runs])
        hashes.append(distinct.hashes)
        owners.append(distinct.owners)

    # Large tables have many runs, so each list is let go once it is one array.
    all_hashes = np.concatenate(hashes)
    del hashes
    all_owners = np.concatenate(owners)
    del owners
    order = np.lexsort((all_owners, all_hashes))
    all_hashes = all_hashes[order]
    all_owners = all_owners[order]
    del order
    return _first_of_equals(RunHashes(all_hashes, all_owners))


def _distinct(parts: Sequence[RunHashes]) -> RunHashes:
    """Return the runs of all parts, sorted by owner and hash, each once."""
    hashes = np.concatenate([part.hashes for part in parts])
    owners = np.concatenate([part.owners for part in parts])
    order = np.lexsort((hashes, owners))
    return _first_of_equals(RunHashes(hashes[order], owners[order]))


def _first_of_equals(runs: RunHashes) -> RunHashes:
    """Return each run of an owner once; equal ones stand together."""
    is_new = np.ones(len(runs.hashes), dtype=np.bool_)
    is_new[1:] = runs.hashes[1:] != runs.hashes[:-1]
    is_new[1:] |= runs.owners[1:] != runs.owners[:-1]
    return RunHashes(runs.hashes[is_new], runs.owners[is_new])


def _is_repeated(sorted_hashes: Hashes) -> npt.NDArray[np.bool_]:
    """Return a mask of the hashes that stand there more than once."""
    same = sorted_hashes[1:] == sorted_hashes[:-1]
    mask = np.zeros(len(sorted_hashes), dtype=np.bool_)
    mask[1:] |= same
    mask[:-1] |= same
    return mask


def _common_hashes(runs: RunHashes, source_of_row: _Indices, limit: int) -> Hashes:
    """Return the hashes that at least `limit` rows of one source hold, sorted."""
    sources = source_of_row[runs.owners] if len(runs.owners) else runs.owners
    order = np.lexsort((sources, runs.hashes))
    hashes = runs.hashes[order]
    sources = sources[order]
    if not len(hashes):
        return hashes

    # The first row of each hash and source, and how many follow.
    is_first = np.ones(len(hashes), dtype=np.bool_)
    is_first[1:] = (hashes[1:] != hashes[:-1]) | (sources[1:] != sources[:-1])
    firsts = np.flatnonzero(is_first)
    counts = np.diff([*firsts, len(hashes)])
    return np.unique(hashes[firsts[counts >= limit]])


def _groups(hashes: Hashes, owners: _Indices, ids: Sequence[str]) -> list[list[str]]:
    """Return the ids of the rows of each hash, each group once; hashes are sorted."""
    if not len(hashes):
        return []

    starts = np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1]]))
    distinct = {tuple(part.tolist()) for part in np.split(owners, starts[1:])}
    return [list(map(ids.__getitem__, group)) for group in sorted(distinct)]
