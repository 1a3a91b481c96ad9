"""The history of a small repository: what each version was worth, and whether iterating still pays."""

import importlib
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stages.commands.compare import verdicts
from stages.commands.compare.verdicts import mean_of_best
from stages.commands.compare.versions import Version, commits_of, experiments, find_version
from stages.commands.json_output import json_text
from stages.commands.progress.__main__ import advice, advice_on_experiments, app
from stages.commands.progress.figures import progress_figures
from stages.commands.progress.history import (
    NOT_A_NUMBER,
    Criterion,
    VersionResult,
    compare_versions,
    experiment_results,
    history_results,
)
from stages.commands.progress.page import markdown_lines
from tests.commands.results import COMMIT, write
from tests.conftest import ROOT, git


def commit(folder, scores, message, **others):
    write(scores, **others)
    git(folder, "add", "-A")
    git(folder, *COMMIT, message)


def experiment(folder, scores, name, near="drop_empty_difference", **others):
    """Commit as `dvc exp run --temp` does: under the commit it started from, with the branch unchanged."""
    start = git(folder, "rev-parse", "HEAD").strip()
    params = Path("params.yaml").read_text("utf-8")
    Path("params.yaml").write_text(
        params.replace("near: drop_empty_difference", f"near: {near}"), "utf-8"
    )
    commit(folder, scores, "dvc: commit experiment", **others)
    git(folder, "update-ref", f"refs/exps/{start[:2]}/{start[2:]}/{name}", "HEAD")
    git(folder, "reset", "-q", "--hard", start)


CRITERION = Criterion("validation", "finetuned", delta=0.01, component_weight=10)


def results():
    versions = [*commits_of("metrics/queries/validation.tsv"), find_version(None)]
    return history_results(versions, CRITERION)


def outcomes():
    return [result.outcome for result in results()[1:]]


def advice_on(history):
    def compare_ends(first, last):
        return compare_versions(first.version, last.version, CRITERION)

    return advice(history, 0.01, compare_ends)


def uses(name):
    return verdicts.uses_of_test_set(find_version(name), error=0.01).versions


@pytest.mark.slow
def test_each_version_is_compared_with_the_one_before(history):
    commit(history, [0.5, 0.8], "more data")
    commit(history, [0.5, 0.8], "only rows moved", rows_out=90)
    commit(history, [0.501, 0.801], "a typo less")
    write([0.4, 0.5])
    versions = results()
    assert [result.subject for result in versions] == [
        "first",
        "more data",
        "a typo less",
        "the working tree",
    ]
    assert [round(result.mean, 3) for result in versions] == [0.5, 0.65, 0.651, 0.45]
    assert outcomes() == ["better", "equivalent", "worse"]
    assert versions[1].low < 0.65 < versions[1].high
    assert advice_on(versions).startswith("The last change did harm")


def test_every_version_has_todays_weight(history):
    # Fifty queries of one component gain 0.6, which counts as ten queries of sixty.
    commit(history, [0.4], "one large component", large=50)
    write([1.0] * 50 + [0.4] * 50, large=50)
    first, _, last = results()
    assert (first.mean, first.plain) == (pytest.approx(0.5), pytest.approx(0.5))
    assert (last.mean, last.plain) == (pytest.approx(0.5), pytest.approx(0.7))
    assert last.low < 0.5 < last.high
    assert last.effect.mean == pytest.approx(0.1)


@pytest.mark.slow
def test_three_equivalent_changes_in_a_row_say_to_stop(history):
    for step in range(1, 4):
        commit(history, [0.4 + step / 1000, 0.6 + step / 1000], f"change {step}")
    versions = results()
    assert outcomes() == ["equivalent"] * 3
    assert advice_on(versions).startswith(
        "The last three changes are equivalent within 0.01: fine-tune"
    )
    assert advice_on(versions[:3]).startswith(
        "The last change is equivalent within 0.01: try something larger"
    )
    assert advice_on(versions[:1]).startswith("There is one version")


@pytest.mark.slow
def test_small_changes_that_add_up_are_no_standstill(history):
    for step in range(1, 4):
        commit(history, [0.4 + step / 150, 0.6 + step / 150], f"change {step}")
    versions = results()
    assert outcomes() == ["equivalent"] * 3
    assert advice_on(versions) == (
        "The last three changes are equivalent within 0.01 each, and better together (+0.0200): small steps, but steps."
    )


def test_another_benchmark_is_listed_with_the_reason(history):
    commit(history, [0.5, 0.8], "other questions", benchmark="b2")
    first, second = results()
    assert (second.outcome, second.problem.fact) == (
        "not comparable",
        f"{first.version.name} has no data/evaluate/runs.parquet in the DVC cache",
    )
    assert advice_on(results()).startswith("The last change cannot be compared")


@pytest.mark.slow
def test_a_run_of_a_sample_is_compared_with_one_of_the_same_sample_alone(history):
    commit(history, [0.5, 0.8], "a sample", sample=0.02)
    commit(history, [0.4, 0.5], "all rows again")
    commit(history, [0.7, 0.9], "the sample again", sample=0.02)
    write([0.6, 0.7], sample=0.05)
    versions = results()
    # Against: nothing, nothing, "first", "a sample", and nothing.
    assert [result.outcome for result in versions] == [
        "",
        "not comparable",
        "worse",
        "better",
        "not comparable",
    ]
    assert [result.sample for result in versions] == [None, 0.02, None, 0.02, 0.05]
    problem = versions[1].problem
    assert problem.fact == (
        f"not comparable: {versions[0].version.name} was run on all rows, "
        f"and {versions[1].version.name} on a sample (run.sample: 0.02)"
    )
    assert "compare runs with the same run.sample" in problem.remedy
    # The table says which mean is of a sample.
    text = "\n".join(markdown_lines(versions, [], ["A sentence."]))
    assert text.count("[a sample (run.sample: 0.02)]") == 2
    assert text.count("[a sample (run.sample: 0.05)]") == 1


