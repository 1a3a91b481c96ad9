"""`python -m stages ask`: questions before and after training, ranked as `evaluate` ranks them."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stages.commands.ask import (
    COUNTS,
    DOCUMENTS,
    MODEL,
    PASSAGES,
    SHOWN_CHARACTERS,
    QuestionResult,
    RankedDocument,
    app,
    result_lines,
)
from stages.lib.core import tables
from stages.lib.schemas.evaluation_set import Queries
from stages.lib.schemas.runs import Runs

FIRST = RankedDocument(1, 0.8123, "d1", "", "Open the flap.", rank_before=4)
SECOND = RankedDocument(2, 0.5, "d2", "Foam", "Wait\nand rinse.", rank_before=2)
RESULT = QuestionResult("it beeps &amp; stops", "it beeps & stops", [SECOND], [FIRST, SECOND])


def test_the_first_documents_of_both_models_stand_below_the_question():
    assert result_lines([RESULT]) == [
        "Question: it beeps &amp; stops",
        "Cleaned:  it beeps & stops",
        "  before: base model",
        "     2  0.500  Foam: Wait and rinse.",
        "  after: fine-tuned",
        "     1  0.812  (was 4)  Open the flap.",
        "     2  0.500           Foam: Wait and rinse.",
    ]


def test_a_question_that_cleaning_left_as_it_was_is_printed_once():
    same = QuestionResult("it beeps", "it beeps", [FIRST], [FIRST])
    lines = result_lines([same, same])
    assert lines.count("Question: it beeps") == 2
    assert not any(line.startswith("Cleaned") for line in lines)
    # An empty line parts two questions.
    assert lines.count("") == 1


def test_a_long_passage_is_cut_on_a_line_of_text():
    long = RankedDocument(1, 0.8, "d1", "", "word " * 100, rank_before=1)
    line = result_lines([QuestionResult("q", "q", [long], [])])[2]
    assert line.endswith(" word wo...")
    assert len(line) == SHOWN_CHARACTERS + len("     1  0.800  ")


@pytest.mark.parametrize("missing", [COUNTS, DOCUMENTS, PASSAGES, MODEL])
def test_what_is_missing_is_named_with_the_command_that_makes_it(project, missing):
    for path in {COUNTS, DOCUMENTS, PASSAGES, MODEL} - {missing}:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    result = CliRunner().invoke(app, ["Why does it beep?"])
    assert result.exit_code == 1
    assert f"{missing} does not exist" in result.output
    assert "run 'make repro' first" in result.output


def test_an_empty_question_is_refused(project):
    result = CliRunner().invoke(app, ["Why does it beep?", " "])
    assert result.exit_code == 1
    assert "a question is empty" in result.output


@pytest.mark.parametrize("number", ["0", "101"])
def test_a_number_of_documents_is_within_the_depth_of_runs(project, number):
    result = CliRunner().invoke(app, ["Why does it beep?", "--k", number])
    assert result.exit_code == 2


@pytest.fixture
def finished(tiny_project, environment, monkeypatch):
    """Stand in a finished run."""
    monkeypatch.chdir(tiny_project)
    monkeypatch.setenv("PAIRSMITH_CACHE", environment["PAIRSMITH_CACHE"])


@pytest.mark.slow
def test_questions_are_cleaned_and_ranked_as_evaluate_does(finished):
    queries = tables.read(Path("data/split/validation/queries.parquet"), Queries)
    result = CliRunner().invoke(app, [*queries["raw"], "--json"])
    assert result.exit_code == 0, result.output
    answers = json.loads(result.stdout)
    assert [answer["asked_as"] for answer in answers] == list(queries["text"])

    runs = tables.read(Path("data/evaluate/runs.parquet"), Runs)
    for part, system in (("before", "base"), ("after", "finetuned")):
        of_system = runs[(runs["split"] == "validation") & (runs["system"] == system)]
        for query_id, answer in zip(queries["query_id"], answers, strict=True):
            stored = of_system[of_system["query_id"] == query_id].sort_values("rank").head(3)
            documents = answer[part]
            assert [document["doc_id"] for document in documents] == list(stored["doc_id"])
            scores = [document["score"] for document in documents]
            assert scores == pytest.approx(list(stored["score"]), abs=1e-4)

    # The rank before is that of the base model.
    for answer in answers:
        assert [document["rank_before"] for document in answer["before"]] == [1, 2, 3]
        rank_of_id = {document["doc_id"]: document["rank"] for document in answer["before"]}
        for document in answer["after"]:
            assert rank_of_id.get(document["doc_id"], 4) == min(document["rank_before"], 4)


@pytest.mark.slow
def test_on_a_pipe_there_is_plain_text(finished):
    result = CliRunner().invoke(app, ["Is there a manual for the toaster in Spanish?", "--k", "1"])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "Question: Is there a manual for the toaster in Spanish?"
    assert lines[1] == "  before: base model"
    assert lines[2].endswith("Manuals in nine languages come with the toaster as a leaflet.")
    assert lines[3] == "  after: fine-tuned"
    assert len(lines) == 5
    assert "\x1b" not in result.stdout


@pytest.mark.slow
def test_a_model_of_other_settings_is_not_asked(tiny_project, tmp_path, monkeypatch):
    clone = shutil.copytree(tiny_project, tmp_path / "clone")
    monkeypatch.chdir(clone)
    params = Path("params.yaml")
    text = params.read_text("utf-8")
    assert "epochs: 1\n" in text
    params.write_text(text.replace("epochs: 1\n", "epochs: 2\n"), "utf-8")
    result = CliRunner().invoke(app, ["Why does it beep?"])
    assert result.exit_code == 1
    assert "params.yaml has other values than the last run: finetune.epochs" in result.output
