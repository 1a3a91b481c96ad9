"""Columns, nested columns and templates as the fields of a record."""

import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest

from stages.collect import table_settings
from stages.collect.columns import MISSING, columns_of, fill_template, nested_value
from stages.collect.records import document_id
from stages.lib.core.errors import UserError
from tests.collect.sources import FAQ, table_source


@pytest.mark.parametrize(
    ("template", "values", "text"),
    [
        ("{a}. {b}", ["Reset", "Hold it."], "Reset. Hold it."),
        ("{a}. {b}", ["", "Hold it."], "Hold it."),
        ("{a}. {b}", ["Reset", " "], "Reset"),
        ("{a}. {b}", ["", ""], ""),
        ("{a}, {b}, {c}", ["x", "", "z"], "x, z"),
        ("{a}, {b}, {c}", ["", "", "z"], "z"),
        ("{a}, {b}, {c}", ["x", "y", ""], "x, y"),
        ("Frage: {a}?", ["Wo"], "Frage: Wo?"),
        ("Frage: {a}?", [""], ""),
        ("{a}{b}", ["東京", "都"], "東京都"),
        ("{a} – {b}", ["שלום", "עולם"], "שלום – עולם"),
        ("{a}\n{b}", ["Käse", "1 kg"], "Käse\n1 kg"),
        ("{a}/{a}", ["x"], "x/x"),
        ("({a}) {b}", ["", "Nur das"], "Nur das"),
        ("{a} ({b})", ["Oak", ""], "Oak"),
        ("{a}. {b}", ["{b}", "x"], "{b}. x"),
        ("{a}. {b}", ["100 %", "{}"], "100 %. {}"),
    ],
)
def test_an_empty_part_goes_with_what_joins_it(template, values, text):
    names = dict.fromkeys(columns_of(template))
    assert fill_template(template, dict(zip(names, values, strict=True))) == text


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("id", 1),
        ("meta.id", 2),
        ("meta.deep.id", 3),
        ("a.b", "a key with a dot"),
        ("answers.text", ["x", None, "y"]),
        ("none.id", MISSING),
        ("id.id", MISSING),
        ("meta.x", MISSING),
        ("x", MISSING),
        ("meta.", MISSING),
        (".id", MISSING),
        ("empty.id", []),
    ],
)
def test_a_dotted_path_leads_into_objects(path, value):
    row = {
        "id": 1,
        "meta": {"id": 2, "deep": {"id": 3}},
        "a.b": "a key with a dot",
        "a": {"b": "not this"},
        "answers": [{"text": "x"}, {"other": 1}, {"text": "y"}],
        "none": None,
        "empty": [],
    }
    assert nested_value(row, path) == value


def test_a_text_and_a_key_may_be_made_of_several_columns(read):
    columns = {"key": "{shop}/{id}", "anchor": "{q} ({shop})", "text": "{title}. {body}"}
    rows = "shop,id,q,title,body\nA,1,Wo?,Reset,Hold it.\nB,1,Wo?,,Press it.\nB,,Wie?,Off,\n"
    collected = read(rows, columns=columns)
    texts = collected.documents.frame().set_index("doc_id")["text"].to_dict()
    assert texts == {
        document_id("faq", "A/1"): "Reset. Hold it.",
        document_id("faq", "B/1"): "Press it.",
        # A key of which a part is missing is none.
        document_id("faq", "Off", "0"): "Off",
    }
    assert sorted(collected.pairs["anchor"]) == ["Wie? (B)", "Wo? (A)", "Wo? (B)"]


def test_keys_of_several_columns_lead_to_documents_of_another_source(read):
    known = {document_id("manual", "A/1")}
    collected = read(
        "q,shop,id\nWo?,A,1\nWie?,A,\n",
        columns={"anchor": "q", "document_key": "{shop}/{id}"},
        documents_of="manual",
        known_documents=known,
    )
    assert set(collected.pairs["doc_id"]) == known
    assert collected.ledger.dropped() == {"unknown_document": 1}


