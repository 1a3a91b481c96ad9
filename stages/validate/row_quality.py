"""What is wrong with the training rows: leaks, mispaired rows, hidden positives and duplicates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.lib.analysis.probe import ComponentNames, TrainingVectors
from stages.lib.analysis.separation import NEGATIVES, Panel, roc_auc
from stages.lib.reporting.details import StageDetails
from stages.lib.retrieval.search import Vectors
from stages.lib.schemas.training import LABELLED
from stages.lib.text.held_out import HeldOutHashes, match_held_out
from stages.lib.text.normal_form import normal_form

# What is read of the details of other stages: stage and key.
UPSTREAM_KEYS = (
    ("pair", "rows_out"),
    ("pair", "anchor_in_positive_share"),
    ("pair", "no_common_word_share"),
    ("pair", "balance.after.document.largest_share"),
    ("split", "dropped.not_sampled"),
    ("mine", "refused.margin"),
    ("mine", "refused.cross_encoder"),
    ("mine", "near_positives.count"),
    ("tokenize", "max_tokens"),
    ("tokenize", "model_max_tokens"),
    ("split", "held_out_of_requested"),
    ("split", "never_held_out_share"),
    ("tokenize", "truncated_share"),
)

# How many suspicious rows are named.
MAX_SUSPECTS = 10

# A negative this close to its positive likely says the same. In the default data 1 in 70 does.
SAME_COSINE = 0.95

Mask = npt.NDArray[np.bool_]

# Constant, so that the same rows give the same numbers whatever run.seed is.
_SEED = 20260101


class Suspects(NamedTuple):
    """Ids of training pairs to read, the most suspicious first."""

    leaked: list[str]
    far_apart: list[str]
    hidden_positives: list[str]
    duplicates: list[str]
    labelled_positives: list[str]


class RowQuality(NamedTuple):
    """What the training rows and their vectors show. None where there is nothing to measure.

    Attributes: leaked_rows: how many rows match a held-out text. training_auc: the chance that a
        positive is closer to its anchor than another row's positive. hidden_positives_share: the
        share of mined negatives that are likely positives. labelled_positives_share: the share of
        labelled negatives that nearly equal their positive. labelled_closer_share: the share of
        labelled negatives that are closer to the anchor than the positive. duplicates_share: the
        share of rows that repeat another one. suspects: the rows to read.
    """

    leaked_rows: int
    training_auc: float | None
    hidden_positives_share: float | None
    labelled_positives_share: float | None
    labelled_closer_share: float | None
    duplicates_share: float
    suspects: Suspects

    def metrics(self) -> dict[str, float | None]:
        """Return the metrics."""
        return {
            "leaked_rows": self.leaked_rows,
            "separation.training.roc_auc": self.training_auc,
            "negatives.hidden_positives_share": self.hidden_positives_share,
            "negatives.labelled_positives_share": self.labelled_positives_share,
            "negatives.labelled_closer_share": self.labelled_closer_share,
            "rows.duplicates_share": self.duplicates_share,
        }


def check_rows(triplets: pd.DataFrame, rows: TrainingVectors, leaked: list[str]) -> RowQuality:
    """Return what the triplets and their vectors show.

    A hidden positive is a negative that is closer to its anchor than the positive, or nearly equal
    to the positive. Labelled negatives are judged apart: no margin holds them back, and closeness
    to the anchor is what a label is for. Only one that nearly equals the positive is suspicious.

    Args:
        triplets: the training rows.
        rows: their vectors, in the same order. Rows of other queries may follow.
        leaked: ids of rows that match a held-out text.
    """
    count = len(triplets)
    pair_ids = triplets["pair_id"].to_numpy(dtype=str)
    anchors = rows.anchors[:count]
    positives = rows.positives[:count]
    cosines = (anchors * positives).sum(axis=1)

    # How much closer each negative is to its anchor than the positive, shape (negatives,).
    cosine_to_anchor = (anchors[rows.owners] * rows.negatives).sum(axis=1)
    cosine_to_positive = (positives[rows.owners] * rows.negatives).sum(axis=1)
    excess = cosine_to_anchor - cosines[rows.owners]
    is_closer = excess > 0
    is_same = cosine_to_positive >= SAME_COSINE

    # Mined negatives, and those that a person labelled.
    is_labelled = labelled_mask(triplets["negative_miners"])
    is_hidden = (is_closer | is_same) & ~is_labelled
    is_contradicted = is_same & is_labelled

    def worst_pairs(mask: Mask) -> list[str]:
        return _worst_pairs(pair_ids[rows.owners[mask]], excess[mask])

    # Rows that repeat another row.
    forms = triplets[["anchor", "positive"]].map(normal_form)
    is_repeated = forms.duplicated().to_numpy()

    # Mispaired rows: positives that are no closer than those of other rows.
    other_cosines = _cosines_to_others(anchors, positives, rows.positive_components[:count])
    panel = Panel(cosines.astype(np.float64), other_cosines)
    return RowQuality(
        leaked_rows=len(leaked),
        training_auc=roc_auc(panel) if len(other_cosines) else None,
        hidden_positives_share=_share(is_hidden, ~is_labelled),
        labelled_positives_share=_share(is_contradicted, is_labelled),
        labelled_closer_share=_share(is_closer & is_labelled, is_labelled),
        duplicates_share=float(is_repeated.mean()),
        suspects=Suspects(
            leaked=leaked,
            far_apart=pair_ids[np.argsort(cosines, kind="stable")][:MAX_SUSPECTS].tolist(),
            hidden_positives=worst_pairs(is_hidden),
            duplicates=pair_ids[is_repeated][:MAX_SUSPECTS].tolist(),
            labelled_positives=worst_pairs(is_contradicted),
        ),
    )


def _worst_pairs(pair_ids: npt.NDArray[np.str_], excess: npt.NDArray[np.float64]) -> list[str]:
    """Return up to MAX_SUSPECTS of the pairs, that with the largest excess first, each once."""
    ordered = pair_ids[np.argsort(-excess, kind="stable")]
    return list(dict.fromkeys(ordered.tolist()))[:MAX_SUSPECTS]


def labelled_mask(miners_of_row: Iterable[Sequence[str]]) -> Mask:
    """Return a mask of the negatives that a person labelled, shape (negatives,), row by row.

    >>> labelled_mask([["bm25+labelled", "dense"], [], ["labelled"]]).tolist()
    [True, False, True]
    """
    names = chain.from_iterable(miners_of_row)
    return np.array([LABELLED in miners.split("+") for miners in names], dtype=bool)


def _share(part: Mask, whole: Mask) -> float | None:
    """Return the share of `part` in `whole`, both masks of the negatives; None of nothing."""
    return float(part.sum() / whole.sum()) if whole.any() else None


def leaked_rows(
    triplets: pd.DataFrame, fingerprints: Iterable[pd.DataFrame], threshold: float
) -> list[str]:
    """Return the ids of pairs whose anchor, positive or negative matches a held-out text.

    The tests are those of the split: equal in normal form, near (exact Jaccard similarity of
    shingles at or above `threshold`), or overlapping (a shared run that is no boilerplate). Anchors
    and documents are compared with each other too. Only hashes of the held-out texts are there,
    never the texts. `fingerprints` are the parts of the table of Fingerprints.
    """
    held_out = HeldOutHashes(fingerprints)
    anchors = _pairs_of_text(triplets, ["anchor"])
    documents = _pairs_of_text(triplets, ["positive", "negatives"])

    # Each distinct text is a row of its own.
    leaked: set[str] = set()
    for text in match_held_out(_as_rows(anchors), {}, held_out, threshold):
        leaked.update(anchors[text])

    for text in match_held_out({}, _as_rows(documents), held_out, threshold):
        leaked.update(documents[text])

    return sorted(leaked)


def upstream_counts(details: StageDetails) -> dict[str, float | str | None]:
    """Return what earlier stages counted, under the names of their details.

    None stands for a count that is missing, since a missing count is not 0. `clean.private_left` is
    the number of texts with private data, 0 if it was replaced.
    """
    counts: dict[str, float | str | None] = {
        f"{stage}.{key}": details.get(stage, key) for stage, key in UPSTREAM_KEYS
    }
    counts.update(_numbers(details, "mine", "false_negatives."))

    # Only a run of a sample leaves rows outside it.
    outside = details.get("split", "dropped.not_in_sample")
    if outside is not None:
        counts["split.dropped.not_in_sample"] = outside

    # Where a giant is trained on, the unit that would take it apart.
    unit = details.stages["split"].get("giants.other_unit")
    if isinstance(unit, str):
        counts["split.giants.other_unit"] = unit

    private = _numbers(details, "clean", "private.")
    replaced = details.get("clean", "edits.private_data")
    counts["clean.private_left"] = None
    if private:
        counts["clean.private_left"] = 0 if replaced else sum(private.values())

    return counts


def _cosines_to_others(
    anchors: Vectors, positives: Vectors, components: ComponentNames
) -> npt.NDArray[np.float64]:
    """Return the cosines of each anchor with the positives of a few rows of other components."""
    count = len(anchors)
    others = np.random.default_rng(_SEED).integers(0, count, size=(count, NEGATIVES)).ravel()
    rows = np.repeat(np.arange(count), NEGATIVES)

    # Rows of one component may have the same positives.
    is_unrelated = components[rows] != components[others]
    anchor_vectors = anchors[rows[is_unrelated]]
    other_vectors = positives[others[is_unrelated]]
    return np.asarray((anchor_vectors * other_vectors).sum(axis=1), dtype=np.float64)


def _pairs_of_text(triplets: pd.DataFrame, columns: list[str]) -> dict[str, list[str]]:
    """Return each distinct text of `columns` with the ids of the pairs that hold it."""
    pairs_of_text: dict[str, list[str]] = {}
    for column in columns:
        for pair_id, value in zip(triplets["pair_id"], triplets[column], strict=True):
            texts = [value] if isinstance(value, str) else value
            for text in texts:
                pairs_of_text.setdefault(text, []).append(pair_id)

    return pairs_of_text


def _as_rows(texts: Iterable[str]) -> dict[str, list[str]]:
    return {text: [text] for text in texts}


def _numbers(details: StageDetails, stage: str, prefix: str) -> dict[str, float]:
    """Return the numbers of a stage whose key begins with `prefix`."""
    return {
        f"{stage}.{key}": value
        for key, value in details.stages[stage].items()
        if key.startswith(prefix) and not isinstance(value, str)
    }
