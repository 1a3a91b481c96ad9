"""The reader of one's own files."""

import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.collect import record_rows, table_settings
from stages.collect.kinds import table
from stages.collect.records import document_id, pair_id
from stages.collect.source import ReadRequest
from stages.lib.core.errors import UserError
from tests.collect.sources import FAQ, table_source

# The three shapes


def test_rows_have_parents_and_a_missing_parent_is_noted(read):
    rows = "id,name,above\n1,Shoes,\n2,Boots,1\n3,Clogs,9\n4,Socks,4\n5,,1\n2,Boots again,1\n,No key,1\n"
    collected = read(rows, columns={"key": "id", "text": "name", "parent": "above"})
    keyless = document_id("faq", "No key", "0")
    first = document_id("faq", "1")
    assert sorted(collected.hierarchy.frame().to_numpy().tolist()) == sorted(
        [[document_id("faq", "2"), first], [keyless, first]]
    )
    notes = collected.ledger.frame().query("reason == 'bad_parent'")
    assert dict(zip(notes["row_id"], notes["after"], strict=True)) == {
        document_id("faq", "3"): "9",
        document_id("faq", "4"): "4",
    }
    assert len(collected.documents) == 5


def test_a_parent_needs_keys_and_documents():
    with pytest.raises(UserError, match=r"columns\.parent names rows by their key"):
        table_settings.check_settings(
            "faq", table_source(columns={"text": "name", "parent": "above"}), {}
        )
    pairs = table_source(
        columns={"anchor": "a", "document_key": "k", "parent": "p"}, documents_of="other"
    )
    with pytest.raises(UserError, match=r"columns\.parent has no meaning"):
        table_settings.check_settings(
            "faq", pairs, {"other": table_source(columns={"key": "id", "text": "name"})}
        )


def test_text_alone_gives_documents(read):
    collected = read(
        "id,body,name\n007,Bonds are debt.,Bonds\n",
        columns={"key": "id", "text": "body", "title": "name"},
    )
    assert collected.documents.frame().to_dict("records") == [
        {
            "doc_id": document_id("faq", "007"),
            "source": "faq",
            "title": "Bonds",
            "text": "Bonds are debt.",
            "topic": "",
            "group": "",
        }
    ]
    assert len(collected.pairs) == 0


def test_question_and_answer_give_a_document_and_a_pair(read):
    collected = read("id,question,answer\n1,What?,That.\n", columns={**FAQ, "key": "id"})
    assert collected.documents["text"].tolist() == ["That."]
    assert collected.pairs.frame().to_dict("records") == [
        {
            "pair_id": pair_id("faq", "1"),
            "anchor": "What?",
            "doc_id": document_id("faq", "1"),
            "relation": "",
            "score": 1.0,
            "source": "faq",
        }
    ]


def test_anchor_and_document_key_give_pairs_to_another_source(read):
    known_documents = {document_id("manual", "a")}
    columns = {"anchor": "q", "document_key": "k", "relation": "kind", "score": "s"}
    collected = read(
        "q,k,kind,s\nhow?,a,lay,0.5\nwhy?,b,lay,1\n",
        columns=columns,
        documents_of="manual",
        known_documents=known_documents,
    )
    assert len(collected.documents) == 0
    assert collected.pairs.frame()[["anchor", "doc_id", "relation", "score"]].values.tolist() == [
        ["how?", document_id("manual", "a"), "lay", 0.5]
    ]
    assert collected.ledger.dropped() == {"unknown_document": 1}


# Ids


def test_a_row_has_its_own_key_or_its_texts_and_an_ordinal():
    keys = record_rows.RowKeys()
    assert keys.key("pair", "7", "What?", "d1") == ("7",)
    assert keys.key("pair", "", "What?", "d1") == ("What?", "d1", "0")
    assert keys.key("pair", "", "What?", "d1") == ("What?", "d1", "1")
    assert keys.key("document", "", "What?", "d1") == ("What?", "d1", "0")


def test_without_a_key_the_id_is_of_the_raw_text_and_an_ordinal(read):
    collected = read("question,answer\nA?,Yes.\nB?,Yes.\n")
    assert set(collected.documents["doc_id"]) == {
        document_id("faq", "Yes.", "0"),
        document_id("faq", "Yes.", "1"),
    }
    assert collected.pairs["pair_id"].nunique() == 2


