"""What `compare` has to say, gathered; and the same as text, as Markdown and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from stages.commands.compare.common import Ground
from stages.commands.compare.lost import Touched
from stages.commands.compare.openings import Openings
from stages.commands.compare.verdicts import Verdict
from stages.lib.statistics import LEAST_COMPONENTS

MOST = 10  # queries and rules that are listed
NAMES = {"ndcg_at_10": "nDCG@10", "mrr_at_10": "MRR@10", "recall_at_10": "Recall@10"}
# Metrics of each stage that the funnel is made of.
_FUNNEL = ("rows_in", "rows_out", "added.", "dropped.", "edits.", "accepted.", "refused.")
UNTOUCHED = "No rule of cleaning or deduplication newly touches their answers."
_DID = {
    "drop": "dropped",
    "edit": "edited",
    "add": "added",
    "repoint": "re-pointed",
    "note": "noted",
}
Change = tuple[str, Any, Any]


class Report(NamedTuple):
    """A comparison: `primary` is tested alone, `others` are corrected for their number; `small` slices are not tested.

    `opened` is told of the test split alone. `missing` says what is left out, and which table was not at hand for it.
    """

    before: str
    after: str
    split: str
    system: str
    delta: float
    ground: Ground
    seed_sd: float
    primary: Verdict
    others: list[Verdict]
    small: int
    opened: Openings | None
    overlap: float | None
    lost: list[tuple[str, str, float]]
    losers: int
    touched: list[Touched] | None
    params: list[Change]
    funnel: list[Change]
    missing: dict[str, str]


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return the keys whose values differ, with both; None where a side lacks the key."""
    keys = sorted(before.keys() | after.keys())
    return [
        (key, before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)
    ]


def is_funnel(key: str) -> bool:
    """Return whether a metric, called <stage>.<key>, counts rows that came, went or were changed."""
    return any(part in f".{key}" for part in (f".{name}" for name in _FUNNEL))


def lines(report: Report) -> list[str]:
    """Return the report as Markdown, which reads as plain text too."""
    primary = report.primary
    told = [
        f"## {primary.word.capitalize()}: {report.before} -> {report.after}",
        "",
        f"{NAMES[primary.name]} of `{report.system}` on {report.split}: {difference(primary)}",
        "",
        basis(report),
    ]
    if report.opened is not None:
        told += ["", str(report.opened)]
    if report.others:
        told += [
            "",
            "| | before | after | difference (95 % interval) | p (Holm) | |",
            "|---|---|---|---|---|---|",
        ]
        told += [_row(one) for one in report.others]
    if report.small:
        told += ["", too_small(report.small)]
    if report.overlap is not None:
        told += ["", shared(report.overlap)]
    if report.missing:
        told += ["", left_out(report.missing)]
    told += _losers(report)
    for title, found in (("Parameters", report.params), ("Rows", report.funnel)):
        if found:
            told += ["", f"### {title}", "", "| | before | after |", "|---|---|---|"]
            told += [f"| `{key}` | {shown(old)} | {shown(new)} |" for key, old, new in found]
    return told


def as_json(report: Report) -> str:
    """Return the figures of the report as one JSON object."""
    ground = report.ground
    told = {
        "before": report.before,
        "after": report.after,
        "split": report.split,
        "system": report.system,
        "delta": report.delta,
        "same_benchmark": ground.same and ground.anew is None,
        "rescored": ground.anew is not None,
        "queries_practised": ground.practised,
        "seed_sd": report.seed_sd,
        "test_openings": None if report.opened is None else report.opened._asdict(),
        "in_common": ground.share,
        "verdict": report.primary.word,
        "primary": _figures(report.primary),
        "others": [_figures(one) for one in report.others],
        "slices_too_small": report.small,
        "overlap_at_10": report.overlap,
        "queries_worse": report.losers,
        "missing": report.missing,
        "touched": None if report.touched is None else [one._asdict() for one in report.touched],
        "params": {key: [old, new] for key, old, new in report.params},
        "funnel": {key: [old, new] for key, old, new in report.funnel},
    }
    return json.dumps(told, indent=2, sort_keys=True, ensure_ascii=False)


