"""What pairs say beyond "this document answers": which text is trained on, and which documents do not answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from stages.lib.text import normal_form


class Judged(NamedTuple):
    """What a miner must know of single pairs.

    `trained` gives the text that a pair is trained on, where it is not simply a passage of its document; `topics` the
    topic whose documents all answer the anchor of a pair; `dissimilar` the documents, in order of their ids, that a
    person found no answer to an anchor, which is given in normal form.
    """

    trained: Mapping[str, str]
    topics: Mapping[str, str]
    dissimilar: Mapping[str, tuple[str, ...]]


NOTHING = Judged({}, {}, {})


def judged(
    training: pd.DataFrame,
    made: pd.DataFrame,
    dissimilar: pd.DataFrame,
    topic_of: Mapping[str, str],
    parents: Mapping[str, str],
) -> Judged:
    """Return what is known of the `training` pairs.

    `made` is a Made table, `dissimilar` are Pairs, `topic_of` has the topic of each document, and `parents` maps a
    variant of an anchor to the pair that it varies, whose text and topic are its own too.
    """
    texts = dict(zip(made["pair_id"], made["positive"], strict=True))
    rows = [(pair_id, parents.get(pair_id, pair_id)) for pair_id in training["pair_id"]]
    of_label = [
        (pair_id, topic_of[doc_id])
        for (pair_id, parent_id), doc_id, relation in zip(
            rows, training["doc_id"], training["relation"], strict=True
        )
        if relation == "same_label" and parent_id in texts
    ]
    trained = {pair_id: text for pair_id, parent_id in rows if (text := texts.get(parent_id, ""))}
    refused: dict[str, set[str]] = defaultdict(set)
    for anchor, doc_id in zip(dissimilar["anchor"], dissimilar["doc_id"], strict=True):
        refused[normal_form(anchor)].add(doc_id)
    return Judged(
        trained, dict(of_label), {form: tuple(sorted(ids)) for form, ids in sorted(refused.items())}
    )
