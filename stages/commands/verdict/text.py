"""A verdict as lines of text, as Markdown and as JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from stages.commands.verdict.checks import RunFacts
from stages.commands.verdict.differences import Comparison
from stages.commands.verdict.measures import Measure
from stages.commands.verdict.pairs import GROUP_WEIGHT, RunPair, indistinct
from stages.commands.verdict.prediction_powered import MIN_LABELLED_GROUPS, JoinedEstimate
from stages.commands.verdict.slices import SliceVerdicts
from stages.lib.analysis.intervals import MIN_COMPONENTS

MAX_QUERIES = 5

# Signs that mean something in Markdown or HTML.
_MARKDOWN_SIGNS = re.compile(r"[\\`*_{}\[\]<>|#]")


class Verdict(NamedTuple):
    """All that is said of some runs.

    Attributes:
        measure: the measure.
        means: name of the run to its mean.
        pairs: each two runs.
        facts: name of the run to what it holds.
        groups: the number of groups.
        queries: the number of queries.
        largest_group: the number of queries of the largest group.
        warning: what the intervals do not know; "" for nothing.
        sheet: what was written for people to label; "" for nothing.
        condensed: whether unjudged hits were removed before measuring.
        slices: the verdicts on slices of the queries, for the last run against the first.
        delta: the largest difference that counts as none.
    """

    measure: Measure
    means: Mapping[str, float]
    pairs: Sequence[RunPair]
    facts: Mapping[str, RunFacts]
    groups: int
    queries: int
    largest_group: int
    warning: str = ""
    sheet: str = ""
    condensed: bool = False
    slices: SliceVerdicts = SliceVerdicts()
    delta: float = 0.01

    @property
    def last_against_first(self) -> RunPair:
        """The pair of the first run and the last one."""
        names = list(self.means)
        (pair,) = [
            pair for pair in self.pairs if (pair.first, pair.second) == (names[0], names[-1])
        ]
        return pair


def verdict_lines(verdict: Verdict) -> list[str]:
    """Return the lines for a terminal: the ladder, each pair, and what limits the verdict."""
    lines = [
        f"{verdict.measure.name} over {verdict.queries:,} queries in {verdict.groups:,} groups",
        "",
        *_ladder(verdict),
    ]
    for pair in verdict.pairs:
        lines += ["", *_pair_lines(pair)]
        # Of many pairs the queries would hide the verdicts.
        if len(verdict.pairs) == 1:
            lines += _change_lines(pair)
    for part in (_slice_lines(verdict), notes(verdict)):
        lines += ["", *part] if part else []
    return lines


def _ladder(verdict: Verdict) -> list[str]:
    """Return the runs, the best first, each with those that it cannot be told apart from."""
    width = max(map(len, verdict.means))
    lines = []
    for name, same in indistinct_runs(verdict).items():
        note = f"   not told apart from {', '.join(same)}" if same else ""
        lines.append(f"  {name:<{width}}  {verdict.means[name]:.4f}{note}")
    return lines


def indistinct_runs(verdict: Verdict) -> dict[str, list[str]]:
    """Return the runs, the best first, each with those that it cannot be told apart from."""
    names = sorted(verdict.means, key=lambda name: (-verdict.means[name], name))
    return indistinct(list(verdict.pairs), names)


def _pair_lines(pair: RunPair) -> list[str]:
    lines = [pair_sentence(pair)]
    comparison = pair.comparison
    if comparison.effect is not None:
        lines.append(
            f"  The smallest difference that these queries could show is "
            f"{comparison.effect.mde:.4f}."
        )
    if pair.joined is not None:
        lines += [f"  {sentence}" for sentence in joined_sentences(pair.joined)]
    sentence = size_sentence(pair)
    return [*lines, f"  {sentence}"] if sentence else lines


def size_sentence(pair: RunPair) -> str:
    """Return how many more queries would decide; "" where the verdict is there.

    Two numbers are told, since the verdict comes soon or late by chance.
    """
    even = pair.queries_for_even_chance
    likely = pair.queries_to_decide
    if even is None:
        return ""
    half = f"About {even:,} more queries would decide in 1 of 2 cases"
    if likely is None:
        return f"{half}, and no number up to 1,000 times as many in 4 of 5."
    return f"{half}, and about {likely:,} in 4 of 5."


def _slice_lines(verdict: Verdict) -> list[str]:
    """Return the slices that differ, and how many others there are."""
    comparisons = verdict.slices.comparisons
    if not comparisons and not verdict.slices.too_small:
        return []

    pair = verdict.last_against_first
    differing = [item for item in comparisons if item.outcome in ("better", "worse")]
    lines = [
        f"{pair.second} against {pair.first}: {len(differing)} of {len(comparisons)} slices "
        "differ (Holm corrected)"
    ]
    unit = "queries" if pair.joined is None else "queries of people"
    lines += [f"  {slice_sentence(comparison, unit)}" for comparison in differing]
    return [*lines, *(f"  {sentence}" for sentence in small_slice_sentences(verdict))]


def small_slice_sentences(verdict: Verdict) -> list[str]:
    """Return how many slices have too few groups for a verdict, and how many groups that takes."""
    count = verdict.slices.too_small
    if not count:
        return []
    least = f"fewer than {MIN_COMPONENTS} groups"
    if verdict.last_against_first.joined is not None:
        least = f"fewer than {MIN_LABELLED_GROUPS} groups that people labelled"
    return [f"{count:,} slices have {least}, and no verdict."]


def slice_sentence(comparison: Comparison, unit: str) -> str:
    """Return the outcome of a slice in one line, with the number of its queries."""
    effect = comparison.effect
    assert effect is not None
    return (
        f"{comparison.name}: {comparison.outcome}, {effect.mean:+z.4f} ({effect.low:+z.4f} to "
        f"{effect.high:+z.4f}), p = {comparison.p_value:.4f}, {comparison.queries:,} {unit}"
    )


def joined_sentences(joined: JoinedEstimate) -> list[str]:
    """Return how labels of people and of a judge were joined."""
    saved = 1 - joined.standard_error / joined.people_error if joined.people_error > 0 else 0.0
    size = "smaller" if saved >= 0 else "larger"
    return [
        f"People labelled {joined.labelled:,} queries in {joined.labelled_groups:,} groups. The "
        f"judge counts {joined.judge_weight:.2f}, where 1 trusts it and 0 ignores it.",
        f"By people alone: {joined.people_mean:+z.4f}. The judge makes the standard error "
        f"{abs(saved):.0%} {size}: {joined.standard_error:.4f}, not {joined.people_error:.4f}.",
    ]


def _change_lines(pair: RunPair) -> list[str]:
    """Return the queries that changed most, in both directions."""
    lines = []
    changes_of_queries = list(pair.changes.items())
    falls = [item for item in changes_of_queries[:MAX_QUERIES] if item[1] < 0]
    rises = [item for item in changes_of_queries[: -MAX_QUERIES - 1 : -1] if item[1] > 0]
    for title, changes in (("fell most", falls), ("rose most", rises)):
        if changes:
            shown = ", ".join(f"{query} ({change:+z.2f})" for query, change in changes)
            lines.append(f"  {title}: {shown}")
    return lines


def pair_sentence(pair: RunPair) -> str:
    """Return the outcome of a pair in one sentence."""
    comparison = pair.comparison
    effect = comparison.effect
    if effect is None:
        return (
            f"{pair.second} against {pair.first}: no verdict, since {comparison.components:,} "
            f"groups are fewer than {MIN_COMPONENTS}; the means differ by "
            f"{comparison.plain:+z.4f}"
        )
    words = {
        "better": f"{pair.second} is better than {pair.first}",
        "worse": f"{pair.second} is worse than {pair.first}",
        "equivalent": f"{pair.second} and {pair.first} are equivalent",
        "no evidence": f"there is no evidence that {pair.second} and {pair.first} differ",
    }
    sentence = words[comparison.outcome]
    return (
        f"{sentence}: {effect.mean:+z.4f} ({effect.low:+z.4f} to {effect.high:+z.4f}), "
        f"p = {comparison.p_value:.4f}"
    )


def _weight_note(verdict: Verdict) -> list[str]:
    """Return that large groups count less, and what the plain differences are."""
    if verdict.largest_group <= GROUP_WEIGHT or verdict.pairs[0].joined is not None:
        return []
    plain = ", ".join(
        f"{verdict.means[pair.second] - verdict.means[pair.first]:+z.4f}" for pair in verdict.pairs
    )
    return [
        f"The largest group has {verdict.largest_group:,} queries. A group counts as at most "
        f"{GROUP_WEIGHT} in the differences; the plain ones are {plain}."
    ]


def notes(verdict: Verdict) -> list[str]:
    """Return what limits a verdict, a sentence or two each."""
    sentences = [verdict.warning] if verdict.warning else []
    sentences += _weight_note(verdict)
    depth = verdict.measure.depth
    for name, facts in verdict.facts.items():
        removed = "were removed" if verdict.condensed else "count as not relevant"
        meaning = f", and {removed}" if facts.unjudged else ""
        sentences.append(
            f"{name}: {facts.unjudged:.1%} of the first {depth} hits are unjudged{meaning}."
        )
        if facts.tied:
            sentences.append(
                f"{name}: {facts.tied:.1%} of the queries have equal scores there, ordered by id."
            )
        if facts.missing:
            sentences.append(f"{name}: {facts.missing:,} queries have no hit, and count as 0.")
    return [*sentences, verdict.sheet] if verdict.sheet else sentences


def markdown_lines(verdict: Verdict) -> list[str]:
    """Return the verdict as Markdown, for a comment on a pull request."""
    sentences = [_markdown(pair_sentence(pair)) for pair in verdict.pairs]
    lines = [f"**{sentences[0]}**", ""] if len(sentences) == 1 else []
    lines += [f"| run | {verdict.measure.name} |", "| --- | --- |"]
    lines += [f"| {_markdown(name)} | {mean:.4f} |" for name, mean in verdict.means.items()]
    if len(sentences) > 1:
        lines += ["", *(f"- {sentence}" for sentence in sentences)]
    for pair in verdict.pairs:
        if pair.joined is not None:
            lines += ["", *joined_sentences(pair.joined)]

    # The slices that differ.
    if verdict.slices.comparisons:
        title, *others = map(_markdown, _slice_lines(verdict))
        lines += ["", f"{title}.", "", *(f"- {line.strip()}" for line in others)]

    counts = f"{verdict.queries:,} queries in {verdict.groups:,} groups."
    return [*lines, "", counts, *map(_markdown, notes(verdict))]


def _markdown(text: str) -> str:
    r"""Return a text in which no sign of a name or an id is Markdown or HTML.

    >>> _markdown("a|b <i>")
    'a\\|b \\<i\\>'
    """
    return _MARKDOWN_SIGNS.sub(r"\\\g<0>", " ".join(text.split()))


def to_dict(verdict: Verdict) -> dict[str, Any]:
    """Return the verdict as values for JSON."""
    pairs = []
    for pair in verdict.pairs:
        values = _comparison_values(pair.comparison)
        del values["name"]
        names = {"first": pair.first, "second": pair.second}
        joined = pair.joined._asdict() if pair.joined is not None else None
        pairs.append(
            {
                **names,
                **values,
                "queries_to_decide": pair.queries_to_decide,
                "queries_for_even_chance": pair.queries_for_even_chance,
                "people_and_judge": joined,
            }
        )
    return {
        "measure": verdict.measure.name,
        "queries": verdict.queries,
        "groups": verdict.groups,
        "largest_group": verdict.largest_group,
        "means": dict(verdict.means),
        "pairs": pairs,
        "runs": {name: facts._asdict() for name, facts in verdict.facts.items()},
        "warning": verdict.warning,
        "sheet": verdict.sheet,
        "condensed": verdict.condensed,
        "slices": [_comparison_values(item) for item in verdict.slices.comparisons],
        "small_slices": verdict.slices.too_small,
    }


def outcome_name(comparison: Comparison) -> str:
    """Return the outcome, or that there are too few groups for one."""
    return "too few groups" if comparison.effect is None else comparison.outcome


def _comparison_values(comparison: Comparison) -> dict[str, Any]:
    effect = comparison.effect
    return {
        "name": comparison.name,
        "outcome": outcome_name(comparison),
        "difference": comparison.after - comparison.before,
        "plain_difference": comparison.plain,
        "low": effect.low if effect else None,
        "high": effect.high if effect else None,
        "smallest_detectable": effect.mde if effect else None,
        "p": comparison.p_value if effect else None,
        "queries": comparison.queries,
        "groups": comparison.components,
    }
