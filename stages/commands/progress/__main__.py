"""Show what every version so far was worth, and whether it still pays to iterate.

    python -m stages progress --html progress.html

The versions are the commits of this branch that changed the results on validation, the working
tree, and the experiments of DVC. After `python -m stages init` they begin with the user's own data.
Each version is compared with the one before it, and each experiment with the commit it started
from, as `python -m stages compare` does. A run of a sample (`run.sample`) is compared with one of
the same sample alone. Today's rule, with `evaluate.component_weight`, is applied
to the results of each query of all of them. The last lines give how often the test set was used on
this benchmark, and how good the best of so many equal versions looks by chance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from stages.commands.compare.verdicts import CompareParams, uses_of_test_set
from stages.commands.compare.versions import (
    commits_of,
    experiments,
    find_version,
)
from stages.commands.json_output import AsJson, say_json
from stages.commands.progress.figures import progress_figures
from stages.commands.progress.history import (
    Criterion,
    VersionResult,
    compare_versions,
    experiment_results,
    history_results,
)
from stages.commands.progress.own_history import own_experiments, own_versions
from stages.commands.progress.page import markdown_lines, progress_page
from stages.commands.verdict.differences import Comparison
from stages.lib.analysis.intervals import (
    DETECTABLE_ERRORS,
)
from stages.lib.core import atomic
from stages.lib.core.errors import UserError
from stages.lib.core.params import ComponentWeight, load_section
from stages.lib.core.stage import command
from stages.lib.core.terminal import say

# So many changes in a row that are all equivalent say that it no longer pays to iterate.
SETTLED = 3


def advice(
    results: Sequence[VersionResult],
    delta: float,
    compare_ends: Callable[[VersionResult, VersionResult], Comparison | None],
) -> str:
    """Return a sentence on whether it still pays to iterate.

    `compare_ends` compares the last of several small changes with the version before the first of
    them, because small changes in one direction can add up.
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
                f"{sentence} each, and {total.outcome} together ({total.effect.mean:+z.4f}): "
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


def main(
    split: Annotated[
        str, typer.Option(help="Split; make your choices on validation.")
    ] = "validation",
    system: Annotated[
        str, typer.Option(help="System of evaluate, as its tables name it.")
    ] = "finetuned",
    html: Annotated[Path | None, typer.Option(help="Write a page to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what every version so far was worth, and whether it still pays to iterate."""
    if html is not None:
        atomic.check_page(html)
    criterion = Criterion(
        split,
        system,
        load_section(CompareParams).delta,
        component_weight=load_section(ComponentWeight).component_weight,
    )

    # Each version against the one before it.
    versions = [*own_versions(commits_of(f"metrics/queries/{split}.tsv")), find_version(None)]
    history = history_results(versions, criterion)
    if not history:
        raise UserError(
            "no commit of this branch has results", "run 'make repro' and commit metrics/"
        )

    # Each experiment against its start.
    tried = experiment_results(own_experiments(experiments()), criterion)
    sentences = conclusions(history, tried, criterion)

    # Write the page, and print the same in words.
    if html is not None:
        atomic.write_text(html, progress_page(history, tried, sentences, split=split))
    if as_json:
        say_json(progress_figures(history, tried, sentences, criterion))
    else:
        say("\n".join(markdown_lines(history, tried, sentences)))


app = command(main)
if __name__ == "__main__":
    app()
