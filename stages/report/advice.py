"""Where to look next: rules over the metrics, each of which names a parameter, or says nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pandas as pd

from stages.lib.measured import Metrics
from stages.lib.page import Check
from stages.lib.verdict import GATES
from stages.report.inputs import Book

# What must stand at 0: the stage that counts it, and what it means when it does not.
PROMISES = (
    ("split", "leaked_components", "components that sit in more than one split"),
    ("split", "leaked_texts", "training texts equal or too close to a held-out one"),
    ("deduplicate", "unsupported_drops", "documents dropped as copies of nothing that was kept"),
    ("deduplicate", "dangling_pairs", "pairs whose document is gone"),
    ("deduplicate", "relabelled_pairs", "pairs re-pointed to a document that says something else"),
    ("mine", "known_positives_as_negatives", "negatives that are known to be right answers"),
)

# Above these shares a finding is worth a person's time.
_SHORT_ANCHORS = 0.1
_UNKNOWN = 0.01
_DROPPED = 0.2
_ONE_COMPONENT = 0.2
_FEW_EFFECTIVE = 5.0


def promises(metrics: Metrics) -> list[Check]:
    """Return the promises of the pipeline with how often each is broken."""
    return [
        Check(f"{stage}.{key}", int(metrics.need(stage, key)), meaning)
        for stage, key, meaning in PROMISES
    ]


def advise(metrics: Metrics, slices: pd.DataFrame, books: Sequence[Book]) -> list[str]:
    """Return pieces of advice, the gravest first; none when nothing stands out."""
    return [
        *_broken(metrics),
        *(piece for rule in _RULES for piece in rule(metrics)),
        *_lost_slices(slices),
        *_heavy_drops(books),
    ]


def _broken(metrics: Metrics) -> Iterator[str]:
    for check in promises(metrics):
        if check.broken:
            stage = check.name.split(".")[0]
            yield (
                f"`{check.name}` is {check.broken:,} and must be 0 ({check.meaning}). Trust no gain on this page "
                f"before it is mended: see section `{stage}` of params.yaml and data/{stage}/ledger.parquet."
            )


def _synthetic_exam(metrics: Metrics) -> Iterator[str]:
    if metrics.find("evaluate", "synthetic_exam"):
        yield (
            "No source gives questions: the exam was made by recipes, like the training pairs, and a gain on it says "
            "little about what people will ask. Bring some real ones under `collect.sources`; a few hundred will do, "
            "and `pair.recipes` may go on making the training pairs."
        )


def _gates(metrics: Metrics) -> Iterator[str]:
    for name, meaning in GATES.items():
        verdict = metrics.stages["validate"].get(f"gates.{name}")
        if verdict in ("fail", "warn"):
            yield (
                f"Before training, gate `{name}` said {verdict}: {meaning.fault}. {meaning.advice} The numbers and the "
                "rows to read stand in data/validate/index.html."
            )


def _no_gain(metrics: Metrics) -> Iterator[str]:
    low, high = (
        metrics.find("evaluate", f"validation.gain.over_base.ndcg_at_10.{end}")
        for end in ("low", "high")
    )
    if low is None or high is None or low > 0:
        return
    seen = metrics.need("evaluate", "validation.gain.over_base.ndcg_at_10.mde")
    if high < 0:
        yield (
            "Fine-tuning made the model worse on validation. Hidden positives among the negatives are the usual cause: "
            "raise `mine.relative_margin`, then look at the learning rate and epochs under `finetune`."
        )
    else:
        yield (
            f"Validation shows no gain and would likely have shown one of {seen:.3f}. More training pairs come "
            "from `split.max_train_pairs` and `collect.sources`; harder negatives from `mine.relative_margin`."
        )


def _harm(metrics: Metrics) -> Iterator[str]:
    if metrics.find("evaluate", "out_of_domain.harmless") is False:
        high = metrics.need("evaluate", "out_of_domain.drop.high")
        yield (
            f"Outside the domain the fine-tuned model may rank worse than the base by up to {high:.3f} nDCG@10, which "
            "is more than `evaluate.max_harm`. A lower `finetune.learning_rate`, fewer `finetune.epochs` or merging "
            "with the base (`finetune.merge`) keep more of what it knew."
        )


def _leaning(metrics: Metrics) -> Iterator[str]:
    effective = metrics.find("evaluate", "validation.effective_components")
    if (
        effective is not None
        and effective < _FEW_EFFECTIVE
        and metrics.find("evaluate", "validation.components")
    ):
        count = int(metrics.need("evaluate", "validation.components"))
        yield (
            f"The gain on validation varies as that of {effective:.1f} components of equal weight would, though there "
            f"are {count:,}: a few large ones decide. Look at the largest under `split.near_threshold` and "
            "`pair.max_pairs_per_document` before believing a small difference."
        )


def _cheaper_rungs(metrics: Metrics) -> Iterator[str]:
    cheaper = {
        "fusion": "fusing BM25 with the base model",
        "probe": "the linear probe",
        "static": "the static model",
    }
    gain = metrics.find("evaluate", "validation.gain.over_base.ndcg_at_10.low")
    for system, name in cheaper.items():
        low = metrics.find("evaluate", f"validation.gain.over_{system}.ndcg_at_10.low")
        if low is not None and low <= 0 and gain is not None and gain > 0:
            yield (
                f"Fine-tuning beats the base model, and is not shown to beat {name} on validation: that costs less to "
                "serve or to make. More epochs (`finetune.epochs`) or pairs (`split.max_train_pairs`) may change it."
            )


def _words_win(metrics: Metrics) -> Iterator[str]:
    words, base = (
        metrics.need("evaluate", f"validation.{system}.ndcg_at_10") for system in ("bm25", "base")
    )
    if words >= base:
        yield (
            f"BM25 ({words:.3f}) ranks validation no worse than the base model ({base:.3f}): queries share their "
            "words with the answers. Look at `pair.document_text`, or start from a stronger `model.base`."
        )


def _short_anchors(metrics: Metrics) -> Iterator[str]:
    share = metrics.need("mine", "short_anchors_share")
    if share > _SHORT_ANCHORS:
        yield (
            f"{share:.1%} of the training anchors have fewer hard negatives than asked for. A smaller "
            "`mine.relative_margin` lets more candidates pass, at the risk of hidden positives."
        )


def _unknown_tokens(metrics: Metrics) -> Iterator[str]:
    share = metrics.need("tokenize", "unknown_share")
    if share > _UNKNOWN:
        yield (
            f"{share:.1%} of the tokens are unknown to the tokenizer. Repair the characters under `clean`, or choose a "
            "`model.base` that knows this script."
        )


def _one_component(metrics: Metrics) -> Iterator[str]:
    share = metrics.need("split", "largest_component_share")
    if share > _ONE_COMPONENT:
        yield (
            f"One component holds {share:.0%} of the rows, so the split can hardly keep its shares. Join less: raise "
            "`split.near_threshold`."
        )


_RULES: tuple[Callable[[Metrics], Iterator[str]], ...] = (
    _synthetic_exam,
    _gates,
    _no_gain,
    _harm,
    _leaning,
    _cheaper_rungs,
    _words_win,
    _short_anchors,
    _unknown_tokens,
    _one_component,
)


def _lost_slices(slices: pd.DataFrame) -> Iterator[str]:
    for row in slices[(slices["kind"] != "measure") & (slices["finding"] == "worse")].itertuples(
        index=False
    ):
        yield (
            f"Fine-tuning made the {row.kind} “{row.slice}” worse: {row.gain:+.3f} nDCG@10 on "
            f"{row.queries:,} validation queries (95 % interval {row.low:+.3f} to {row.high:+.3f}). See how few "
            "training pairs it has, and read them, before changing the recipe under `pair`."
        )


def _heavy_drops(books: Sequence[Book]) -> Iterator[str]:
    for book in books:
        stage, share = book.stage.split(":")[0], book.dropped / max(1, book.rows_in + book.added)
        # Sampling is asked for, not found.
        if stage != "split" and share > _DROPPED:
            yield (
                f"`{book.stage}` drops {share:.0%} of its rows ({book.why}). If that is more than you meant, see "
                f"section `{stage}` of params.yaml and data/{stage}/ledger.parquet."
            )
