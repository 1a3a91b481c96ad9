"""Sentences of the page on splits that sources give, and on how much of the hits has a grade."""

from __future__ import annotations

from stages.lib.reporting.details import StageDetails
from stages.lib.reporting.html import Html, Tone, paragraph
from stages.lib.schemas.runs import SYSTEMS

_SPLITS = ("validation", "test")


def given_split_and_grades(metrics: StageDetails) -> list[Html]:
    """Return what a reader must know of given splits and of grades; nothing without any."""
    return [*_given_split(metrics), *_judged_shares(metrics)]


def _given_split(metrics: StageDetails) -> list[Html]:
    counts = {split: metrics.get("split", f"given.{split}_queries") or 0 for split in _SPLITS}
    if not any(counts.values()):
        return []

    # What the queries are, and what training shares with them.
    shared = metrics.require("split", "given.shared_document_queries")
    share = metrics.require("split", "given.shared_document_share")
    parts = [
        paragraph(
            f"The sources give the split of {counts['validation']:,} validation and "
            f"{counts['test']:,} test queries. They are asked exactly as given: every query counts "
            "once, no weight and no limit of components applies to them, and intervals resample "
            f"queries. For {shared:,} of them ({share:.0%}) a relevant document is trained on, "
            "with other queries. A gain on these need not carry over to documents that are new."
        )
    ]

    # Training pairs that repeat one of these queries.
    repeated = metrics.require("split", "given.repeated_pairs")
    left_out = metrics.require("split", "given.left_out")
    if repeated:
        is_clean = left_out == repeated
        tone: Tone = "note" if is_clean else "bad"
        rest = "" if is_clean else " The others are trained on (`split.given`: trust)."
        parts.append(
            paragraph(
                f"{repeated:,} training pairs have the anchor of such a query; {left_out:,} of "
                f"them were left out.{rest}",
                tone,
            )
        )

    return parts


def _judged_shares(metrics: StageDetails) -> list[Html]:
    parts: list[Html] = []
    for split in _SPLITS:
        shares: list[str] = []
        for system, name in SYSTEMS.items():
            share = metrics.get("evaluate", f"{split}.{system}.judged_at_10")
            if share is not None:
                shares.append(f"{name} {share:.0%}")

        if shares:
            parts.append(
                paragraph(
                    f"Of the first ten hits on {split} these shares have a grade: "
                    f"{', '.join(shares)}. A hit without a grade counts as not relevant."
                )
            )

    return parts
