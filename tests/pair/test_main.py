"""Pairs are built from what the sources gave, by recipe, and none is invented."""

import json
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from stages.clean.passages import passages
from stages.lib.core import tables
from stages.lib.reporting.details import read_details
from stages.lib.schemas.documents import Documents, Passages
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import PairGrades, Pairs, SyntheticPairs
from stages.lib.schemas.reviews import MISPAIRED
from stages.pair.__main__ import app
from stages.pair.filters import CAP_REASONS, REASONS
from stages.pair.interface import RECIPES
from tests.pair.rows import d, documents, p, pairs


def run(
    frame: pd.DataFrame,
    given: pd.DataFrame,
    collected: pd.DataFrame | None = None,
    grades: pd.DataFrame | None = None,
    wrong=(),
    **changed: object,
):
    params, yaml = Path("params.yaml"), YAML()
    values = yaml.load(params.read_text("utf-8"))
    values["pair"].update(changed)
    with params.open("w", encoding="utf-8") as out:
        yaml.dump(values, out)
    tables.write(
        frame if collected is None else collected, Path("data/collect/documents.parquet"), Documents
    )
    tables.write(given, Path("data/collect/pairs.parquet"), Pairs)
    tables.write(
        PairGrades.empty() if grades is None else grades,
        Path("data/collect/grades.parquet"),
        PairGrades,
    )
    tables.write(frame, Path("data/deduplicate/documents.parquet"), Documents)
    tables.write(passages(frame, None, 0, None), Path("data/clean/passages.parquet"), Passages)
    tables.write(given, Path("data/deduplicate/pairs.parquet"), Pairs)
    review = Path("data/review/mispaired.csv")
    review.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{pair_id},{doc_id},no,," for pair_id, doc_id in wrong]
    review.write_text("\n".join([",".join(MISPAIRED), *lines]) + "\n", "utf-8")
    return CliRunner().invoke(app, [])


FRAME = documents(
    ("a", "Reset", "Hold the button."), ("b", "Signal", "Check the cable."), ("c", "", "Call us.")
)


def built():
    return tables.read(Path("data/pair/pairs.parquet"), Pairs)


def details():
    return read_details(Path("metrics/details/pair.json"))


def test_the_command_builds_pairs_and_renders_documents(project):
    given = pairs(("1", "reset", "a"), ("2", "start anew", "a"), ("3", "check the cable", "b"))
    recipes = ["given", "title"]
    result = run(
        FRAME, given, document_text="{title}: {text}", recipes=recipes, max_pairs_per_document=1
    )
    assert (result.exit_code, result.output) == (0, "")
    rendered = tables.read(Path("data/pair/documents.parquet"), Documents)
    assert set(rendered["text"]) == {
        "Reset: Hold the button.",
        "Signal: Check the cable.",
        ": Call us.",
    }
    assert sorted(built()["doc_id"]) == sorted([d("a"), d("b")])
    assert set(built()["source"]) == {"faq"}, "given pairs are kept before synthetic ones"
    values = details()
    assert {
        key: value for key, value in values.items() if value and not key.startswith("balance.")
    } == {
        "rows_in": 3,
        "added.title": 2,
        "dropped.already_given": 1,
        "dropped.over_document_cap": 2,
        "rows_out": 2,
        "documents": 3,
        "passages": 3,
        "paired_documents": 2,
        **{
            key: values[key]
            for key in ("anchor_in_positive_share", "no_common_word_share")
            if values[key]
        },
    }
    assert {key for key in values if key.startswith("dropped.")} == {
        f"dropped.{reason}" for reason in (*REASONS, *CAP_REASONS)
    }
    assert (
        values["balance.before.document.largest_share"],
        values["balance.after.document.largest_share"],
    ) == (0.5, 0.5)
    assert json.loads(Path("metrics/pair.json").read_text("utf-8")) == {"pairs": 2}
    ledger = tables.read(Path("data/pair/ledger.parquet"), Ledger)
    assert ledger["action"].value_counts().to_dict() == {"drop": 3, "add": 2}


