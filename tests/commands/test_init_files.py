"""Files as people have them, of every format and compression: init guesses what collect can read."""

import csv
import gzip
import io
import json
import zipfile

import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest
from openpyxl import Workbook

from stages.commands.init.paths import expand
from stages.commands.init.tables import guess_tables
from stages.lib.core.errors import UserError

ROWS = [
    {"id": "001", "question": "Where is the door?", "answer": "On the left, behind the desk."},
    {"id": "002", "question": "Wo ist das Büro?", "answer": "Im zweiten Stock; rechts."},
]
PAIRS = sorted((row["question"], row["answer"]) for row in ROWS)


def delimited(delimiter=",", encoding="utf-8", above="", header=True, **settings):
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n", **settings)
    if header:
        writer.writerow(ROWS[0])
    writer.writerows(row.values() for row in ROWS)
    return (above + stream.getvalue()).encode(encoding)


def json_lines(rows=ROWS):
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()


def parquet_bytes(rows=ROWS):
    stream = io.BytesIO()
    parquet.write_table(arrow.Table.from_pylist(rows), stream)
    return stream.getvalue()


def workbook(above=(), header=True, other_sheet=False):
    book = Workbook()
    sheet = book.active
    for row in above:
        sheet.append(row)
    if header:
        sheet.append(list(ROWS[0]))
    for row in ROWS:
        sheet.append(list(row.values()))
    if other_sheet:
        book.create_sheet("Notes").append(["Written by hand"])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def zipped(name, content):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
        archive.writestr("__MACOSX/._x", b"")
    return stream.getvalue()


def zstandard(content):
    return arrow.compress(content, codec="zstd", asbytes=True)


# The name of a file, its bytes, its path under data/raw/, and the settings that it needs.
FILES = [
    ("faq.csv", delimited(), "faq.csv", {}),
    ("faq.tsv", delimited("\t"), "faq.tsv", {}),
    ("faq.tab", delimited("\t"), "faq.tsv", {}),
    ("faq.txt", delimited("|"), "faq.csv", {"delimiter": "|"}),
    ("Häufige.csv", delimited(";", "cp1252"), "Haufige.csv", {"encoding": "cp1252", "delimiter": ";"}),
    ("faq.csv", delimited(encoding="utf-8-sig"), "faq.csv", {}),
    ("faq.csv", delimited("\t", "utf-16"), "faq.csv", {"encoding": "utf-16", "delimiter": "\t"}),
    ("faq.csv", delimited(encoding="utf-16-le"), "faq.csv", {"encoding": "utf-16-le"}),
    ("faq.csv", delimited(above="Export\nof January\n"), "faq.csv", {"skip_lines": 2}),
    ("faq.csv", delimited(header=False), "faq.csv", {"header": False}),
    ("faq.csv.gz", gzip.compress(delimited()), "faq.csv.gz", {}),
    ("faq.csv.gz", gzip.compress(delimited(";", "cp1252")), "faq.csv.gz", {"encoding": "cp1252", "delimiter": ";"}),
    ("faq.txt.gz", gzip.compress(delimited()), "faq.csv.gz", {}),
    ("faq.tsv.zst", zstandard(delimited("\t")), "faq.tsv.zst", {}),
    ("faq.jsonl", json_lines(), "faq.jsonl", {}),
    ("faq.ndjson", json_lines(), "faq.jsonl", {}),
    ("faq.jsonl.gz", gzip.compress(json_lines()), "faq.jsonl.gz", {}),
    ("faq.jsonl.zst", zstandard(json_lines()), "faq.jsonl.zst", {}),
    ("faq.ndjson.zst", zstandard(json_lines()), "faq.jsonl.zst", {}),
    ("faq.json", json.dumps(ROWS).encode(), "faq.json", {}),
    ("faq.json", json_lines(), "faq.json", {}),
    ("faq.json.gz", gzip.compress(json.dumps(ROWS, indent=2).encode()), "faq.json.gz", {}),
    ("faq.parquet", parquet_bytes(), "faq.parquet", {}),
    ("faq.pq", parquet_bytes(), "faq.parquet", {}),
    ("faq.parquet.gz", gzip.compress(parquet_bytes()), "faq.parquet.gz", {}),
    ("faq.xlsx", workbook(), "faq.xlsx", {}),
    ("faq.xlsx", workbook(above=[["Export"], []]), "faq.xlsx", {"skip_lines": 2}),
    ("faq.xlsx", workbook(header=False), "faq.xlsx", {"header": False}),
    ("faq.xlsx", workbook(other_sheet=True), "faq.xlsx", {"sheet": "Sheet"}),
    ("faq.zip", zipped("export/FAQ.csv", delimited(";")), "faq.zip", {"delimiter": ";"}),
    ("faq.csv.zip", zipped("faq.csv", delimited()), "faq.csv.zip", {}),
    ("faq.zip", zipped("faq.jsonl", json_lines()), "faq.zip", {}),
    ("faq.zip", zipped("faq.xlsx", workbook()), "faq.zip", {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "target", "settings"),
    FILES,
    ids=[f"{n}-{file[0]}" for n, file in enumerate(FILES)],
)
def test_a_file_is_guessed_and_read(name, content, target, settings, tmp_path):
    file = tmp_path / name
    file.write_bytes(content)
    (guess,) = guess_tables([file])
    read, rows = guess.read({}, ())
    assert read.target.as_posix() == f"data/raw/{target}"
    other = {
        key: value
        for key, value in read.settings().items()
        if key not in ("reader", "path", "columns")
    }
    assert other == settings
    text_of_document = dict(zip(rows.documents["doc_id"], rows.documents["text"], strict=True))
    pairs = zip(rows.pairs["anchor"], rows.pairs["doc_id"], strict=True)
    assert sorted((anchor, text_of_document[doc_id]) for anchor, doc_id in pairs) == PAIRS


LISTS = [
    {"query": "Where is the door?", "pos": ["On the left of it.", "Left, as you see."], "neg": ["In Rome."]},
    {"query": "When is lunch?", "pos": ["At noon in the hall."], "neg": ["In Rome.", "In the year 1999."]},
]  # fmt: skip
SQUAD = [
    {"id": "a1", "question": "Who wrote it?", "context": "The long book was written by Ann in May.",
     "answers": {"text": ["Ann"], "answer_start": [5]}},
    {"id": "a2", "question": "When was it?", "context": "It was the year 1999 when all of it happened.",
     "answers": {"text": [], "answer_start": []}},
]  # fmt: skip


@pytest.mark.parametrize("write", [json_lines, parquet_bytes])
@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        (LISTS, {"anchor": "query", "positive": "pos", "negative": "neg"}),
        (SQUAD, {"text": "context", "anchor": "question", "key": "id"}),
        (
            [{"title": "Door", "body": {"text": f"The door {n} is on the left."}} for n in (1, 2)],
            {"text": "body.text", "title": "title"},
        ),
        (
            [{"anchor": f"Question {n}?", "positive": f"Yes it is {n}.", "negative": "Never was it."} for n in (1, 2)],
            {"text": "positive", "anchor": "anchor", "negative": "negative"},
        ),
    ],
)  # fmt: skip
def test_lists_and_columns_within_columns(rows, columns, write, tmp_path):
    file = tmp_path / ("a.jsonl" if write is json_lines else "a.parquet")
    file.write_bytes(write(rows))
    read, collected = guess_tables([file])[0].read({}, ())
    assert read.settings()["columns"] == columns
    assert collected.records_kept == len(rows)


