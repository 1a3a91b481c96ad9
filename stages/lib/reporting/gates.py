"""The gates of `validate`: the fact behind a gate that does not pass, and the advice for it.

The most severe gates come first. A leak makes every number worthless, and mispaired rows teach
nonsense, while too few queries only hide the result. `validate` decides the status of each gate.
Other stages that read its metrics show the same advice.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

GateStatus = Literal["pass", "warn", "fail", "not measured"]


class GateText(NamedTuple):
    """The fact behind a gate that does not pass, and the parameter or rows to look at."""

    fault: str
    advice: str


GATES: dict[str, GateText] = {
    "leaked_rows": GateText(
        fault="training rows say what a held-out text says",
        advice=(
            "Every gain would be overstated. See `split.near_threshold` and "
            "`augment.near_threshold`."
        ),
    ),
    "mispaired": GateText(
        fault="validation queries are hardly closer to their answers than to random documents",
        advice=(
            "Rows may be mispaired: look at the columns mapped under `collect.sources`. "
            "If they are right, the base model does not know this language: see `model.base`."
        ),
    ),
    "mispaired_training": GateText(
        fault=("training anchors are hardly closer to their positives than to those of other rows"),
        advice=(
            "Rows may be mispaired: look at the columns mapped under `collect.sources`, and at "
            "the rows named here."
        ),
    ),
    "collapse": GateText(
        fault="the embeddings of the documents use few dimensions",
        advice=(
            "The model separates documents badly, or they all say the same. "
            "See `model.base`, and whether all documents begin with the same text "
            "(`clean.boilerplate_share`)."
        ),
    ),
    "crowding": GateText(
        fault="all embeddings cluster tightly: random documents are close to each other",
        advice=(
            "The model separates documents badly, or they all say the same. "
            "See `model.base`, and whether all documents begin with the same text "
            "(`clean.boilerplate_share`)."
        ),
    ),
    "placebo": GateText(
        fault="the probe gains from answers that were given to other questions",
        advice=(
            "What it gains is not learned from the pairs, so no gain here can be believed. "
            "Look for held-out questions among the training anchors, and at `split.unit`."
        ),
    ),
    "probe_harm": GateText(
        fault="what this data teaches makes the ranking worse",
        advice=(
            "Hidden positives among the negatives or mispaired rows are the usual causes. "
            "See `mine.relative_margin`, then `collect.sources`."
        ),
    ),
    "hidden_positives": GateText(
        fault=(
            "hard negatives are closer to the anchor than its positive, or say what the "
            "positive says"
        ),
        advice=(
            "They are likely answers, and pushing them away makes models worse. "
            "Raise `mine.relative_margin`."
        ),
    ),
    "false_negatives": GateText(
        fault="hard negatives are likely to be relevant",
        advice="Pushing answers away makes models worse. Raise `mine.relative_margin`.",
    ),
    "truncation": GateText(
        fault="texts are cut before the model has read them",
        advice=(
            "Raise `tokenize.max_tokens`, or cut documents into shorter passages with "
            "`clean.passage_tokens`."
        ),
    ),
    "bm25_hard": GateText(
        fault="documents that share words with the query are closer to it than its answer",
        advice="Several documents may answer one query: look at `deduplicate.near_threshold`.",
    ),
    "probe_gain": GateText(
        fault="there is no evidence that this data teaches anything",
        advice=(
            "More pairs come from `split.max_train_pairs` and `collect.sources`. "
            "Hard negatives hardly move the probe: they are no remedy, and fine-tuning may gain "
            "by them all the same."
        ),
    ),
    "duplicates": GateText(
        fault="training rows repeat each other word for word",
        advice=(
            "They weigh double without teaching more. See `pair.max_pairs_per_document` and the "
            "section `deduplicate`."
        ),
    ),
    "easy_anchors": GateText(
        fault="positives repeat their anchor word for word",
        advice=(
            "They teach little beyond string matching. Take the title out of `pair.document_text`."
        ),
    ),
    "unlike_anchors": GateText(
        fault="anchors share no word with their positive",
        advice=(
            "Unless they are translations or synonyms, rows may be mispaired: look at the "
            "columns under `collect.sources`."
        ),
    ),
    "unbalanced": GateText(
        fault="one document answers a large share of the pairs",
        advice="The model would learn that document. See `pair.max_pairs_per_document`.",
    ),
    "private_data": GateText(
        fault="the texts contain private data",
        advice=(
            "A model may give back what it was trained on. Set `clean.private_data` to patterns."
        ),
    ),
    "too_few_queries": GateText(
        fault="the queries are too few for the difference that one hopes to see",
        advice=(
            "Raise `split.validation`, bring more data, or hope for more (`validate.hoped_gain`)."
        ),
    ),
}
