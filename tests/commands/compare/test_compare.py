"""The command, on the history of a small repository whose results a reader can check."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from stages.commands.compare.__main__ import app
from stages.commands.compare.report import changes, is_funnel
from stages.commands.compare.sides import side
from stages.lib.errors import Problem
from tests.commands.results import COMMIT, write
from tests.conftest import git


def ask(*arguments):
    return CliRunner().invoke(app, arguments)


def told(*arguments):
    result = ask(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def test_the_working_tree_is_compared_with_head(history):
    write([0.5, 0.8], rows_out=90)
    found = told()
    assert (found["verdict"], found["before"], found["after"]) == (
        "better",
        "HEAD",
        "the working tree",
    )
    assert found["primary"]["mean"] == pytest.approx(0.15)
    assert found["primary"]["low"] == pytest.approx(0.14, abs=0.001)
    assert found["funnel"] == {"clean.rows_out": [100, 90]}
    assert (found["same_benchmark"], found["queries_worse"], found["params"]) == (True, 0, {})
    # A run of which DVC has no tables is compared all the same; what stands in them is missing, and told to be.
    assert (found["overlap_at_10"], found["touched"]) == (None, None)
    assert found["missing"] == {
        "slices and texts of queries": "data/split/validation/queries.parquet does not exist",
        "hits in common": "HEAD has no data/evaluate/runs.parquet in the DVC cache",
        "rules behind lost queries": "data/split/validation/qrels.parquet does not exist",
    }
    assert (
        "Left out: slices and texts of queries (data/split/validation/queries.parquet does"
        in ask("--md").output
    )


def test_two_revisions_and_an_experiment_are_compared(history):
    write([0.1, 0.2])
    params = (
        Path("params.yaml").read_text("utf-8").replace("near: drop_empty_difference", "near: link")
    )
    Path("params.yaml").write_text(params, "utf-8")
    git(history, *COMMIT, "second")
    git(history, "update-ref", f"refs/exps/ab/{'c' * 38}/brave-idea", "HEAD")
    git(history, "reset", "-q", "--hard", "HEAD~1")
    found = told("HEAD", "brave-idea")
    assert (found["verdict"], found["after"]) == ("worse", "brave-idea")
    assert found["queries_worse"] == 100
    assert found["params"] == {"deduplicate.near": ["drop_empty_difference", "link"]}
    assert told("brave-idea", "HEAD")["verdict"] == "better"
    assert told("HEAD", "HEAD")["verdict"] == "equivalent"


def test_seeds_count_where_models_were_trained_apart(history):
    write([0.42, 0.62])
    params = Path("params.yaml").read_text("utf-8").replace("seed_sd: null", "seed_sd: 0.02")
    Path("params.yaml").write_text(params, "utf-8")
    assert (told()["verdict"], told()["seed_sd"]) == ("no evidence", 0.02)
    assert (
        "Another seed of training moves a mean by 0.0200, which the intervals include."
        in ask("--md").output
    )
    assert (told("--system", "base")["verdict"], told("--system", "base")["seed_sd"]) == (
        "better",
        0.0,
    )
    lock = {"stages": {"finetune": {"outs": [{"path": "data/finetune/model", "md5": "5118.dir"}]}}}
    Path("dvc.lock").write_text(json.dumps(lock), "utf-8")
    git(history, "add", "dvc.lock")
    git(history, *COMMIT, "the same model on both sides")
    assert (told()["verdict"], told()["seed_sd"]) == ("equivalent", 0.0)


def test_a_version_with_other_columns_and_systems_is_compared(history):
    path = Path("metrics/queries/validation.tsv")
    table = pd.read_csv(path, sep="\t")
    more = pd.concat([table, table.assign(system="of tomorrow")]).assign(map_at_100=0.5)
    more[list(more.columns[::-1])].to_csv(path, sep="\t", index=False)
    assert told()["verdict"] == "equivalent"
    assert told()["primary"]["queries"] == 100
    table.drop(columns="mrr_at_10").to_csv(path, sep="\t", index=False)
    assert (
        "metrics/queries/validation.tsv of the working tree has no column mrr_at_10" in ask().stderr
    )


def test_complete_corpora_of_one_benchmark_are_the_same(history):
    told_of = {"benchmark": "b1", "corpus_documents": 7}
    Path("metrics/evaluate.json").write_text(json.dumps(told_of), "utf-8")
    Path("metrics/collect.json").write_text(json.dumps({"documents": 7}), "utf-8")
    git(history, "add", "-A")
    git(history, *COMMIT, "before corpora had names")
    write([0.5, 0.8])
    Path("metrics/evaluate.json").write_text(json.dumps({**told_of, "corpus": "c1"}), "utf-8")
    assert (told()["same_benchmark"], told()["verdict"]) == (True, "better")
    Path("metrics/collect.json").write_text(json.dumps({"documents": 8}), "utf-8")
    assert (
        "HEAD has no data/evaluate/runs.parquet" in ask().stderr
    )  # one document was not searched: which?


def test_confirming_on_test_tells_how_often_it_was_opened(history):
    write([0.4, 0.6], split="test")
    git(history, "add", "-A")
    git(history, *COMMIT, "opened")
    write([0.5, 0.8], split="test")
    found = told("--split", "test")
    assert found["verdict"] == "better"
    assert len(found["test_openings"]["versions"]) == 2
    # The best of two stands 0.5642 standard errors of one version above their mean.
    error = found["primary"]["mde"] / 2.802 / 2**0.5
    assert found["test_openings"]["luck"] == pytest.approx(0.5642 * error, rel=1e-3)
    said = "The test set was opened 2 times on this benchmark: the best of 2 equal versions stands +0.00"
    assert said in ask("--split", "test", "--md", "--html", "page.html").output
    assert "The test set was opened 2 times" in Path("page.html").read_text("utf-8")
    assert told()["test_openings"] is None


def test_the_margin_is_a_parameter(history):
    write([0.42, 0.62])
    assert told()["verdict"] == "better"
    Path("params.yaml").write_text(
        Path("params.yaml").read_text("utf-8").replace("delta: 0.01", "delta: 0.03"), "utf-8"
    )
    assert told()["verdict"] == "equivalent"


def test_markdown_and_the_page_say_the_same(history):
    write([0.7, 0.28], rows_out=90)
    result = ask("--md", "--html", "page.html")
    assert "## No evidence: HEAD -> the working tree" in result.output
    assert "nDCG@10 of `finetuned` on validation: 0.5000 -> 0.4900, **-0.0100** (" in result.output
    assert "| `clean.rows_out` | 100 | 90 |" in result.output
    assert "- -0.320 `q0000000000000001`" in result.output
    html = Path("page.html").read_text("utf-8")
    assert "<title>No evidence: HEAD to the working tree</title>" in html
    assert "<svg" in html and "Left out: slices and texts of queries" in html
    assert "clean.rows_out" in html and not re.search(r'(src|href)="http', html)


def test_another_benchmark_needs_the_runs_and_says_how_to_get_them(history):
    write([0.5, 0.8], benchmark="b2")
    result = ask()
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "error: HEAD has no data/evaluate/runs.parquet in the DVC cache"
    )
    assert len(result.stderr.splitlines()) <= 10


@pytest.mark.parametrize(
    ("arguments", "fact"),
    [
        (["no-such-thing"], "'no-such-thing' is neither a revision nor an experiment"),
        (["HEAD", "--split", "test"], "HEAD has no metrics/queries/test.tsv"),
        (["HEAD", "--system", "other"], "has no rows of the system 'other'"),
    ],
)
def test_what_is_not_there_is_told(history, arguments, fact):
    result = ask(*arguments)
    assert result.exit_code == 1
    assert fact in result.stderr


def test_a_side_reads_its_own_files(history):
    Path("metrics/clean.json").write_text('{"rows_in": 7}', "utf-8")
    assert side(None).metrics("clean") == {"rows_in": 7}
    assert side("HEAD").metrics("clean")["rows_in"] == 100
    assert side("HEAD").metrics("report") == {}
    with pytest.raises(Problem, match="neither a revision"):
        side("HEAD~7")


def test_changes_are_what_differs():
    assert changes({"a": 1, "b": 2, "c": 3}, {"b": 2, "c": 4, "d": 5}) == [
        ("a", 1, None),
        ("c", 3, 4),
        ("d", None, 5),
    ]
    counts = [
        "clean.rows_in",
        "clean.pairs.dropped.too_short",
        "mine.refused.margin",
        "augment.accepted.spelling",
    ]
    assert [
        key
        for key in [*counts, "mine.negatives_per_anchor", "evaluate.benchmark"]
        if is_funnel(key)
    ] == counts