def test_nested_columns_of_parquet(read, tmp_path):
    rows = arrow.table(
        {
            "meta": [{"id": 7, "tags": ["a"]}, {"id": None, "tags": []}, None],
            "passages": [[{"text": "x"}], [{"text": "y"}, {"text": "z"}], []],
            "q": ["1?", "2?", "3?"],
        }
    )
    parquet.write_table(rows, tmp_path / "x.parquet")
    content = (tmp_path / "x.parquet").read_bytes()
    columns = {"key": "meta.id", "anchor": "q", "positive": "passages.text"}
    collected = read(content, "faq.parquet", columns)
    assert sorted(collected.documents["text"]) == ["x", "y", "z"]
    assert document_id("faq", "7") in set(collected.documents["doc_id"])
    assert collected.ledger.dropped() == {"empty_text": 1}
    for wrong in ("meta.name", "meta.id.x", "passages.title", "q.id", "other.id"):
        with pytest.raises(UserError, match=f"there is no column '{wrong}'; found 'meta', "):
            read(content, "faq.parquet", {"anchor": "q", "text": wrong})


@pytest.mark.parametrize(
    ("columns", "fact"),
    [
        ({**FAQ, "key": "{id"}, "there is no column '{id'"),
        ({**FAQ, "title": "{name} ({maker})"}, "there is no column 'name'; found 'question'"),
        ({"anchor": "question", "text": "{answer}{}"}, None),
    ],
)
def test_the_columns_of_a_template_must_exist(read, columns, fact):
    if fact is None:
        assert read("question,answer\na,b\n", columns=columns).documents["text"][0] == "b{}"
        return
    with pytest.raises(UserError, match=fact) as raised:
        read("question,answer\na,b\n", columns=columns)
    assert "correct collect.sources.faq.columns." in raised.value.remedy


@pytest.mark.parametrize("field", ["score", "grade", "split", "time", "relation"])
def test_a_value_is_no_template(field):
    source = table_source(columns={**FAQ, field: "{a}{b}"})
    with pytest.raises(UserError, match=f"columns.{field} = '{{a}}{{b}}' joins columns"):
        table_settings.check_settings("faq", source, {})


# How a delimited file is written


@pytest.mark.parametrize(
    ("content", "settings", "anchors"),
    [
        # The GLUE kind: quotes are characters like any other.
        ('q\ta\n"Hi\tx\nHe said "no"\ty\n', {"quote": None, "file": "f.tsv"}, ['"Hi', 'He said "no"']),
        ("q,a\n'a, b',x\n", {"quote": "'"}, ["a, b"]),
        ("q,a\n'it''s',x\n", {"quote": "'"}, ["it's"]),
        ('q,a\n"say \\"x\\"",y\n', {"escape": "\\"}, ['say "x"']),
        ("q,a\na\\, b,y\n", {"escape": "\\", "quote": None}, ["a, b"]),
        ("q|a\nx|y\n", {"delimiter": "|"}, ["x"]),
        ("q;a\n\"x;y\";z\n", {"delimiter": ";"}, ["x;y"]),
        ("Export of 2026\n\nq,a\nx,y\n", {"skip_lines": 2}, ["x"]),
        ('"open\nq,a\nx,y\n', {"skip_lines": 1}, ["x"]),
        ("x,y\nz,w\n", {"header": False, "columns": {"anchor": "1", "text": "2"}}, ["x", "z"]),
        ("x,y\n", {"header": False, "columns": {"anchor": "2", "text": "1"}}, ["y"]),
        ("#\nx,y\n", {"header": False, "skip_lines": 1, "columns": {"anchor": "1", "text": "2"}}, ["x"]),
        ("שאלה,a\nמה?,y\n", {"columns": {"anchor": "שאלה", "text": "a"}}, ["מה?"]),
        ("q,a\n001,y\n", {}, ["001"]),
        ("q,a\r\nx,y\r\n", {}, ["x"]),
        ("q,a\rx,y\r", {}, ["x"]),
    ],
)  # fmt: skip
def test_a_delimited_file_may_be_written_in_many_ways(read, content, settings, anchors):
    settings = {"columns": {"anchor": "q", "text": "a"}, **settings}
    assert sorted(read(content, **settings).pairs["anchor"]) == sorted(anchors)


