"""Where everything belongs: components to splits, by hash, by date, or as frozen; and what leaves training."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from stages.lib.contracts.splits import HELD_OUT
from stages.split.audit import Alike, kept_apart, leaks
from stages.split.components import Texts, Tie, assign, by_anchor, by_document, sample, tie
from stages.split.frozen import kept_splits
from stages.split.params import SplitParams
from stages.split.protect import Match
from stages.split.ties import check_size, equal_ties


class Rows(NamedTuple):
    """What is split: the anchors of each pair, the texts of each document, the document of each pair."""

    anchors: Texts
    texts: Texts
    answers: Mapping[str, str]


class Left(NamedTuple):
    """Why a pair is not trained on, which row or text decided, and how similar it is."""

    reason: str
    partner_id: str
    score: float


class Assignment(NamedTuple):
    """Id to component, component to split before sampling, what the audit tied, and pairs that left training."""

    component_of: dict[str, str]
    split_of: dict[str, str]
    added: list[Tie]
    left: dict[str, Left]

    def where(self) -> dict[str, str]:
        """Return id to split, before sampling."""
        return {identity: self.split_of[name] for identity, name in self.component_of.items()}


def grow(
    rows: Rows, ties: Sequence[Tie], found: Alike, params: SplitParams, frozen: Mapping[str, str]
) -> Assignment:
    """Return where everything belongs that the unit splits: pairs and documents, or pairs alone.

    `found` says what is alike among all anchors and all documents. Components are assigned, audited, and joined where
    the audit finds a leak, until it finds none: each round joins at least two components, so it ends. Then the same
    with the frozen ids in their places, so that freezing what is changes no component. Raises Problem when one
    component grows too large.
    """
    kinds = [rows.anchors, rows.texts] if params.splits_documents else [rows.anchors]
    name = by_document if params.splits_documents else by_anchor(rows.anchors)
    ids = sorted(identity for kind in kinds for identity in kind)
    edges = [*ties, *equal_ties(kinds)]
    giveaways = kept_apart(found, params.unit)
    added: list[Tie] = []
    for given in ({}, frozen) if frozen else ({},):
        while True:
            component_of = tie(ids, [(one.left, one.right) for one in [*edges, *added]], name)
            split_of = _lots(component_of, rows, params, given)
            leaking = leaks(
                giveaways, {identity: split_of[component_of[identity]] for identity in ids}
            )
            if not leaking:
                break
            added.extend(leaking)
    check_size(component_of, rows.anchors, [*edges, *added], params)
    return Assignment(component_of, split_of, added, {})


def _lots(
    component_of: Mapping[str, str], rows: Rows, params: SplitParams, frozen: Mapping[str, str]
) -> dict[str, str]:
    paired = {component_of[pair_id] for pair_id in rows.anchors}
    kept = kept_splits(component_of, frozen)
    # What no question asks for is corpus: searched in, never asked, and good for negatives.
    return {
        name: kept.get(name)
        or (assign(name, params.train, params.validation) if name in paired else "corpus")
        for name in sorted(set(component_of.values()))
    }


def shield(grown: Assignment, rows: Rows, matches: Mapping[str, Match]) -> Assignment:
    """Return `grown` without training components, or unpaired documents, that hold a protected text."""
    first: dict[str, str] = {}
    for identity in sorted(set(matches) & set(grown.component_of)):
        first.setdefault(grown.component_of[identity], identity)
    for pair_id, doc_id in sorted(rows.answers.items()):
        if doc_id in matches:
            first.setdefault(grown.component_of[pair_id], doc_id)
    taken = {
        name: identity for name, identity in first.items() if grown.split_of[name] not in HELD_OUT
    }
    left = {
        pair_id: Left(
            "protected",
            taken[name] if taken[name] != pair_id else "",
            matches[taken[name]].similarity,
        )
        for pair_id in rows.anchors
        if (name := grown.component_of[pair_id]) in taken
    }
    return grown._replace(
        split_of={**grown.split_of, **dict.fromkeys(taken, "protected")}, left=left
    )


def keep_sample(
    assigned: Assignment,
    pairs: pd.DataFrame,
    most: int | None,
    frozen: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Return the Splits: training components that the sample leaves out become corpus; frozen ones come first."""
    component_of, split_of = assigned.component_of, assigned.split_of
    counts = Counter(component_of[pair_id] for pair_id in pairs["pair_id"])
    first = set(kept_splits(component_of, frozen or {}))
    kept = sample(
        {name: count for name, count in counts.items() if split_of[name] == "train"}, most, first
    )
    where = {
        name: "corpus" if split == "train" and name not in kept else split
        for name, split in split_of.items()
    }
    ids = sorted(component_of)
    components = [component_of[identity] for identity in ids]
    return pd.DataFrame(
        {"id": ids, "component_id": components, "split": [where[name] for name in components]}
    )


def follow(splits: pd.DataFrame, rows: Rows, matches: Mapping[str, Match]) -> pd.DataFrame:
    """Return `splits`, which are those of pairs alone, with the documents, each where its pairs are.

    A document that training needs is in training, whoever else shares it. Of the others one that only held-out
    pairs ask for is held out, so that it is never a negative; a protected one is in no row of training at all.
    """
    where = dict(zip(splits["id"], splits["split"], strict=True))
    found: dict[str, set[str]] = defaultdict(set)
    for pair_id, doc_id in rows.answers.items():
        found[doc_id].add(where[pair_id])
    order = ("train", "test", "validation")
    ids = sorted(rows.texts)
    last = {doc_id: "protected" if doc_id in matches else "corpus" for doc_id in ids}
    split = [next((one for one in order if one in found[doc_id]), last[doc_id]) for doc_id in ids]
    documents = pd.DataFrame({"id": ids, "component_id": ids, "split": split})
    return pd.concat([splits, documents], ignore_index=True) if ids else splits
