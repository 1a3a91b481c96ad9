"""Scores on any scale, grades, and splits that a source gives."""

import pytest
from pydantic import ValidationError

from stages.collect import table_settings
from stages.collect.labels import GradedPair, grade_rows
from stages.collect.records import document_id
from stages.lib.core.errors import UserError
from tests.collect.sources import table_source

GRADED = {"anchor": "q", "document_key": "d", "grade": "g"}
SPLIT = {"anchor": "q", "document_key": "d", "split": "s"}
SCORED = {"anchor": "q", "text": "a", "score": "s"}
KNOWN = {document_id("docs", str(key)) for key in range(1, 10)}


@pytest.fixture
def read_pairs(read):
    """Return a function that reads rows that lead to the documents 1 to 9 of the source `docs`."""

    def rows_of(content, columns, **settings):
        settings = {"documents_of": "docs", "known_documents": KNOWN, **settings}
        return read(content, columns=columns, **settings)

    return rows_of


def by_anchor(collected, table, column):
    """Return anchor and document key to a column of a table of labels."""
    key_of = {document_id("docs", str(key)): key for key in range(1, 10)}
    pairs = collected.pairs.frame().set_index("pair_id")
    labels = getattr(collected, table).frame()
    ids = labels.iloc[:, 0]
    return {
        (pairs.loc[pair_id, "anchor"], key_of[pairs.loc[pair_id, "doc_id"]]): value
        for pair_id, value in zip(ids, labels[column], strict=True)
    }


# Grades


def test_the_highest_grade_of_a_query_is_its_positive(read_pairs):
    rows = "q,d,g\nlow fever,1,3\nlow fever,2,1\nlow fever,3,0\nrash,1,2\nrash,4,2\ncough,5,0\n"
    collected = read_pairs(rows, GRADED)
    assert by_anchor(collected, "grades", "role") == {
        ("low fever", 1): "positive",
        ("low fever", 2): "relevant",
        ("low fever", 3): "irrelevant",
        ("rash", 1): "positive",
        ("rash", 4): "positive",
        ("cough", 5): "irrelevant",
    }
    assert by_anchor(collected, "grades", "grade")[("low fever", 1)] == 3
    pairs = collected.pairs.frame().set_index("pair_id")["score"]
    scores = {pair: pairs[pair] for pair in collected.grades["pair_id"]}
    assert sorted(scores.values()) == [0.0, 0.0, 1.0, 1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ["irrelevant", "relevant", "relevant", "positive"]),
        ({"relevant_from": 2}, ["irrelevant", "irrelevant", "relevant", "positive"]),
        ({"positive_grade": 2}, ["irrelevant", "relevant", "positive", "positive"]),
        ({"positive_grade": 9}, ["irrelevant", "relevant", "relevant", "relevant"]),
        ({"relevant_from": 5}, ["irrelevant"] * 4),
        (
            {"relevant_from": 2, "positive_grade": 2},
            ["irrelevant", "irrelevant", "positive", "positive"],
        ),
    ],
)
def test_the_limits_of_grades_can_be_set(settings, expected):
    source = table_source(columns=GRADED, documents_of="docs", **settings)
    pairs = sorted(GradedPair("q", -grade, f"p{grade}") for grade in range(4))
    role_of_pair = {row.pair_id: row.role for row in grade_rows(pairs, source)}
    assert [role_of_pair[f"p{grade}"] for grade in range(4)] == expected


@pytest.mark.parametrize("text", ["2", " 2 ", "2.0", "+2", "2e0", "002"])
def test_a_whole_number_is_a_grade_however_it_is_written(read_pairs, text):
    collected = read_pairs(f"q,d,g\nrash,1,{text}\n", GRADED)
    assert collected.grades["grade"].tolist() == [2]


@pytest.mark.parametrize("text", ["-1", "0.5", "2.5", "1e9", "-0.5"])
def test_a_number_that_is_no_grade_stops_and_names_the_row(read_pairs, text):
    with pytest.raises(UserError) as raised:
        read_pairs(f"q,d,g\nrash,1,2\nrash,2,{text}\n", GRADED)
    message = str(raised.value)
    assert f"data/raw/faq.csv, row 2: column 'g' holds '{text}'" in message
    assert "integers from 0 to 1,000,000" in message
    assert "collect.sources.faq.score_range" in message


