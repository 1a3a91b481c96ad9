"""What `compare` reports, in sentences: the same ones in Markdown and on the page."""

from __future__ import annotations

from collections.abc import Mapping

from stages.commands.compare.alignment import PairedResults
from stages.commands.compare.report import NewDecisions, Report
from stages.commands.verdict.differences import Comparison
from stages.lib.analysis.intervals import MIN_COMPONENTS

_PAST_TENSE = {
    "drop": "dropped",
    "edit": "edited",
    "add": "added",
    "repoint": "re-pointed",
    "note": "noted",
}


def describe_difference(comparison: Comparison) -> str:
    """Return both means, their difference, its interval and its p-value, in words."""
    if not comparison.queries:
        return "no query is in both"

    means = f"{comparison.before:.4f} -> {comparison.after:.4f}"
    effect = comparison.effect
    if effect is None:
        return means

    interval = f"({effect.low:+z.4f} to {effect.high:+z.4f})"
    return f"{means}, **{effect.mean:+z.4f}** {interval}, p = {comparison.p_value:.4f}"


def describe_basis(report: Report) -> str:
    """Return sentences on what the outcome is based on, and what difference it could have shown."""
    paired = report.paired
    primary = report.primary
    if primary.outcome == "not comparable":
        return (
            f"Only {paired.share_in_common:.0%} of the queries or documents are in common "
            f"({_removed_and_added(paired)}). "
            "Score the older model on today's benchmark: `--rescore`."
        )

    # Which queries and documents.
    text = f"{primary.queries:,} queries in {primary.components:,} components"
    if paired.rescored is not None:
        text += (
            f": the model of {report.before} was scored anew on the queries and documents "
            f"of {report.after}."
        )
        if paired.seen_in_training:
            text += (
                f" {paired.seen_in_training:,} queries are left out, since that model was trained "
                "on their components."
            )
    elif paired.same_benchmark:
        text += ", the same benchmark over the same documents."
    else:
        text += (
            f" that both have, over the documents that both have ({_removed_and_added(paired)})."
        )

    # How a query is weighted.
    text += f" {describe_weights(report)}"

    # How small a difference they can show.
    effect = primary.effect
    if effect is not None and not any(effect):
        text += " No query has another score than before."
    elif effect is not None:
        text += f" Differences from {effect.mde:.4f} up would show here four times in five."

    # What another training would have changed.
    if report.seed_sd:
        text += (
            f" Another seed of training moves a mean by {report.seed_sd:.4f}, "
            "which the intervals include and p does not."
        )
    return text


def describe_weights(report: Report) -> str:
    """Return sentences on the weight of a query, with the difference that each query makes."""
    text = (
        f"A component counts as at most {report.component_weight:,} queries; where each query "
        f"counts once, the difference is {report.primary.plain:+z.4f}."
    )
    if report.restated:
        names = " and ".join(report.restated)
        text += f" The means that {names} wrote down follow another rule; these follow today's."
    return text


def describe_devices(report: Report) -> str:
    """Return a sentence on the devices of both versions; "" if they are of one class."""
    before, after = report.devices
    if before == after:
        return ""
    return (
        f"The versions were computed on other classes of device: {report.before} on "
        f"{before}, {report.after} on {after}. A part of each difference may come from that, and "
        "no interval includes it."
    )


def describe_overlap(overlap: float) -> str:
    """Return a sentence on how many of the first hits stayed."""
    return f"The first ten hits of a query have {overlap:.0%} in common."


def describe_small_slices(count: int) -> str:
    """Return a sentence on the slices that were not tested."""
    plural = "" if count == 1 else "s"
    return f"Not tested, with fewer than {MIN_COMPONENTS} components: {count} slice{plural}."


def describe_missing(missing: Mapping[str, str]) -> str:
    """Return a sentence on what is left out, and why."""
    parts = [f"{label} ({reason})" for label, reason in missing.items()]
    return f"Left out: {'; '.join(parts)}."


def describe_decisions(decisions: NewDecisions) -> str:
    """Return what a rule did to relevant documents of regressed queries, in words."""
    verb = _PAST_TENSE.get(decisions.action, decisions.action)
    count = len(decisions.queries)
    return f"the rule `{decisions.reason}` of {decisions.stage} {verb} answers of {count:,} of them"


def _removed_and_added(paired: PairedResults) -> str:
    return (
        f"queries: {paired.queries_removed:,} removed, {paired.queries_added:,} added; "
        f"documents: {paired.documents_removed:,} removed, {paired.documents_added:,} added"
    )
