"""Arrays of JSON, read piece by piece, and JSON on lines."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.collect import json_rows
from stages.collect.columns import ColumnMapping
from stages.collect.json_rows import read_json, read_jsonl
from stages.lib.core.errors import UserError
from tests.collect.sources import table_source

COLUMNS = {"anchor": "q", "text": "a"}


def rows_of(content: str, columns=COLUMNS, reader=read_json):
    mapping = ColumnMapping(table_source("faq.json", columns), "collect.sources.faq")
    rows = reader(io.StringIO(content, newline=""), "faq.json", mapping)
    return [
        (place.row, place.line, *(values[column] for column in columns.values()))
        for place, values in rows
    ]


@pytest.mark.parametrize(
    "content",
    [
        '[{"q": "x", "a": "y"}]',
        ' \n[ {"q": "x", "a": "y"} ] \n',
        '[\n{"q":"x",\n"a":"y"}\n]',
        '{"q": "x", "a": "y"}',
        '\n{"q": "x", "a": "y"}\n\n',
        '{"q": "x", "a": "y", "other": [1, {"a": 2}]}\r\n',
    ],
)
def test_an_array_and_lines_hold_the_same(content):
    assert [row[2:] for row in rows_of(content)] == [("x", "y")]


def test_a_row_has_its_number_and_the_line_on_which_it_begins():
    content = '[\n  {"q": 1.10,\n   "a": "b"},\n\n  {"q": NaN, "a": 1e999}, {"a": true}\n]\n'
    assert rows_of(content) == [(1, 2, "1.10", "b"), (2, 5, None, None), (3, 5, None, True)]


@pytest.mark.parametrize("size", [1, 2, 7, 64])
def test_pieces_of_any_size_give_the_same(monkeypatch, size):
    monkeypatch.setattr(json_rows, "CHUNK", size)
    long_text = 'é"\\' * 300 + "ש" * 100
    rows = [{"q": long_text, "a": "b"}, {"q": "c", "a": [{"d": long_text}]}, {"q": -1.5, "a": {}}]
    expected = [(long_text, "b"), ("c", [{"d": long_text}]), ("-1.5", {})]
    for indent in (None, 2):
        content = json.dumps(rows, indent=indent)
        assert [row[2:] for row in rows_of(content)] == expected


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        ('[{"q": "x"', "line 1: this is not JSON"),
        ('[{"q": "x", "a": "y"}', "line 1: this is not JSON: expected ',' or '\\]', not ''"),
        ('[{"q": "x", "a": "y"},\n]', "line 2: this is not JSON"),
        ('[{"q": "x", "a": "y"}\n{"q": "x"}]', "line 2: .* expected ',' or '\\]', not '{'"),
        ('[\n{"q": "x", "a": "y"},\n7]', "line 3: '7\\]' is no object"),
        ('["x"]', "line 1: '\"x\"\\]' is no object"),
        ('[{"q": "x", "a": "y"}]\n[]', "line 2: .* follows the end of the array"),
        ('[\n{"q": "x",\n "a" "y"}]', "line 3: this is not JSON"),
        ('{\n"data": [{"q": "x"}]}', "line 1: this is not JSON"),
        ("[" * 100_000, "line 1: "),
        ('[{"q": ' + "[" * 100_000, "line 1: this is not JSON"),
        ('[{"q": "x"}]', "there is no column 'a'; found 'q'"),
        ("question,answer\n", "line 1: this is not JSON"),
        ('"x"', "line 1: '\"x\"' is no object"),
    ],
)
def test_broken_json_is_named_with_its_line(content, fact):
    with pytest.raises(UserError, match=fact) as raised:
        rows_of(content)
    assert "faq.json" in raised.value.fact
    assert raised.value.remedy


@pytest.mark.parametrize("content", ["[]", " [ ] ", "", "\n"])
def test_nothing_holds_no_rows(content):
    assert rows_of(content) == []


VALUES = st.recursive(
    st.none() | st.booleans() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)
)


@given(
    rows=st.lists(st.fixed_dictionaries({"q": VALUES, "a": VALUES}), min_size=1, max_size=5),
    indent=st.none() | st.integers(0, 2),
    escaped=st.booleans(),
)
def test_an_array_is_read_as_it_was_written(rows, indent, escaped):
    expected = [(row["q"], row["a"]) for row in rows]
    array = json.dumps(rows, indent=indent, ensure_ascii=escaped)
    assert [row[2:] for row in rows_of(array)] == expected

    lines = "".join(json.dumps(row, ensure_ascii=escaped) + "\n" for row in rows)
    assert [row[2:] for row in rows_of(lines, reader=read_jsonl)] == expected


def test_a_dotted_path_leads_into_objects():
    columns = {"anchor": "q", "text": "meta.body", "key": "meta.id"}
    content = '[{"q": "x", "meta": {"id": 7, "body": "y"}}, {"q": "z"}, {"meta": null}]'
    assert [row[2:] for row in rows_of(content, columns)] == [
        ("x", "y", "7"),
        ("z", None, None),
        (None, None, None),
    ]
    with pytest.raises(UserError, match=r"there is no column 'meta.name'; found 'meta', 'q'"):
        rows_of(content, {"anchor": "q", "text": "meta.name"})
