"""The gates of `validate`: what each means and where to look when it is not passed, gravest first.

Ordered by what a fault of each costs: a leak makes every number worthless, mispaired rows teach nonsense, while
too few queries only hide what happened. `validate` judges; whoever reads its metrics tells the same advice.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Verdict = Literal["pass", "warn", "fail", "not measured"]


class Meaning(NamedTuple):
    """What stands behind a gate that is not passed, and which parameter or rows to look at."""

    fault: str
    advice: str


GATES: dict[str, Meaning] = {
    "leaked_rows": Meaning(
        "training rows say what a held-out text says",
        "Every gain would be overstated. See `split.near_threshold` and `augment.near_threshold`.",
    ),
    "mispaired": Meaning(
        "validation queries hardly stand closer to their answers than to random documents",
        "Rows may be mispaired: look at the columns mapped under `collect.sources`. If they are right, the base model "
        "does not know this language: see `model.base`.",
    ),
    "mispaired_training": Meaning(
        "training anchors hardly stand closer to their positives than to those of other rows",
        "Rows may be mispaired: look at the columns mapped under `collect.sources`, and at the rows named here.",
    ),
    "collapse": Meaning(
        "the embeddings of the documents use few dimensions",
        "The model tells documents apart badly, or they all say the same. See `model.base`, and whether all documents "
        "begin with the same text (`clean.boilerplate_share`).",
    ),
    "crowding": Meaning(
        "all embeddings cluster tightly: random documents stand close to each other",
        "The model tells documents apart badly, or they all say the same. See `model.base`, and whether all documents "
        "begin with the same text (`clean.boilerplate_share`).",
    ),
    "placebo": Meaning(
        "the probe gains from answers that were given to other questions",
        "What it gains is not learned from the pairs, so no gain here can be believed. Look for held-out questions "
        "among the training anchors, and at `split.unit`.",
    ),
    "probe_harm": Meaning(
        "what this data teaches makes the ranking worse",
        "Hidden positives among the negatives or mispaired rows are the usual causes. See `mine.relative_margin`, then "
        "`collect.sources`.",
    ),
    "hidden_positives": Meaning(
        "hard negatives stand closer to the anchor than its positive, or say what the positive says",
        "They are likely answers, and pushing them away makes models worse. Raise `mine.relative_margin`.",
    ),
    "false_negatives": Meaning(
        "hard negatives are judged to be answers",
        "Pushing answers away makes models worse. Raise `mine.relative_margin`.",
    ),
    "truncation": Meaning(
        "texts are cut before the model has read them",
        "Raise `tokenize.max_tokens`, or cut documents into shorter passages with `clean.passage_tokens`.",
    ),
    "bm25_hard": Meaning(
        "documents that share words with the query stand closer to it than its answer",
        "Several documents may answer one query: look at `deduplicate.near_threshold`.",
    ),
    "probe_gain": Meaning(
        "there is no evidence that this data teaches anything",
        "More pairs come from `split.max_train_pairs` and `collect.sources`. Hard negatives hardly move the probe: "
        "they are no remedy, and fine-tuning may gain by them all the same.",
    ),
    "duplicates": Meaning(
        "training rows repeat each other word for word",
        "They weigh double without teaching more. See `pair.max_pairs_per_document` and the section `deduplicate`.",
    ),
    "easy_anchors": Meaning(
        "anchors stand word for word in their positive",
        "They teach little beyond string matching. Take the title out of `pair.document_text`.",
    ),
    "unlike_anchors": Meaning(
        "anchors share no word with their positive",
        "Unless they are translations or synonyms, rows may be mispaired: look at the columns under `collect.sources`.",
    ),
    "unbalanced": Meaning(
        "one document answers a large share of the pairs",
        "The model would learn that document. See `pair.max_pairs_per_document`.",
    ),
    "private_data": Meaning(
        "private data stands in the texts",
        "A model may give back what it was trained on. Set `clean.private_data` to patterns.",
    ),
    "too_few_queries": Meaning(
        "the queries are too few for the difference that one hopes to see",
        "Raise `split.validation`, bring more data, or hope for more (`validate.hoped_gain`).",
    ),
}
