"""Texts that must not be trained on beside each other: equal, near, or overlapping ones. Exact.

Three tests decide. Two texts are equal if their normal forms are. They are near if the Jaccard
similarity of their shingles reaches a threshold. They overlap if they share a run (`overlap.py`)
that is no boilerplate. Anchors and documents are compared with each other too. Every audit of
held-out texts, whichever stage makes it, compares texts here.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice, pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from stages.lib.core import database
from stages.lib.text.hashed_shingles import hashed_shingles
from stages.lib.text.normal_form import hash_of_form, normal_form
from stages.lib.text.overlap import Hashes, shared_runs
from stages.lib.text.similarity_join import join_sets, set_reader
from stages.lib.text.text_file import TextFile

# Row id to its texts: as collected, as cleaned, as embedded.
TextVersions = Mapping[str, Sequence[str]]

_Integers = npt.NDArray[np.int32]

# Groups of forms whose shingles are hashed at a time.
_GROUPS_OF_BLOCK = 1000

NO_RUNS: Hashes = np.empty(0, dtype=np.uint64)


class TextMatches(NamedTuple):
    """Rows with similar texts, anchors and documents together.

    Attributes:
        equal: normal form to the sorted ids of the rows that share it.
        near: for each two forms that are near, the ids with the one and the ids with the other.
        overlapping: the sorted ids of the rows that share a run.
        common_runs: hashes of the runs that are boilerplate, sorted. They are no evidence.
    """

    equal: dict[str, list[str]]
    near: list[tuple[list[str], list[str]]]
    overlapping: list[list[str]]
    common_runs: Hashes = NO_RUNS

    def groups(self) -> Iterator[tuple[str, list[str], list[str]]]:
        """Yield ("equal", "near" or "overlapping", ids, ids): each of the first matches each other.

        Equal ones come first, then near ones.
        """
        for row_ids in self.equal.values():
            yield "equal", row_ids, row_ids

        for left_ids, right_ids in self.near:
            yield "near", left_ids, right_ids

        for row_ids in self.overlapping:
            yield "overlapping", row_ids, row_ids


def match_texts(
    kinds: Sequence[TextVersions],
    threshold: float,
    *,
    untrained: TextVersions | None = None,
    source_of: Mapping[str, str] | None = None,
) -> TextMatches:
    """Return all equal, near and overlapping texts, of one kind or of two.

    Args:
        kinds: the texts of anchors, and those of documents: all that may be trained on.
        threshold: exact Jaccard similarity of shingles from which two texts are near.
        untrained: more texts of the same rows, such as documents as collected. They have markup
            that recurs, so they are not searched for runs.
        source_of: row id to source; what recurs within a source is boilerplate.
    """
    forms = _DistinctForms([*kinds, untrained or {}])
    near = _near_forms(forms, threshold)

    # The join may be the largest one, and what follows needs the memory.
    database.release()
    equal = forms.equal()
    runs = _overlapping(kinds, equal, source_of or {})
    return runs._replace(equal=equal, near=near)


def ids_by_normal_form(*kinds: TextVersions) -> dict[str, list[str]]:
    """Return normal form to the sorted ids of the rows that have a text of this form.

    >>> ids_by_normal_form({"p1": ["Reset it!"]}, {"d1": ["Reset IT", "No."]})
    {'reset it': ['d1', 'p1'], 'no': ['d1']}
    """
    groups: dict[str, set[str]] = defaultdict(set)
    for versions in kinds:
        for row_id, texts in versions.items():
            for text in texts:
                groups[normal_form(text)].add(row_id)

    return {form: sorted(row_ids) for form, row_ids in groups.items()}


def equal_groups(*kinds: TextVersions) -> dict[str, list[str]]:
    """Return the entries of `ids_by_normal_form` with at least two ids."""
    groups = ids_by_normal_form(*kinds)
    return {form: row_ids for form, row_ids in groups.items() if len(row_ids) > 1}


class _DistinctForms:
    """The normal forms of all texts, in a file, and the rows that have a text of each form.

    Forms are named by number, in the order in which they were met.
    """

    def __init__(self, kinds: Sequence[TextVersions]) -> None:
        # Rows are numbers, in the order of their ids: large tables have many millions of them.
        self._ids = sorted(frozenset[str]().union(*kinds))
        number_of_id = {row_id: number for number, row_id in enumerate(self._ids)}

        # The form of each text, its hash of 128 bits, and its row.
        self._forms = TextFile()
        hashes = bytearray()
        rows = array("i")
        for versions in kinds:
            for row_id, texts in versions.items():
                for text in texts:
                    form = normal_form(text)
                    self._forms.append(form)
                    hashes += hash_of_form(form)
                    rows.append(number_of_id[row_id])

        # The texts by form, and those of a form by row.
        halves = np.frombuffer(hashes, dtype=np.uint64).reshape(-1, 2)
        row_numbers = np.array(rows, dtype=np.int32)
        order = np.lexsort((row_numbers, halves[:, 1], halves[:, 0]))
        is_new_form = _is_new(halves[order])

        # Forms are numbered by their first texts.
        first_texts = order
        if len(order):
            first_texts = np.minimum.reduceat(order, np.flatnonzero(is_new_form))
        self._texts = np.sort(first_texts)
        numbers = np.searchsorted(self._texts, first_texts)

        # The rows of each form, each once: those of form i are from `_starts[i]` on.
        members = np.stack([numbers[np.cumsum(is_new_form) - 1], row_numbers[order]], axis=1)
        members = members[np.argsort(members[:, 0], kind="stable")]
        members = members[_is_new(members)]
        self._owners = members[:, 1].astype(np.int32)
        self._starts = np.searchsorted(members[:, 0], np.arange(len(self._texts) + 1))

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, number: int) -> str:
        return self._forms[int(self._texts[number])]

    def row_ids(self, number: int) -> list[str]:
        """Return the sorted ids of the rows with a form."""
        owners = self._owners[self._starts[number] : self._starts[number + 1]]
        return [self._ids[owner] for owner in owners.tolist()]

    def equal(self) -> dict[str, list[str]]:
        """Return the forms that at least two rows have, with the ids of these."""
        repeated = np.flatnonzero(np.diff(self._starts) > 1)
        return {self[number]: self.row_ids(number) for number in repeated.tolist()}

    def by_rows(self) -> tuple[_Integers, _Integers]:
        """Return the forms in the order of their rows, and where forms of other rows begin.

        The first has the shape (forms,), the second (groups,).
        """
        # The bytes of numbers, from the largest byte on, have the order of the lists of numbers.
        data = self._owners.astype(">i4").tobytes()
        bounds = (4 * self._starts).tolist()
        rows_of_form = [data[start:end] for start, end in pairwise(bounds)]
        order = sorted(range(len(self)), key=rows_of_form.__getitem__)

        starts = array("i")
        for place, number in enumerate(order):
            if not place or rows_of_form[number] != rows_of_form[order[place - 1]]:
                starts.append(place)

        return np.array(order, dtype=np.int32), np.array(starts, dtype=np.int32)


def _is_new(rows: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return a mask of the rows that differ from the one before, of shape (rows,)."""
    mask = np.ones(len(rows), dtype=np.bool_)
    mask[1:] = (rows[1:] != rows[:-1]).any(axis=1)
    return mask