def test_uses_of_the_test_set_count_on_todays_benchmark(history):
    commit(history, [0.4], "opened", split="test")
    commit(history, [0.5], "opened again", split="test")
    commit(history, [0.4], "the same results once more", split="test")
    commit(history, [0.5], "on another benchmark", split="test", benchmark="b2")
    assert len(uses("HEAD~1")) == 2
    assert verdicts.uses_of_test_set(find_version("HEAD~1"), error=0.01).luck == pytest.approx(
        0.5642 * 0.01 / 2**0.5, abs=1e-5
    )
    assert len(uses(None)) == 1
    write([0.9], split="test", benchmark="b2")
    assert uses(None)[1:] == ["the working tree"]


def test_an_abandoned_branch_counts_as_a_use(history):
    commit(history, [0.4], "opened", split="test")
    git(history, "checkout", "-qb", "aside")
    commit(history, [0.5], "opened aside", split="test")
    git(history, "checkout", "-q", "-")
    experiment(history, [0.6], "brave-idea", split="test")
    assert len(uses("HEAD")) == 3


@pytest.mark.slow
def test_experiments_are_compared_with_their_start(history):
    experiment(history, [0.5, 0.8], "brave-idea", near="link")
    experiment(history, [0.3, 0.5], "wild-idea")
    git(
        history, "update-ref", "refs/exps/exec/EXEC_HEAD", "HEAD"
    )  # DVC's own references are no experiments
    versions = experiment_results(experiments(), CRITERION)
    start = git(history, "rev-parse", "HEAD").strip()[:7]
    assert [(result.version.name, result.start, result.outcome) for result in versions] == [
        ("brave-idea", start, "better"),
        ("wild-idea", start, "worse"),
    ]
    assert versions[0].subject == 'deduplicate.near "drop_empty_difference" -> "link"'
    assert advice_on_experiments(versions) == (
        "Of 2 experiments, 1 is better than what it started from, `brave-idea` most: "
        "keep it with `dvc exp apply brave-idea`."
    )
    assert (
        advice_on_experiments(versions[1:])
        == "Of 1 experiment, none is better than the version it started from."
    )
    assert advice_on_experiments([]) == ""


@pytest.mark.parametrize(
    ("count", "mean"), [(0, 0.0), (1, 0.0), (2, 0.5642), (4, 1.0294), (10, 1.5388)]
)
def test_the_best_of_several_is_above_their_mean_by_luck(count, mean):
    assert mean_of_best(count) == pytest.approx(mean, abs=0.005)  # Harter 1961


@pytest.mark.slow
def test_the_command_prints_a_table_and_writes_a_page(history):
    commit(history, [0.5, 0.8], "more data", split="test")
    write([0.5, 0.8])
    result = CliRunner().invoke(app, ["--html", "progress.html"])
    assert result.exit_code == 0, result.output
    assert "| first | 0.5000 (0.4800 to 0.5200) | 0.5000 |" in result.output
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
    row = f'| `brave-idea`, from `{start}` | deduplicate.near "drop_empty_difference" -> "link" | 0.6500 (0.'
    assert row in result.output
    assert "keep it with `dvc exp apply brave-idea`" in result.output
    assert "brave-idea, from" in Path("progress.html").read_text("utf-8")


@pytest.mark.parametrize("module", ["progress.__main__", "compare.__main__"])
def test_a_page_never_replaces_a_folder_or_another_file(tmp_path, monkeypatch, module):
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    Path("docs").mkdir()
    Path("docs/mine.md").write_text("text", "utf-8")
    command = importlib.import_module(f"stages.commands.{module}").app
    facts = {
        "docs": "docs is a folder, and a file is written there",
        "docs/mine.md": "docs/mine.md is no HTML page, and a page would replace it",
        "docs/mine.md/page.html": "docs/mine.md is a file, not a folder",
        "pyproject.toml": "pyproject.toml is no HTML page",
    }
    for path, fact in facts.items():
        # The path is checked before the work: here is no version to compare.
        result = CliRunner().invoke(command, ["--html", path])
        assert result.exit_code == 1
        assert fact in result.stderr
    assert Path("docs/mine.md").read_text("utf-8") == "text"


@pytest.mark.slow
def test_json_holds_each_version_and_the_advice(history):
    write([0.5, 0.8])
    result = CliRunner().invoke(app, ["--json"])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    first, second = figures["versions"]
    assert first["subject"] == "first"
    assert (round(first["mean"], 4), round(first["plain"], 4)) == (0.5, 0.5)
    assert (round(first["low"], 4), round(first["high"], 4)) == (0.48, 0.52)
    assert (first["outcome"], first["difference"]) == (None, None)
    assert (second["commit"], second["outcome"]) == (None, "better")
    assert round(second["difference"]["mean"], 4) == 0.15
    assert figures["advice"][0] == "The last change helped: go on."
    assert (figures["split"], figures["system"]) == ("validation", "finetuned")


def test_json_of_few_components_has_no_interval():
    result = VersionResult(
        Version("a1", "a1" * 20), "few", 0.5, 0.5, NOT_A_NUMBER, NOT_A_NUMBER, comparison=None
    )
    figures = progress_figures([result], [], ["Go on."], CRITERION)
    (version,) = json.loads(json_text(figures))["versions"]
    assert (version["mean"], version["low"], version["high"]) == (0.5, None, None)