def difference(verdict: Verdict) -> str:
    """Say both means, their difference, its interval and its p-value."""
    if not verdict.queries:
        return "no query is in both"
    told = f"{verdict.before:.4f} -> {verdict.after:.4f}"
    if verdict.effect is None:
        return told
    effect = verdict.effect
    return f"{told}, **{effect.mean:+.4f}** ({effect.low:+.4f} to {effect.high:+.4f}), p = {verdict.p:.4f}"


def basis(report: Report) -> str:
    """Say on how much the verdict stands, and what it could have shown."""
    ground, verdict = report.ground, report.primary
    if verdict.word == "not comparable":
        return (
            f"Only {ground.share:.0%} of the queries or documents are in common ({_comings(ground)}). Score the older "
            "model on today's benchmark: `--rescore`."
        )
    told = f"{verdict.queries:,} queries in {verdict.components:,} components"
    if ground.anew is not None:
        told += f": the model of {report.before} was scored anew on the queries and documents of {report.after}."
        if ground.practised:
            told += f" {ground.practised:,} queries are left out, since that model was trained on their components."
    elif ground.same:
        told += ", the same benchmark over the same documents."
    else:
        told += f" that both have, over the documents that both have ({_comings(ground)})."
    if verdict.effect is not None and not any(verdict.effect):
        told += " No query scores otherwise than before."
    elif verdict.effect is not None:
        told += f" Differences from {verdict.effect.mde:.4f} up would show here four times in five."
    if report.seed_sd:
        told += f" Another seed of training moves a mean by {report.seed_sd:.4f}, which the intervals include."
    return told


def shared(overlap: float) -> str:
    """Say how much of what is found stayed."""
    return f"The first ten hits of a query have {overlap:.0%} in common."


def too_small(slices: int) -> str:
    """Say that some slices were not judged."""
    return f"Not judged, having fewer than {LEAST_COMPONENTS} components: {slices} slice{'s' * (slices != 1)}."


def left_out(missing: Mapping[str, str]) -> str:
    """Say what is not told, and why."""
    return "Left out: " + "; ".join(f"{what} ({fact})" for what, fact in missing.items()) + "."


def said(touched: Touched) -> str:
    """Say what a rule did to the answers of queries that lost."""
    did = _DID.get(touched.action, touched.action)
    return f"the rule `{touched.reason}` of {touched.stage} {did} answers of {len(touched.queries):,} of them"


def shown(value: object) -> str:
    """Return a value as JSON; nothing where a side lacks it."""
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _figures(verdict: Verdict) -> dict[str, Any]:
    told = {key: value for key, value in verdict._asdict().items() if key != "effect"}
    if not verdict.queries:  # no mean of nothing
        told |= {"before": None, "after": None}
    return told | (verdict.effect._asdict() if verdict.effect else {})


def _comings(ground: Ground) -> str:
    return (
        f"queries: {ground.queries_left:,} left, {ground.queries_entered:,} entered; "
        f"documents: {ground.documents_left:,} left, {ground.documents_entered:,} entered"
    )


def _row(one: Verdict) -> str:
    if one.effect is None or one.p is None:
        return f"| {NAMES.get(one.name, one.name)} | {one.before:.4f} | {one.after:.4f} | | | {one.word} |"
    found = (
        f"{one.effect.mean:+.4f} ({one.effect.low:+.4f} to {one.effect.high:+.4f}) | {one.p:.4f}"
    )
    return f"| {NAMES.get(one.name, one.name)} | {one.before:.4f} | {one.after:.4f} | {found} | {one.word} |"


def _losers(report: Report) -> list[str]:
    if not report.losers:
        return []
    told = [
        "",
        "### Queries that lost",
        "",
        f"{report.losers:,} queries score less than before; the most:",
        "",
    ]
    told += [f"- {change:+.3f} `{query_id}` {text}" for query_id, text, change in report.lost]
    if report.touched:
        told += ["", "What newly touches their answers:", ""]
        told += [f"- {said(one)}" for one in report.touched[:MOST]]
    elif report.touched is not None:
        told += ["", UNTOUCHED]
    return told
