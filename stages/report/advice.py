"""Where to look next: rules over the metrics. Each rule names a parameter, or gives no advice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pandas as pd

from stages.lib.reporting.details import StageDetails
from stages.lib.reporting.gates import (
    GATES,
    Facts,
    fewer_false_negatives,
    gate_advice,
    more_pairs,
)
from stages.lib.reporting.html import InvariantCheck
from stages.report.measurements import RowCounts

# Counts that must be 0: the stage, the key, and what is counted.
INVARIANTS = (
    ("split", "leaked_components", "components that are in more than one split"),
    ("split", "leaked_texts", "training texts that are equal or too similar to a held-out text"),
    ("deduplicate", "unsupported_drops", "documents dropped without a similar document that stays"),
    ("deduplicate", "dangling_pairs", "pairs whose document was dropped"),
    ("deduplicate", "relabelled_pairs", "pairs moved to a document that says something else"),
    ("mine", "known_positives_as_negatives", "negatives that are known positives"),
    ("mine", "judged_negatives.left", "negatives that a person called false"),
)

# Above these shares a finding is worth reading.
_SHORT_ANCHORS = 0.1
_UNKNOWN_TOKENS = 0.01
_DROPPED_ROWS = 0.2
_LARGEST_COMPONENT = 0.2

# Below this number a few components decide the gain.
_FEW_EFFECTIVE_COMPONENTS = 5.0

_GAIN = "validation.gain.over_base.ndcg_at_10"

# The filter of `mine` that excluded most candidates, and what would let them pass.
_MORE_NEGATIVES = {
    "margin": "A smaller `mine.relative_margin` lets more pass, but more of them may be hidden "
    "positives.",
    "relative": "`mine.exclude_relatives` excludes relatives of positives.",
    "near_positive": "`mine.near_positives` refuses near-duplicates of positives.",
    "cross_encoder": "A smaller `mine.relative_margin` lets the cross-encoder pass more.",
    "skipped": "`mine.skip_first` skips the hardest.",
    "known_positive": "They are known positives. More come with a larger `mine.candidates`.",
    "equal_to_anchor": "They have the text of the anchor. More come with a larger "
    "`mine.candidates`.",
}

# The prefix of what `split` measured about the largest component.
_LARGEST = "largest_component"

# What ties the rows of a component, and what would take it apart. The edges that are the easiest to
# do without come first.
_TIES = {
    "topic": "topics tie the rows: raise `split.topic_levels`",
    "group": "groups tie the rows: map a finer column to `group` under `collect.sources`",
    "near text": "near-duplicate documents tie the rows: raise `split.near_threshold`",
    "near anchor": "near-duplicate anchors tie the rows: raise `split.near_threshold`",
    "overlapping text": "documents that quote each other tie the rows: see whether boilerplate is "
    "left (`clean.boilerplate_share`)",
    "overlapping anchor": "anchors that quote each other tie the rows: see whether boilerplate is "
    "left (`clean.boilerplate_share`)",
    "equal anchor": "equal anchors with several documents tie the rows: where splits may share "
    "documents, set `split.unit` to `anchor`",
    "equal text": "equal documents tie the rows: see whether boilerplate is left "
    "(`clean.boilerplate_share`)",
    "copy": "copies tie the rows: see whether boilerplate is left (`clean.boilerplate_share`)",
    "shared document": "pairs that share a document tie the rows: see "
    "`pair.max_pairs_per_document`",
    "recipe": "a recipe ties documents of one topic: map a finer column to `topic`, or see "
    "`pair.recipes`",
}


def check_invariants(metrics: StageDetails) -> list[InvariantCheck]:
    """Return the invariants of the pipeline with how often each is broken."""
    return [
        InvariantCheck(f"{stage}.{key}", int(metrics.require(stage, key)), meaning)
        for stage, key, meaning in INVARIANTS
    ]


def advise(metrics: StageDetails, slices: pd.DataFrame, counts: Sequence[RowCounts]) -> list[str]:
    """Return pieces of advice, the most important first; none when nothing is wrong."""
    advice = list(_broken_invariants(metrics))
    for rule in _RULES:
        advice += rule(metrics)
    advice += _lost_slices(slices)
    advice += _many_dropped(counts)
    return advice


def facts_of(metrics: StageDetails) -> Facts:
    """Return all details by stage and key, and those of `validate` also by their key alone."""
    facts: dict[str, float | int | str | bool | None] = dict(metrics.stages["validate"])
    for stage, values in metrics.stages.items():
        facts.update({f"{stage}.{key}": value for key, value in values.items()})

    return facts


def _broken_invariants(metrics: StageDetails) -> Iterator[str]:
    for check in check_invariants(metrics):
        if check.broken:
            stage = check.name.split(".")[0]
            yield (
                f"`{check.name}` is {check.broken:,} and must be 0 ({check.meaning}). Do not trust "
                f"any gain on this page before this is repaired. See section `{stage}` of "
                f"params.yaml and data/{stage}/ledger.parquet."
            )


def _synthetic_evaluation_set(metrics: StageDetails) -> Iterator[str]:
    if metrics.get("evaluate", "synthetic_exam"):
        yield (
            "No source gives queries. Recipes wrote the evaluation set, as they wrote the "
            "training pairs. A gain on it says little about what people will ask. Add some real "
            "queries under `collect.sources`, or write some: `python -m stages queries` draws "
            "held-out passages for it. `pair.recipes` may still write the training pairs."
        )


def _gates(metrics: StageDetails) -> Iterator[str]:
    facts = facts_of(metrics)
    for name, meaning in GATES.items():
        status = metrics.stages["validate"].get(f"gates.{name}")
        if status in ("fail", "warn"):
            advice = gate_advice(name, str(facts.get(f"gate_metrics.{name}", "")), facts)
            yield (
                f"Before training, the status of gate `{name}` was {status}: {meaning.fault}. "
                f"{advice} See data/validate/index.html for the numbers and the rows."
            )


def _no_gain(metrics: StageDetails) -> Iterator[str]:
    low = metrics.get("evaluate", f"{_GAIN}.low")
    high = metrics.get("evaluate", f"{_GAIN}.high")
    if low is None or high is None or low > 0:
        return

    # The whole interval is below 0.
    facts = facts_of(metrics)
    if high < 0:
        hidden = metrics.get("validate", "negatives.hidden_positives_share")
        cause = ""
        if hidden:
            cause = (
                f"{hidden:.1%} of the hard negatives look like positives. "
                f"{fewer_false_negatives(facts)} "
            )
        yield (
            f"Fine-tuning made the model worse on validation. {cause}Try a lower "
            "`finetune.learning_rate` and fewer `finetune.epochs`, and read training rows."
        )
        return

    detectable = metrics.require("evaluate", f"{_GAIN}.mde")
    harder = ""
    if facts.get("mine.refused.margin"):
        harder = " Harder negatives come from a smaller `mine.relative_margin`."
    yield (
        f"Validation shows no gain. It would likely show a gain of {detectable:.3f}. "
        f"{more_pairs(facts)}{harder}"
    )


def _harm(metrics: StageDetails) -> Iterator[str]:
    if metrics.get("evaluate", "out_of_domain.harmless") is False:
        high = metrics.require("evaluate", "out_of_domain.drop.high")
        yield (
            "Outside the domain the fine-tuned model may rank worse than the base model, by up to "
            f"{high:.3f} nDCG@10. This is more than `evaluate.max_harm`. Three changes keep more "
            "of what the model knew: a lower `finetune.learning_rate`, fewer `finetune.epochs`, "
            "or merging with the base model (`finetune.merge`)."
        )


def _few_components_decide(metrics: StageDetails) -> Iterator[str]:
    effective = metrics.get("evaluate", "validation.effective_components")
    count = metrics.get("evaluate", "validation.components")
    if effective is not None and effective < _FEW_EFFECTIVE_COMPONENTS and count:
        yield (
            f"A few large components decide the gain on validation. There are {int(count):,} "
            f"components, but the gain varies like that of {effective:.1f} equal ones. "
            f"{_what_ties(metrics)} Do not believe a small difference. With a lower "
            "`evaluate.component_weight` each of them counts for less."
        )


def _cheaper_systems(metrics: StageDetails) -> Iterator[str]:
    systems = {
        "fusion": "fusing BM25 with the base model",
        "probe": "the linear probe",
        "static": "the static model",
    }
    gain = metrics.get("evaluate", f"{_GAIN}.low")
    for system, name in systems.items():
        low = metrics.get("evaluate", f"validation.gain.over_{system}.ndcg_at_10.low")
        if low is not None and low <= 0 and gain is not None and gain > 0:
            yield (
                f"Fine-tuning beats the base model. Validation does not show that it beats {name}, "
                "which costs less. More epochs (`finetune.epochs`) or more pairs may change that. "
                f"{more_pairs(facts_of(metrics))}"
            )


def _bm25_is_better(metrics: StageDetails) -> Iterator[str]:
    bm25 = metrics.require("evaluate", "validation.bm25.ndcg_at_10")
    base = metrics.require("evaluate", "validation.base.ndcg_at_10")
    if bm25 >= base:
        yield (
            f"BM25 ({bm25:.3f}) ranks validation at least as well as the base model ({base:.3f}). "
            "Queries share their words with the relevant documents. Look at `pair.document_text`, "
            "or start from a stronger `model.base`."
        )


def _short_anchors(metrics: StageDetails) -> Iterator[str]:
    share = metrics.require("mine", "short_anchors_share")
    if share <= _SHORT_ANCHORS:
        return

    # The filter that excluded most candidates is the cause.
    excluded = {name: metrics.get("mine", f"refused.{name}") or 0 for name in _MORE_NEGATIVES}
    name = max(excluded, key=lambda name: excluded[name])
    cause = "Few candidates were found. More come with a larger `mine.candidates`."
    if excluded[name]:
        cause = f"The filter `{name}` excluded most candidates. {_MORE_NEGATIVES[name]}"
    yield f"{share:.1%} of the training anchors have fewer hard negatives than wanted. {cause}"


def _unknown_tokens(metrics: StageDetails) -> Iterator[str]:
    share = metrics.require("tokenize", "unknown_share")
    if share > _UNKNOWN_TOKENS:
        yield (
            f"{share:.1%} of the tokens are unknown to the tokenizer. Repair the characters under "
            "`clean`, or choose a `model.base` that knows this script."
        )


def _large_component(metrics: StageDetails) -> Iterator[str]:
    share = metrics.require("split", "largest_component_share")
    if share > _LARGEST_COMPONENT:
        yield (
            f"One component holds {share:.0%} of the rows. The split can hardly keep its shares. "
            f"{_what_ties(metrics)}"
        )


def _what_ties(metrics: StageDetails) -> str:
    """Return a sentence on the kind of edges without which the largest component falls apart."""
    left = {
        kind: metrics.get("split", f"{_LARGEST}.without.{kind}".replace(" ", "_")) for kind in _TIES
    }
    known = {kind: size for kind, size in left.items() if size is not None}
    if not known:
        return "`python -m stages explain ID` shows the history of a row."

    # The first kind that leaves no more than half of the pairs in one piece; else the best kind.
    half = metrics.require("split", f"{_LARGEST}.pairs") / 2
    enough = [kind for kind, size in known.items() if size <= half]
    kind = enough[0] if enough else min(known, key=lambda kind: known[kind])
    return (
        f"In the largest component {_TIES[kind]}. Without these edges its largest piece has "
        f"{known[kind]:,.0f} of {2 * half:,.0f} pairs."
    )


# In the order of their importance.
_RULES: tuple[Callable[[StageDetails], Iterator[str]], ...] = (
    _synthetic_evaluation_set,
    _gates,
    _no_gain,
    _harm,
    _few_components_decide,
    _cheaper_systems,
    _bm25_is_better,
    _short_anchors,
    _unknown_tokens,
    _large_component,
)


def _lost_slices(slices: pd.DataFrame) -> Iterator[str]:
    is_slice = slices["kind"] != "measure"
    is_worse = slices["finding"] == "worse"
    for row in slices[is_slice & is_worse].itertuples(index=False):
        yield (
            f"Fine-tuning made the {row.kind} “{row.slice}” worse: {row.gain:+z.3f} nDCG@10 on "
            f"{row.queries:,} validation queries (95 % interval {row.low:+z.3f} to "
            f"{row.high:+z.3f}). Read its training pairs, and see how few there are, before you "
            "change the recipe under `pair`."
        )


def _many_dropped(counts: Sequence[RowCounts]) -> Iterator[str]:
    for count in counts:
        stage = count.stage.split(":")[0]
        share = count.dropped / max(1, count.rows_in + count.added)

        # `split` drops rows on purpose: it samples.
        if stage != "split" and share > _DROPPED_ROWS:
            yield (
                f"`{count.stage}` drops {share:.0%} of its rows ({count.reasons}). If this is more "
                f"than you want, see section `{stage}` of params.yaml and "
                f"data/{stage}/ledger.parquet."
            )
