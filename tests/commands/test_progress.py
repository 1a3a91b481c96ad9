"""The history of a small repository: what each version was worth, and whether iterating still pays."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from stages.commands.compare.openings import best_of, openings
from stages.commands.compare.sides import experiments, side
from stages.commands.compare.sides import history as commits_of
from stages.commands.progress.__main__ import app
from stages.commands.progress.advice import advice, advice_on_tries
from stages.commands.progress.steps import Asked, against, steps, tries
from tests.commands.results import COMMIT, write
from tests.conftest import git


def commit(folder, scores, message, **others):
    write(scores, **others)
    git(folder, "add", "-A")
    git(folder, *COMMIT, message)


def experiment(folder, scores, name, near="drop_empty_difference", **others):
    """Leave what `dvc exp run --temp` leaves: a commit under the commit it started from, the branch as it was."""
    start = git(folder, "rev-parse", "HEAD").strip()
    params = Path("params.yaml").read_text("utf-8")
    Path("params.yaml").write_text(
        params.replace("near: drop_empty_difference", f"near: {near}"), "utf-8"
    )
    commit(folder, scores, "dvc: commit experiment", **others)
    git(folder, "update-ref", f"refs/exps/{start[:2]}/{start[2:]}/{name}", "HEAD")
    git(folder, "reset", "-q", "--hard", start)


ASKED = Asked("validation", "finetuned", delta=0.01)


def walked():
    return steps([*commits_of("metrics/queries/validation.tsv"), side(None)], ASKED)


def words():
    return [step.word for step in walked()[1:]]


def advised(found):
    return advice(found, 0.01, lambda first, last: against(first.side, last.side, ASKED))


def test_each_version_is_compared_with_the_one_before(history):
    commit(history, [0.5, 0.8], "more data")
    commit(history, [0.5, 0.8], "only rows moved", rows_out=90)
    commit(history, [0.501, 0.801], "a typo less")
    write([0.4, 0.5])
    found = walked()
    assert [step.subject for step in found] == [
        "first",
        "more data",
        "a typo less",
        "the working tree",
    ]
    assert [round(step.mean, 3) for step in found] == [0.5, 0.65, 0.651, 0.45]
    assert words() == ["better", "equivalent", "worse"]
    assert found[1].low < 0.65 < found[1].high
    assert advised(found).startswith("The last change did harm")


def test_three_equivalent_changes_in_a_row_say_that_iterating_pays_no_more(history):
    for at in range(1, 4):
        commit(history, [0.4 + at / 1000, 0.6 + at / 1000], f"change {at}")
    found = walked()
    assert words() == ["equivalent"] * 3
    assert advised(found).startswith("The last three changes are equivalent within 0.01: fine-tune")
    assert advised(found[:3]).startswith(
        "The last change is equivalent within 0.01: try something larger"
    )
    assert advised(found[:1]).startswith("There is one version")


def test_small_steps_that_add_up_are_no_standstill(history):
    for at in range(1, 4):
        commit(history, [0.4 + at / 150, 0.6 + at / 150], f"change {at}")
    found = walked()
    assert words() == ["equivalent"] * 3
    assert advised(found) == (
        "The last three changes are equivalent within 0.01 each, and better together (+0.0200): small steps, but steps."
    )


def test_a_version_on_another_benchmark_is_listed_with_the_reason(history):
    commit(history, [0.5, 0.8], "other questions", benchmark="b2")
    first, second = walked()
    assert (second.word, second.problem.fact) == (
        "not comparable",
        f"{first.side.name} has no data/evaluate/runs.parquet in the DVC cache",
    )
    assert advised(walked()).startswith("The last change cannot be compared")


def test_openings_of_the_test_set_are_counted_on_todays_benchmark(history):
    commit(history, [0.4], "opened", split="test")
    commit(history, [0.5], "opened again", split="test")
    commit(history, [0.4], "the same results once more", split="test")
    commit(history, [0.5], "on another benchmark", split="test", benchmark="b2")
    assert len(openings(side("HEAD~1"), error=0.01).versions) == 2
    assert openings(side("HEAD~1"), error=0.01).luck == pytest.approx(
        0.5642 * 0.01 / 2**0.5, abs=1e-5
    )
    assert len(openings(side(None), error=0.01).versions) == 1
    write([0.9], split="test", benchmark="b2")
    assert openings(side(None), error=0.01).versions[1:] == ["the working tree"]


def test_a_try_on_a_branch_that_was_given_up_counts_as_an_opening(history):
    commit(history, [0.4], "opened", split="test")
    git(history, "checkout", "-qb", "aside")
    commit(history, [0.5], "opened aside", split="test")
    git(history, "checkout", "-q", "-")
    experiment(history, [0.6], "brave-idea", split="test")
    assert len(openings(side("HEAD"), error=0.01).versions) == 3


def test_experiments_are_judged_against_what_they_started_from(history):
    experiment(history, [0.5, 0.8], "brave-idea", near="link")
    experiment(history, [0.3, 0.5], "wild-idea")
    git(
        history, "update-ref", "refs/exps/exec/EXEC_HEAD", "HEAD"
    )  # DVC's own notes are no experiments
    found = tries(experiments(), ASKED)
    start = git(history, "rev-parse", "HEAD").strip()[:7]
    assert [(step.side.name, step.start, step.word) for step in found] == [
        ("brave-idea", start, "better"),
        ("wild-idea", start, "worse"),
    ]
    assert found[0].subject == 'deduplicate.near "drop_empty_difference" -> "link"'
    assert advice_on_tries(found) == (
        "Of 2 experiments, 1 is better than what it started from, `brave-idea` most: "
        "keep it with `dvc exp apply brave-idea`."
    )
    assert (
        advice_on_tries(found[1:])
        == "Of 1 experiment, none is better than the version it started from."
    )
    assert advice_on_tries([]) == ""


@pytest.mark.parametrize(
    ("count", "mean"), [(0, 0.0), (1, 0.0), (2, 0.5642), (4, 1.0294), (10, 1.5388)]
)
def test_the_best_of_several_stands_above_their_mean_by_luck(count, mean):
    assert best_of(count) == pytest.approx(mean, abs=0.005)  # Harter 1961


def test_the_command_prints_a_table_and_writes_a_page(history):
    commit(history, [0.5, 0.8], "more data", split="test")
    write([0.5, 0.8])
    result = CliRunner().invoke(app, ["--html", "progress.html"])
    assert result.exit_code == 0, result.output
    assert "| first | 0.5000 (0.4800 to 0.5200) |" in result.output
    assert "| better |" in result.output
    assert "The test set was opened 1 time on this benchmark." in result.output
    page = Path("progress.html").read_text("utf-8")
    assert "<svg" in page and "The last change helped: go on." in page


def test_without_results_there_is_no_progress(project):
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, *COMMIT, "start")
    result = CliRunner().invoke(app)
    assert result.exit_code == 1
    assert "no commit of this branch has results" in result.stderr


PIPELINE = """
stages:
  evaluate:
    cmd: cp ${deduplicate.near}.tsv metrics/queries/validation.tsv
    params: [deduplicate.near]
    outs:
      - metrics/queries/validation.tsv: {cache: false}
