"""Say whether a change helped: better, worse, equivalent, no evidence, or not comparable.

    python -m stages compare                   HEAD against the working tree
    python -m stages compare main my-branch    two revisions, or experiments by their names
    python -m stages compare main --rescore    the older model scored anew on the newer benchmark

The fine-tuned models of both versions are compared query by query, on the same queries over the
same documents. Today's rule is applied to the results of each query of both: in a mean no component
counts as more than `evaluate.component_weight` queries. The interval of the mean difference over
components and a sign-flip test decide. A difference that is certainly smaller than `compare.delta`
counts as none. Make your choices on
validation. `--split test` prints how often the test set was used.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from rich.console import Console
from rich.markdown import Markdown

from stages.commands.compare.alignment import (
    HIT_COLUMNS,
    PairedResults,
    pair_results,
    rescore,
    stored_hits,
)
from stages.commands.compare.gravest import find_gravest
from stages.commands.compare.page import comparison_page
from stages.commands.compare.report import (
    MAX_LISTED,
    AvailableTables,
    Regressions,
    Report,
    changes,
    find_new_decisions,
    is_row_count,
)
from stages.commands.compare.text import markdown_lines, to_json
from stages.commands.compare.verdicts import (
    PRIMARY,
    CompareParams,
    Slices,
    TestSetUses,
    find_slices,
    read_evaluation_set,
    restated_versions,
    seed_deviation,
    uses_of_test_set,
)
from stages.commands.compare.versions import METRICS, Version, find_version
from stages.commands.pipeline import order
from stages.commands.verdict.differences import (
    Comparison,
    Difference,
    compare_difference,
    compare_differences,
    measure_difference,
)
from stages.lib.analysis.intervals import DETECTABLE_ERRORS
from stages.lib.core import atomic
from stages.lib.core.device import choose_device
from stages.lib.core.git_texts import GitParams
from stages.lib.core.params import ComponentWeight, RunParams, load_section
from stages.lib.core.stage import command
from stages.lib.core.terminal import printable, say
from stages.lib.evaluation.evaluation_set import EvaluationSet

# What a person sees; what goes into a pull request follows params.yaml.
_EVERYTHING = GitParams(texts="texts")


def compare(
    before: Version,
    after: Version,
    *,
    split: str,
    system: str,
    delta: float,
    component_weight: int,
    rescored: bool = False,
    shown: GitParams = _EVERYTHING,
) -> Report:
    """Return the comparison of two versions; if `rescored`, on the benchmark of the newer one."""
    # The same queries over the same documents for both versions.
    paired = (rescore if rescored else pair_results)(before, after, split, system=system)

    # Queries of the newer version, if DVC has them here: their slices and their texts.
    tables = AvailableTables()
    evaluation_set = tables.read(
        "slices and texts of queries", lambda: read_evaluation_set(after, split)
    )
    slices = _slices_to_show(evaluation_set, paired.after["component_id"], shown)

    # The primary metric is tested alone, all others together.
    seed_sd = seed_deviation(before, after, system)
    primary, others = _compare_metrics(
        paired, slices, delta, seed_sd=seed_sd, component_weight=component_weight
    )

    # How much of what is found stayed.
    find_overlap = partial(_overlap, paired, before, after, split=split, system=system)
    overlap = tables.read("hits in common", find_overlap)

    # Queries that lost, and which rules changed their relevant documents.
    change = _regressed(paired)
    worst = _worst(change, _texts_to_show(evaluation_set, split, shown))
    find_decisions = partial(find_new_decisions, before, after, split, list(change.index))
    new_decisions = tables.read("rules behind lost queries", find_decisions)

    return Report(
        before=before.name,
        after=after.name,
        split=split,
        system=system,
        devices=_devices(before, after, rescored),
        delta=delta,
        component_weight=component_weight,
        restated=restated_versions([before, after], component_weight),
        paired=paired,
        seed_sd=seed_sd,
        primary=primary,
        others=others,
        slices_too_small=slices.too_small if paired.comparable else 0,
        test_set_uses=_test_set_uses(after, primary, split),
        overlap=overlap,
        regressions=Regressions(len(change), worst, new_decisions),
        gravest=find_gravest(before, after, paired, tables),
        params=changes(before.params(), after.params()),
        row_counts=changes(_row_counts(before), _row_counts(after)),
        missing=tables.missing,
    )


def hit_overlap(before: pd.DataFrame, after: pd.DataFrame) -> float | None:
    """Return the mean share of the first ten hits that both versions have.

    Both tables have HIT_COLUMNS. The result is None if they have no query in common.
    """
    before_hits = _first_ten(before)
    after_hits = _first_ten(after)

    # The share of one query is over the longer of its two lists.
    shares = []
    for query_id in before_hits.index.intersection(after_hits.index):
        left = before_hits[query_id]
        right = after_hits[query_id]
        shares.append(len(left & right) / max(len(left), len(right)))

    return float(pd.Series(shares, dtype="float64").mean()) if shares else None


def main(
    before: Annotated[str, typer.Argument(help="Revision or experiment.")] = "HEAD",
    after: Annotated[
        str | None, typer.Argument(help="Revision or experiment; default: the working tree.")
    ] = None,
    split: Annotated[
        str, typer.Option(help="Split: validation, or test to confirm.")
    ] = "validation",
    system: Annotated[
        str, typer.Option(help="System of evaluate, as its tables name it.")
    ] = "finetuned",
    rescored: Annotated[
        bool,
        typer.Option(
            "--rescore", help="Score the older model on the newer version's queries and documents."
        ),
    ] = False,
    markdown: Annotated[bool, typer.Option("--md", help="Print Markdown.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page to this file.")] = None,
) -> None:
    """Say whether a change helped: better, worse, equivalent, no evidence, or not comparable."""
    if html is not None:
        atomic.check_page(html)

    # Compare.
    report = compare(
        find_version(before),
        find_version(after),
        split=split,
        system=system,
        delta=load_section(CompareParams).delta,
        component_weight=load_section(ComponentWeight).component_weight,
        rescored=rescored,
        shown=load_section(GitParams) if markdown or as_json else _EVERYTHING,
    )

    # Write the page, and print the same in words.
    text = "\n".join(markdown_lines(report))
    if html is not None:
        atomic.write_text(html, comparison_page(report))
    if as_json:
        say(to_json(report))
    elif markdown:
        say(text)
    else:
        Console().print(Markdown(printable(text)))


def _compare_metrics(
    paired: PairedResults,
    slices: Slices,
    delta: float,
    *,
    seed_sd: float,
    component_weight: int,
) -> tuple[Comparison, list[Comparison]]:
    """Return the outcome of the primary metric, and those of the other metrics and the slices."""

    def measure(name: str, metric: str, query_ids: list[str] | None = None) -> Difference:
        # Without query_ids: over all queries.
        before = paired.before if query_ids is None else paired.before.loc[query_ids]
        after = paired.after if query_ids is None else paired.after.loc[query_ids]
        return measure_difference(
            name,
            before[metric],
            after[metric],
            components=after["component_id"],
            component_weight=component_weight,
            seed=0,
            seed_sd=seed_sd,
        )

    # Without enough in common there is one difference, and no outcome.
    differences = [measure(metric, metric) for metric in METRICS]
    primary = compare_difference(differences[0], delta)
    if not paired.comparable:
        return primary._replace(outcome="not comparable"), []

    # All others are several questions about the same queries, so they are corrected together.
    for name, query_ids in slices.query_ids_of.items():
        differences.append(measure(name, PRIMARY, query_ids))
    return primary, compare_differences(differences[1:], delta)


def _test_set_uses(version: Version, primary: Comparison, split: str) -> TestSetUses | None:
    """Return the uses of the test set; None if it is not used now."""
    if split != "test":
        return None

    # A detectable difference is DETECTABLE standard errors.
    mde = primary.effect.mde if primary.effect else 0.0

    return uses_of_test_set(version, mde / DETECTABLE_ERRORS)


def _overlap(
    paired: PairedResults, before: Version, after: Version, *, split: str, system: str
) -> float | None:
    # A rescored model has its hits at hand.
    before_hits = paired.rescored
    if before_hits is None:
        before_hits = stored_hits(before, split, system)

    return hit_overlap(before_hits, stored_hits(after, split, system))


def _first_ten(hits: pd.DataFrame) -> pd.Series[Any]:
    """Return query id to the set of its first ten documents."""
    query, rank, document = HIT_COLUMNS

    return hits[hits[rank] <= 10].groupby(query)[document].agg(frozenset)


def _regressed(paired: PairedResults) -> pd.Series[float]:
    """Return the change of each query that scores less than before, largest loss first."""
    change = paired.after[PRIMARY] - paired.before[PRIMARY]
    change = change.sort_values(kind="stable")

    return change[change < 0.0]


def _worst(change: pd.Series[float], query_texts: dict[str, str]) -> list[tuple[str, str, float]]:
    """Return query id, text and change of the first queries."""
    worst = []
    for query_id, value in change.head(MAX_LISTED).items():
        worst.append((str(query_id), query_texts.get(str(query_id), ""), float(value)))

    return worst


def _slices_to_show(
    evaluation_set: tuple[EvaluationSet, dict[str, str]] | None,
    components: pd.Series[str],
    shown: GitParams,
) -> Slices:
    """Return the slices of the queries, with as much of their names as `shown` says."""
    if evaluation_set is None:
        return Slices({}, 0)
    return find_slices(*evaluation_set, components, has_labels=shown.has_labels)


def _texts_to_show(
    evaluation_set: tuple[EvaluationSet, dict[str, str]] | None, split: str, shown: GitParams
) -> dict[str, str]:
    """Return query id to text, if `shown` says so.

    Test queries are never shown: a reader would tune for them.
    """
    if evaluation_set is None or split == "test" or not shown.has_texts:
        return {}

    queries = evaluation_set[0].queries
    return dict(zip(queries["query_id"], queries["text"], strict=True))


def _devices(before: Version, after: Version, rescored: bool) -> tuple[str, str]:
    """Return the classes of device of both versions; a model is rescored on that of today."""
    if rescored:
        return choose_device(load_section(RunParams)).class_name, after.device_class()
    return before.device_class(), after.device_class()


def _row_counts(version: Version) -> dict[str, object]:
    counts: dict[str, object] = {}

    for stage in order():
        for key, value in version.details(stage).items():
            if is_row_count(f"{stage}.{key}"):
                counts[f"{stage}.{key}"] = value

    return counts


app = command(main)

if __name__ == "__main__":
    app()
