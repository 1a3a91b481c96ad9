"""Texts of queries that are equal, near or overlap, found with NumPy alone.

The tests are those of `stages/lib/text/matches.py`, which compares whole corpora in a database. A
set of queries is small, so an index in memory does: an exact join with a prefix filter and a length
filter (Chaudhuri, Ganti and Kaushik 2006; Bayardo, Ma and Srikant 2007).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from stages.lib.text.normal_form import jaccard, normal_form, shingles_of_form
from stages.lib.text.overlap import shared_runs


def tied_texts(text_of: Mapping[str, str], threshold: float) -> list[tuple[str, str]]:
    """Return pairs of ids that tie all ids whose texts belong together.

    Args:
        text_of: id to text.
        threshold: the Jaccard similarity of shingles from which two texts are near.

    >>> tied_texts({"a": "Reset it!", "b": "reset it", "c": "No."}, 0.8)
    [('a', 'b')]
    """
    ids_of_form: dict[str, list[str]] = defaultdict(list)
    for text_id in sorted(text_of):
        ids_of_form[normal_form(text_of[text_id])].append(text_id)

    # Equal forms: each id with the first of its form, which stands for all of them.
    ties: list[tuple[str, str]] = []
    first_of_form = {form: ids[0] for form, ids in ids_of_form.items()}
    for ids in ids_of_form.values():
        ties += [(ids[0], other) for other in ids[1:]]

    # Near forms.
    for left, right in _near_forms(sorted(ids_of_form), threshold):
        ties.append((first_of_form[left], first_of_form[right]))

    # Texts that share a run of words.
    texts_of_first: dict[str, list[str]] = {}
    for ids in ids_of_form.values():
        texts_of_first[ids[0]] = list(dict.fromkeys(text_of[text_id] for text_id in ids))
    for group in shared_runs(texts_of_first, {}).groups:
        ties += [(group[0], other) for other in group[1:]]
    return ties


def _near_forms(forms: Iterable[str], threshold: float) -> list[tuple[str, str]]:
    """Return the pairs of forms with a set of shingles each that are near."""
    sets: list[tuple[str, frozenset[str]]] = []
    for form in forms:
        sets += [(form, shingle_set) for shingle_set in shingles_of_form(form)]
    counts = Counter(shingle for _, shingle_set in sets for shingle in shingle_set)

    # Two near sets share a shingle among the rarest of each: those in front of the last
    # threshold * size ones. An index holds these alone.
    numbers_of_shingle: dict[str, list[int]] = defaultdict(list)
    pairs: set[tuple[str, str]] = set()
    for number, (form, shingle_set) in enumerate(sets):
        rarest_first = sorted(shingle_set, key=lambda shingle: (counts[shingle], shingle))
        size = len(rarest_first)
        prefix = rarest_first[: size - math.ceil(threshold * size - 1e-9) + 1]

        candidates: set[int] = set()
        for shingle in prefix:
            candidates.update(numbers_of_shingle[shingle])
            numbers_of_shingle[shingle].append(number)

        for candidate in candidates:
            other_form, other_set = sets[candidate]
            shorter, longer = sorted((size, len(other_set)))
            if other_form == form or shorter < threshold * longer - 1e-9:
                continue
            if jaccard(shingle_set, other_set) >= threshold:
                pairs.add((other_form, form))
    return sorted(pairs)


def groups_of_ties(ids: Iterable[str], ties: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return id to the smallest id that it is tied to, also over others.

    Union by the smaller name with path halving (Tarjan 1975).

    >>> groups_of_ties(["a", "b", "c", "d"], [("b", "c"), ("c", "d")])
    {'a': 'a', 'b': 'b', 'c': 'b', 'd': 'b'}
    """
    parent = {text_id: text_id for text_id in ids}

    def root_of(text_id: str) -> str:
        while parent[text_id] != text_id:
            parent[text_id] = parent[parent[text_id]]
            text_id = parent[text_id]
        return text_id

    for left, right in ties:
        smaller, larger = sorted((root_of(left), root_of(right)))
        parent[larger] = smaller
    return {text_id: root_of(text_id) for text_id in parent}
