import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stages.lib.core.errors import UserError
from stages.lib.core.stage import nested
from stages.lib.reporting.details import read_details
from stages.report.__main__ import main

PAGE = Path("data/report/index.html")


def edit(stage, **changed):
    path = Path(f"metrics/details/{stage}.json")
    path.write_text(json.dumps(nested({**read_details(path), **changed})))


def page():
    main()
    return PAGE.read_text("utf-8")


def test_page_says_how_much_was_gained(run):
    text = page()
    assert (
        "On 2 test queries the fine-tuned model ranks better than the base model by +0.100 nDCG@10 "
        "(95 % interval +0.060 to +0.140, resampled over 2 components). "
        "Of these queries 1 did better, 0 worse and 1 the same."
    ) in text
    assert 'class="box good"' in text


def test_plain_means_stand_beside_the_weighted_ones(run):
    text = page()
    assert (
        "A component counts as at most 10 queries; where each query counts once, the gain is +0.123."
    ) in text
    # The three numbers at the top, the table of gains, and the table of systems.
    assert "plain 0.567; validation 0.600" in text
    assert '<td class="n">+0.123</td>' in text
    assert "0.456" in text


def test_page_says_when_there_is_no_evidence_of_a_gain(run):
    edit("evaluate", **{"test.gain.over_base.ndcg_at_10.low": -0.01})
    text = page()
    assert "there is no evidence of a gain" in text
    assert "ranks better" not in text and 'class="box good"' not in text


@pytest.mark.slow
def test_page_says_when_the_model_got_worse(run):
    for end, value in (("mean", -0.1), ("low", -0.14), ("high", -0.06)):
        edit("evaluate", **{f"test.gain.over_base.ndcg_at_10.{end}": value})
    text = page()
    assert "ranks worse than the base model by -0.100" in text
    assert 'class="box bad"' in text


def test_page_says_when_there_is_no_interval(run):
    for part in ("mean", "low", "high", "mde"):
        path = Path("metrics/details/evaluate.json")
        values = read_details(path)
        kept = {
            key: value for key, value in values.items() if not key.endswith(f"ndcg_at_10.{part}")
        }
        path.write_text(json.dumps(nested(kept)))
    assert "are of too few components for an interval" in page()


def test_a_broken_invariant_cannot_be_overlooked(run):
    assert "✗" not in page()
    edit("split", leaked_components=2)
    text = page()
    assert "1 of 7 invariants are broken" in text
    assert "✗ broken: 2</b> <code>split.leaked_components" in text


def test_page_shows_validation_queries_escaped_and_no_test_query(run):
    text = page()
    assert "wobbly &amp; weak" in text
    assert "Lack of &lt;b&gt;coordination&lt;/b&gt;." in text
    assert "q0000000000000065" not in text  # query 101 of the test set


def test_reasons_and_queries_open_to_what_is_behind_them(run):
    text = page()
    assert "<details><summary>clean: 1 dropped (too short)</summary>" in text
    assert "<p>Fell most:</p>" in text
    assert text.count("<summary>wobbly &amp; weak (lay): nDCG@10 1.000 to 0.000 (-1.000)") == 2
    assert (
        "d0000000000000007 is not in the corpus (clean: too short, partner d0000000000000001)"
    ) in text


@pytest.mark.slow
def test_metrics_count_charts_and_tables(run):
    text = page()
    details = read_details(Path("metrics/details/report.json"))
    assert (
        details
        == {"charts": text.count("<svg "), "tables": text.count("</table>")}
        == {"charts": 7, "tables": 14}
    )


@pytest.mark.slow
def test_page_is_written_where_nothing_was_trained(run):
    Path("metrics/plots/loss.tsv").write_text("step\tloss\n")
    assert "No loss was logged." in page()


@pytest.mark.slow
def test_worst_queries_can_be_left_out(run):
    params = Path("params.yaml")
    params.write_text(params.read_text().replace("worst_queries: 20", "worst_queries: 0"))
    text = page()
    assert "wobbly" not in text
    assert "clumsy" not in text
    assert "<summary>clean: 1 dropped" not in text


@pytest.mark.slow
def test_two_runs_write_the_same_bytes(run):
    assert page() == page()


@pytest.mark.slow
def test_the_page_does_not_depend_on_the_folder(run):
    assert str(run) not in page()


def test_a_missing_number_is_an_error_and_writes_nothing(run):
    Path("metrics/details/mine.json").write_text("{}")
    with pytest.raises(UserError, match=r"metrics/details/mine\.json has no number"):
        main()
    assert not PAGE.exists() and not Path("metrics/details/report.json").exists()


def test_a_missing_file_is_an_error(run):
    Path("metrics/queries/test.tsv").unlink()
    with pytest.raises(UserError, match=r"metrics/queries/test\.tsv does not exist"):
        main()


def test_help_names_inputs_and_outputs():
    from stages.report.__main__ import app

    text = CliRunner().invoke(app, ["--help"]).output
    assert "--validation-results" in text and "--out-page" in text
