"""Files that cannot be read are named, with the line and what is wrong there."""

import pandas as pd
import pytest

from stages.collect.kinds import table
from stages.collect.source import ReadRequest
from stages.lib.core.errors import UserError
from tests.collect.sources import table_source


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        ("", "faq.csv is empty"),
        ("\n\n", "faq.csv holds no rows"),
        ("question,answer\n", "faq.csv holds no rows"),
        ("question,reply\na,b\n", "line 1: there is no column 'answer'; found 'question', 'reply'"),
        ("question;answer\na;b\n", "no column 'answer'; found 'question;answer'\n.*delimiter"),
        ("question,answer,answer\na,b,c\n", "more than one column is called 'answer'"),
        (
            'question,answer\n"a\na",b\nc,d,e\n',
            r"line 4: 3 fields where the header has 2 \(the row begins with 'c'\)",
        ),
        ("question,answer\na\n", "line 2: 1 fields where the header has 2"),
        ('question,answer\na,b\n"c" d,e\n', "row that begins on line 3 is malformed"),
        (
            'question,answer\na,b\n"c,d\ne,f\n',
            "row that begins on line 3 is malformed: unexpected end of data",
        ),
        (b"question,answer\na,b\nc,\xe9t\xe9\n", r"line 3: this is not utf-8 \(byte 0xe9\)"),
    ],
)
def test_a_broken_csv_is_named_with_its_line(read, content, fact):
    with pytest.raises(UserError, match=fact) as caught:
        read(content)
    assert "data/raw/faq.csv" in caught.value.fact
    assert caught.value.remedy


@pytest.mark.slow
def test_an_undecodable_byte_far_into_a_file_is_named_by_line(read):
    with pytest.raises(UserError, match="line 50002: this is not utf-8"):
        read(b"question,answer\n" + b"a,b\n" * 50_000 + b"c,\xff\n")


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        ('{"question": "a", "answer": "b"}\n{"question"\n', "line 2: this is not JSON"),
        ("[1]\n", "line 1: '\\[1\\]' is no object"),
        ("[" * 100_000 + "\n", "line 1: this is not JSON"),
        ('{"question": "a", "answer": ["b"]}\n', "line 1: column 'answer' holds a list"),
        (
            '{"question": "a", "answer": "\\ud83d"}\n',
            "line 1: column 'answer' holds half of a surrogate pair",
        ),
        ('{"question": "a"}\n', "there is no column 'answer'; found 'question'"),
        ("\n\n", "holds no rows"),
    ],
)
def test_a_broken_jsonl_is_named_with_its_line(read, content, fact):
    with pytest.raises(UserError, match=fact):
        read(content, "faq.jsonl")


@pytest.mark.parametrize(
    ("frame", "fact"),
    [
        (pd.DataFrame({"question": ["a"], "reply": ["b"]}), "no column 'answer'"),
        (
            pd.DataFrame({"question": ["a"], "answer": [["b"]]}),
            "row 1: column 'answer' holds a list",
        ),
        (
            pd.DataFrame({"question": ["a"], "answer": [b"b"]}),
            "row 1: column 'answer' holds a bytes",
        ),
        (pd.DataFrame({"question": [], "answer": []}), "holds no rows"),
    ],
)
def test_a_broken_parquet_table_is_named_with_its_row(read, tmp_path, frame, fact):
    frame.to_parquet(tmp_path / "frame.parquet")
    with pytest.raises(UserError, match=fact):
        read((tmp_path / "frame.parquet").read_bytes(), "faq.parquet")


def test_a_file_that_is_no_parquet_is_a_problem(read):
    with pytest.raises(UserError, match="not a readable Parquet file"):
        read("question,answer\na,b\n", "faq.parquet")


def test_a_missing_file_is_a_problem(tmp_path):
    with pytest.raises(UserError, match=r"data/raw/faq\.csv does not exist"):
        table.read_files(table_source(), ReadRequest("faq", tmp_path))


def test_an_unknown_encoding_is_a_problem(read):
    with pytest.raises(UserError, match=r"collect.sources.faq.encoding = 'utf-9'"):
        read("question,answer\na,b\n", encoding="utf-9")


def test_a_file_of_which_no_row_can_be_used_is_a_problem(read):
    with pytest.raises(
        UserError, match=r"none of its 2 rows can be used \(empty_text 2\)\n.*columns.text"
    ):
        read("question,answer\na,\nb,\n")