def test_a_changed_text_under_the_same_key_keeps_its_id(read):
    columns = {**FAQ, "key": "id"}
    before = read("id,question,answer\n1,What?,That.\n", columns=columns)
    after = read("id,question,answer\n0,New?,New.\n1,What?,This.\n", columns=columns)
    assert set(before.documents["doc_id"]) < set(after.documents["doc_id"])
    assert set(before.pairs["pair_id"]) < set(after.pairs["pair_id"])


def test_a_name_of_a_source_is_part_of_the_id(tmp_path):
    (tmp_path / "faq.csv").write_text("question,answer\nA?,Yes.\n", "utf-8")
    one, other = (
        table.read_files(table_source(), ReadRequest(name, tmp_path)).documents["doc_id"][0]
        for name in ("one", "other")
    )
    assert one != other


CELL = st.sampled_from(["", " ", "a", "b", "0.5", "2", "1"])
SCORE = st.sampled_from(["", " ", "a", "0.5", "0", "1"])
ROWS = st.lists(st.tuples(CELL, CELL, CELL, SCORE), min_size=1, max_size=12)
KEYED = {"key": "id", "anchor": "question", "text": "answer", "score": "score"}


def outcome(folder: Path, rows, columns) -> tuple[list, list, list, int, int] | str:
    pd.DataFrame(rows, columns=["id", "question", "answer", "score"]).to_csv(
        folder / "faq.csv", index=False
    )
    try:
        collected = table.read_files(table_source(columns=columns), ReadRequest("faq", folder))
    except UserError as problem:
        return str(problem)
    tables = [
        sorted(frame.astype(str).values.tolist())
        for frame in (
            collected.documents.frame(),
            collected.pairs.frame(),
            collected.ledger.frame().drop(columns="after"),
        )
    ]
    return (*tables, collected.records_read, collected.records_kept)


@given(rows=ROWS, columns=st.sampled_from([KEYED, FAQ]), data=st.data())
def test_shuffling_rows_changes_nothing(tmp_path_factory, rows, columns, data):
    folder = tmp_path_factory.mktemp("raw")
    shuffled = data.draw(st.permutations(rows))
    assert outcome(folder, rows, columns) == outcome(folder, shuffled, columns)


@given(rows=ROWS, columns=st.sampled_from([KEYED, FAQ]))
def test_every_row_is_kept_or_stands_in_the_ledger(tmp_path_factory, rows, columns):
    result = outcome(tmp_path_factory.mktemp("raw"), rows, columns)
    if isinstance(result, str):
        assert f"none of its {len(rows)} rows can be used" in result
        return
    documents, pairs, ledger, records, kept = result
    drops = [row for row in ledger if row[3] == "drop"]
    without_anchor = [row for row in ledger if row[4] == "empty_anchor"]
    assert records == len(rows) == kept + len(drops)
    assert kept == len(documents) == len(pairs) + len(without_anchor)
    assert len(ledger) == len(drops) + len(without_anchor)
    assert len({row[0] for row in documents}) == len(documents)
    assert len({row[0] for row in pairs}) == len(pairs)
    assert len({row[0] for row in ledger}) == len(ledger)


# Rejected rows


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1,What?, ,1", "empty_text"),
        ("1,,,1", "empty_text"),
        ("1,What?,That.,nan", "bad_score"),
        ("1,What?,That.,0_1", "bad_score"),  # Python would read it as 1
        ("1,What?,That.,", "bad_score"),
        ("good,What?,That.,1", "duplicate_key"),
    ],
)
def test_a_row_that_cannot_be_used_is_rejected_with_its_reason(read, row, reason):
    collected = read(f"id,question,answer,score\ngood,Good?,Good.,1\n{row}\n", columns=KEYED)
    assert collected.ledger.dropped() == {reason: 1}
    assert collected.pairs["anchor"].tolist() == ["Good?"]
    line = collected.ledger.frame().iloc[0]
    assert line["row_id"].startswith("r")
    assert json.loads(line["before"]) == dict(
        zip(("id", "question", "answer", "score"), row.split(","), strict=True)
    )


