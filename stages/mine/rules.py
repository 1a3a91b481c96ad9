"""The rules that refuse a candidate, each named, in the order in which they are asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.lib.text import normal_form
from stages.lib.topk import Integers, Vectors
from stages.mine.answers import Neighbours, joined
from stages.mine.candidates import Candidates, by_people
from stages.mine.corpus import Corpus
from stages.mine.judged import NOTHING, Judged
from stages.mine.params import MineParams

Mask = npt.NDArray[np.bool_]

# `margin` is judged by the cosine, `cross_encoder` by the scores of that model, `skipped` are the first of those that
# pass all others.
RULES = (
    "known_positive",
    "equal_to_anchor",
    "near_positive",
    "relative",
    "margin",
    "cross_encoder",
    "skipped",
)
PASSED = -1


class Barred(NamedTuple):
    """What a rule bars for each anchor.

    Documents are told as sorted numbers (anchor times size of the corpus plus document), families as the like of them
    (anchor times `groups`, which is how many there are, plus family); `families` (documents,) has that of each, or -1.
    `lineages` has, for each anchor, all above and below of each of its answers: sets that may be large and are shared.
    """

    known_positive: Integers
    equal_to_anchor: Integers
    near_positive: Integers
    family: Integers
    families: Integers
    groups: int
    lineages: list[list[frozenset[str]]]


class World(NamedTuple):
    """What is known beside the texts: normal form of an anchor to its answers, and who is near or related to whom.

    `family` names the group of each document that has one. `judged` is what single pairs say beyond that; `trained` has
    the vectors of the texts that are trained on instead of a passage, `labels` the documents of each topic.
    """

    positives: Mapping[str, frozenset[str]]
    near: Neighbours
    lineage: Neighbours
    family: Mapping[str, str]
    judged: Judged = NOTHING
    trained: Mapping[str, Vectors] = {}
    labels: Mapping[str, frozenset[str]] = {}


def rules_on(params: MineParams) -> list[str]:
    """Return the rules that are in force; every negative has passed them."""
    off = {
        "near_positive": params.near_positives == "keep",
        "relative": params.exclude_relatives == "off",
        "margin": not params.has_margin or params.crossed,
        "cross_encoder": not params.crossed,
        "skipped": params.skip_first == 0,
    }
    return [rule for rule in RULES if not off.get(rule)]


# What a person found dissimilar is barred only by what is certain.
CERTAIN = ("known_positive", "equal_to_anchor")


def bar(forms: Sequence[str], pair_ids: Sequence[str], corpus: Corpus, world: World) -> Barred:
    """Return what is barred for each anchor, given by its normal form and its pair.

    Positives are compared by their texts in normal form, so that one under another id is barred too. Where the anchor
    asks for a document of a topic, all documents of that topic answer it.
    """
    judged = world.judged
    number, size = corpus.number, corpus.searched
    said = [
        [f for doc_id in world.positives[anchor] for f in corpus.forms[number[doc_id]]]
        for anchor in forms
    ]
    for known, pair_id in zip(said, pair_ids, strict=True):
        known += [normal_form(judged.trained[pair_id])] if pair_id in judged.trained else []
        same = (
            world.labels.get(judged.topics[pair_id], frozenset())
            if pair_id in judged.topics
            else frozenset()
        )
        known += [
            form
            for doc_id in sorted(same)
            if doc_id in number
            for form in corpus.forms[number[doc_id]]
        ]
    wanted = {*forms, *(form for known in said for form in known)}
    saying: dict[str, list[int]] = defaultdict(list)
    for at, found in enumerate(corpus.forms[:size]):
        for form in found & wanted:
            saying[form].append(at)

    def keys(found: Iterable[Iterable[int]], width: int) -> Integers:
        return np.sort(
            np.array(
                [row * width + at for row, some in enumerate(found) for at in some], dtype=np.int64
            )
        )

    answers = [sorted(world.positives[anchor]) for anchor in forms]
    near = (joined(world.near, known) for known in answers)
    groups = {name: at for at, name in enumerate(sorted(set(world.family.values())))}
    family = {doc_id: groups[name] for doc_id, name in world.family.items()}
    return Barred(
        keys(([at for form in known for at in saying[form]] for known in said), size),
        keys((saying[anchor] for anchor in forms), size),
        keys(([at for one in some if (at := number.get(one, size)) < size] for some in near), size),
        keys(({family[one] for one in known if one in family} for known in answers), len(groups)),
        np.array([family.get(doc_id, -1) for doc_id in corpus.ids[:size]], dtype=np.int64),
        len(groups),
        [[world.lineage[one] for one in known if one in world.lineage] for known in answers],
    )


Hits = Mapping[str, Mask]


def judge(
    found: Candidates,
    barred: Barred,
    thresholds: npt.NDArray[np.float64],
    corpus: Corpus,
    params: MineParams,
) -> Hits:
    """Return which of the candidates `found` each rule hits, whether or not it is in force.

    `thresholds` (anchors,) bound the score of a negative. `relative` is what `params` call so; `lineage` are the
    ancestors and descendants of a positive, whatever they say.
    """
    keys = found.rows * corpus.searched + found.documents
    families = barred.families[found.documents]
    family = (families >= 0) & _among(found.rows * barred.groups + families, barred.family)
    lineage = _related(found, barred, corpus)
    by_lineage = params.exclude_relatives in ("hierarchy", "both")
    by_family = params.exclude_relatives in ("family", "both")
    free = ~by_people(found, params)
    return {
        "known_positive": _among(keys, barred.known_positive),
        "equal_to_anchor": _among(keys, barred.equal_to_anchor),
        "near_positive": _among(keys, barred.near_positive) & free,
        "relative": ((lineage & by_lineage) | (family & by_family)) & free,
        "margin": (found.cosines > thresholds[found.rows]) & free,
        "lineage": lineage,
    }


def passed(hits: Hits, rules: Sequence[str]) -> Mask:
    """Return which candidates none of `rules` hits; those that are judged elsewhere hit nobody here."""
    found = [hits[rule] for rule in rules if rule in hits]
    return (
        np.asarray(~np.logical_or.reduce(found))
        if found
        else np.ones(len(hits["margin"]), dtype=np.bool_)
    )


def reasons(hits: Hits, rules: Sequence[str]) -> Integers:
    """Return the number of the first of `rules` that hits each candidate, else PASSED."""
    found = np.full(len(hits["margin"]), PASSED, dtype=np.int64)
    for rule in reversed(rules):
        if rule in hits:
            found[hits[rule]] = RULES.index(rule)
    return found


def _related(found: Candidates, barred: Barred, corpus: Corpus) -> Mask:
    hits = np.zeros(len(found.rows), dtype=np.bool_)
    inside = [row for row in np.unique(found.rows).tolist() if barred.lineages[row]]
    for at in np.flatnonzero(np.isin(found.rows, inside)).tolist():
        doc_id = corpus.ids[found.documents[at]]
        hits[at] = any(doc_id in lineage for lineage in barred.lineages[found.rows[at]])
    return hits


def _among(keys: Integers, barred: Integers) -> Mask:
    if not len(barred):
        return np.zeros(len(keys), dtype=np.bool_)
    at = np.minimum(np.searchsorted(barred, keys), len(barred) - 1)
    return np.asarray(barred[at] == keys)
