"""False negatives: an estimate of their share, from a sample, and counts of errors that must be 0.

Each source of labels (the hierarchy, a cross-encoder, people) labels the sample by itself and
gives its own rate. Negatives of one anchor are sampled together, and form a cluster of the
interval.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from stages.lib.core.ids import hash_hex
from stages.lib.schemas.reviews import Judgement, Judgements, judgements_of, rate_with_interval
from stages.lib.schemas.training import LABELLED
from stages.lib.text.normal_form import hash_of_form, normal_form
from stages.mine.corpus import MiningCorpus
from stages.mine.cross_encoder import CrossEncoder
from stages.mine.relations import Neighbours, union_of

# Sources of labels, the most trustworthy first.
SOURCES = ("review", "cross_encoder", "structure")


def sample_negatives(triplets: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """Return about `count` of the mined negatives, in an order in which people can label them.

    Negatives that a person labelled already are left out: no margin holds them back, so they say
    nothing about mining.

    Anchors come in the order of a hash, each with all its negatives. So the first lines alone are a
    random sample too, and an anchor that is mined again keeps its place.

    Args:
        triplets: Triplets.
        count: no further anchor is added once there are so many negatives.
        seed: the seed of the hash.

    Returns:
        The columns form (the anchor in normal form, which is the cluster), pair_id, anchor,
        positive, negative_id and negative.
    """
    # A row per mined negative.
    columns = ["negative_ids", "negatives", "negative_miners"]
    negatives = triplets[["pair_id", "anchor", "positive", *columns]].explode(columns)
    negatives = negatives[negatives["negative_ids"].notna()]
    is_labelled = [LABELLED in miners.split("+") for miners in negatives["negative_miners"]]
    negatives = negatives[~np.array(is_labelled, dtype=bool)].drop(columns="negative_miners")
    negatives = negatives.rename(columns={"negative_ids": "negative_id", "negatives": "negative"})

    # In the order of the hash.
    negatives = negatives.assign(form=negatives["anchor"].map(normal_form))
    hash_of_form = {form: hash_hex("judge", str(seed), form) for form in negatives["form"].unique()}
    negatives = negatives.assign(hash=negatives["form"].map(hash_of_form))
    negatives = negatives.sort_values(["hash", "pair_id"], kind="stable", ignore_index=True)

    # Cut before the first anchor that begins at `count` or later.
    starts = np.flatnonzero(~negatives["form"].duplicated())
    late_starts = starts[starts >= count]
    end = late_starts[0] if len(late_starts) else None
    return negatives.iloc[:end].drop(columns="hash")


def labels_by_structure(
    sample: pd.DataFrame, positives: Mapping[str, frozenset[str]], relatives: Neighbours
) -> Judgements:
    """Return labels by the hierarchy: True for an ancestor or descendant of a positive.

    None where no positive of the anchor is in the hierarchy.

    Args:
        sample: negatives, from `sample_negatives`.
        positives: normal form of an anchor to its known positives.
        relatives: ancestors and descendants of documents.
    """
    labels: list[bool | None] = []
    for form, negative_id in zip(sample["form"], sample["negative_id"], strict=True):
        if positives[form] & relatives.keys():
            labels.append(negative_id in union_of(relatives, positives[form]))
        else:
            labels.append(None)

    return labels


def labels_by_cross_encoder(sample: pd.DataFrame, model: CrossEncoder | None) -> Judgements:
    """Return labels by a model: True where the negative scores at least as high as the positive."""
    if model is None:
        return [None] * len(sample)

    # The text of the positive is the one that is trained on.
    positive_pairs = list(zip(sample["anchor"], sample["positive"], strict=True))
    negative_pairs = list(zip(sample["anchor"], sample["negative"], strict=True))
    is_false = model.scores(negative_pairs) >= model.scores(positive_pairs)
    return [bool(label) for label in is_false]


def labels_by_review(sample: pd.DataFrame, lines: Iterable[Judgement]) -> Judgements:
    """Return labels by people; lines on negatives that are not in the sample are ignored."""
    return judgements_of(zip(sample["pair_id"], sample["negative_id"], strict=True), lines)


def false_negative_rates(
    sample: pd.DataFrame, labels: Mapping[str, Judgements]
) -> dict[str, float | int]:
    """Return false_negatives.<source>.judged, rate, low and high, with a 95 % interval.

    A source that labelled fewer than two anchors is left out.

    Args:
        sample: negatives, from `sample_negatives`.
        labels: name of a source to its labels of the sample.
    """
    rates: dict[str, float | int] = {}
    for source, source_labels in labels.items():
        name = f"false_negatives.{source}"
        rates |= rate_with_interval(name, list(sample["form"]), source_labels)

    return rates


def most_trusted_rate(rates: Mapping[str, float | int]) -> dict[str, float]:
    """Return `false_neg`, the rate of the most trustworthy source; empty if there is none.

    >>> most_trusted_rate({"false_negatives.structure.rate": 0.02})
    {'false_neg': 0.02}
    """
    for source in SOURCES:
        key = f"false_negatives.{source}.rate"
        if key in rates:
            return {"false_neg": rates[key]}

    return {}


# --- invariants, counted anew from the result alone


def count_known_positives(
    triplets: pd.DataFrame, positives: Mapping[str, frozenset[str]], corpus: MiningCorpus
) -> int:
    """Return the number of negatives that are a positive of their anchor, by id or text: 0.

    Args:
        triplets: Triplets.
        positives: normal form of an anchor to its known positives.
        corpus: the corpus, for the texts of the positives.
    """
    count = 0
    for anchor, negative_ids, negatives in zip(
        triplets["anchor"], triplets["negative_ids"], triplets["negatives"], strict=True
    ):
        # All texts of the positives: whole documents and passages.
        doc_ids = positives[normal_form(anchor)]
        hashes: set[bytes] = set()
        for doc_id in doc_ids:
            hashes.update(corpus.hashes[corpus.position_of[doc_id]])

        for negative_id, negative in zip(negative_ids, negatives, strict=True):
            count += negative_id in doc_ids or hash_of_form(normal_form(negative)) in hashes

    return count


def count_labelled(miners: Sequence[str]) -> int:
    """Return the number of negatives of a row that a person found dissimilar.

    >>> count_labelled(["bm25+labelled", "dense"])
    1
    """
    return sum(LABELLED in names.split("+") for names in miners)