# Times


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31", "2026-01-31T00:00:00.000000Z"),
        ("2026-01-31T10:20:30.5", "2026-01-31T10:20:30.500000Z"),
        ("2026-01-31 10:20Z", "2026-01-31T10:20:00.000000Z"),
        (" 2026-01-31T01:00+02:00 ", "2026-01-30T23:00:00.000000Z"),
        ("0999-01-01", "0999-01-01T00:00:00.000000Z"),
        ("31.01.2026", ""),
        ("yesterday", ""),
        ("0001-01-01T00:00+02:00", ""),
        ("", ""),
    ],
)
def test_a_time_is_given_in_utc(text, expected):
    assert record_rows.to_utc(text) == expected


def test_a_document_and_its_pair_have_the_time_of_their_row(read):
    columns = {**FAQ, "key": "id", "time": "asked"}
    collected = read(
        "id,question,answer,asked\n1,A?,a,2026-01-31\n2,B?,b,\n3,C?,c,then\n", columns=columns
    )
    time = "2026-01-31T00:00:00.000000Z"
    assert collected.times.frame().to_numpy().tolist() == [
        [document_id("faq", "1"), time],
        [pair_id("faq", "1"), time],
    ]
    assert collected.pairs["anchor"].tolist() == ["A?", "B?"]
    assert collected.ledger.dropped() == {"bad_time": 1}


def test_a_duplicate_key_names_the_row_that_was_kept(read):
    collected = read("id,question,answer\n1,B?,b\n1,A?,a\n", columns={**FAQ, "key": "id"})
    assert collected.ledger.frame()["partner_id"].tolist() == collected.pairs["pair_id"].tolist()


def test_equal_rejected_rows_each_have_a_line(read):
    collected = read("question,answer\nA?,\nA?,\nB?,b\n")
    assert collected.ledger.frame()["row_id"].nunique() == 2


# Values


def test_values_stay_the_strings_that_stand_in_the_file(read):
    columns = {"key": "id", "text": "text", "topic": "topic"}
    collected = read("id,text,topic\n1,001,1e5\n2,NA,true\n3,null,\n", columns=columns)
    assert collected.documents.frame().sort_values("text")[["text", "topic"]].values.tolist() == [
        ["001", "1e5"],
        ["NA", "true"],
        ["null", ""],
    ]


def test_numbers_in_jsonl_keep_their_spelling(read):
    lines = (
        '{"answer": 1.10, "question": "a"}\n\n{"answer": true, "question": 12345678901234567890}\n'
    )
    collected = read(lines, "faq.jsonl")
    assert sorted(collected.documents["text"]) == ["1.10", "true"]
    assert sorted(collected.pairs["anchor"]) == ["12345678901234567890", "a"]


def test_parquet_is_read_like_the_others(read, tmp_path):
    frame = pd.DataFrame({"question": ["a", None], "answer": [7, 8], "unmapped": [[1.0], [2.0]]})
    frame.to_parquet(tmp_path / "frame.parquet")
    collected = read((tmp_path / "frame.parquet").read_bytes(), "faq.parquet")
    assert sorted(collected.documents["text"]) == ["7", "8"]
    assert collected.pairs["anchor"].tolist() == ["a"]
    assert collected.ledger.dropped() == {}


def test_quoted_fields_hold_delimiters_quotes_and_line_breaks(read):
    collected = read('question,answer\r\n"a, ""b""","line\nline"\r\n')
    assert collected.pairs["anchor"].tolist() == ['a, "b"']
    assert collected.documents["text"].tolist() == ["line\nline"]


def test_a_byte_order_mark_is_no_part_of_the_header(read):
    collected = read(b"\xef\xbb\xbfquestion,answer\na,b\n")
    assert len(collected.pairs) == 1


def test_other_encodings_and_delimiters_can_be_set(read):
    collected = read(
        "question;answer\nWo?;Köln\n".encode("cp1252"), encoding="cp1252", delimiter=";"
    )
    assert collected.documents["text"].tolist() == ["Köln"]


def test_utf_16_can_be_set(read):
    assert (
        read("question,answer\nWo?,Köln\n".encode("utf-16"), encoding="utf-16").documents["text"][0]
        == "Köln"
    )


def test_tsv_is_split_at_tabs(read):
    assert read("question\tanswer\na, b\tc\n", "faq.tsv").pairs["anchor"].tolist() == ["a, b"]


