"""The history of a small repository: what each version was worth, and whether iterating still pays."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from stages.ask.compare.openings import best_of, openings
from stages.ask.compare.sides import history as commits_of
from stages.ask.compare.sides import side
from stages.ask.progress.__main__ import app
from stages.ask.progress.steps import advice, steps
from tests.compare.results import COMMIT, write
from tests.conftest import git


def commit(folder, scores, message, **others):
    write(scores, **others)
    git(folder, "add", "-A")
    git(folder, *COMMIT, message)


def walked():
    sides = [*commits_of("metrics/queries/validation.tsv"), side(None)]
    return steps(sides, "validation", "finetuned", delta=0.01)


def words():
    return [step.verdict.word if step.verdict else step.reason for step in walked()[1:]]


def test_each_version_is_compared_with_the_one_before(history):
    commit(history, [0.5, 0.8], "more data")
    commit(history, [0.5, 0.8], "only rows moved", rows_out=90)
    commit(history, [0.501, 0.801], "a typo less")
    write([0.4, 0.5])
    found = walked()
    assert [step.subject for step in found] == ["first", "more data", "a typo less", "the working tree"]
    assert [round(step.mean, 3) for step in found] == [0.5, 0.65, 0.651, 0.45]
    assert words() == ["better", "equivalent", "worse"]
    assert found[1].low < 0.65 < found[1].high
    assert advice(found, 0.01).startswith("The last change did harm")


def test_three_equivalent_changes_in_a_row_say_that_iterating_pays_no_more(history):
    for at in range(1, 4):
        commit(history, [0.4 + at / 1000, 0.6 + at / 1000], f"change {at}")
    found = walked()
    assert words() == ["equivalent"] * 3
    assert advice(found, 0.01).startswith("The last 3 changes are equivalent within 0.01")
    assert advice(found[:3], 0.01).startswith("The last change is equivalent within 0.01: try something larger")
    assert advice(found[:1], 0.01).startswith("There is one version")


def test_a_version_on_another_benchmark_is_listed_with_the_reason(history):
    commit(history, [0.5, 0.8], "other questions", benchmark="b2")
    assert words()[0].startswith(f"{walked()[0].name} has no data/evaluate/runs.parquet in the DVC cache")
    assert advice(walked(), 0.01).startswith("The last change cannot be compared")


def test_openings_of_the_test_set_are_counted_on_todays_benchmark(history):
    commit(history, [0.4], "opened", split="test")
    commit(history, [0.5], "opened again", split="test")
    commit(history, [0.4], "the same results once more", split="test")
    commit(history, [0.5], "on another benchmark", split="test", benchmark="b2")
    assert len(openings(side("HEAD~1"), error=0.01).commits) == 2
    assert openings(side("HEAD~1"), error=0.01).luck == pytest.approx(0.5642 * 0.01 / 2**0.5, abs=1e-5)
    assert len(openings(side(None), error=0.01).commits) == 1


@pytest.mark.parametrize(("count", "mean"), [(0, 0.0), (1, 0.0), (2, 0.5642), (4, 1.0294), (10, 1.5388)])
def test_the_best_of_several_stands_above_their_mean_by_luck(count, mean):
    assert best_of(count) == pytest.approx(mean, abs=0.005)  # Harter 1961


def test_the_command_prints_a_table_and_writes_a_page(history):
    commit(history, [0.5, 0.8], "more data", split="test")
    write([0.5, 0.8])
    result = CliRunner().invoke(app, ["--html", "progress.html"])
    assert result.exit_code == 0, result.output
    assert "| first | 0.5000 (0.4800 to 0.5200) |" in result.output
    assert "| better |" in result.output
    assert "The test set was opened 1 time on today's benchmark." in result.output
    page = Path("progress.html").read_text("utf-8")
    assert "<svg" in page and "The last change helped: go on." in page


def test_without_results_there_is_no_progress(project):
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, *COMMIT, "start")
    result = CliRunner().invoke(app)
    assert result.exit_code == 1
    assert "no commit of this branch has results" in result.stderr