def test_quotes_that_come_after_the_sample_are_characters(tmp_path, monkeypatch):
    monkeypatch.setattr("stages.commands.init.formats._SNIFFED_CHARACTERS", 60)
    rows = [
        "id\tsentence",
        *(f"{n}\tA sentence of words {n}." for n in range(9)),
        '9\t"Oh, he said.',
    ]
    file = tmp_path / "a.tsv"
    file.write_text("\n".join(rows), "utf-8")
    read, collected = guess_tables([file])[0].read({}, ())
    assert read.settings()["quote"] is None
    assert '"Oh, he said.' in collected.documents["text"].tolist()
    assert "quotes are read as characters" in read.guess.notes[0]


def test_a_quote_too_many_among_quoted_fields_is_a_fault(tmp_path):
    file = tmp_path / "a.tsv"
    file.write_text('id\ttext\n1\t"One ""text"" here."\n2\t"Two\n', "utf-8")
    with pytest.raises(UserError, match="the row that begins on line 3 is malformed"):
        guess_tables([file])[0].read({}, ())


@pytest.mark.parametrize(
    ("name", "content", "fact"),
    [
        ("a.xlsx", b"PK", "a.xlsx is not a readable Excel file"),
        ("a.csv.gz", b"no gzip", r"a\.csv\.gz is not a readable \.gz file"),
        ("a.jsonl.zst", b"no zstd", r"a\.jsonl\.zst is not a readable \.zst file"),
        ("a.zip", b"no zip", r"a\.zip is not a readable \.zip file"),
        ("a.zip", zipped("a.docx", b"x"), "which is no table"),
        ("a.csv.gz", gzip.compress(b"x" * (2**26 + 1)), "unpacks to more than"),
        ("a.json", b"{", "its first line is no JSON object"),
        ("a.json", b"[]", "its first line is no JSON object"),
        ("a.gz", b"x", "a.gz ends in none of"),
    ],
)
def test_a_file_that_cannot_be_unpacked_or_read_is_refused(name, content, fact, tmp_path):
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(UserError, match=fact):
        guess_tables([file])


def test_a_folder_stands_for_all_files_that_can_be_read(tmp_path):
    for name in ("b.csv.gz", "a.zip", "c.pdf", "d.gz", "e.xlsx", "f.json"):
        (tmp_path / name).write_bytes(b"x")
    assert [file.name for file in expand([str(tmp_path)])] == [
        "a.zip",
        "b.csv.gz",
        "e.xlsx",
        "f.json",
    ]