@pytest.mark.parametrize(
    ("content", "settings", "fact"),
    [
        ("top\nq,a\nx,y\nz\n", {"skip_lines": 1}, "line 4: 1 fields where the header has 2"),
        ("x,y\nz\n", {"header": False}, "line 2: 1 fields where the first row has 2"),
        ("x,y\n", {"header": False}, "line 1: there is no column 'a'; found '1', '2'"),
        ("q\ta\nx\n", {"quote": None, "file": "f.tsv"}, r"line 2: 1 fields\s*.*\n.*faq.quote"),
        ("q,a\n", {"skip_lines": 9}, "holds no rows"),
    ],
)
def test_errors_keep_their_lines(read, content, settings, fact):
    columns = {"anchor": "q", "text": "a"}
    if "first row has" in fact:
        columns = {"anchor": "1", "text": "2"}
    with pytest.raises(UserError, match=fact):
        read(content, columns=columns, **settings)


def test_utf_16_is_recognised_in_the_error(read):
    with pytest.raises(UserError, match=r"line 1: this is not utf-8 .*\n.*here utf-16"):
        read("question,answer\na,b\n".encode("utf-16"))


@pytest.mark.parametrize("encoding", ["shift_jis", "gb18030", "utf-16", "cp1251", "utf-32"])
def test_an_undecodable_byte_is_named_in_any_encoding(read, encoding):
    good = "question,answer\n" + "a,b\n" * 3
    bad = {"shift_jis": b"\x82", "gb18030": b"\xff", "cp1251": b"\x98", "utf-16": b"\x00\xdc"}
    content = good.encode(encoding) + bad.get(encoding, b"\xff\xff\xff\xff")
    with pytest.raises(UserError, match=f"line 5: this is not {encoding}"):
        read(content, encoding=encoding)


@pytest.mark.parametrize(
    ("file", "settings", "fact"),
    [
        ("faq.jsonl", {"quote": None}, "quote has no meaning for a .jsonl file"),
        ("faq.json", {"header": False}, "header has no meaning for a .json file"),
        ("faq.parquet", {"encoding": "cp1252"}, "encoding has no meaning for a .parquet file"),
        ("faq.parquet.gz", {"skip_lines": 1}, "skip_lines has no meaning for a .parquet file"),
        ("faq.xlsx", {"delimiter": ";"}, "delimiter has no meaning for a .xlsx file"),
        ("faq.csv", {"sheet": "FAQ"}, "sheet has no meaning for a .csv file"),
        ("faq.jsonl.zst", {"escape": "\\"}, "escape has no meaning for a .jsonl file"),
        ("faq.csv", {"delimiter": '"'}, "delimiter and collect.sources.faq.quote are both '\"'"),
        ("faq.csv", {"quote": ","}, "delimiter and collect.sources.faq.quote are both ','"),
        ("faq.tsv", {"escape": "\t"}, r"delimiter and collect.sources.faq.escape are both '\\t'"),
        ("faq.csv", {"escape": '"'}, "quote and collect.sources.faq.escape are both"),
        ("faq.csv", {"delimiter": "\n"}, r"delimiter = '\\n' cannot stand within a line"),
        ("faq.csv.bz2", {}, r"ends in none of .csv, .* \(.gz, .zst, .zip\)"),
        ("*", {}, "ends in none of"),
    ],
)  # fmt: skip
def test_settings_that_do_not_go_together_are_refused(file, settings, fact):
    with pytest.raises(UserError, match=fact) as raised:
        table_settings.check_settings("faq", table_source(file, **settings), {})
    assert raised.value.remedy


@pytest.mark.parametrize(
    ("file", "settings"),
    [
        ("faq.csv", {"quote": None, "escape": '"'}),
        ("faq.zip", {"delimiter": ";", "sheet": "x"}),
        ("part-*.tsv.gz", {"quote": None, "header": False, "skip_lines": 3}),
        ("faq.xlsx", {"sheet": "FAQ", "skip_lines": 1}),
        ("faq.jsonl", {"delimiter": None, "encoding": "utf-16"}),
    ],
)
def test_settings_that_go_together_pass(file, settings):
    table_settings.check_settings("faq", table_source(file, **settings), {})