def _near_forms(forms: _DistinctForms, threshold: float) -> list[tuple[list[str], list[str]]]:
    """Return the ids of the rows of each two near forms, unless both are of the same rows."""
    # The forms that the same rows have are one row of the join: a document, and the passages that
    # no other one has. What they share is evidence of nothing, and the join skips it. A query that
    # was clicked a hundred times is compared once.
    order, starts = forms.by_rows()

    # The shingles take many times the memory of the texts, so they are made when the database
    # reads them.
    bounds = np.append(starts, len(order))
    edges = join_sets(set_reader(_shingle_sets(forms, order, bounds)), None, threshold)

    # The rows of the first form of a group are those of all.
    near: list[tuple[list[str], list[str]]] = []
    for left, right in zip(edges.left.tolist(), edges.right.tolist(), strict=True):
        left_ids = forms.row_ids(int(order[starts[left]]))
        right_ids = forms.row_ids(int(order[starts[right]]))
        near.append((left_ids, right_ids))

    return near


def _shingle_sets(
    forms: _DistinctForms, order: npt.NDArray[np.int32], bounds: npt.NDArray[np.int32]
) -> Iterator[list[Hashes]]:
    """Yield the shingle sets of each group of forms, in the order of the forms.

    Args:
        forms: the forms, by their numbers.
        order: the numbers of all forms, group by group.
        bounds: where each group starts in `order`, and the end of the last one.
    """
    for block in range(0, len(bounds) - 1, _GROUPS_OF_BLOCK):
        # The forms of some groups, and how many each of them has.
        block_bounds = bounds[block : block + _GROUPS_OF_BLOCK + 1]
        groups: list[list[str]] = []
        for start, end in pairwise(block_bounds.tolist()):
            groups.append(sorted(forms[number] for number in order[start:end].tolist()))

        hashed = iter(hashed_shingles(list(chain.from_iterable(groups))))
        for group in groups:
            yield list(chain.from_iterable(islice(hashed, len(group))))


def _overlapping(
    kinds: Sequence[TextVersions],
    equal: Mapping[str, list[str]],
    source_of: Mapping[str, str],
) -> TextMatches:
    """Return the rows that share a run, and the runs that are boilerplate; no other matches."""
    # Equal rows count as one, or a text with ten copies were boilerplate.
    first_of_row = _first_equals(equal)
    rows_of_first: dict[str, list[str]] = defaultdict(list)
    for versions in kinds:
        for row_id in sorted(versions):
            rows_of_first[first_of_row.get(row_id, row_id)].append(row_id)

    shared = shared_runs(_TextsOfRows(kinds, rows_of_first), source_of)
    groups: list[list[str]] = []
    for group in shared.groups:
        groups.append(sorted(row_id for first in group for row_id in rows_of_first[first]))

    return TextMatches({}, [], groups, shared.common)


class _TextsOfRows(Mapping[str, list[str]]):
    """First of equal rows to the distinct texts of these rows, which are read when asked for."""

    def __init__(
        self, kinds: Sequence[TextVersions], rows_of_first: Mapping[str, Sequence[str]]
    ) -> None:
        self._kinds = kinds
        self._rows_of_first = rows_of_first

    def __getitem__(self, first: str) -> list[str]:
        texts: dict[str, None] = {}
        for row_id in self._rows_of_first[first]:
            for versions in self._kinds:
                texts.update(dict.fromkeys(versions.get(row_id, ())))

        return list(texts)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows_of_first)

    def __len__(self) -> int:
        return len(self._rows_of_first)


def _first_equals(equal: Mapping[str, list[str]]) -> dict[str, str]:
    """Return row id to the first row of its kind with an equal text, for rows that have equals."""
    first_of_row: dict[str, str] = {}
    for form in sorted(equal):
        first_of_kind: dict[str, str] = {}
        for row_id in equal[form]:
            # The letter of an id is its kind: a pair or a document.
            first_of_row.setdefault(row_id, first_of_kind.setdefault(row_id[0], row_id))

    return first_of_row