"""


@pytest.mark.slow
@pytest.mark.parametrize("where", [[], ["--temp"]])
def test_an_experiment_that_dvc_ran_appears(history, dvc, where):
    for near, scores in (("link", [0.5, 0.8]), ("drop_empty_difference", [0.4, 0.6])):
        write(scores)
        Path(f"{near}.tsv").write_bytes(Path("metrics/queries/validation.tsv").read_bytes())
    Path("dvc.yaml").write_text(PIPELINE, "utf-8")
    assert dvc(history, "init").returncode == 0
    assert dvc(history, "repro").returncode == 0
    git(history, "add", "-A")
    git(history, *COMMIT, "a pipeline")
    ran = dvc(history, "exp", "run", *where, "--name", "brave-idea", "-S", "deduplicate.near=link")
    assert ran.returncode == 0, ran.stderr
    git(history, "checkout", "-q", "--", ".")
    start = git(history, "rev-parse", "--short=7", "HEAD").strip()
    result = CliRunner().invoke(app, ["--html", "progress.html"])
    assert result.exit_code == 0, result.output
    told = f'| `brave-idea`, from `{start}` | deduplicate.near "drop_empty_difference" -> "link" | 0.6500 (0.'
    assert told in result.output
    assert "keep it with `dvc exp apply brave-idea`" in result.output
    assert "brave-idea, from" in Path("progress.html").read_text("utf-8")
