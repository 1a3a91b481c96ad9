"""Positives and negatives beside an anchor, alone and in lists."""

import json

import pytest

from stages.collect import table_settings
from stages.collect.records import document_id, pair_id
from stages.lib.core.errors import UserError
from tests.collect.sources import table_source

TRIPLET = {"anchor": "q", "positive": "pos", "negative": "neg"}


def lines(*rows) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def by_text(collected, column="score") -> list[tuple]:
    """Return (anchor, text of the document, column) of each pair."""
    text_of = collected.documents.frame().set_index("doc_id")["text"].to_dict()
    pairs = collected.pairs
    return sorted(
        (anchor, text_of[doc_id], value)
        for anchor, doc_id, value in zip(
            pairs["anchor"], pairs["doc_id"], pairs[column], strict=True
        )
    )


def roles(collected) -> list[tuple]:
    """Return (anchor, text of the document, grade, role) of each pair with a grade."""
    pairs = (
        collected.pairs.frame()
        .merge(collected.grades.frame(), on="pair_id")
        .merge(collected.documents.frame(), on="doc_id")
    )
    return sorted(pairs[["anchor", "text", "grade", "role"]].itertuples(index=False, name=None))


def test_a_triplet_gives_a_positive_and_a_labelled_negative(read):
    collected = read("q,pos,neg\nWo?,Hier.,Nie.\nWann?,Jetzt.,Nie.\n", columns=TRIPLET)
    assert by_text(collected) == [
        ("Wann?", "Jetzt.", 1.0),
        ("Wann?", "Nie.", 0.0),
        ("Wo?", "Hier.", 1.0),
        ("Wo?", "Nie.", 0.0),
    ]
    assert roles(collected) == [
        ("Wann?", "Jetzt.", 1, "positive"),
        ("Wann?", "Nie.", 0, "irrelevant"),
        ("Wo?", "Hier.", 1, "positive"),
        ("Wo?", "Nie.", 0, "irrelevant"),
    ]
    # The same negative is one document.
    assert sorted(collected.documents["text"]) == ["Hier.", "Jetzt.", "Nie."]


def test_lists_of_positives_and_negatives(read):
    rows = [
        {"q": "fever?", "pos": ["Rest.", "Drink."], "neg": ["Run.", "Rest well."]},
        {"q": "rash?", "pos": ["Cream."], "neg": []},
        {"q": "כאב?", "pos": "מנוחה", "neg": None},
    ]
    collected = read(lines(*rows), "faq.jsonl", TRIPLET)
    assert roles(collected) == [
        ("fever?", "Drink.", 1, "positive"),
        ("fever?", "Rest well.", 0, "irrelevant"),
        ("fever?", "Rest.", 1, "positive"),
        ("fever?", "Run.", 0, "irrelevant"),
        ("rash?", "Cream.", 1, "positive"),
        ("כאב?", "מנוחה", 1, "positive"),
    ]
    assert collected.records_read == collected.records_kept == 3


def test_the_first_positive_has_the_key_of_its_row(read):
    columns = {**TRIPLET, "key": "id"}
    row = {"id": "7", "q": "a?", "pos": ["x", "y", "y"], "neg": ["z"]}
    collected = read(lines(row), "faq.jsonl", columns)
    assert set(collected.documents["doc_id"]) == {
        document_id("faq", "7"),
        document_id("faq", "7", "positive", "y", "0"),
        document_id("faq", "7", "positive", "y", "1"),
        document_id("faq", "z", "0"),
    }
    assert pair_id("faq", "7") in set(collected.pairs["pair_id"])

    # One positive is read as a text is.
    plain = read("id,q,pos\n7,a?,x\n", columns={"key": "id", "anchor": "q", "text": "pos"})
    listed = read(
        lines({"id": 7, "q": "a?", "pos": ["x"]}), "f.jsonl", {**columns, "negative": None}
    )
    assert plain.documents.frame().equals(listed.documents.frame()) and plain.pairs.frame().equals(
        listed.pairs.frame()
    )


def test_a_negative_that_answers_another_row_is_its_document(read):
    collected = read("q,pos,neg\na?,A.,B.\nb?,B.,A.\n", columns=TRIPLET)
    assert sorted(collected.documents["text"]) == ["A.", "B."]
    assert collected.pairs["pair_id"].nunique() == len(collected.pairs) == 4


def test_the_order_of_rows_changes_no_id(read):
    rows = [
        {"q": "a?", "pos": ["A.", "B."], "neg": ["C.", "D."]},
        {"q": "b?", "pos": ["C."], "neg": ["A.", "D."]},
        {"q": "a?", "pos": ["A."], "neg": ["C."]},
    ]
    first = read(lines(*rows), "faq.jsonl", TRIPLET)
    again = read(lines(*rows[::-1]), "faq.jsonl", TRIPLET)
    for table in ("documents", "pairs", "grades"):
        assert list(getattr(first, table)) == list(getattr(again, table))
    assert first.pairs["pair_id"].nunique() == len(first.pairs)
    assert first.documents["doc_id"].nunique() == len(first.documents)


