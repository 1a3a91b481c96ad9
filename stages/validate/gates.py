"""The gates: what decides whether this data may be trained on, and what is only warned of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stages.lib.verdict import GATES, Verdict
from stages.validate.health import Suspects
from stages.validate.params import ValidateParams

SHOWN_ROWS = 10
# Any document may have as many questions, however few pairs there are.
_ALWAYS_FINE = 20

Measured = Mapping[str, float | int | str | None]


class Gate(NamedTuple):
    """A measured value that must reach (or not exceed) a limit; None where nobody measured it.

    `grave` gates stop training, others warn. `rows` are ids to look at, the most suspicious first.
    """

    name: str
    metric: str
    value: float | None
    limit: float
    at_least: bool = False
    grave: bool = True
    rows: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Return pass at the limit and on the right side of it, else fail or warn."""
        if self.value is None:
            return "not measured"
        if self.value >= self.limit if self.at_least else self.value <= self.limit:
            return "pass"
        return "fail" if self.grave else "warn"

    @property
    def passed(self) -> bool:
        """Return whether training may start as far as this gate goes."""
        return self.verdict != "fail"

    @property
    def wanted(self) -> str:
        """Return the limit in words."""
        return f"{'at least' if self.at_least else 'at most'} {self.limit:g}"

    @property
    def advice(self) -> str:
        """Return what is wrong and where to look, when something is."""
        meaning = GATES[self.name]
        rows = (
            f" Rows to read first: {', '.join(f'`{row}`' for row in self.rows[:SHOWN_ROWS])}."
            if self.rows
            else ""
        )
        told = f"{meaning.fault[0].upper()}{meaning.fault[1:]}"
        return f"{told} (`{self.metric}` is {self.value:.4g}, wanted {self.wanted}). {meaning.advice}{rows}"


def judge(measured: Measured, suspects: Suspects, params: ValidateParams) -> list[Gate]:
    """Return every gate, in the order of lib/verdict.py: what costs most comes first."""

    def value(key: str) -> float | None:
        found = measured.get(key)
        return None if found is None or isinstance(found, str) else float(found)

    def gate(
        name: str,
        metric: str,
        limit: float,
        at_least: bool = False,
        grave: bool = True,
        rows: Sequence[str] = (),
    ) -> Gate:
        return Gate(name, metric, value(metric), limit, at_least, grave, tuple(rows))

    pairs = value("pair.rows_out")
    balanced = (
        max(params.max_document_share, _ALWAYS_FINE / pairs) if pairs else params.max_document_share
    )
    judges = sorted(
        key for key in measured if key.startswith("mine.false_negatives.") and key.endswith(".low")
    )
    # The gravest judge decides: one that sees no harm does not outweigh one that does.
    worst = max(judges, key=lambda key: value(key) or 0.0, default="mine.false_negatives.low")
    found = [
        gate("leaked_rows", "leaked_rows", 0, rows=suspects.leaked),
        gate("mispaired", "separation.random.roc_auc", params.min_random_auc, at_least=True),
        gate(
            "mispaired_training",
            "separation.training.roc_auc",
            params.min_random_auc,
            at_least=True,
            rows=suspects.far_apart,
        ),
        gate("collapse", "geometry.effective_rank_share", params.min_effective_rank, at_least=True),
        gate("crowding", "geometry.mean_cosine", params.max_random_cosine),
        gate("placebo", "probe.placebo_gain_low", 0.0),
        gate("probe_harm", "probe.gain_high", 0.0, at_least=True),
        gate(
            "hidden_positives",
            "negatives.hidden_positives_share",
            params.max_hidden_positives,
            rows=suspects.hidden_positives,
        ),
        gate("false_negatives", worst, params.max_false_negatives),
        gate("truncation", "tokenize.truncated_share", params.max_truncated, grave=False),
        gate("bm25_hard", "separation.bm25.roc_auc", params.min_bm25_auc, at_least=True),
        gate("probe_gain", "probe.gain_low", 0.0, at_least=True, grave=False),
        gate(
            "duplicates",
            "rows.duplicates_share",
            params.max_duplicates,
            grave=False,
            rows=suspects.duplicates,
        ),
        gate("easy_anchors", "pair.anchor_in_positive_share", params.max_easy_anchors, grave=False),
        gate("unlike_anchors", "pair.no_common_word_share", params.max_unlike_anchors, grave=False),
        gate("unbalanced", "pair.balance.after.document.largest_share", balanced, grave=False),
        gate("private_data", "clean.private_left", 0, grave=False),
        gate("too_few_queries", "probe.gain_mde", params.hoped_gain, grave=False),
    ]
    order = list(GATES)
    return sorted(found, key=lambda one: order.index(one.name))
