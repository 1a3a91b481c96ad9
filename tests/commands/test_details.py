"""`python -m stages details`: all numbers of a run, or what changed in them."""

import io
import json
import shutil
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from stages.commands.details import (
    app,
    changed_rows,
    format_change,
    format_value,
    plain_lines,
    rich_table,
    value_rows,
)
from tests.commands.results import COMMIT, write_details, write_old_metrics
from tests.conftest import git

SPLIT = {
    "rows_in": 21184,
    "leaked_texts": 0,
    "few_components": False,
    "dropped": {"not_sampled": 12810, "protected": 0},
    "train": {"share": 0.8012},
}
HASH = "fd802f225ad4ee30" * 4


def invoke(*arguments):
    return CliRunner().invoke(app, arguments)


def output(*arguments):
    result = invoke(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def run(project):
    """Enter a repository with the details of two stages, committed."""
    write_details("clean", {"rows_in": 100, "rows_out": 90, "dropped": {"empty": 10, "long": 0}})
    write_details("split", SPLIT)
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, *COMMIT, "first")
    return project


def test_one_stage_is_shown_by_topic_with_its_zeros(run):
    assert output("split") == (
        "split\n"
        "    few_components      no\n"
        "    leaked_texts         0\n"
        "    rows_in         21,184\n"
        "\n"
        "  dropped\n"
        "    not_sampled     12,810\n"
        "    protected            0\n"
        "\n"
        "  train\n"
        "    share           0.8012\n"
    )


def test_all_stages_come_in_the_order_of_the_pipeline(run):
    lines = output().splitlines()
    assert [line for line in lines if line and not line.startswith(" ")] == ["clean", "split"]
    assert output() == f"{output('clean')}\n{output('split')}"


def test_a_diff_shows_only_changed_rows(run):
    write_details("clean", {"rows_in": 100, "rows_out": 95, "dropped": {"empty": 5, "long": 0}})
    write_details("split", {**SPLIT, "train": {"share": 0.8}, "benchmark": "b1"})
    assert output("--diff", "HEAD") == (
        "clean\n"
        "    rows_out  90  95  +5\n"
        "\n"
        "  dropped\n"
        "    empty     10   5  -5\n"
        "\n"
        "split\n"
        "    benchmark       -   b1    added\n"
        "\n"
        "  train\n"
        "    share      0.8012  0.8  -0.0012\n"
    )
    assert output("split", "--diff", "HEAD").startswith("split\n    benchmark")


def test_a_removed_stage_shows_what_it_had(run):
    Path("metrics/details/clean.json").unlink()
    lines = output("--diff", "HEAD").splitlines()
    assert lines[1].split() == ["rows_in", "100", "-", "removed"]


def test_without_changes_it_says_so(run):
    assert output("--diff", "HEAD") == "no detail differs between HEAD and the working tree\n"


def test_an_old_version_is_compared_by_its_flat_metrics(run):
    shutil.rmtree("metrics/details")
    write_old_metrics("split", {"pairs": 7, "pairs.seen": 2, "dropped.protected": 3, "rows_in": 5})
    git(run, "add", "-A")
    git(run, *COMMIT, "before metrics/details")
    Path("metrics/split.json").unlink()
    write_details(
        "split",
        {"pairs": {"count": 7, "seen": 2}, "dropped": {"protected": 0}, "rows_in": 5},
    )
    assert output("--diff", "HEAD") == "split\n\n  dropped\n    protected  3  0  -3\n"


def test_an_experiment_can_be_compared(run):
    git(run, "update-ref", f"refs/exps/ab/{'c' * 38}/brave-idea", "HEAD")
    write_details("clean", {"rows_in": 101})
    assert "rows_in   100  101       +1" in output("clean", "--diff", "brave-idea")


def lines_on_a_terminal(details):
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, color_system=None, width=100)
    console.print(rich_table(details))
    return stream.getvalue().splitlines()


@pytest.mark.parametrize("lines", [plain_lines, lines_on_a_terminal])
def test_no_line_is_longer_than_100_characters(lines):
    flat = {"rows_in": 1, f"topic.{'a_long_key.' * 9}": HASH, "topic.text": "two\nlines " * 20}
    other = {"rows_in": 10**15, f"topic.{'a_long_key.' * 9}": HASH[::-1], "topic.text": "one"}
    for details in (value_rows("evaluate", flat), changed_rows("evaluate", flat, other)):
        shown = lines(details)
        assert max(map(len, shown)) <= 100
        assert any("a_long_key" in line for line in shown)


def test_a_terminal_gets_tables_with_all_values(run):
    details = value_rows("split", {"rows_in": 21184, "dropped.protected": 0, "note": "[bold]"})
    words = " ".join(lines_on_a_terminal(details)).split()
    assert {"21,184", "protected", "0", "[bold]"} <= set(words)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1234567, "1,234,567"), (0.0244, "0.0244"), (2e-05, "2e-05"), (True, "yes")],
)
def test_values_are_written_as_they_are(value, text):
    assert format_value(value) == text


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        (1, 3, "+2"),
        (0.3, 0.1, "-0.2"),
        (None, 0, "added"),
        (0, None, "removed"),
        (False, True, "changed"),
        ("a", "b", "changed"),
        (1, "b", "changed"),
    ],
)
def test_changes_are_differences_of_numbers(old, new, change):
    assert format_change(old, new) == change


@pytest.mark.parametrize(
    ("arguments", "fact", "remedy"),
    [
        (["splitt"], "there is no stage 'splitt'", "did you mean split?"),
        (["xyzzy"], "there is no stage 'xyzzy'", "the stages are collect, clean"),
        (["mine"], "metrics/details/mine.json does not exist", "run 'dvc repro' first"),
        (["--diff", "no-such-thing"], "neither a revision nor an experiment", "git log"),
    ],
)
def test_what_is_missing_is_an_error_with_a_remedy(run, arguments, fact, remedy):
    result = invoke(*arguments)
    assert result.exit_code == 1
    assert fact in result.stderr
    assert remedy in result.stderr


def test_json_holds_whole_values_by_stage(run):
    assert json.loads(output("split", "--json")) == {
        "stages": {
            "split": {
                "dropped.not_sampled": 12810,
                "dropped.protected": 0,
                "few_components": False,
                "leaked_texts": 0,
                "rows_in": 21184,
                "train.share": 0.8012,
            }
        }
    }
    write_details("mine", {"benchmark": HASH})
    assert json.loads(output("--json"))["stages"]["mine"] == {"benchmark": HASH}


def test_json_of_a_diff_holds_both_values(run):
    write_details("clean", {"rows_in": 100, "rows_out": 95, "dropped": {"empty": 5, "long": 0}})
    write_details("split", {**SPLIT, "benchmark": "b1"})
    assert json.loads(output("--diff", "HEAD", "--json")) == {
        "before": "HEAD",
        "stages": {
            "clean": {"dropped.empty": [10, 5], "rows_out": [90, 95]},
            "split": {"benchmark": [None, "b1"]},
        },
    }


def test_json_of_no_difference_is_a_document_without_stages(run):
    result = invoke("--diff", "HEAD", "--json")
    assert json.loads(result.stdout) == {"before": "HEAD", "stages": {}}
    assert result.stderr == "no detail differs between HEAD and the working tree\n"
