"""The page says what the split is worth, where rows went, and whether the gain holds for what is far."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stages.lib.core.stage import nested
from stages.lib.reporting.details import StageDetails
from stages.report.__main__ import app
from stages.report.training_distance import nearness_parts


def page(values, **changed):
    """Run the stage with changed details, keys `stage__key`, and return the summary of the page."""
    for name, value in changed.items():
        stage, _, key = name.partition("__")
        values[stage][key.replace("__", ".")] = value
    for stage, numbers in values.items():
        Path(f"metrics/details/{stage}.json").write_text(json.dumps(nested(numbers)))
    result = CliRunner().invoke(app)
    assert result.exit_code == 0, result.stderr
    html = Path("data/report/index.html").read_text("utf-8")
    return html[html.index('<section id="summary">') : html.index("</section>")]


@pytest.fixture(autouse=True)
def pinned(run):
    (run / "pyproject.toml").write_text("[dependency-groups]\ntables = []\npage = []\n", "utf-8")


def test_where_rows_went_is_on_the_first_screen(run, values):
    summary = page(values)
    line = (
        "Rows: 100 records in; 4 rejected, 10 % of the rows of clean (3 empty text, 1 too short); "
        "0 copies; 5 sampled out (not sampled); 1 refused (held out)."
    )
    assert line in summary[: summary.index("<dl")]


@pytest.mark.parametrize("unit", ["component", "group", "time", "anchor"])
def test_trained_documents_stand_in_the_verdict(run, values, unit):
    changed = {"evaluate__test__trained_documents_share": 0.69, "validate__split_unit": unit}
    summary = page(values, **changed)
    verdict = summary[summary.index('<p class="box') : summary.index("</p>")]
    worth = "69.0 % of the test queries ask for a document that was trained on"
    assert worth in verdict
    assert (verdict.index(worth) < verdict.index("On 2 test queries")) == (unit == "anchor")


def test_a_split_that_shares_nothing_says_so(run, values):
    assert "None of the test queries asks for a document that was trained on." in page(values)


def test_the_gain_is_shown_by_similarity_to_training(metrics):
    text = "\n".join(nearness_parts(metrics))
    assert text.count("<table>") == 2
    assert text.count("0.31 to 0.42") == 40
    assert text.count("+0.090 (+0.020 to +0.160)") == 40 + 8
    assert (
        "The half of the validation queries that is farthest from the nearest trained query" in text
    )


def test_without_nearness_the_page_says_so(values):
    left = {key: value for key, value in values["evaluate"].items() if "nearness" not in key}
    (part,) = nearness_parts(StageDetails({**values, "evaluate": left}))
    assert "Nothing was measured." in part


def test_the_introduction_claims_no_more_than_the_audit_found(values):
    def introduction():
        return nearness_parts(StageDetails(values))[0]

    assert "The audit found no held-out text in training" in introduction()
    values["evaluate"]["test.trained_documents_share"] = 0.69
    assert "Training shares documents with held-out queries" in introduction()
    assert "found no held-out text" not in introduction()
    values["split"]["leaked_texts"] = 3
    assert "The audit of the split found leaks" in introduction()
