"""The funnel: how many rows came in, and how many were rejected, sampled out or refused.

It is one line on the terminal and on the first screen of a page, so that nobody has to look for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from stages.lib.schemas.ledger import LARGE_SHARE

Value = float | int | str | bool

# How many reasons are named.
MAX_REASONS = 3

# What a drop means, by stage, and the prefixes of its counts. A row that is `over_document_cap`,
# `not_sampled` or `not_in_sample` is good and left out on purpose.
_REJECTED = {"collect": ("dropped.",), "clean": ("dropped.", "pairs.dropped.")}
_COPIES = {"deduplicate": ("dropped.", "pairs.dropped.")}
_OTHERS = {
    "collect": ("left_out.",),
    "pair": ("dropped.",),
    "split": ("dropped.",),
    "augment": ("dropped.",),
}
FUNNEL_STAGES = tuple(dict.fromkeys((*_REJECTED, *_COPIES, *_OTHERS, "tokenize")))
_SAMPLED = (
    "not_sampled",
    "not_in_sample",
    "over_cap",
    "over_document_cap",
    "over_topic_cap",
    "over_relation_cap",
    "over_share",
)


# Labelled negatives: they are used, though not as pairs.
_LABELLED = ("dissimilar",)


class Funnel(NamedTuple):
    """Rows through the pipeline up to training. The counts of drops are by reason.

    Attributes:
        rows_in: records that the sources hold.
        rejected: rows that `collect` and `clean` could not use.
        copies: documents and pairs that say what another says.
        sampled_out: good rows that a cap or the sample left out.
        refused: pairs and variants that `pair`, `split` and `augment` refuse.
        training_rows: rows that are trained on; None before they are known.
        large_rejection: the largest share of rows that a stage rejected, in words; empty if it is
            small.
        negatives: pairs that say that a document is no answer, and become hard negatives.
    """

    rows_in: int
    rejected: Mapping[str, int]
    copies: Mapping[str, int]
    sampled_out: Mapping[str, int]
    refused: Mapping[str, int]
    training_rows: int | None
    large_rejection: str = ""
    negatives: int = 0

    @property
    def line(self) -> str:
        """Return the funnel as one line of text."""
        parts = [
            f"{self.rows_in:,} records in",
            _part(f"rejected{self.large_rejection}", self.rejected),
            _part("copies", self.copies),
            _part("sampled out", self.sampled_out),
            _part("refused", self.refused),
        ]
        if self.negatives:
            parts.append(f"{self.negatives:,} labelled as no answer")
        if self.training_rows is not None:
            parts.append(f"{self.training_rows:,} training rows")
        return "; ".join(parts)


def funnel(details: Mapping[str, Mapping[str, Value]]) -> Funnel:
    """Return the funnel of a run from the details of its stages, with dotted keys.

    >>> details = {"collect": {"rows_in": 5, "dropped.empty_text": 2}, "tokenize": {"rows_out": 3}}
    >>> funnel(details).line
    '5 records in; 2 rejected (empty text); 0 copies; 0 sampled out; 0 refused; 3 training rows'
    """
    others = _counts(details, _OTHERS)
    negatives = sum(others.pop(reason, 0) for reason in _LABELLED)
    training_rows = details.get("tokenize", {}).get("rows_out")
    return Funnel(
        rows_in=int(details["collect"].get("rows_in", 0)),
        rejected=_counts(details, _REJECTED),
        copies=_counts(details, _COPIES),
        sampled_out={reason: count for reason, count in others.items() if reason in _SAMPLED},
        refused={reason: count for reason, count in others.items() if reason not in _SAMPLED},
        negatives=negatives,
        training_rows=None if training_rows is None else int(training_rows),
        large_rejection=_large_rejection(details),
    )


def _large_rejection(details: Mapping[str, Mapping[str, Value]]) -> str:
    """Return the largest share of rows that a stage rejected, such as ", 77 % of clean's rows"."""
    shares: list[tuple[float, str]] = []
    for stage, prefixes in _REJECTED.items():
        counts = details.get(stage, {})
        for prefix in prefixes:
            rows_in = int(counts.get(prefix.replace("dropped.", "rows_in"), 0))
            rejected = sum(_counts(details, {stage: (prefix,)}).values())

            # Records that a source leaves out by rule are no faults.
            if stage == "collect":
                rejected = int(counts.get("rejected", 0))
            if rows_in:
                shares.append((rejected / rows_in, stage))

    share, stage = max(shares, default=(0.0, ""))
    return f", {100 * share:.0f} % of the rows of {stage}" if share >= LARGE_SHARE else ""


def _counts(
    details: Mapping[str, Mapping[str, Value]], prefixes_of_stage: Mapping[str, tuple[str, ...]]
) -> dict[str, int]:
    """Return reason to number of rows, over the named stages; reasons without rows are left out."""
    count_by_reason: dict[str, int] = {}
    for stage, prefixes in prefixes_of_stage.items():
        for key, value in details.get(stage, {}).items():
            # "pairs.dropped." begins no key that begins with "dropped.".
            prefix = next((prefix for prefix in prefixes if key.startswith(prefix)), None)
            if prefix is not None and value:
                reason = key.removeprefix(prefix)
                count_by_reason[reason] = count_by_reason.get(reason, 0) + int(value)

    return count_by_reason


def _part(name: str, count_by_reason: Mapping[str, int]) -> str:
    """Return the sum with its most frequent reasons, such as "3 rejected (2 empty, 1 too long)"."""
    ordered = sorted(count_by_reason.items(), key=lambda item: (-item[1], item[0]))
    reasons = [f"{count:,} {reason.replace('_', ' ')}" for reason, count in ordered[:MAX_REASONS]]
    if len(ordered) > MAX_REASONS:
        rest = sum(count for _, count in ordered[MAX_REASONS:])
        reasons.append(f"{rest:,} others")

    # One reason needs no count of its own.
    if len(ordered) == 1:
        reasons = [ordered[0][0].replace("_", " ")]

    total = f"{sum(count_by_reason.values()):,} {name}"
    return f"{total} ({', '.join(reasons)})" if reasons else total
