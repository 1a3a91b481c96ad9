"""The rules that refuse a candidate, each named, in the order in which they are asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.lib.positives import NOTHING, Judged
from stages.lib.text import normal_form
from stages.lib.topk import Integers, Vectors
from stages.mine.answers import Neighbours, joined
from stages.mine.candidates import Candidates, by_people
from stages.mine.corpus import Corpus
from stages.mine.params import MineParams

Mask = npt.NDArray[np.bool_]

# `margin` is judged by the cosine, `cross_encoder` by the scores of that model, `skipped` are the first of those that
# pass all others.
RULES = ("known_positive", "equal_to_anchor", "near_positive", "relative", "margin", "cross_encoder", "skipped")
PASSED = -1


class Barred(NamedTuple):
    """The documents that a rule bars for each anchor, as sorted numbers: anchor times size of corpus plus document."""

    known_positive: Integers
    equal_to_anchor: Integers
    near_positive: Integers
    lineage: Integers
    family: Integers


class World(NamedTuple):
    """What is known beside the texts: normal form of an anchor to its answers, and who is near or related to whom.

    `judged` is what single pairs say beyond that; `trained` has the vectors of the texts that are trained on instead of
    a passage, `labels` the documents of each topic.
    """

    positives: Mapping[str, frozenset[str]]
    near: Neighbours
    lineage: Neighbours
    family: Neighbours
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
    said = [[f for doc_id in world.positives[anchor] for f in corpus.forms[number[doc_id]]] for anchor in forms]
    for known, pair_id in zip(said, pair_ids, strict=True):
        known += [normal_form(judged.trained[pair_id])] if pair_id in judged.trained else []
        same = world.labels.get(judged.topics[pair_id], frozenset()) if pair_id in judged.topics else frozenset()
        known += [form for doc_id in sorted(same) if doc_id in number for form in corpus.forms[number[doc_id]]]
    wanted = {*forms, *(form for known in said for form in known)}
    saying: dict[str, list[int]] = defaultdict(list)
    for at, found in enumerate(corpus.forms[:size]):
        for form in found & wanted:
            saying[form].append(at)

    def keys(documents: Iterable[Iterable[int]]) -> Integers:
        return np.sort(
            np.array([row * size + at for row, found in enumerate(documents) for at in found], dtype=np.int64)
        )

    def beside(neighbours: Neighbours) -> Integers:
        others = (joined(neighbours, world.positives[anchor]) for anchor in forms)
        return keys([at for doc_id in found if (at := number.get(doc_id, size)) < size] for found in others)

    return Barred(
        keys([at for form in known for at in saying[form]] for known in said),
        keys(saying[anchor] for anchor in forms),
        beside(world.near),
        beside(world.lineage),
        beside(world.family),
    )


Hits = Mapping[str, Mask]


def judge(
    found: Candidates, barred: Barred, thresholds: npt.NDArray[np.float64], searched: int, params: MineParams
) -> Hits:
    """Return which of the candidates `found` each rule hits, whether or not it is in force.

    `thresholds` (anchors,) bound the score of a negative. `relative` is what `params` call so; `lineage` are the
    ancestors and descendants of a positive, whatever they say.
    """
    keys = found.rows * searched + found.documents
    lineage = _among(keys, barred.lineage)
    by_lineage = params.exclude_relatives in ("hierarchy", "both")
    by_family = params.exclude_relatives in ("family", "both")
    free = ~by_people(found, params)
    return {
        "known_positive": _among(keys, barred.known_positive),
        "equal_to_anchor": _among(keys, barred.equal_to_anchor),
        "near_positive": _among(keys, barred.near_positive) & free,
        "relative": ((lineage & by_lineage) | (_among(keys, barred.family) & by_family)) & free,
        "margin": (found.cosines > thresholds[found.rows]) & free,
        "lineage": lineage,
    }


def passed(hits: Hits, rules: Sequence[str]) -> Mask:
    """Return which candidates none of `rules` hits; those that are judged elsewhere hit nobody here."""
    found = [hits[rule] for rule in rules if rule in hits]
    return np.asarray(~np.logical_or.reduce(found)) if found else np.ones(len(hits["margin"]), dtype=np.bool_)


def reasons(hits: Hits, rules: Sequence[str]) -> Integers:
    """Return the number of the first of `rules` that hits each candidate, else PASSED."""
    found = np.full(len(hits["margin"]), PASSED, dtype=np.int64)
    for rule in reversed(rules):
        if rule in hits:
            found[hits[rule]] = RULES.index(rule)
    return found


def _among(keys: Integers, barred: Integers) -> Mask:
    if not len(barred):
        return np.zeros(len(keys), dtype=np.bool_)
    at = np.minimum(np.searchsorted(barred, keys), len(barred) - 1)
    return np.asarray(barred[at] == keys)
