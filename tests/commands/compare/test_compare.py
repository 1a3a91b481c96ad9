"""The command, on the history of a small repository whose results a reader can check by hand."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from stages.commands.compare.__main__ import app
from stages.commands.compare.report import changes, is_row_count
from stages.commands.compare.versions import find_version
from stages.lib.core.errors import UserError
from stages.lib.evaluation.evaluation_set import scoring_rule
from tests.commands.results import COMMIT, write, write_details, write_old_metrics
from tests.conftest import git


def invoke(*arguments):
    return CliRunner().invoke(app, arguments)


def compare(*arguments):
    result = invoke(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


@pytest.mark.parametrize("options", [[], ["--rescore"], ["--split", "validation"]])
def test_a_sample_is_never_compared_with_all_rows_or_another_sample(history, options):
    write([0.5, 0.8], sample=0.02)
    result = invoke("HEAD", *options)
    assert result.exit_code == 1
    words = " ".join(result.output.split())
    assert (
        "not comparable: HEAD was run on all rows, and the working tree on a sample "
        "(run.sample: 0.02)"
    ) in words
    assert "remedy: compare runs with the same run.sample" in words
    git(history, *COMMIT, "a sample")
    write([0.5, 0.9], sample=0.05)
    assert "HEAD was run on a sample (run.sample: 0.02), and the" in " ".join(
        invoke("HEAD", *options).output.split()
    )


def test_two_runs_of_the_same_sample_are_compared(history):
    write([0.4, 0.6], sample=0.02)
    git(history, *COMMIT, "a sample")
    write([0.5, 0.8], sample=0.02)
    comparison = compare()
    assert comparison["verdict"] == "better"
    assert comparison["primary"]["mean"] == pytest.approx(0.15)


def test_the_working_tree_is_compared_with_head(history):
    write([0.5, 0.8], rows_out=90)
    comparison = compare()
    assert (comparison["verdict"], comparison["before"], comparison["after"]) == (
        "better",
        "HEAD",
        "the working tree",
    )
    assert comparison["primary"]["mean"] == pytest.approx(0.15)
    assert comparison["primary"]["low"] == pytest.approx(0.14, abs=0.001)
    assert comparison["funnel"] == {"clean.rows_out": [100, 90]}
    assert (comparison["same_benchmark"], comparison["queries_worse"], comparison["params"]) == (
        True,
        0,
        {},
    )
    # Without the tables of DVC the results are still compared; what needs the tables is listed as missing.
    assert (comparison["overlap_at_10"], comparison["touched"]) == (None, None)
    assert comparison["missing"] == {
        "slices and texts of queries": "data/split/validation/queries.parquet does not exist",
        "hits in common": "HEAD has no data/evaluate/runs.parquet in the DVC cache",
        "rules behind lost queries": "data/split/validation/qrels.parquet does not exist",
        "rows that moved or were dropped": "HEAD has no data/split/splits.parquet in the DVC cache",
    }
    assert (
        "Left out: slices and texts of queries (data/split/validation/queries.parquet does"
        in invoke("--md").output
    )


@pytest.mark.slow
def test_two_revisions_and_an_experiment_are_compared(history):
    write([0.1, 0.2])
    params = (
        Path("params.yaml").read_text("utf-8").replace("near: drop_empty_difference", "near: link")
    )
    Path("params.yaml").write_text(params, "utf-8")
    git(history, *COMMIT, "second")
    git(history, "update-ref", f"refs/exps/ab/{'c' * 38}/brave-idea", "HEAD")
    git(history, "reset", "-q", "--hard", "HEAD~1")
    comparison = compare("HEAD", "brave-idea")
    assert (comparison["verdict"], comparison["after"]) == ("worse", "brave-idea")
    assert comparison["queries_worse"] == 100
    assert comparison["params"] == {"deduplicate.near": ["drop_empty_difference", "link"]}
    assert compare("brave-idea", "HEAD")["verdict"] == "better"
    assert compare("HEAD", "HEAD")["verdict"] == "equivalent"


@pytest.mark.slow
def test_seeds_count_if_models_were_trained_apart(history):
    write([0.42, 0.62])
    params = Path("params.yaml").read_text("utf-8").replace("seed_sd: null", "seed_sd: 0.02")
    Path("params.yaml").write_text(params, "utf-8")
    assert (compare()["verdict"], compare()["seed_sd"]) == ("no evidence", 0.02)
    assert (
        "Another seed of training moves a mean by 0.0200, which the intervals include and p does not."
        in invoke("--md").output
    )
    base = compare("--system", "base")
    assert (base["verdict"], base["seed_sd"]) == ("better", 0.0)
    lock = {"stages": {"finetune": {"outs": [{"path": "data/finetune/model", "md5": "5118.dir"}]}}}
    Path("dvc.lock").write_text(json.dumps(lock), "utf-8")
    git(history, "add", "dvc.lock")
    git(history, *COMMIT, "the same model on both sides")
    assert (compare()["verdict"], compare()["seed_sd"]) == ("equivalent", 0.0)


@pytest.mark.slow
def test_a_version_with_other_columns_and_systems_is_compared(history):
    path = Path("metrics/queries/validation.tsv")
    table = pd.read_csv(path, sep="\t")
    more = pd.concat([table, table.assign(system="of tomorrow")]).assign(map_at_100=0.5)
    more[list(more.columns[::-1])].to_csv(path, sep="\t", index=False)
    assert compare()["verdict"] == "equivalent"
    assert compare()["primary"]["queries"] == 100
    table.drop(columns="mrr_at_10").to_csv(path, sep="\t", index=False)
    assert (
        "metrics/queries/validation.tsv of the working tree has no column mrr_at_10"
        in invoke().stderr
    )


@pytest.mark.slow
def test_complete_corpora_of_one_benchmark_are_the_same(history):
    metrics = {"benchmark": "b1", "corpus_documents": 7}
    write_details("evaluate", metrics)
    write_details("collect", {"documents": 7})
    git(history, "add", "-A")
    git(history, *COMMIT, "before corpora had names")
    write([0.5, 0.8])
    write_details("evaluate", {**metrics, "corpus": "c1"})
    assert (compare()["same_benchmark"], compare()["verdict"]) == (True, "better")
    write_details("collect", {"documents": 8})
    # One document was not searched, so the stored runs must tell which.
    assert "HEAD has no data/evaluate/runs.parquet" in invoke().stderr


@pytest.mark.slow
def test_the_test_split_comes_with_its_number_of_uses(history):
    write([0.4, 0.6], split="test")
    git(history, "add", "-A")
    git(history, *COMMIT, "opened")
    write([0.5, 0.8], split="test")
    comparison = compare("--split", "test")
    assert comparison["verdict"] == "better"
    assert len(comparison["test_openings"]["versions"]) == 2
    # The best of two stands 0.5642 standard errors of one version above their mean.
    error = comparison["primary"]["mde"] / 2.802 / 2**0.5
    assert comparison["test_openings"]["luck"] == pytest.approx(0.5642 * error, rel=1e-3)
    sentence = "The test set was opened 2 times on this benchmark: the best of 2 equal versions stands +0.00"
    assert sentence in invoke("--split", "test", "--md", "--html", "page.html").output
    assert "The test set was opened 2 times" in Path("page.html").read_text("utf-8")
    assert compare()["test_openings"] is None


@pytest.mark.slow
def test_the_margin_is_a_parameter(history):
    write([0.42, 0.62])
    assert compare()["verdict"] == "better"
    Path("params.yaml").write_text(
        Path("params.yaml").read_text("utf-8").replace("delta: 0.01", "delta: 0.03"), "utf-8"
    )
    assert compare()["verdict"] == "equivalent"


@pytest.mark.slow
def test_markdown_and_the_page_say_the_same(history):
    write([0.7, 0.28], rows_out=90)
    result = invoke("--md", "--html", "page.html")
    assert "## No evidence: HEAD -> the working tree" in result.output
    assert "nDCG@10 of `finetuned` on validation: 0.5000 -> 0.4900, **-0.0100** (" in result.output
    assert "### Rows\n\n| | before | after | change |\n" in result.output
    assert "| `clean.rows_out` | 100 | 90 | -10 |" in result.output
    assert "- -0.320 `q0000000000000001`" in result.output
    row = "`q0000000000000001` | lost 0.320: 0.600 before, 0.280 now"
    assert f"### Look at these rows first\n\n| row | why |\n|---|---|\n| {row} |" in result.output
    html = Path("page.html").read_text("utf-8")
    assert "<title>No evidence: HEAD to the working tree</title>" in html
    assert "<svg" in html and "Left out: slices and texts of queries" in html
    assert "Look at these rows first" in html
    assert "clean.rows_out" in html and not re.search(r'(src|href)="http', html)


def test_another_benchmark_needs_the_runs_of_both(history):
    write([0.5, 0.8], benchmark="b2")
    result = invoke()
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
def test_what_is_missing_is_an_error(history, arguments, fact):
    result = invoke(*arguments)
    assert result.exit_code == 1
    assert fact in result.stderr


def test_a_version_reads_its_own_files(history):
    write_details("clean", {"rows_in": 7, "dropped": {"empty": 1}})
    assert find_version(None).details("clean") == {"rows_in": 7, "dropped.empty": 1}
    assert find_version("HEAD").details("clean")["rows_in"] == 100
    assert find_version("HEAD").details("report") == {}
    with pytest.raises(UserError, match="neither a revision"):
        find_version("HEAD~7")


def commit_old_layout(folder):
    """Commit the first run again, in the layout of versions before metrics/details/."""
    shutil.rmtree("metrics/details")
    write_old_metrics("evaluate", {"benchmark": "b1", "corpus": "c1"})
    write_old_metrics("clean", {"rows_in": 100, "rows_out": 100, "private.ip": 3})
    write_old_metrics("split", {"near_positives": 5, "near_positives.seen": 2})
    git(folder, "add", "-A")
    git(folder, *COMMIT, "before metrics/details")


def test_a_version_without_details_is_read_from_its_old_metrics(history):
    commit_old_layout(history)
    old = find_version("HEAD")
    assert old.details("clean") == {"rows_in": 100, "rows_out": 100, "private.ip": 3}
    # A key that is a level too has another name today.
    assert old.details("split") == {"near_positives.count": 5, "near_positives.seen": 2}


def test_short_metrics_beside_details_are_not_read(history):
    write_old_metrics("clean", {"rows": 1})
    assert find_version(None).details("clean")["rows_in"] == 100


@pytest.mark.slow
def test_old_versions_compare_with_new_ones(history):
    commit_old_layout(history)
    write([0.5, 0.8], rows_out=90)
    Path("metrics/split.json").unlink()
    comparison = compare()
    assert (comparison["verdict"], comparison["same_benchmark"]) == ("better", True)
    assert comparison["funnel"] == {"clean.rows_out": [100, 90]}


@pytest.mark.slow
def test_uses_of_the_test_set_are_counted_across_both_layouts(history):
    write([0.4, 0.6], split="test")
    commit_old_layout(history)
    write([0.5, 0.8], split="test")
    assert len(compare("--split", "test")["test_openings"]["versions"]) == 2


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
    others = ["mine.negatives_per_anchor", "evaluate.benchmark"]
    assert [key for key in [*counts, *others] if is_row_count(key)] == counts


def commit_before_weights(folder):
    """Commit 100 queries of 0.4, fifty of one component, as versions before the weight wrote them."""
    params = Path("params.yaml").read_text("utf-8")
    without_weight = re.sub(r"(?m)^  component_weight: .*\n", "", params)
    assert without_weight != params
    Path("params.yaml").write_text(without_weight, "utf-8")
    write([0.4], large=50)
    git(folder, *COMMIT, "before the weight")
    Path("params.yaml").write_text(params, "utf-8")
    return params


def test_todays_weight_applies_to_both_versions(history):
    params = commit_before_weights(history)
    # The large component gains 0.5, and all others stay.
    write([0.9] * 50 + [0.4] * 50, large=50)
    evaluated = json.loads(Path("metrics/details/evaluate.json").read_text("utf-8"))
    write_details("evaluate", {**evaluated, "scoring_rule": scoring_rule(10)})

    comparison = compare()
    assert (comparison["same_benchmark"], comparison["component_weight"]) == (True, 10)
    assert (comparison["primary"]["queries"], comparison["primary"]["components"]) == (100, 51)
    assert comparison["primary"]["before"] == pytest.approx(0.4)
    assert comparison["primary"]["after"] == pytest.approx((10 * 0.9 + 50 * 0.4) / 60)
    assert comparison["primary"]["mean"] == pytest.approx(5 / 60)
    assert comparison["primary"]["plain"] == pytest.approx(0.25)
    assert comparison["restated"] == ["HEAD"]
    output = invoke("--md", "--html", "page.html").output
    sentence = (
        "A component counts as at most 10 queries; where each query counts once, the difference "
        "is +0.2500. The means that HEAD wrote down follow another rule; these follow today's."
    )
    assert sentence in output
    assert (
        "where each query counts once, the difference is +0.2500" in Path("page.html").read_text()
    )

    # Another weight of today is another rule for both, and no result is made anew.
    Path("params.yaml").write_text(
        params.replace("component_weight: 10", "component_weight: 1000"), "utf-8"
    )
    plain = compare()
    assert plain["primary"]["mean"] == plain["primary"]["plain"] == pytest.approx(0.25)
    assert plain["restated"] == ["HEAD", "the working tree"]


def test_versions_from_before_the_weight_compare_with_each_other(history):
    commit_before_weights(history)
    assert compare("HEAD", "HEAD")["verdict"] == "equivalent"
    assert compare("HEAD~1", "HEAD")["primary"]["after"] == pytest.approx(0.4)


DEVICES = (
    "The versions were computed on other classes of device: HEAD on cpu, the working tree on cuda "
    "bfloat16. A part of each difference may come from that, and no interval includes it."
)


def test_versions_of_other_classes_of_device_are_compared_as_such(history):
    write([0.5, 0.8])
    assert compare()["devices"] == ["cpu", "cpu"]
    assert "classes of device" not in invoke("--md").output

    evaluated = json.loads(Path("metrics/details/evaluate.json").read_text("utf-8"))
    write_details("evaluate", {**evaluated, "device": "cuda bfloat16"})
    comparison = compare()
    assert comparison["devices"] == ["cpu", "cuda bfloat16"]
    assert comparison["verdict"] == "better"
    assert DEVICES in invoke("--md", "--html", "page.html").output
    assert DEVICES in Path("page.html").read_text("utf-8")


def test_a_version_whose_stages_ran_on_several_devices_names_all(history):
    assert find_version(None).device_class() == "cpu"
    write_details("mine", {"rows_in": 1})
    assert find_version(None).device_class() == "cpu"
    write_details("mine", {"rows_in": 1, "device": "cuda float32"})
    assert find_version(None).device_class() == "cpu and cuda float32"
    for stage in ("validate", "finetune", "evaluate"):
        write_details(stage, {"device": "cuda float32"})
    assert find_version(None).device_class() == "cuda float32"