@pytest.mark.slow
def test_without_real_queries_anchors_are_cut_from_passages(project):
    text = "Hold the round button down. The lamp blinks two times."
    frame = documents(("a", "Reset", text), ("b", "", "Call us."))
    recipes = ["title", "first_sentence"]
    assert (
        run(frame, Pairs.empty(), recipes=recipes, document_text="{title}: {text}").exit_code == 0
    )
    assert sorted(built()["anchor"]) == ["Hold the round button down.", "Reset"]
    searched = tables.read(Path("data/pair/passages.parquet"), Passages)
    assert sorted(searched["text"]) == [": Call us.", "Reset: The lamp blinks two times."]
    synthetic = tables.read(Path("data/pair/synthetic_pairs.parquet"), SyntheticPairs)
    assert sorted(synthetic["positive"]) == ["", "Reset: The lamp blinks two times."]
    assert f"Reset: {text}" in set(
        tables.read(Path("data/pair/documents.parquet"), Documents)["text"]
    )

    assert run(frame, pairs(("1", "help", "b")), recipes=[*recipes, "given"]).exit_code == 0
    assert f"Reset: {text}" in set(
        tables.read(Path("data/pair/passages.parquet"), Passages)["text"]
    ), "there are real queries"
    assert "Reset: The lamp blinks two times." in set(
        tables.read(Path("data/pair/synthetic_pairs.parquet"), SyntheticPairs)["positive"]
    )


@pytest.mark.slow
def test_headings_come_from_the_text_as_collected(project):
    frame = documents(("a", "", "Reset\nHold the round button down."))
    assert run(frame, pairs(("1", "help", "a")), recipes=["given", "heading"]).exit_code == 0
    assert details()["added.heading"] == 0
    collected = documents(("a", "", "<h2>Reset</h2><p>Hold the round button down.</p>"))
    assert (
        run(frame, pairs(("1", "help", "a")), collected, recipes=["given", "heading"]).exit_code
        == 0
    )
    assert sorted(built()["anchor"]) == ["Reset", "help"]


GIVEN = pd.concat([pairs(("1", "how to reset", "a")), pairs(("2", "how to reset", "b"), score=0.2)])


@pytest.mark.slow
def test_dissimilar_pairs_are_set_aside(project):
    assert run(FRAME, GIVEN).exit_code == 0
    assert list(built()["pair_id"]) == [p("1")]
    dissimilar = tables.read(Path("data/pair/dissimilar_pairs.parquet"), Pairs)
    assert list(zip(dissimilar["pair_id"], dissimilar["score"], strict=True)) == [(p("2"), 0.2)]
    assert (details()["dissimilar"], details()["dropped.dissimilar"]) == (1, 1)


@pytest.mark.slow
def test_with_the_shape_scores_every_given_pair_is_built(project):
    assert run(FRAME, GIVEN, shape="scores").exit_code == 0
    assert dict(zip(built()["pair_id"], built()["score"], strict=True)) == {
        p("1"): 1.0,
        p("2"): 0.2,
    }
    assert (details()["dissimilar"], details()["dropped.dissimilar"]) == (1, 0)


@pytest.mark.slow
def test_given_pairs_can_be_left_to_the_evaluation(project):
    given = pairs(("1", "Reset", "a"), ("2", "no signal", "b"))
    assert run(FRAME, given, recipes=["title"]).exit_code == 0
    assert built()["anchor"].to_list() == ["Signal"], "Reset is given, so it is excluded"
    assert (details()["dropped.recipe_off"], details()["dropped.already_given"]) == (2, 1)