def test_the_scores_of_a_list_belong_to_its_texts(read):
    columns = {**TRIPLET, "score": "s"}
    rows = [
        {"q": "a?", "pos": ["x", "", "y"], "s": [0.5, 0.1, 1], "neg": ["z"]},
        {"q": "b?", "pos": ["u", "v"], "s": 0.25, "neg": []},
        {"q": "c?", "pos": ["t", "w"], "s": [1, "high"], "neg": []},
    ]
    collected = read(lines(*rows), "faq.jsonl", columns)
    assert by_text(collected) == [
        ("a?", "x", 0.5),
        ("a?", "y", 1.0),
        ("a?", "z", 0.0),
        ("b?", "u", 0.25),
        ("b?", "v", 0.25),
        ("c?", "t", 1.0),
    ]
    # Beside scores the negatives alone have a grade.
    assert roles(collected) == [("a?", "z", 0, "irrelevant")]
    notes = collected.ledger.frame()[["action", "reason", "after"]].to_numpy().tolist()
    assert notes == [["note", "bad_score", "w"]]


def test_grades_of_a_list(read):
    columns = {**TRIPLET, "grade": "g"}
    row = {"q": "a?", "pos": ["x", "y"], "g": [3, 1], "neg": ["z"]}
    assert roles(read(lines(row), "faq.jsonl", columns)) == [
        ("a?", "x", 3, "positive"),
        ("a?", "y", 1, "relevant"),
        ("a?", "z", 0, "irrelevant"),
    ]


def test_negatives_are_in_the_split_of_their_row(read):
    columns = {**TRIPLET, "split": "s"}
    rows = "q,pos,neg,s\na?,A.,N.,train\nb?,B.,N.,test\nb?,C.,N.,train\n"
    collected = read(rows, columns=columns)
    pairs = collected.pairs.frame().merge(
        collected.given_splits.frame(), left_on="pair_id", right_on="id"
    )
    negatives = pairs[pairs["score"] == 0.0]
    assert sorted(zip(negatives["anchor"], negatives["split"], strict=True)) == [
        ("a?", "train"),
        ("b?", "test"),
        ("b?", "train"),
    ]


@pytest.mark.parametrize(
    ("row", "documents", "pairs", "notes", "dropped"),
    [
        (["", "A.", "N."], ["A.", "N."], 0, ["empty_anchor"], {}),
        (["a?", "", "N."], ["N."], 1, ["empty_text"], {}),
        (["a?", "A.", ""], ["A."], 1, [], {}),
        ([" ", "A.", ""], ["A."], 0, ["empty_anchor"], {}),
        (["a?", "", ""], [], 0, [], {"empty_text": 1}),
        (["", "", "N."], [], 0, [], {"empty_text": 1}),
        (["", "", ""], [], 0, [], {"empty_text": 1}),
    ],
)
def test_a_row_keeps_what_it_says(read, row, documents, pairs, notes, dropped):
    collected = read(f"q,pos,neg\nk?,K.,\n{','.join(row)}\n", columns=TRIPLET)
    assert sorted(collected.documents["text"]) == sorted([*documents, "K."])
    assert len(collected.pairs) == pairs + 1
    assert collected.ledger.dropped() == dropped
    ledger = collected.ledger.frame()
    assert ledger.loc[ledger["action"] == "note", "reason"].tolist() == notes


@pytest.mark.parametrize(
    ("row", "fact"),
    [
        ({"q": ["a"], "pos": "x", "neg": []}, "column 'q' holds a list, not a text"),
        ({"q": "a", "pos": [["x"]], "neg": []}, "column 'pos' holds a list"),
        ({"q": "a", "pos": [{"text": "x"}], "neg": []}, "column 'pos' holds a dict"),
        ({"q": "a", "pos": {"x": 1}, "neg": []}, "column 'pos' holds a dict"),
        ({"q": "a", "pos": ["x"], "neg": [[]]}, "column 'neg' holds a list"),
    ],
)
def test_what_is_no_list_of_texts_is_named(read, row, fact):
    with pytest.raises(UserError, match=f"data/raw/faq.jsonl, line 1: {fact}"):
        read(lines(row), "faq.jsonl", TRIPLET)


def test_a_list_of_scores_of_another_length_is_named(read):
    row = {"q": "a", "pos": ["x", "y"], "s": [1], "neg": []}
    with pytest.raises(UserError, match="line 1: column 's' holds 1 values where 'pos' holds 2"):
        read(lines(row), "faq.jsonl", {**TRIPLET, "score": "s"})


@pytest.mark.parametrize(
    ("name", "columns", "fact"),
    [
        ("faq", {"anchor": "q", "text": "a", "positive": "b"}, "maps both text and positive"),
        ("faq", {"positive": "b", "negative": "c"}, "columns.negative has no meaning beside"),
        ("faq", {"anchor": "q", "negative": "c"}, "columns maps anchor, negative"),
        ("out_of_domain", TRIPLET, "out_of_domain.columns.negative has no meaning"),
    ],
)
def test_mappings_that_make_no_sense_are_refused(name, columns, fact):
    with pytest.raises(UserError, match=fact):
        table_settings.check_settings(name, table_source(columns=columns), {})


def test_negatives_need_documents_of_their_own_source():
    source = table_source(
        columns={"anchor": "q", "document_key": "k", "negative": "n"}, documents_of="docs"
    )
    documents = table_source(columns={"key": "id", "text": "t"})
    with pytest.raises(UserError, match=r"columns.negative has no meaning beside"):
        table_settings.check_settings("faq", source, {"docs": documents})
