"""The gates: limits that the measurements must keep before training may start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from stages.lib.reporting.gates import GATES, GateStatus, gate_advice
from stages.validate.interface import ValidateParams
from stages.validate.row_quality import Suspects

# How many rows the advice of a gate names.
MAX_ROWS = 10

# Where documents are labels, more of the queries than this should ask for a label of training.
MAX_UNTRAINED_LABELS = 0.5

# A document may always have this many queries, however few pairs there are.
_ALWAYS_ALLOWED_QUERIES = 20

# The least part of the requested held-out pairs. Below it they say little of the data.
LEAST_HELD_OUT = 1 / 3

Measurements = Mapping[str, float | int | str | None]


class Gate(NamedTuple):
    """A measured value and its limit.

    Attributes:
        name: the key in `stages.lib.verdict.GATES`.
        metric: the name of the metric.
        value: the measured value; None if it was not measured.
        limit: the limit.
        at_least: whether the value must reach the limit; otherwise it must not exceed it.
        stops_training: whether training is refused; otherwise the gate only warns.
        warn_below: a value that keeps the limit and is lower than this gives a warning.
        rows: ids of pairs to read, the most suspicious first.
        remedy: what would help in this run.
    """

    name: str
    metric: str
    value: float | None
    limit: float
    at_least: bool = False
    stops_training: bool = True
    warn_below: float | None = None
    rows: tuple[str, ...] = ()
    remedy: str = ""

    @property
    def status(self) -> GateStatus:
        """Return "pass", "fail", "warn" or "not measured". A value at the limit passes."""
        if self.value is None:
            return "not measured"

        is_kept = self.value >= self.limit if self.at_least else self.value <= self.limit
        if not is_kept:
            return "fail" if self.stops_training else "warn"

        is_doubtful = self.warn_below is not None and self.value < self.warn_below
        return "warn" if is_doubtful else "pass"

    @property
    def passed(self) -> bool:
        """Return whether training may start as far as this gate is concerned."""
        return self.status != "fail"

    @property
    def requirement(self) -> str:
        """Return the limit, or both limits, in words."""
        if self.warn_below is None:
            return self._limit_in_words
        return f"{self._limit_in_words}; warns below {self.warn_below:g}"

    @property
    def _limit_in_words(self) -> str:
        return f"{'at least' if self.at_least else 'at most'} {self.limit:g}"

    @property
    def advice(self) -> str:
        """Return what is wrong and where to look, for a gate that failed or warns."""
        meaning = GATES[self.name]
        problem = meaning.fault[0].upper() + meaning.fault[1:]
        needed = f"must be {self._limit_in_words}"
        if self.status == "warn" and self.warn_below is not None:
            needed = f"should be at least {self.warn_below:g}"
        value = f"`{self.metric}` is {self.value:.4g}, and {needed}"

        # Name some of the rows that caused it.
        rows = ""
        if self.rows:
            names = ", ".join(f"`{row}`" for row in self.rows[:MAX_ROWS])
            rows = f" Rows to read first: {names}."

        return f"{problem} ({value}). {self.remedy}{rows}"


class GateRule(NamedTuple):
    """One row of the table of gates.

    Attributes:
        name: the name of the gate.
        metric: the measured metric.
        limit: a number, or the key under `validate` in params.yaml.
        at_least: whether the value must reach the limit.
        stops_training: whether training is refused.
        warn_below: the key under `validate` of the value below which the gate warns, if any.
        suspects: the field of Suspects with the rows to read; empty if there is none.
    """

    name: str
    metric: str
    limit: float | str
    at_least: bool = False
    stops_training: bool = True
    warn_below: str = ""
    suspects: str = ""


# In the order of `stages.lib.verdict.GATES`: the most expensive fault comes first.
RULES = (
    GateRule("leaked_rows", "leaked_rows", 0.0, suspects="leaked"),
    GateRule("unrepresentative", "split.held_out_of_requested", LEAST_HELD_OUT, at_least=True),
    GateRule(
        "mispaired",
        "separation.random.roc_auc",
        "min_random_auc",
        at_least=True,
        warn_below="doubtful_random_auc",
    ),
    GateRule(
        "mispaired_training",
        "separation.training.roc_auc",
        "min_random_auc",
        at_least=True,
        warn_below="doubtful_random_auc",
        suspects="far_apart",
    ),
    GateRule("collapse", "geometry.effective_rank_share", "min_effective_rank", at_least=True),
    GateRule("crowding", "geometry.mean_cosine", "max_random_cosine"),
    GateRule("placebo", "probe.placebo_gain_low", 0.0),
    GateRule("probe_harm", "probe.gain_high", 0.0, at_least=True),
    GateRule(
        "hidden_positives",
        "negatives.hidden_positives_share",
        "max_hidden_positives",
        suspects="hidden_positives",
    ),
    GateRule(
        "labelled_positives",
        "negatives.labelled_positives_share",
        "max_hidden_positives",
        stops_training=False,
        suspects="labelled_positives",
    ),
    GateRule("false_negatives", "mine.false_negatives.low", "max_false_negatives"),
    GateRule("truncation", "tokenize.truncated_share", "max_truncated", stops_training=False),
    GateRule("bm25_hard", "separation.bm25.roc_auc", "min_bm25_auc", at_least=True),
    GateRule("probe_gain", "probe.gain_low", 0.0, at_least=True, stops_training=False),
    GateRule(
        "duplicates",
        "rows.duplicates_share",
        "max_duplicates",
        stops_training=False,
        suspects="duplicates",
    ),
    GateRule(
        "easy_anchors", "pair.anchor_in_positive_share", "max_easy_anchors", stops_training=False
    ),
    GateRule(
        "unlike_anchors", "pair.no_common_word_share", "max_unlike_anchors", stops_training=False
    ),
    GateRule(
        "unbalanced",
        "pair.balance.after.document.largest_share",
        "max_document_share",
        stops_training=False,
    ),
    GateRule("labels", "labels.untrained_share", MAX_UNTRAINED_LABELS, stops_training=False),
    GateRule("private_data", "clean.private_left", 0.0, stops_training=False),
    GateRule("too_few_queries", "probe.gain_mde", "hoped_gain", stops_training=False),
)


def judge_gates(
    measurements: Measurements, suspects: Suspects, params: ValidateParams
) -> list[Gate]:
    """Return every gate, the most expensive fault first.

    Args:
        measurements: metric to value. A missing metric gives a gate that is not measured.
        suspects: rows to read.
        params: the limits.
    """
    gates = []
    for rule in RULES:
        metric = rule.metric
        if rule.name == "false_negatives":
            metric = _worst_false_negative_rate(measurements)

        # A limit is a number, or the name of a parameter.
        limit = rule.limit if isinstance(rule.limit, float) else getattr(params, rule.limit)
        if rule.name == "unbalanced":
            limit = _largest_document_share(limit, _number(measurements, "pair.rows_out"))

        gate = Gate(
            name=rule.name,
            metric=metric,
            value=_number(measurements, metric),
            limit=limit,
            at_least=rule.at_least,
            stops_training=rule.stops_training,
            warn_below=getattr(params, rule.warn_below) if rule.warn_below else None,
            rows=tuple(getattr(suspects, rule.suspects)) if rule.suspects else (),
            remedy=gate_advice(rule.name, metric, measurements),
        )
        gates.append(gate)

    return gates


def _number(measurements: Measurements, metric: str) -> float | None:
    value = measurements.get(metric)
    return None if value is None or isinstance(value, str) else float(value)


def _worst_false_negative_rate(measurements: Measurements) -> str:
    """Return the metric with the highest lower bound, since the worst estimate decides."""
    bounds = [
        key
        for key in sorted(measurements)
        if key.startswith("mine.false_negatives.") and key.endswith(".low")
    ]
    return max(
        bounds,
        key=lambda key: _number(measurements, key) or 0.0,
        default="mine.false_negatives.low",
    )


def _largest_document_share(limit: float, pair_count: float | None) -> float:
    """Return the limit for the share of one document, higher where there are few pairs."""
    if not pair_count:
        return limit
    return max(limit, _ALWAYS_ALLOWED_QUERIES / pair_count)
