"""The gates of `validate`: the fact behind a gate that does not pass, and the advice for it.

The most severe gates come first. A leak makes every number worthless, and mispaired rows teach
nonsense, while too few queries only hide the result. `validate` decides the status of each gate.
Other stages that read its metrics show the same advice.

Advice names a parameter only where it would help in this run. So most of it follows from facts:
the numbers that stages measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

GateStatus = Literal["pass", "warn", "fail", "not measured"]

# Key to what was measured: `split.dropped.not_sampled` for a stage, and the keys of `validate`
# without its name.
Facts = Mapping[str, float | int | str | bool | None]


class GateText(NamedTuple):
    """The fact behind a gate that does not pass, and the parameter or rows to look at.

    The advice is a text, or a function from the metric of the gate and the facts to a text.
    """

    fault: str
    advice: str | Callable[[str, Facts], str]


def gate_advice(name: str, metric: str, facts: Facts) -> str:
    """Return the advice for a gate that does not pass.

    Args:
        name: the name of the gate.
        metric: the metric that the gate compared with its limit.
        facts: what was measured.

    >>> gate_advice("private_data", "clean.private_left", {}).endswith("to patterns.")
    True
    """
    advice = GATES[name].advice
    return advice if isinstance(advice, str) else advice(metric, facts)


def more_pairs(facts: Facts) -> str:
    """Return where more training pairs come from. A sample is named only where it left pairs out.

    >>> more_pairs({"split.dropped.not_sampled": 0})
    'More pairs come from `collect.sources`.'
    """
    outside = _number(facts, "split.dropped.not_in_sample")
    if outside:
        return f"`run.sample` leaves out {outside:,.0f} pairs: judge this by a run of all rows."

    left_out = _number(facts, "split.dropped.not_sampled")
    if left_out:
        return (
            f"`split.max_train_pairs` left out {left_out:,.0f} pairs: raise it. "
            "Further pairs come from `collect.sources`."
        )
    return "More pairs come from `collect.sources`."


def fewer_false_negatives(facts: Facts) -> str:
    """Return how to get fewer negatives that are relevant, by whether a margin is at work.

    >>> fewer_false_negatives({"mine.refused.margin": 12})
    'Raise `mine.relative_margin`.'
    """
    if _number(facts, "mine.refused.margin"):
        return "Raise `mine.relative_margin`."
    if _number(facts, "mine.refused.cross_encoder"):
        return "Raise `mine.relative_margin`, by which the cross-encoder excludes negatives."
    return "No margin excluded a negative: set `mine.relative_margin`."


def _number(facts: Facts, key: str) -> float:
    value = facts.get(key)
    return 0.0 if value is None or isinstance(value, str) else float(value)


def _unrepresentative(metric: str, facts: Facts) -> str:
    # The unit that would take apart what is tied together; none where nothing is too large.
    share = _number(facts, "split.never_held_out_share")
    unit = facts.get("split.giants.other_unit")
    if not share or unit is None:
        return "Lower `split.train`, or bring more data."

    return (
        f"No rule can hold out {share:.1%} of the pairs, which are tied together and trained on. "
        f"See `split.giants` (auto or cut), or set `split.unit` to {unit}."
    )


def _leaked_rows(metric: str, facts: Facts) -> str:
    return (
        "Every gain would be overstated. Where the rows named here are variants, lower "
        "`augment.near_threshold`. For others see `split.near_threshold`: it must not be above "
        "`validate.near_threshold`."
    )


def _probe_harm(metric: str, facts: Facts) -> str:
    hidden = _number(facts, "negatives.hidden_positives_share")
    if hidden:
        return (
            f"{hidden:.1%} of the hard negatives look like positives. "
            f"{fewer_false_negatives(facts)} "
            "Then see whether rows are mispaired (`collect.sources`)."
        )
    return (
        "No hard negative looks like a positive. See whether rows are mispaired "
        "(`collect.sources`), and whether the training rows are of the kind that the queries ask "
        "for (`pair.recipes`)."
    )


def _hidden_positives(metric: str, facts: Facts) -> str:
    near = ""
    if _number(facts, "mine.near_positives.count"):
        near = " Near-duplicates of positives leave with `mine.near_positives: refuse`."
    return (
        "They are likely positives, and pushing them away makes models worse. "
        f"{fewer_false_negatives(facts)}{near}"
    )


def _false_negatives(metric: str, facts: Facts) -> str:
    start = "Pushing relevant documents away makes models worse."
    if ".structure." in metric:
        return (
            f"{start} The hierarchy says so: they are relatives of a positive. Set "
            "`mine.exclude_relatives` to both."
        )
    return f"{start} {fewer_false_negatives(facts)}"


def _truncation(metric: str, facts: Facts) -> str:
    passages = "cut documents into shorter passages with `clean.passage_tokens`"
    limit = _number(facts, "tokenize.model_max_tokens")
    if limit and _number(facts, "tokenize.max_tokens") >= limit:
        return f"The base model reads no more than {limit:.0f} tokens: {passages}."
    return f"Raise `tokenize.max_tokens`, or {passages}."


def _probe_gain(metric: str, facts: Facts) -> str:
    return (
        f"{more_pairs(facts)} Hard negatives hardly move the probe: they are no remedy, and "
        "fine-tuning may gain by them all the same."
    )


def _easy_anchors(metric: str, facts: Facts) -> str:
    start = "They teach little beyond string matching."
    if facts.get("facts.titles_in_documents"):
        return f"{start} Take the title out of `pair.document_text`."
    return f"{start} Look at `pair.recipes`, and at the columns under `collect.sources`."


def _unbalanced(metric: str, facts: Facts) -> str:
    if _number(facts, "labels.documents"):
        return (
            "The documents are labels, and this one is frequent. If it is too frequent, "
            "`pair.max_pairs_per_document` limits it."
        )
    return "The model would learn that document. See `pair.max_pairs_per_document`."


def _too_few_queries(metric: str, facts: Facts) -> str:
    # In folds the training queries are ranked too, so a larger split brings none.
    if _number(facts, "folds") > 1:
        return (
            "The queries of training and validation are ranked already: bring more data, or hope "
            "for more (`validate.hoped_gain`)."
        )
    return "Raise `split.validation`, bring more data, or hope for more (`validate.hoped_gain`)."


def _labels(metric: str, facts: Facts) -> str:
    return (
        f"{_number(facts, 'labels.documents'):,.0f} documents have "
        f"{_number(facts, 'labels.anchors_per_document'):,.0f} anchors each, as labels or intents "
        "do, and whole labels are held out. So the figures are those of labels that nobody has "
        "trained on. If the labels stay the same in production, set `split.unit` to `anchor`: it "
        "measures new questions for known labels."
    )


GATES: dict[str, GateText] = {
    "leaked_rows": GateText(
        fault="training rows say what a held-out text says",
        advice=_leaked_rows,
    ),
    "unrepresentative": GateText(
        fault="less than a third of the pairs that were to be held out can be held out",
        advice=_unrepresentative,
    ),
    "mispaired": GateText(
        fault="validation queries are hardly closer to their answers than to random documents",
        advice=(
            "Rows may be mispaired: look at the columns mapped under `collect.sources`. "
            "If the rows are right, the base model knows little of this language or field: see "
            "`model.base`, or lower `validate.min_random_auc`."
        ),
    ),
    "mispaired_training": GateText(
        fault=("training anchors are hardly closer to their positives than to those of other rows"),
        advice=(
            "Rows may be mispaired: look at the columns mapped under `collect.sources`, and at "
            "the rows named here. If the rows are right, the base model knows little of this "
            "language or field: see `model.base`, or lower `validate.min_random_auc`."
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
        advice=_probe_harm,
    ),
    "hidden_positives": GateText(
        fault=(
            "hard negatives are closer to the anchor than its positive, or say what the "
            "positive says"
        ),
        advice=_hidden_positives,
    ),
    "labelled_positives": GateText(
        fault="negatives that people labelled say what the positive of their anchor says",
        advice=(
            "Read the rows named here: a label may be wrong. No margin holds labelled negatives "
            "back, so no key of `mine` removes them. Where the labels are right, the base model "
            "does not see the difference, and training on it is what they are for."
        ),
    ),
    "false_negatives": GateText(
        fault="hard negatives are likely to be relevant",
        advice=_false_negatives,
    ),
    "truncation": GateText(
        fault="texts are cut before the model has read them",
        advice=_truncation,
    ),
    "bm25_hard": GateText(
        fault="documents that share words with the query are closer to it than its answer",
        advice="Several documents may answer one query: look at `deduplicate.near_threshold`.",
    ),
    "probe_gain": GateText(
        fault="there is no evidence that this data teaches anything",
        advice=_probe_gain,
    ),
    "duplicates": GateText(
        fault="training rows repeat each other word for word",
        advice=(
            "They weigh double without teaching more. Copies that are kept are the usual cause: "
            "see `deduplicate.near` and `deduplicate.authoritative`."
        ),
    ),
    "easy_anchors": GateText(
        fault="positives repeat their anchor word for word",
        advice=_easy_anchors,
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
        advice=_unbalanced,
    ),
    "labels": GateText(
        fault="validation asks for labels that were never trained on",
        advice=_labels,
    ),
    "private_data": GateText(
        fault="the texts contain private data",
        advice=(
            "A model may give back what it was trained on. Set `clean.private_data` to patterns."
        ),
    ),
    "too_few_queries": GateText(
        fault="the queries are too few for the difference that one hopes to see",
        advice=_too_few_queries,
    ),
}
