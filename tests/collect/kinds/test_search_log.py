"""Search logs: clicks added up by query and document."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.collect.kinds.clicks import position_name, query_name, to_count
from stages.collect.records import document_id
from stages.lib.core.errors import UserError
from tests.collect.kinds.reading import contents, left_out, lines, read
from tests.properties import examples

DOCUMENTS = {"reader": "table", "path": "data/raw/d.csv", "columns": {"key": "id", "text": "text"}}
KNOWN = {document_id("docs", key) for key in ("1", "2", "001")}
COLUMNS = {"query": "q", "document": "d"}


def log(content, rows="clicks", columns=None, file="log.csv", **settings):
    """Return the rows of a log that leads to the documents 1, 2 and 001 of another source."""
    source = {
        "reader": "search_log",
        "path": f"data/raw/{file}",
        "rows": rows,
        "columns": {**COLUMNS, **(columns or {})},
        "documents_of": "docs",
        **settings,
    }
    return read(source, {file: content}, sources={"docs": DOCUMENTS}, known_documents=KNOWN)


def shares(rows):
    """Return (query, number of the document, share of clicks)."""
    key_of_id = {document_id("docs", key): key for key in ("1", "2", "001", "9")}
    return sorted(
        (pair.anchor, key_of_id[pair.doc_id], round(pair.score, 4))
        for pair in rows.pairs.frame().itertuples()
    )


TOTALS = {"clicks": "c", "impressions": "i"}
# Literals: the log, what its rows are, other columns, and the shares.
LOGS = [
    ("q,d\na,1\na,1\na,2\nb,2\n", "clicks", {}, [("a", "1", 0.6667), ("a", "2", 0.3333), ("b", "2", 1.0)]),
    ("q,d,c\na,1,1\na,1,0\na,2,1\n", "impressions", {"clicks": "c"}, [("a", "1", 0.5), ("a", "2", 1.0)]),
    ("q,d,c\na,1,true\na,1,False\n", "impressions", {"clicks": "c"}, [("a", "1", 0.5)]),
    # Several clicks on one result that was shown once.
    ("q,d,c\na,1,3\na,1,0\n", "impressions", {"clicks": "c"}, [("a", "1", 0.5)]),
    ("q,d,c,i\na,1,2,10\na,1,3,10\n", "totals", TOTALS, [("a", "1", 0.25)]),
    ("q,d,c,i\na,1,2,2.0\n", "totals", TOTALS, [("a", "1", 1.0)]),
    ("q,d,c\na,1,30\na,2,10\n", "totals", {"clicks": "c"}, [("a", "1", 0.75), ("a", "2", 0.25)]),
    # Spaces, case and the form of characters make no other query; the most frequent spelling stays.
    ("q,d\nReset Password,1\n reset  password ,1\nReset Password,1\n", "clicks", {}, [("Reset Password", "1", 1.0)]),
    ("q,d\nstraße,1\nSTRASSE,1\nstraße,2\n", "clicks", {}, [("straße", "1", 0.6667), ("straße", "2", 0.3333)]),
    ("q,d\ncafe\u0301,1\ncaf\u00e9,1\n", "clicks", {}, [("cafe\u0301", "1", 1.0)]),
    ("q,d\nパスワード,1\nكلمة السر,2\nรหัสผ่าน,001\n", "clicks", {},
     [("كلمة السر", "2", 1.0), ("รหัสผ่าน", "001", 1.0), ("パスワード", "1", 1.0)]),
    # Other signs are another query.
    ("q,d\nc++,1\nc,1\nc#,2\n", "clicks", {}, [("c", "1", 1.0), ("c#", "2", 1.0), ("c++", "1", 1.0)]),
    ("\ufeffq,d\r\n\"a, b\",1\r\n", "clicks", {}, [("a, b", "1", 1.0)]),
    ("q,d\nnone,1\nNaN,2\n", "clicks", {}, [("NaN", "2", 1.0), ("none", "1", 1.0)]),
    ("q,d\na,001\na,1\n", "clicks", {}, [("a", "001", 0.5), ("a", "1", 0.5)]),
]  # fmt: skip


@pytest.mark.parametrize(("content", "rows", "columns", "expected"), LOGS)
def test_clicks_are_added_up_by_query_and_document(content, rows, columns, expected):
    collected = log(content, rows, columns)
    assert shares(collected) == expected
    assert left_out(collected) == []


def test_other_formats_give_the_same():
    expected = contents(log("q,d,c,i\na,1,1,4\n", "totals", TOTALS))
    jsonl = lines({"q": "a", "d": 1, "c": 1, "i": 4, "user": {"name": "x"}})
    assert contents(log(jsonl, "totals", TOTALS, "log.jsonl")) == expected
    array = json.dumps([{"q": "a", "d": "1", "c": True, "i": "4"}])
    assert contents(log(array, "totals", TOTALS, "log.json")) == expected
    semicolons = "q;d;c;i\na;1;1;4\n"
    assert contents(log(semicolons, "totals", TOTALS, delimiter=";")) == expected


def test_pairs_under_a_limit_stand_in_the_ledger_with_their_counts():
    content = "q,d,c,i\na,1,40,50\na,2,1,50\nb,1,1,2\nb,2,0,9\n"
    rows = log(content, "totals", TOTALS, min_clicks=2, min_click_share=0.1)
    assert shares(rows) == [("a", "1", 0.8)]
    before = rows.ledger.frame()[["reason", "before", "after"]].to_numpy().tolist()
    assert sorted(before) == [
        ["few_clicks", '{"query":"a","document":"2","clicks":1,"impressions":50}', "data/raw/log.csv, line 3"],
        ["few_clicks", '{"query":"b","document":"1","clicks":1,"impressions":2}', "data/raw/log.csv, line 4"],
        ["few_clicks", '{"query":"b","document":"2","clicks":0,"impressions":9}', "data/raw/log.csv, line 5"],
    ]  # fmt: skip
    # A share at the limit is enough.
    assert shares(log(content, "totals", TOTALS, min_click_share=0.5)) == [
        ("a", "1", 0.8),
        ("b", "1", 0.5),
    ]
    low = log(content, "totals", TOTALS, min_click_share=0.6)
    assert [reason for reason, _ in left_out(low)] == [
        "few_clicks",
        "low_click_share",
        "low_click_share",
    ]


def test_limits_are_no_faults():
    content = "q,d,c,i\na,1,40,50\n" + "".join(f"x{index},1,0,5\n" for index in range(50))
    source = {"reader": "search_log", "path": "data/raw/l.csv", "rows": "totals",
              "columns": {**COLUMNS, **TOTALS}, "documents_of": "docs"}  # fmt: skip
    rows = read(source, {"l.csv": content}, {"docs": DOCUMENTS}, KNOWN, max_rejected_share=0.0)
    assert (rows.records_read, rows.records_kept) == (51, 1)


# Dirty rows: what is left out.
LEFT_OUT = [
    ("q,d\n ,1\na,1\n", "clicks", {}, [("empty_anchor", "log.csv, line 2")]),
    ("q,d\na,\na,1\n", "clicks", {}, [("missing_key", "log.csv, line 2")]),
    ("q,d\na,9\na,1\n", "clicks", {}, [("unknown_document", "log.csv, line 2")]),
    ("q,d,c\na,1,x\na,1,1\n", "impressions", {"clicks": "c"}, [("bad_count", "log.csv, line 2")]),
    ("q,d,c\na,1,-1\na,1,1\n", "impressions", {"clicks": "c"}, [("bad_count", "log.csv, line 2")]),
    ("q,d,c,i\na,1,5,4\na,1,1,1\n", "totals", TOTALS, [("bad_count", "log.csv, line 2")]),
    ("q,d,c,i\na,1,,4\na,1,1,1.5\na,1,1,1\n", "totals", TOTALS,
     [("bad_count", "log.csv, line 2"), ("bad_count", "log.csv, line 3")]),
    ("q,d,t\na,1,yesterday\na,1,2026-01-01\n", "clicks", {"time": "t"}, [("bad_time", "log.csv, line 2")]),
    ("q,d,p\na,1,first\na,1,1\n", "clicks", {"position": "p"}, [("bad_count", "log.csv, line 2")]),
]  # fmt: skip


@pytest.mark.parametrize(("content", "rows", "columns", "expected"), LEFT_OUT)
def test_a_row_that_cannot_be_used_stands_in_the_ledger_with_its_place(
    content, rows, columns, expected
):
    collected = log(content, rows, columns)
    assert left_out(collected) == expected
    assert len(collected.pairs) == 1


def test_the_time_of_a_pair_is_that_of_its_first_click():
    content = "q,d,c,t\na,1,1,2026-03-01\na,1,1,2026-02-01T01:00+02:00\na,1,0,2026-01-01\n"
    rows = log(content, "impressions", {"clicks": "c", "time": "t"})
    assert rows.times["time"].tolist() == ["2026-01-31T23:00:00.000000Z"]


def test_the_position_of_most_clicks_is_a_slice_of_the_results():
    content = "q,d,p\na,1,1\na,2,3\na,2,3\na,2,12\nb,1,11\n"
    rows = log(content, "clicks", {"position": "p"})
    assert sorted(zip(rows.pairs["anchor"], rows.pairs["relation"], strict=True)) == [
        ("a", "position 1"), ("a", "position 2 to 3"), ("b", "position 11 or more"),
    ]  # fmt: skip
    # Positions that begin at 0.
    rows = log("q,d,p\na,1,0\nb,2,2\n", "clicks", {"position": "p"})
    assert sorted(rows.pairs["relation"]) == ["position 1", "position 2 to 3"]


def test_a_log_may_hold_the_texts_of_its_documents():
    source = {
        "reader": "search_log",
        "path": "data/raw/l.csv",
        "rows": "clicks",
        "columns": {"query": "q", "text": "t", "title": "h"},
    }
    content = "q,t,h\na,One text.,A\nb,One text.,A\nc,Other text.,\nd,,\n"
    rows = read(source, {"l.csv": content})
    assert sorted(rows.documents["text"]) == ["One text.", "Other text."]
    assert sorted(rows.pairs["anchor"]) == ["a", "b", "c"]
    assert left_out(rows) == [("missing_key", "l.csv, line 5")]

    # With ids a document is one by its id, and an empty text beside another one says nothing.
    source["columns"] = {"query": "q", "document": "h", "text": "t"}
    rows = read(source, {"l.csv": "q,t,h\na,One text.,1\nb,,1\nc,,2\n"})
    assert rows.documents["text"].tolist() == ["One text."]
    assert left_out(rows) == [
        ("empty_text", "l.csv, line 4"),
        ("unknown_document", "l.csv, line 4"),
    ]


ERRORS = [
    ({"content": ""}, "log.csv is empty"),
    ({"content": "q,d\n"}, "log.csv holds no rows"),
    ({"content": "q,d\na\n"}, "log.csv, line 2: 1 fields where the header has 2"),
    ({"content": "q,e\na,1\n"}, "there is no column 'd'; found 'q', 'e'"),
    ({"content": "q,d\na,1\n", "columns": {"time": "t"}}, "correct collect.sources.set.columns.time"),
    ({"content": "q,d\na,1\n", "rows": "totals"}, "rows = 'totals' needs collect.sources.set.columns.clicks"),
    ({"content": "q,d\na,1\n", "rows": "impressions"}, "needs collect.sources.set.columns.clicks"),
    ({"content": "q,d\na,1\n", "columns": {"clicks": "c"}}, "columns.clicks has no meaning where rows = 'clicks'"),
    ({"content": "q,d\na,1\n", "rows": "impressions", "columns": TOTALS}, "columns.impressions has no meaning"),
    ({"content": "q,d\na,1\n", "columns": {"text": "t"}}, "columns.text has no meaning beside documents_of"),
    ({"content": "q,d\na,1\n", "columns": {"document": None}}, "documents_of needs collect.sources.set.columns.document"),
    ({"content": "q,d\na,1\n", "documents_of": None}, "has neither documents_of nor columns.text"),
    ({"content": "q,d\na,1\n", "documents_of": "other"}, "documents_of = 'other' is no other source"),
    ({"content": "q,d\na,1\n", "columns": {"time": "q"}}, "columns.query and collect.sources.set.columns.time are both 'q'"),
    ({"content": "q,d\na,1\n", "file": "log.txt"}, "ends in none of .csv"),
    ({"content": b"q,d\n\xff,1\n"}, "log.csv, line 2: this is not utf-8"),
    ({"content": lines({"q": ["a"], "d": "1"}), "file": "log.jsonl"}, "line 1: column 'q' holds a list, not a text"),
    ({"content": "q,d\na,9\n"}, "none of its 1 rows can be used (unknown_document 1)"),
    ({"content": "q,d\na,1\n", "min_clicks": 5}, "none of its 1 rows can be used (few_clicks 1)"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "fact"), ERRORS)
def test_a_broken_log_and_a_wrong_setting_are_named(arguments, fact):
    with pytest.raises(UserError) as error:
        log(**arguments)
    assert fact in str(error.value)


@pytest.mark.parametrize(
    ("text", "count"),
    [("0", 0), ("12", 12), (" 3 ", 3), ("2.0", 2), ("true", 1), ("No", 0), ("-1", None), ("2.5", None), ("", None),
     ("1e3", 1000), ("NaN", None), ("inf", None), ("١", None)],
)  # fmt: skip
def test_counts(text, count):
    assert to_count(text) == count


def test_names_of_queries_and_positions():
    assert query_name("  İstanbul\u00a0OTEL ") == query_name("i̇stanbul otel")
    assert query_name("c#") != query_name("c")
    assert position_name(Counter({4: 2, 10: 2})) == "position 4 to 10"


QUERY = st.sampled_from(["a", "A", " a ", "b", "ß", "SS", "", "痛み"])
KEY = st.sampled_from(["1", "2", "001", "9", ""])
COUNT = st.sampled_from(["0", "1", "2", "7", "x", "", "-1"])


@examples(100)
@given(
    data=st.data(),
    rows=st.lists(st.tuples(QUERY, KEY, COUNT, COUNT), min_size=1, max_size=10),
    least=st.integers(1, 3),
)
def test_rows_are_kept_or_located_and_their_order_has_no_effect(data, rows, least):
    def rows_of(values):
        content = "q,d,c,i\n" + "".join(",".join(row) + "\n" for row in values)
        return log(content, "totals", TOTALS, min_clicks=least)

    shuffled = data.draw(st.permutations(rows))
    try:
        collected = rows_of(rows)
    except UserError as error:
        assert "can be used" in str(error)
        with pytest.raises(UserError, match="can be used"):
            rows_of(shuffled)
        return

    assert contents(rows_of(shuffled)) == contents(collected)
    assert collected.records_read == collected.records_kept + len(left_out(collected))
    assert all(", line " in place for _, place in left_out(collected))

    # The clicks of all readable rows are in a pair or in the ledger.
    readable = [
        int(clicks)
        for query, key, clicks, shown in rows
        if query.strip() and key and clicks.isdigit() and shown.isdigit() and int(clicks) <= int(shown)
    ]  # fmt: skip
    before = [json.loads(text) for text in collected.ledger.frame()["before"] if text]
    limited = sum(values["clicks"] for values in before if isinstance(values.get("clicks"), int))
    assert limited <= sum(readable)
    assert (collected.pairs["score"] <= 1.0).all()
