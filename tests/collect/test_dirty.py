"""Dirty files: rows in are rows out and rejected, each rejection is located, errors name the file."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.collect.kinds import table
from stages.collect.source import ReadRequest
from stages.collect.stored_tables import MergedTables
from stages.lib.core.errors import UserError
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import Pairs
from tests.collect.sources import FAQ, table_source

HEADER = "question,answer\n"


def collected(folder, file, content, columns=FAQ, **settings):
    """Return (records kept, place and reason of each rejected one); the tables can be written."""
    (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    rows = table.read_files(table_source(file, columns, **settings), ReadRequest("faq", folder))
    for part, contract in ((rows.documents, Documents), (rows.pairs, Pairs), (rows.ledger, Ledger)):
        MergedTables([part]).write(folder / "out" / contract.__name__, contract)

    drops = rows.ledger.frame().query("action == 'drop'")
    assert rows.records_read == rows.records_kept + len(drops)
    places = drops["after"].str.removeprefix(f"data/raw/{file}, ")
    return rows.records_kept, dict(zip(places, drops["reason"], strict=True))


def lines(*rows):
    return "\n".join(map(json.dumps, rows))


def utf16(text, encoding="utf-16-le"):
    return text.encode(encoding)


# The file, its content, the records that are kept, and the rejected ones.
KEPT = [
    ("marks.csv", b"\xef\xbb\xbf\xef\xbb\xbf" + (HEADER + "a?,b\n").encode(), 1, {}),
    ("mark.jsonl", b"\xef\xbb\xbf" + lines({"question": "a?", "answer": "b"}).encode(), 1, {}),
    ("mark.json", b"\xef\xbb\xbf" + json.dumps([{"question": "a?", "answer": "b"}]).encode(), 1, {}),
    ("two_headers.csv", HEADER + "a?,b\n" + HEADER + "c?,d\n", 2, {"line 3": "repeated_header"}),
    ("spaces.csv", HEADER + "  ,\t\na?, b\n", 1, {"line 2": "empty_text"}),
    ("cr.csv", "question,answer\ra?,b\rc?,\r", 1, {"line 3": "empty_text"}),
    ("ends.csv", "question,answer\r\na?,b\nc?,d\re?,f\r\n", 3, {}),
    ("cr.jsonl", lines({"question": "a?", "answer": "b"}).replace("\n", "\r") + "\r", 1, {}),
    ("zero.csv", HEADER + "a\0?,b\0c\n", 1, {}),
    ("zero.jsonl", lines({"question": "a\0", "answer": "b\0"}), 1, {}),
    ("control.csv", HEADER + "a\x01?,b\x0b\x1c\x85\u2028c\n", 1, {}),
    ("quote.csv", HEADER + 'a?,b"c\nd"?,e\n', 2, {}),
    ("mixed.jsonl", lines({"question": 1, "answer": True}, {"question": None, "answer": 2.50}), 2, {}),
    (
        "nan.jsonl",
        '{"question":"a?","answer":NaN}\n{"question":"b?","answer":1e999}\n{"question":"c?","answer":"x"}',
        1,
        {"line 1": "empty_text", "line 2": "empty_text"},
    ),
    ("whole.jsonl", '{"question":"a?","answer":' + "9" * 5000 + "}", 1, {}),
    ("rtl.csv", HEADER + "كيف أغير كلمة المرور؟,\u202bافتح\u202c الإعدادات.\n", 1, {}),
    ("unspaced.csv", HEADER + "如何修改密码？,打开设置。\nที่ไหน,ด้านล่างของหน้า\n", 2, {}),
    ("same.csv", HEADER + "".join(f"{n}?,the same\n" for n in range(30)), 30, {}),
    ("equal.csv", HEADER + "a?,b\n" * 30, 30, {}),
    ("one.csv", HEADER + "a?,b\n", 1, {}),
    ("wide.csv", "answer," + ",".join(map(str, range(3000))) + ",question\nb" + "," * 3001 + "a?\n", 1, {}),
    ("strange name [1] ü.csv", HEADER + "a?,b\n", 1, {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "content", "kept", "rejected"), KEPT, ids=[row[0] for row in KEPT]
)
def test_rows_are_kept_or_located(file, content, kept, rejected, tmp_path):
    assert collected(tmp_path, file, content) == (kept, rejected)


def test_keys_stay_as_they_are_written(tmp_path):
    content = "id,question,answer\n001,a?,b\n1,c?,d\n01,e?,f\n1,g?,h\n"
    columns = {**FAQ, "key": "id"}
    assert collected(tmp_path, "keys.csv", content, columns) == (3, {"line 5": "duplicate_key"})


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("utf-16-le", utf16(HEADER + "a?,ä\n")),
        ("utf-16-be", utf16(HEADER + "a?,ä\n", "utf-16-be")),
        ("utf-16", utf16(HEADER + "a?,ä\n", "utf-16")),
        ("utf-32", utf16(HEADER + "a?,ä\n", "utf-32")),
    ],
)
def test_encodings_of_two_and_four_bytes(encoding, content, tmp_path):
    assert collected(tmp_path, "a.csv", content, encoding=encoding) == (1, {})


# The file, its content, and what the error says.
REFUSED = [
    ("long_row.csv", HEADER + "a?,b\nc?,d,e\n", "long_row.csv, line 3: 3 fields where the header has 2"),
    ("short_row.csv", HEADER + "a?,b\nc?\n", "short_row.csv, line 3: 1 fields where the header has 2"),
    ("open_quote.csv", HEADER + 'a?,"b\nc?,d\n', "the row that begins on line 2 is malformed"),
    ("closed_quote.csv", HEADER + 'a?,"b"c\n', "the row that begins on line 2 is malformed"),
    ("byte.csv", (HEADER + "a?,b\n").encode() + b"c\xff?,d\n", "byte.csv, line 3: this is not utf-8"),
    ("empty.csv", b"", "empty.csv is empty"),
    ("blank.csv", "\n\n\n", "blank.csv holds no rows"),
    ("header.csv", HEADER, "header.csv holds no rows"),
    ("all_spaces.csv", HEADER + " ,\t\n,\n", r"none of its 2 rows can be used \(empty_text 2\)"),
    ("zeros.csv", b"\0\0\0\0", "zeros.csv, line 1: there is no column 'answer'"),
    ("no_mark.csv", utf16(HEADER + "a?,b\n"), "with zero bytes\n  remedy: set .*encoding .* to utf-16-le"),
    ("columns.csv", "question,answer,answer\na?,b,c\n", "more than one column is called 'answer'"),
    ("surrogate.jsonl", '{"question":"a\\ud83d?","answer":"b"}', "line 1: column 'question' holds half of"),
    ("deep.jsonl", '{"question":"a?","answer":' + "[" * 50000 + "]" * 50000 + "}", "deep.jsonl, line 1: this is not JSON"),
    ("deep.json", "[" * 100000, "deep.json, line 1: this is not JSON"),
    ("cut.jsonl", '{"question":"a?","answer":"b"}\n{"question":"c', "cut.jsonl, line 2: this is not JSON"),
    ("object.jsonl", '{"question":"a?","answer":{"b":1}}', "line 1: column 'answer' holds a dict"),
    ("number.json", "5", "number.json, line 1: '5' is no object"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "content", "fact"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_broken_file_is_named_with_its_line(file, content, fact, tmp_path):
    with pytest.raises(UserError, match=fact):
        collected(tmp_path, file, content)


@pytest.mark.slow
def test_a_line_of_a_hundred_megabytes_is_a_row(tmp_path):
    text = "a word " * 15_000_000
    content = lines({"question": "a?", "answer": text}, {"question": "b?", "answer": "c"})
    assert collected(tmp_path, "a.jsonl", content) == (2, {})
    csv = f'question,answer\na?,"{text[:20_000_000]}"\nb?,c\n'
    assert collected(tmp_path, "a.csv", csv) == (2, {})


DIRT = st.sampled_from(
    ["question", "answer", "a", "b?", ",", ";", "\t", '"', '""', "'", "\\", "\n", "\r", "\r\n", " ",
     "\0", "\ufeff", "\u200b", "é", "؟", "漢", "😀", "\ud83d", "NaN", "001", "{", "}", "[", "]", ":",
     '{"question": "a", "answer": "b"}', "\xa0", "\x1c", "\u2028"]
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    pieces=st.lists(DIRT, max_size=25),
    header=st.sampled_from(["", HEADER, "question;answer\n", '{"question": "a", "answer": "b"}\n']),
    file=st.sampled_from(["a.csv", "a.tsv", "a.jsonl", "a.json"]),
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-16-le", "cp1252"]),
)
def test_any_bytes_are_rows_or_an_error_that_names_the_file(pieces, header, file, encoding):
    content = (header + "".join(pieces)).encode(
        encoding, "replace" if encoding == "cp1252" else "surrogatepass"
    )
    with TemporaryDirectory() as folder:
        try:
            kept, rejected = collected(Path(folder), file, content)
        except UserError as error:
            assert file in error.fact
            return
        assert kept > 0
        assert all(place.startswith(("line ", "row ")) for place in rejected)