@pytest.mark.parametrize("text", ["", "good", "nan", "-", "1_0", "NULL"])
def test_a_row_without_a_grade_is_rejected(read_pairs, text):
    collected = read_pairs(f"q,d,g\nrash,1,2\nrash,2,{text}\n", GRADED)
    assert collected.grades["grade"].tolist() == [2]
    assert collected.ledger.frame()["reason"].tolist() == ["bad_grade"]


def test_equal_anchors_are_one_query_whatever_their_case(read_pairs):
    collected = read_pairs("q,d,g\nLow fever,1,3\nlow fever,2,1\n", GRADED)
    assert sorted(by_anchor(collected, "grades", "role").items()) == [
        (("Low fever", 1), "positive"),
        (("low fever", 2), "relevant"),
    ]


def test_held_out_grades_do_not_decide_what_is_trained_on(read_pairs):
    rows = "q,d,g,s\nrash,1,3,test\nrash,2,1,train\nrash,3,0,train\n"
    collected = read_pairs(rows, {**GRADED, "split": "s"})
    assert by_anchor(collected, "grades", "role") == {
        ("rash", 1): "positive",
        ("rash", 2): "positive",
        ("rash", 3): "irrelevant",
    }


# Scores


def test_a_range_maps_scores_linearly(read):
    collected = read("q,a,s\na,One.,1\nb,Two.,3\nc,Three.,5\n", columns=SCORED, score_range=[1, 5])
    pairs = collected.pairs.frame().set_index("anchor")["score"]
    assert pairs.to_dict() == {"a": 0.0, "b": 0.5, "c": 1.0}


@pytest.mark.parametrize(
    ("rows", "settings", "facts"),
    [
        (
            "a,One.,0.5\nb,Two.,4\nc,Three.,-1\n",
            {},
            ["row 2", "'4'", "2 of its 3 scores", "outside 0 to 1", "score_range: [-1, 4]"],
        ),
        ("a,One.,80\nb,Two.,100\n", {}, ["row 1", "2 of its 2 scores", "[80, 100]"]),
        ("a,One.,2\nb,Two.,2\n", {}, ["they run from 2 to 2", "score_range: [0, 2]"]),
        (
            "a,One.,1\nb,Two.,6\n",
            {"score_range": [1, 5]},
            ["row 2", "1 of its 2", "outside 1 to 5", "collect.sources.faq.score_range"],
        ),
    ],
)
def test_scores_on_another_scale_stop_with_their_range_and_the_key(read, rows, settings, facts):
    with pytest.raises(UserError) as raised:
        read("q,a,s\n" + rows, columns=SCORED, **settings)
    message = str(raised.value)
    for fact in ["data/raw/faq.csv", "column 's'", *facts]:
        assert fact in message
    assert "set collect.sources.faq.score_range: [" in raised.value.remedy


def test_words_are_scores_by_their_names(read):
    names = {"entailment": 1, "Neutral": 0.5, "contradiction": 0}
    rows = "q,a,s\na,One.,entailment\nb,Two.,neutral\nc,Three., Contradiction\nd,Four.,-\n"
    collected = read(rows, columns=SCORED, score_names=names)
    scores = collected.pairs.frame().set_index("anchor")["score"]
    assert scores.to_dict() == {"a": 1.0, "b": 0.5, "c": 0.0}
    assert collected.ledger.dropped() == {"bad_score": 1}


def test_words_of_lists_are_scores_on_the_scale_of_the_source(read):
    row = '{"q": "a", "a": ["One.", "Two.", "Three."], "s": ["good", "bad", 4]}'
    columns = {"anchor": "q", "positive": "a", "score": "s"}
    settings = {"score_names": {"good": 5, "bad": 1}, "score_range": [1, 5]}
    collected = read(row, columns=columns, file="faq.jsonl", **settings)
    assert sorted(collected.pairs.frame()["score"]) == [0.0, 0.75, 1.0]


# Splits


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"),
        ("Training", "train"),
        ("validation", "validation"),
        ("valid", "validation"),
        ("VAL", "validation"),
        ("dev", "validation"),
        ("development", "validation"),
        (" test ", "test"),
    ],
)
def test_usual_names_of_splits_need_no_mapping(read_pairs, name, split):
    assert by_anchor(read_pairs(f"q,d,s\nrash,1,{name}\n", SPLIT), "given_splits", "split") == {
        ("rash", 1): split
    }


