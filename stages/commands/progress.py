"""Show what every version so far was worth, and whether it still pays to iterate.

    python -m stages progress --html progress.html

The versions are the commits of this branch that changed the results on validation, the working tree, and the
experiments of DVC. Each version is compared with the one before it, and each experiment with the commit it
started from, as `python -m stages compare` does. The end says how often the test set was used on this
benchmark, and how good the best of so many equal versions looks by luck.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import pandas as pd
import typer

from stages.commands.compare.alignment import pair_results
from stages.commands.compare.report import changes, format_value
from stages.commands.compare.verdicts import (
    PRIMARY,
    CompareParams,
    Comparison,
    compare_difference,
    measure_difference,
    seed_deviation,
    uses_of_test_set,
)
from stages.commands.compare.versions import (
    METRICS,
    Version,
    commit_subject,
    commits_of,
    experiments,
    find_version,
)
from stages.lib.analysis.intervals import (
    DETECTABLE_ERRORS,
    MIN_COMPONENTS,
    MeanInterval,
    mean_interval,
)
from stages.lib.core import atomic
from stages.lib.core.errors import UserError
from stages.lib.core.params import load_section
from stages.lib.core.stage import command
from stages.lib.reporting.charts import BLUE, ORANGE, svg_figure
from stages.lib.reporting.html import Html, PageSection, html_page, html_table, paragraph

# So many changes in a row that are all equivalent say that it no longer pays to iterate.
SETTLED = 3
MAX_PARAMS = 3  # parameters that are listed for an experiment
_TABLE_HEAD = ["| version | | nDCG@10 (95 % interval) | difference | |", "|---|---|---|---|---|"]
_PAGE_COLUMNS = ["version", "change", "nDCG@10", "difference", "low", "high", "verdict"]
_PAGE_FORMATS = {"nDCG@10": ".4f", "difference": "+.4f", "low": "+.4f", "high": "+.4f"}
_NAN = float("nan")


class Criterion(NamedTuple):
    """How versions are compared: split, system, and the smallest difference that counts."""

    split: str
    system: str
    delta: float


class VersionResult(NamedTuple):
    """The result of one version.

    Attributes:
        version: the version.
        subject: its commit message, or the changed parameters of an experiment.
        mean: mean nDCG@10.
        low: lower end of its 95 % interval; NaN with too few components.
        high: upper end of it.
        comparison: with the version before, or with the start of an experiment; None for the first.
        problem: the reason if it could not be compared.
        start: the commit that an experiment started from.
    """

    version: Version
    subject: str
    mean: float
    low: float
    high: float
    comparison: Comparison | None
    problem: UserError | None = None
    start: str = ""

    @property
    def outcome(self) -> str:
        """Return the outcome of the comparison; empty if there is nothing to compare with."""
        if self.comparison is not None:
            return self.comparison.outcome
        return "not comparable" if self.problem else ""

    @property
    def effect(self) -> MeanInterval | None:
        """Return the difference with its interval; None if there is none."""
        return self.comparison.effect if self.comparison else None

    @property
    def label(self) -> str:
        """Return the name of the version; for an experiment with its start."""
        name = self.version.name
        return f"{name}, from {self.start}" if self.start else name


def history_results(versions: Sequence[Version], criterion: Criterion) -> list[VersionResult]:
    """Return a result for every version whose results differ from those of the version before."""
    results: list[VersionResult] = []
    previous: Version | None = None
    previous_metrics: pd.DataFrame | None = None

    for version in versions:
        metrics = metrics_of(version, criterion)
        if metrics is None:
            continue
        if previous_metrics is not None and previous_metrics.equals(metrics):
            continue

        result = version_result(version, previous, commit_subject(version), criterion=criterion)
        if result is not None:
            results.append(result)
            previous = version
            previous_metrics = metrics

    return results


def experiment_results(
    pairs: Sequence[tuple[Version, Version]], criterion: Criterion
) -> list[VersionResult]:
    """Return a result for every experiment, compared with the commit it started from."""
    results = []

    for experiment, start in pairs:
        # The changed parameters describe an experiment.
        changed = changes(start.params(), experiment.params())
        parts = [
            f"{key} {format_value(old)} -> {format_value(new)}"
            for key, old, new in changed[:MAX_PARAMS]
        ]
        if len(changed) > MAX_PARAMS:
            parts.append(f"{len(changed) - MAX_PARAMS} more")

        # An experiment that failed has no results.
        result = version_result(experiment, start, ", ".join(parts), criterion=criterion)
        if result is not None:
            results.append(result._replace(start=start.name))

    return results


def metrics_of(version: Version, criterion: Criterion) -> pd.DataFrame | None:
    """Return the METRICS of one version by query id, sorted; None if it has none."""
    try:
        results = version.results(criterion.split, criterion.system)
    except UserError:
        return None

    return results[list(METRICS)].sort_index()


def version_result(
    version: Version, before: Version | None, subject: str, *, criterion: Criterion
) -> VersionResult | None:
    """Return the result of one version compared with `before`; None if it has no results."""
    try:
        results = version.results(criterion.split, criterion.system)
    except UserError:
        return None

    # The mean with its interval.
    scores = results[PRIMARY].to_numpy(dtype=np.float64)
    components = results["component_id"].to_numpy(dtype=str)
    mean = float(scores.mean())
    low = _NAN
    high = _NAN
    if len(np.unique(components)) >= MIN_COMPONENTS:
        _, low, high, _ = mean_interval(scores, components, seed=0)
    result = VersionResult(version, subject, mean, low=low, high=high, comparison=None)

    # The comparison, or the reason why there is none.
    if before is None:
        return result
    try:
        return result._replace(comparison=compare_versions(before, version, criterion))
    except UserError as problem:
        return result._replace(problem=problem)


def compare_versions(before: Version, after: Version, criterion: Criterion) -> Comparison:
    """Return the outcome in the primary metric.

    Raises:
        Problem: a table that the comparison needs is missing.
    """
    paired = pair_results(before, after, criterion.split, system=criterion.system)
    difference = measure_difference(
        PRIMARY,
        paired.before[PRIMARY],
        paired.after[PRIMARY],
        components=paired.after["component_id"],
        seed=0,
        seed_sd=seed_deviation(before, after, criterion.system),
    )
    comparison = compare_difference(difference, criterion.delta)

    # Versions with too little in common have a difference that means nothing.
    if not paired.comparable:
        return comparison._replace(outcome="not comparable")
    return comparison


def advice(
    results: Sequence[VersionResult],
    delta: float,
    compare_ends: Callable[[VersionResult, VersionResult], Comparison | None],
) -> str:
    """Return a sentence on whether it still pays to iterate.

    `compare_ends` compares the last of several small changes with the version before the first of them: small
    changes in one direction can add up.
    """
    outcomes = [result.outcome for result in results[1:]]
    if not outcomes:
        return "There is one version. Change something, run `make repro`, and ask again."

    # Several equivalent changes in a row: either they add up, or it is time to stop.
    if len(outcomes) >= SETTLED and set(outcomes[-SETTLED:]) == {"equivalent"}:
        sentence = f"The last three changes are equivalent within {delta:g}"
        total = compare_ends(results[-SETTLED - 1], results[-1])
        if total is not None and total.effect and total.outcome in ("better", "worse"):
            return (
                f"{sentence} each, and {total.outcome} together ({total.effect.mean:+.4f}): "
                "small steps, but steps."
            )
        return f"{sentence}: fine-tune longer or on more of them, or bring new data."

    # Otherwise the last change decides.
    sentence_of_outcome = {
        "better": "The last change helped: go on.",
        "worse": "The last change did harm: take it back.",
        "equivalent": f"The last change is equivalent within {delta:g}: try something larger.",
        "no evidence": "The last change could be chance: try a larger one, or use more queries.",
        "not comparable": (
            "The last change cannot be compared with what was before: "
            "run `python -m stages compare`."
        ),
    }
    return sentence_of_outcome[outcomes[-1]]


def advice_on_experiments(results: Sequence[VersionResult]) -> str:
    """Return a sentence on which experiment is worth keeping; empty without experiments."""
    if not results:
        return ""

    # The experiments that helped, with how much.
    gain_of_experiment = {}
    for result in results:
        if result.outcome == "better" and result.effect is not None:
            gain_of_experiment[result.version.name] = result.effect.mean

    plural = "" if len(results) == 1 else "s"
    count = f"{len(results)} experiment{plural}"
    if not gain_of_experiment:
        return f"Of {count}, none is better than the version it started from."

    best = max(gain_of_experiment, key=lambda name: gain_of_experiment[name])
    better = f"{len(gain_of_experiment)} are better than what they started from"
    if len(gain_of_experiment) == 1:
        better = "1 is better than what it started from"
    return f"Of {count}, {better}, `{best}` most: keep it with `dvc exp apply {best}`."


def conclusions(
    history: Sequence[VersionResult],
    tried: Sequence[VersionResult],
    criterion: Criterion,
) -> list[str]:
    """Return sentences: whether to go on, which experiment to keep, and how often test was used."""

    def compare_ends(first: VersionResult, last: VersionResult) -> Comparison | None:
        try:
            return compare_versions(first.version, last.version, criterion)
        except UserError:
            return None

    # The error of a difference, from the last version that has an interval.
    effects = [result.effect for result in [*tried, *history] if result.effect is not None]
    error = effects[-1].mde / DETECTABLE_ERRORS if effects else 0.0
    sentences = [
        advice(history, criterion.delta, compare_ends),
        advice_on_experiments(tried),
        str(uses_of_test_set(find_version(None), error)),
    ]

    # Versions that could not be compared, by reason.
    names_of_reason: dict[str, list[str]] = defaultdict(list)
    for result in [*history, *tried]:
        if result.problem is not None:
            reason = f"{result.problem.fact}: {result.problem.remedy}"
            names_of_reason[reason].append(f"`{result.version.name}`")
    for reason, names in names_of_reason.items():
        sentences.append(f"Not compared: {', '.join(names)}, since {reason}.")

    return [sentence for sentence in sentences if sentence]


def markdown_lines(
    history: Sequence[VersionResult],
    tried: Sequence[VersionResult],
    sentences: Sequence[str],
) -> list[str]:
    """Return the progress as Markdown, which reads as plain text too."""
    lines = [sentences[0], "", *_TABLE_HEAD, *map(_markdown_row, history)]
    if tried:
        lines += ["", "Experiments, each against the version it started from:", ""]
        lines += [*_TABLE_HEAD, *map(_markdown_row, tried)]

    # The first sentence stands at the top.
    for sentence in sentences[1:]:
        lines += ["", sentence]

    return lines


def progress_page(
    history: Sequence[VersionResult],
    tried: Sequence[VersionResult],
    sentences: Sequence[str],
    *,
    split: str,
) -> str:
    """Return the progress as a whole HTML document that needs no network."""
    versions = html_table(_page_rows(history), "Each against the one before it", _PAGE_FORMATS)
    sections = [PageSection("Versions", [_chart([*history, *tried], split), versions])]
    if tried:
        caption = "Each against the version it started from"
        table = html_table(_page_rows(tried), caption, _PAGE_FORMATS)
        sections.append(PageSection("Experiments", [table]))

    # The first sentence stands under the title.
    paragraphs = [paragraph(sentence) for sentence in sentences[1:]]
    sections.append(PageSection("What to make of it", paragraphs))
    return html_page("Progress", sentences[0], sections)


def main(
    split: Annotated[
        str, typer.Option(help="Split; make your choices on validation.")
    ] = "validation",
    system: Annotated[
        str, typer.Option(help="System of evaluate, as its tables name it.")
    ] = "finetuned",
    html: Annotated[Path | None, typer.Option(help="Write a page to this file.")] = None,
) -> None:
    """Show what every version so far was worth, and whether it still pays to iterate."""
    criterion = Criterion(split, system, load_section(CompareParams).delta)

    # Each version against the one before it.
    versions = [*commits_of(f"metrics/queries/{split}.tsv"), find_version(None)]
    history = history_results(versions, criterion)
    if not history:
        raise UserError(
            "no commit of this branch has results", "run 'make repro' and commit metrics/"
        )

    # Each experiment against its start.
    tried = experiment_results(experiments(), criterion)
    sentences = conclusions(history, tried, criterion)

    # Write the page, and print the same in words.
    if html is not None:
        with atomic.write(html) as temporary:
            text = progress_page(history, tried, sentences, split=split)
            temporary.write_text(text, "utf-8", newline="\n")
    typer.echo("\n".join(markdown_lines(history, tried, sentences)))


def _markdown_row(result: VersionResult) -> str:
    # Without enough components there is a mean and no interval.
    mean = f"{result.mean:.4f}"
    if not np.isnan(result.low):
        mean += f" ({result.low:.4f} to {result.high:.4f})"

    difference = ""
    if result.effect:
        low = f"{result.effect.low:+.4f}"
        high = f"{result.effect.high:+.4f}"
        difference = f"{result.effect.mean:+.4f} ({low} to {high})"

    # A bar in a commit message would end the cell.
    name = f"`{result.version.name}`"
    if result.start:
        name += f", from `{result.start}`"
    subject = result.subject.replace("|", "\\|")
    return f"| {name} | {subject} | {mean} | {difference} | {result.outcome} |"


def _page_rows(results: Sequence[VersionResult]) -> pd.DataFrame:
    rows = []

    for result in results:
        # A missing value is not a number, which the table shows as a dash.
        mean, low, high, _ = result.effect or (_NAN, _NAN, _NAN, _NAN)
        # An outcome must not be broken into two lines.
        outcome = (result.outcome or "first").replace(" ", "\u00a0")
        rows.append((result.label, result.subject, result.mean, mean, low, high, outcome))

    return pd.DataFrame(rows, columns=_PAGE_COLUMNS)


def _chart(results: Sequence[VersionResult], split: str) -> Html:
    """Return a chart of the mean of each version, with its interval."""
    import altair as alt

    rows = pd.DataFrame(
        {
            "version": [result.version.name for result in results],
            "kind": ["experiment" if result.start else "version" for result in results],
            "mean": [result.mean for result in results],
            "low": [result.low for result in results],
            "high": [result.high for result in results],
        }
    )

    # Without experiments one colour needs no legend.
    has_experiments = (rows["kind"] == "experiment").any()
    legend = alt.Legend(title=None, orient="top") if has_experiments else None
    colours = alt.Scale(domain=["version", "experiment"], range=[BLUE, ORANGE])
    axis = alt.Axis(labelAngle=-35, labelLimit=130)
    base = alt.Chart(rows).encode(
        x=alt.X("version:N", title=None, sort=list(rows["version"]), axis=axis),
        color=alt.Color("kind:N", scale=colours, legend=legend),
    )

    # A line with a point for each version.
    scale = alt.Scale(zero=False)
    interval = base.mark_rule(strokeWidth=3).encode(
        y=alt.Y("low:Q", title=f"nDCG@10 on {split}", scale=scale),
        y2="high:Q",
    )
    point = base.mark_point(filled=True, opacity=1, size=110)
    layers = interval + point.encode(y=alt.Y("mean:Q", scale=scale))
    drawing = layers.properties(width=max(480, 70 * len(rows)), height=280)
    return svg_figure(drawing, f"Mean nDCG@10 on {split} of each version, with its 95 % interval.")


app = command(main)

if __name__ == "__main__":
    app()
