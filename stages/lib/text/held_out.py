"""Fingerprints of held-out texts, and the texts that match one: equal, near, or overlapping.

A fingerprint holds hashes alone. So a stage that makes or checks training rows needs no held-out
text. The tests are those of `matches.py`.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.lib.core.ids import hash_hex
from stages.lib.schemas.splits import Fingerprints
from stages.lib.text.hashed_shingles import hashed_shingles
from stages.lib.text.matches import NO_RUNS, TextVersions
from stages.lib.text.normal_form import normal_form
from stages.lib.text.overlap import Hashes, run_hashes, without_common
from stages.lib.text.similarity_join import ShingleSets, similarity_join

# What a held-out text is compared with: the anchors of training rows, or all their texts.
ANCHORS = "anchors"
TEXTS = "texts"

# Texts whose runs are hashed at a time. The hashes take several times the memory of the texts.
_BLOCK_TEXTS = 4096


class HeldOutText(NamedTuple):
    """A text that must not be trained on.

    Attributes:
        row_id: the pair or document, or a generated id.
        split: validation, test or protected.
        text: the text.
        compared_with: ANCHORS or TEXTS.
        is_near_allowed: True if training may have texts that are near, or that overlap.
        is_overlap_allowed: True if training may have texts that overlap.
    """

    row_id: str
    split: str
    text: str
    compared_with: str
    is_near_allowed: bool = False
    is_overlap_allowed: bool = False


class HeldOutMatch(NamedTuple):
    """The held-out text that a text matches.

    Attributes:
        kind: "equal", "near" or "overlapping".
        row_id: the id of the held-out text.
        similarity: 1 for equal texts, the Jaccard similarity of near ones, NaN for a shared run.
    """

    kind: str
    row_id: str
    similarity: float


def fingerprint_rows(held_out: Sequence[HeldOutText], common_runs: Hashes) -> pd.DataFrame:
    """Return the Fingerprints of the texts, each normal form of an id once.

    Of texts with one normal form the last one counts of those that have runs.

    Args:
        held_out: the texts.
        common_runs: hashes of the runs that are boilerplate, sorted.
    """
    rows: dict[tuple[str, str], tuple[object, ...]] = {}
    forms = [normal_form(item.text) for item in held_out]
    hashed = zip(forms, hashed_shingles(forms), _runs_of_texts(held_out), strict=True)
    for item, (form, shingle_sets, runs) in zip(held_out, hashed, strict=True):
        text_hash = hash_hex(form)
        has_runs = not (item.is_near_allowed or item.is_overlap_allowed)
        if (item.row_id, text_hash) in rows and not has_runs:
            continue

        own_runs = without_common(runs, common_runs)
        rows[item.row_id, text_hash] = (
            item.row_id,
            item.split,
            text_hash,
            item.compared_with,
            [] if item.is_near_allowed else shingle_sets,
            own_runs if has_runs else NO_RUNS,
        )

    empty = Fingerprints.empty()
    if not rows:
        return empty

    columns = list(empty.columns)
    return pd.DataFrame(list(rows.values()), columns=columns)


def _runs_of_texts(held_out: Sequence[HeldOutText]) -> Iterator[Hashes]:
    """Yield the hashes of the runs of each text. A block of texts is hashed at a time."""
    for start in range(0, len(held_out), _BLOCK_TEXTS):
        block = held_out[start : start + _BLOCK_TEXTS]
        runs = run_hashes([item.text for item in block])
        bounds = np.searchsorted(runs.owners, np.arange(len(block) + 1))
        for first, end in pairwise(bounds.tolist()):
            yield runs.hashes[first:end]


class HeldOutHashes:
    """A Fingerprints table in memory, as plain arrays of hashes.

    Its texts are numbered, in the order of the table.

    Attributes:
        ids: the id of each text, of shape (texts,).
        normal_hashes: the hash of the normal form of each text, of shape (texts,).
        for_anchors: True for texts that are compared with anchors alone, of shape (texts,).
    """

    def __init__(self, frames: Iterable[pd.DataFrame]) -> None:
        """Read the table; `frames` are its parts, in their order."""
        self.ids: list[str] = []
        self.normal_hashes: list[str] = []
        is_for_anchors: list[bool] = []

        # All shingles, the end of each set among them, and how many sets there are up to each text.
        self._shingles = array("Q")
        self._set_ends = array("q", [0])
        self._sets_up_to = array("q", [0])

        # All runs, and the end of those of each text.
        self._runs = array("Q")
        self._run_ends = array("q", [0])
        for frame in frames:
            self.ids += frame["id"].tolist()
            self.normal_hashes += frame["normal_hash"].tolist()
            is_for_anchors += (frame["compared_with"] == ANCHORS).tolist()
            for shingle_sets, runs in zip(frame["shingles"], frame["runs"], strict=True):
                for shingle_set in shingle_sets:
                    self._shingles.frombytes(np.asarray(shingle_set, dtype=np.uint64).tobytes())
                    self._set_ends.append(len(self._shingles))
                self._sets_up_to.append(len(self._set_ends) - 1)
                self._runs.frombytes(np.asarray(runs, dtype=np.uint64).tobytes())
                self._run_ends.append(len(self._runs))

        self.for_anchors = np.array(is_for_anchors, dtype=np.bool_)

    def __len__(self) -> int:
        return len(self.ids)

    def shingle_sets(self, text: int) -> list[Hashes]:
        """Return the sorted hashes of each shingle set of a text."""
        shingles_of_all = np.frombuffer(self._shingles, dtype=np.uint64)
        ends = self._set_ends[self._sets_up_to[text] : self._sets_up_to[text + 1] + 1]
        return [shingles_of_all[start:end] for start, end in pairwise(ends)]

    def runs(self, texts: Sequence[int]) -> tuple[Hashes, npt.NDArray[np.int64]]:
        """Return the runs of some texts, and the text of each run; both of shape (runs,)."""
        ends = np.frombuffer(self._run_ends, dtype=np.int64)
        counts = np.diff(ends)
        is_wanted = np.zeros(len(self), dtype=np.bool_)
        is_wanted[list(texts)] = True
        owners = np.repeat(np.arange(len(self)), counts)
        is_kept = is_wanted[owners]
        return np.frombuffer(self._runs, dtype=np.uint64)[is_kept], owners[is_kept]


def match_held_out(
    anchors: TextVersions, texts: TextVersions, held_out: HeldOutHashes, threshold: float
) -> dict[str, HeldOutMatch]:
    """Return the best match of each row: an equal text, else the nearest, else an overlapping one.

    Args:
        anchors: row id to anchors, which are compared with all held-out texts.
        texts: row id to other texts, which are compared with those for all texts.
        held_out: the fingerprints of the held-out texts.
        threshold: exact Jaccard similarity of shingles from which two texts are near.
    """
    for_texts = np.flatnonzero(~held_out.for_anchors).tolist()
    matches = _best_matches(anchors, held_out, range(len(held_out)), threshold)
    for row_id, match in _best_matches(texts, held_out, for_texts, threshold).items():
        matches[row_id] = _better(matches.get(row_id, match), match)

    return matches


def _best_matches(
    versions: TextVersions, held_out: HeldOutHashes, compared: Sequence[int], threshold: float
) -> dict[str, HeldOutMatch]:
    """Return the best match of each row among the held-out texts of these numbers."""
    matches: dict[str, HeldOutMatch] = {}
    if not versions or not len(compared):
        return matches

    for row_id, match in (
        *_equal_matches(versions, held_out, compared),
        *_near_matches(versions, held_out, compared, threshold),
        *_overlapping_matches(versions, held_out, compared),
    ):
        matches[row_id] = _better(matches.get(row_id, match), match)

    return matches


def _better(match: HeldOutMatch, other: HeldOutMatch) -> HeldOutMatch:
    # Near texts by their similarity; of two that are alike the smaller id.
    order = ("equal", "near", "overlapping")
    return min(
        (match, other),
        key=lambda item: (
            order.index(item.kind),
            -item.similarity if item.kind == "near" else 0.0,
            item.row_id,
        ),
    )


def _equal_matches(
    versions: TextVersions, held_out: HeldOutHashes, compared: Sequence[int]
) -> Iterable[tuple[str, HeldOutMatch]]:
    # Of held-out texts with one normal form, the smallest id.
    id_of_hash: dict[str, str] = {}
    for number in compared:
        text_hash = held_out.normal_hashes[number]
        held_out_id = held_out.ids[number]
        id_of_hash[text_hash] = min(held_out_id, id_of_hash.get(text_hash, held_out_id))

    for row_id, texts in versions.items():
        for text in texts:
            text_hash = hash_hex(normal_form(text))
            if text_hash in id_of_hash:
                yield row_id, HeldOutMatch("equal", id_of_hash[text_hash], 1.0)


def _near_matches(
    versions: TextVersions, held_out: HeldOutHashes, compared: Sequence[int], threshold: float
) -> Iterable[tuple[str, HeldOutMatch]]:
    hashed = _HashedShingles(versions)
    held_out_sets = _HeldOutShingles(held_out, compared)
    for row_id, held_out_id, similarity in similarity_join(hashed, held_out_sets, threshold):
        yield row_id, HeldOutMatch("near", held_out_id, similarity)


class _HashedShingles(Mapping[str, ShingleSets]):
    """Row id to the shingle sets of its texts, which are made when they are asked for."""

    def __init__(self, versions: TextVersions) -> None:
        self._versions = versions

    def __getitem__(self, row_id: str) -> ShingleSets:
        forms = [normal_form(text) for text in self._versions[row_id]]
        return list(chain.from_iterable(hashed_shingles(forms)))

    def __iter__(self) -> Iterator[str]:
        return iter(self._versions)

    def __len__(self) -> int:
        return len(self._versions)


class _HeldOutShingles(Mapping[str, ShingleSets]):
    """Id of a held-out row to the shingle sets of its texts."""

    def __init__(self, held_out: HeldOutHashes, compared: Sequence[int]) -> None:
        self._held_out = held_out
        self._texts_of_id: dict[str, list[int]] = defaultdict(list)
        for text in compared:
            self._texts_of_id[held_out.ids[text]].append(text)

    def __getitem__(self, row_id: str) -> ShingleSets:
        return list(
            chain.from_iterable(map(self._held_out.shingle_sets, self._texts_of_id[row_id]))
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts_of_id)

    def __len__(self) -> int:
        return len(self._texts_of_id)


def _overlapping_matches(
    versions: TextVersions, held_out: HeldOutHashes, compared: Sequence[int]
) -> Iterable[tuple[str, HeldOutMatch]]:
    held_out_ids = sorted(set(held_out.ids))
    number_of_id = {held_out_id: number for number, held_out_id in enumerate(held_out_ids)}
    number_of_text = np.array([number_of_id[row_id] for row_id in held_out.ids], dtype=np.int64)
    hashes, texts_of_runs = held_out.runs(compared)
    numbers = number_of_text[texts_of_runs]

    # Sorted by hash, then by id, so that the first one of a hash has the smallest id.
    order = np.lexsort((numbers, hashes))
    hashes = hashes[order]
    numbers = numbers[order]

    # The runs of all texts, looked up among those.
    rows = [row_id for row_id, texts in versions.items() for _ in texts]
    runs = run_hashes([text for texts in versions.values() for text in texts])
    places = np.searchsorted(hashes, runs.hashes)
    is_inside = places < len(hashes)
    is_held_out = is_inside.copy()
    is_held_out[is_inside] = hashes[places[is_inside]] == runs.hashes[is_inside]
    for place, owner in zip(places[is_held_out], runs.owners[is_held_out], strict=True):
        held_out_id = held_out_ids[numbers[place]]
        yield rows[owner], HeldOutMatch("overlapping", held_out_id, float("nan"))