@pytest.mark.slow
def test_the_order_of_rows_and_recipes_changes_no_byte(project):
    frame = documents(
        ("a", "Reset", "Why?\nHold the round button down. The lamp blinks two times.", "x"),
        ("b", "Signal", "Check the long cable twice. Then look at the lamp.", "x"),
        ("c", "", "Call us, day or night. We answer in an hour.", "x"),
    )
    given = pairs(("1", "start anew", "a"), ("2", "no signal", "b"), ("3", "dark", "b"))
    recipes = [name for name in RECIPES if name != "generated"]
    contents = []
    for order in (slice(None), slice(None, None, -1)):
        assert run(frame.iloc[order], given.iloc[order], recipes=recipes[order]).exit_code == 0
        files = [
            *sorted(Path("data/pair").rglob("*.parquet")),
            Path("metrics/pair.json"),
            Path("metrics/details/pair.json"),
        ]
        contents.append([file.read_bytes() for file in files])
    assert contents[0] == contents[1]
    assert {name for name in recipes if details().get(f"added.{name}")} >= {
        "title",
        "question",
        "synonyms",
        "same_label",
    }
    assert set(built()["relation"]) == {
        "exact",
        "title",
        "question",
        "synonyms",
        "first_sentence",
        "same_label",
    }


def test_no_pairs_at_all_is_a_problem_with_a_remedy(project):
    result = run(FRAME, Pairs.empty())
    assert result.exit_code == 1
    assert "data/deduplicate/pairs.parquet holds no pairs" in result.stderr
    assert "add to pair.recipes: [given, title, first_sentence]" in result.stderr
    assert not Path("data/pair").exists() and not Path("metrics").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"document_text": "{title}"}, "pair.document_text"),
        ({"document_text": "{text:d}"}, "pair.document_text"),
        ({"max_pairs_per_document": 0}, "pair.max_pairs_per_document"),
        ({"max_pairs_per_document": 1.5}, "pair.max_pairs_per_document"),
        ({"recipes": ["titles"]}, "pair.recipes"),
        ({"recipes": ["generated"]}, "pair"),
        ({"titles": True}, "unknown key pair.titles"),
    ],
)
def test_a_bad_parameter_is_a_short_error_and_nothing_is_written(project, changed, message):
    result = run(FRAME, pairs(("1", "reset", "a")), **changed)
    assert result.exit_code == 1
    assert message in result.stderr
    assert len(result.output.splitlines()) <= 10
    assert not Path("data/pair").exists() and not Path("metrics").exists()


GRADES = pd.DataFrame(
    {
        "pair_id": [p("1"), p("2"), p("3")],
        "grade": [3, 1, 0],
        "role": ["positive", "relevant", "irrelevant"],
    }
)


def graded_pairs():
    best = pairs(("1", "reset", "a"), ("2", "reset", "b"))
    return pd.concat([best, pairs(("3", "reset", "c"), score=0.0)], ignore_index=True)


def test_of_graded_pairs_the_positives_alone_are_built(project):
    result = run(FRAME, graded_pairs(), grades=GRADES)
    assert (result.exit_code, result.output) == (0, "")
    assert built()["pair_id"].tolist() == [p("1")]
    ledger = tables.read(Path("data/pair/ledger.parquet"), Ledger)
    assert dict(zip(ledger["row_id"], ledger["reason"], strict=True)) == {
        p("2"): "below_positive_grade",
        p("3"): "dissimilar",
    }
    dissimilar = tables.read(Path("data/pair/dissimilar_pairs.parquet"), Pairs)
    assert dissimilar["pair_id"].tolist() == [p("3")]


def test_grades_are_not_learned_as_scores(project):
    result = run(FRAME, graded_pairs(), grades=GRADES, shape="scores")
    assert result.exit_code == 1
    assert "pair.shape is 'scores', but 3 pairs have grades" in result.stderr
    assert "score_range" in result.stderr
    assert not Path("data/pair").exists()


def test_a_pair_that_a_person_judged_wrong_is_dropped_with_the_reason(project):
    given = pairs(("1", "restart it", "a"), ("2", "no picture", "b"))
    result = run(FRAME, given, wrong=[(p("1"), d("a")), (p("2"), d("c"))])
    assert (result.exit_code, result.output) == (0, "")
    assert list(built()["pair_id"]) == [p("2")]
    assert details()["dropped.judged_wrong"] == 1
    ledger = tables.read(Path("data/pair/ledger.parquet"), Ledger)
    assert ledger[["row_id", "action", "reason", "partner_id"]].to_numpy().tolist() == [
        [p("1"), "drop", "judged_wrong", d("a")]
    ]