def test_fields_may_be_longer_than_the_csv_module_allows(read):
    assert len(read(f"question,answer\na,{'x' * 200_000}\n").documents["text"][0]) == 200_000


def test_a_nul_byte_ends_neither_the_field_nor_the_file(read):
    collected = read(b"question,answer\na,b\0c\nd,e\n")
    assert sorted(collected.documents["text"]) == ["b\0c", "e"]


# Parameters


@pytest.mark.parametrize(
    ("file", "columns", "others", "fact"),
    [
        ("../faq.csv", FAQ, {}, "is not under data/raw/"),
        ("faq.xls", FAQ, {}, "ends in none of .csv, .tsv, .jsonl, .json, .parquet, .xlsx"),
        ("faq.jsonl", FAQ, {"delimiter": ";"}, "delimiter has no meaning for a .jsonl file"),
        ("faq.csv", {"anchor": "q"}, {}, "columns maps anchor"),
        ("faq.csv", {}, {}, "columns maps nothing"),
        (
            "faq.csv",
            {**FAQ, "document_key": "k"},
            {"documents_of": "manual"},
            "columns maps anchor, document_key, text",
        ),
        ("faq.csv", {"text": "a", "score": "s"}, {}, "columns.score has no meaning beside text"),
        (
            "faq.csv",
            {"anchor": "q", "document_key": "k", "topic": "t"},
            {},
            "columns.topic has no meaning",
        ),
        (
            "faq.csv",
            {"anchor": "q", "document_key": "k"},
            {},
            "only one of columns.document_key and documents_of",
        ),
        (
            "faq.csv",
            FAQ,
            {"documents_of": "manual"},
            "only one of columns.document_key and documents_of",
        ),
        (
            "faq.csv",
            {"anchor": "q", "document_key": "k"},
            {"documents_of": "x"},
            "'x' is no other source\n.*manual, notes",
        ),
        (
            "faq.csv",
            {"anchor": "q", "document_key": "k"},
            {"documents_of": "faq"},
            "'faq' is no other source",
        ),
        (
            "faq.csv",
            {"anchor": "q", "document_key": "k"},
            {"documents_of": "notes"},
            "'notes' has no keyed documents",
        ),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(file, columns, others, fact):
    sources = {
        "manual": table_source(columns={"key": "id", "text": "t"}),
        "notes": table_source(columns={"text": "t"}),
    }
    with pytest.raises(UserError, match=fact):
        table_settings.check_settings("faq", table_source(file, columns, **others), sources)


def test_an_absolute_path_is_refused():
    absolute = table_source().model_copy(update={"path": "/etc/faq.csv"})
    with pytest.raises(UserError, match="is not under data/raw/"):
        table_settings.check_settings("faq", absolute, {})


def test_settings_of_all_three_shapes_pass():
    manual = table_source(columns={"key": "id", "text": "t"})
    table_settings.check_settings("manual", manual, {})
    table_settings.check_settings("faq", table_source(), {})
    columns = {"anchor": "q", "document_key": "k", "relation": "r", "score": "s", "key": "i"}
    table_settings.check_settings(
        "queries", table_source(columns=columns, documents_of="manual"), {"manual": manual}
    )


TITLED = {"key": "id", "title": "name", "text": "body"}


def test_a_title_alone_is_a_document_where_titles_are_embedded(read):
    rows = "id,name,body\n1,Oak table,\n2,,\n3,Ash table,  \n4,,Hold it.\n"
    collected = read(rows, columns=TITLED, template="{title}\n{text}")
    assert set(collected.documents["title"]) == {"Oak table", "Ash table", ""}
    assert collected.ledger.dropped() == {"empty_text": 1}

    # Without titles in the template there is nothing to embed.
    collected = read(rows, columns=TITLED)
    assert collected.ledger.dropped() == {"empty_text": 3}


def test_titles_alone_without_keys_have_ids_of_their_own(read):
    columns = {"title": "name", "text": "body"}
    collected = read("name,body\nOak,\nAsh,\n", columns=columns, template="{title} {text}")
    ids = dict(zip(collected.documents["title"], collected.documents["doc_id"], strict=True))
    assert ids == {
        "Oak": document_id("faq", "", "Oak", "0"),
        "Ash": document_id("faq", "", "Ash", "0"),
    }
