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
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from stages.lib.core import database
from stages.lib.text.normal_form import hash_of_form, normal_form, shingles_of_form
from stages.lib.text.overlap import Hashes, shared_runs
from stages.lib.text.similarity_join import join_sets, set_reader
from stages.lib.text.text_file import TextFile

# Row id to its texts: as collected, as cleaned, as embedded.
TextVersions = Mapping[str, Sequence[str]]

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

    Attributes:
        forms: the forms, each once, in the order in which they were met.
        row_ids: for each form the ids of its rows, sorted.
    """

    def __init__(self, kinds: Sequence[TextVersions]) -> None:
        self.forms = TextFile()
        row_ids: list[list[str]] = []

        # A hash of 128 bits stands for a form, so that memory holds no texts.
        number_of_hash: dict[bytes, int] = {}
        for versions in kinds:
            for row_id, texts in versions.items():
                for text in texts:
                    form = normal_form(text)
                    number = number_of_hash.setdefault(hash_of_form(form), len(self.forms))
                    if number == len(self.forms):
                        self.forms.append(form)
                        row_ids.append([])
                    row_ids[number].append(row_id)

        # Most forms have one row, and a tuple takes half of the memory of a list.
        self.row_ids = [tuple(sorted(set(ids))) for ids in row_ids]

    def equal(self) -> dict[str, list[str]]:
        """Return the forms that at least two rows have, with the ids of these."""
        return {
            self.forms[number]: list(ids) for number, ids in enumerate(self.row_ids) if len(ids) > 1
        }


def _near_forms(forms: _DistinctForms, threshold: float) -> list[tuple[list[str], list[str]]]:
    """Return the ids of the rows of each two near forms, unless both are of the same rows."""
    # The forms that the same rows have are one row of the join: a document, and the passages that
    # no other one has. What they share is evidence of nothing, and the join skips it. A query that
    # was clicked a hundred times is compared once.
    order = np.array(sorted(range(len(forms.row_ids)), key=forms.row_ids.__getitem__), np.int32)
    starts = array("i")
    for place, number in enumerate(order.tolist()):
        if not place or forms.row_ids[number] != forms.row_ids[int(order[place - 1])]:
            starts.append(place)

    # The shingles take many times the memory of the texts, so they are made when the database
    # reads them.
    starts_and_end = [*starts, len(order)]
    groups = pairwise(starts_and_end)
    shingle_sets = (_shingle_sets(forms, order[start:end].tolist()) for start, end in groups)
    edges = join_sets(set_reader(shingle_sets), None, threshold)

    near: list[tuple[list[str], list[str]]] = []
    for left, right in zip(edges.left.tolist(), edges.right.tolist(), strict=True):
        left_ids = forms.row_ids[int(order[starts[left]])]
        right_ids = forms.row_ids[int(order[starts[right]])]
        near.append((list(left_ids), list(right_ids)))

    return near


def _shingle_sets(forms: _DistinctForms, numbers: Sequence[int]) -> list[frozenset[str]]:
    """Return the shingle sets of all forms of these numbers, in the order of the forms."""
    ordered = sorted(forms.forms[number] for number in numbers)
    return [shingles for form in ordered for shingles in shingles_of_form(form)]


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