def test_other_names_are_mapped_and_rows_without_one_have_none(read_pairs):
    names = {"A": "train", "eval": "test", "pool": None, "dev": "train"}
    rows = "q,d,s\nrash,1,a\ncough,2,eval\nfever,3,pool\npain,4,\nitch,5,dev\n"
    collected = read_pairs(rows, SPLIT, split_names=names)
    assert by_anchor(collected, "given_splits", "split") == {
        ("rash", 1): "train",
        ("cough", 2): "test",
        ("itch", 5): "train",
    }


def test_an_unknown_split_names_row_column_and_key(read_pairs):
    with pytest.raises(UserError) as raised:
        read_pairs("q,d,s\nrash,1,train\ncough,2,gold\n", SPLIT)
    assert "data/raw/faq.csv, row 2: column 's' holds 'gold'" in str(raised.value)
    assert "collect.sources.faq.split_names: {gold: train}" in raised.value.remedy


def test_a_whole_file_can_be_one_split(read_pairs):
    collected = read_pairs(
        "q,d\nrash,1\ncough,2\n", {"anchor": "q", "document_key": "d"}, split="test"
    )
    assert collected.given_splits["split"].tolist() == ["test", "test"]


def test_a_held_out_pair_of_a_missing_document_stays_as_a_miss(read_pairs):
    rows = "q,d,s\nrash,1,test\nrash,77,test\ncough,78,dev\nfever,79,train\npain,80,\n"
    collected = read_pairs(rows, SPLIT)
    assert sorted(collected.pairs["anchor"]) == ["cough", "rash", "rash"]
    ledger = collected.ledger.frame()
    lines = ledger[["action", "reason", "after"]].to_numpy().tolist()
    assert sorted(lines) == [
        ["drop", "unknown_document", "data/raw/faq.csv, line 5"],
        ["drop", "unknown_document", "data/raw/faq.csv, line 6"],
        ["note", "missing_document", "77"],
        ["note", "missing_document", "78"],
    ]


def test_a_file_that_names_no_known_document_is_an_error(read_pairs):
    with pytest.raises(UserError, match=r"2 rows can be used \(missing_document 2\)"):
        read_pairs("q,d,s\nrash,77,test\ncough,78,dev\n", SPLIT)


# Settings

DOCUMENTS = table_source(columns={"key": "id", "text": "t"})


@pytest.mark.parametrize(
    ("name", "columns", "settings", "fact"),
    [
        ("faq", {**GRADED, "score": "s"}, {}, "maps both score and grade"),
        ("faq", SPLIT, {"split": "test"}, "has both split and columns.split"),
        ("faq", {"text": "t"}, {"split": "test"}, "split has no meaning without anchors"),
        ("faq", {"text": "t", "split": "s"}, {}, "columns.split has no meaning beside text"),
        ("faq", {"text": "t", "grade": "g"}, {}, "columns.grade has no meaning beside text"),
        ("faq", GRADED, {"split_names": {"a": "test"}}, "split_names has no meaning without"),
        ("faq", SPLIT, {"relevant_from": 2}, "relevant_from has no meaning without"),
        ("faq", SPLIT, {"positive_grade": 2}, "positive_grade has no meaning without"),
        ("faq", GRADED, {"score_range": [0, 5]}, "score_range has no meaning without"),
        ("faq", GRADED, {"score_names": {"a": 1}}, "score_names has no meaning without"),
        ("out_of_domain", {"anchor": "q", "text": "t", "split": "s"}, {}, "out_of_domain.split"),
        ("out_of_domain", {"anchor": "q", "text": "t", "grade": "g"}, {}, "domain.columns.grade"),
    ],
)
def test_labels_without_effect_are_refused_by_name(name, columns, settings, fact):
    documents_of = {"documents_of": "docs"} if "document_key" in columns else {}
    source = table_source(columns=columns, **documents_of, **settings)
    with pytest.raises(UserError, match=fact):
        table_settings.check_settings(name, source, {"docs": DOCUMENTS})


@pytest.mark.parametrize(
    "settings",
    [
        {"split": "dev"},
        {"split_names": {"a": "dev"}},
        {"relevant_from": 0},
        {"positive_grade": 0},
        {"relevant_from": 3, "positive_grade": 2},
        {"score_names": {"a": float("nan")}},
        {"score_range": [1]},
        {"score_range": [5, 1]},
        {"score_range": [1, 1]},
        {"score_range": [0, float("inf")]},
        {"score_range": [float("nan"), 1]},
    ],
)
def test_values_out_of_range_are_refused(settings):
    with pytest.raises(ValidationError):
        table_source(columns=GRADED, documents_of="docs", **settings)
