"""Files that are broken, locked or of another kind: init names the file and a remedy, or reads them."""

import datetime
import gzip
import io
import json
import sqlite3
import zipfile
from pathlib import Path

import openpyxl
import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest

from stages.commands.init.databases import recognise_database
from stages.commands.init.raw_copies import linked_raw
from stages.commands.init.recognition import guess_sources
from stages.lib.core.errors import UserError

QUESTIONS = [(f"Where is part {n}?", f"Part {n} lies on shelf {n % 7}, at the left.") for n in range(30)]  # fmt: skip
CSV = "question,answer\n" + "".join(f'{q},"{a}"\n' for q, a in QUESTIONS)
LINES = "\n".join(json.dumps({"question": q, "answer": a}) for q, a in QUESTIONS)
ROWS = [{"question": q, "answer": a} for q, a in QUESTIONS]
COLUMNS = {"text": "answer", "anchor": "question"}


def archive(**content):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as stream:
        for name, text in content.items():
            stream.writestr(name.replace("_", "."), text)
    return packed.getvalue()


def locked_archive():
    """Return an archive whose file says that a password locks it."""
    packed = bytearray(archive(faq_csv=CSV))
    packed[6] |= 1
    packed[packed.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(packed)


def workbook(*rows, merged=()):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for cells in merged:
        book.active.merge_cells(cells)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def parquet_file(**columns):
    packed = io.BytesIO()
    questions, answers = zip(*QUESTIONS, strict=True)
    parquet.write_table(arrow.table({"question": questions, "answer": answers, **columns}), packed)
    return packed.getvalue()


SERIALS = [(q, a, 45_000 + n) for n, (q, a) in enumerate(QUESTIONS)]
TOPICS = [("Mail" if n % 2 == 0 else None, q, a) for n, (q, a) in enumerate(QUESTIONS)]
WHEN = arrow.array([datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)] * 30)

# The file, its content, the records, and the columns that are read.
READ = [
    ("utf16.csv", CSV.encode("utf-16"), 30, COLUMNS),
    ("utf16.jsonl", LINES.encode("utf-16"), 30, COLUMNS),
    ("utf32.csv", CSV.encode("utf-32"), 30, COLUMNS),
    ("zeros.csv", CSV.replace("shelf", "\0shelf").encode(), 30, COLUMNS),
    ("one_line.json", json.dumps(ROWS * 30).encode(), 900, COLUMNS),
    ("excel_says.csv", ("sep=;\n" + CSV.replace(',"', ";").replace('"', "").replace(",a", ";a")).encode(), 30, COLUMNS),
    ("spaces.csv", CSV.replace("question,answer", " question , answer ").encode(), 30, {"text": " answer ", "anchor": " question "}),
    ("commas.csv", CSV.replace("\n", ",\n").encode(), 30, COLUMNS),
    ("sentences.csv", ("text\n" + "".join(f"{a}\n" for _, a in QUESTIONS)).encode(), 30, {"text": "text"}),
    ("merged.xlsx", workbook(["Help desk"], ["Topic", "Question", "Answer"], *TOPICS, merged=["A1:C1", "A3:A4", "A5:A6"]), 30, {"text": "Answer", "anchor": "Question"}),
    ("serials.xlsx", workbook(["Question", "Answer", "Date"], *SERIALS), 30, {"text": "Answer", "anchor": "Question"}),
    ("lists.parquet", parquet_file(paths=[[["a"], ["b"]]] * 30, raw=[b"\xff"] * 30), 30, COLUMNS),
    ("types.parquet", parquet_file(when=WHEN), 30, {**COLUMNS, "time": "when"}),
    ("rtl.csv", ("سؤال,جواب\n" + "".join(f"كيف أغير كلمة المرور رقم {n}؟,افتح الإعدادات رقم {n} ثم غيرها.\n" for n in range(30))).encode(), 30, {"text": "جواب", "anchor": "سؤال"}),
    ("two\nlines.csv", CSV.encode(), 30, COLUMNS),
]  # fmt: skip

# The file, its content, and what the error says.
REFUSED = [
    ("twice.csv", b"id,text,text\n1,a b c,d e f\n2,g h i,j k l\n", "its columns are 'id' \\(the name 'text' stands twice\\)"),
    ("no_names.csv", b",,\n1,a b c,d e f\n2,g h i,j k l\n", "its header gives no column a name of its own"),
    ("cut.jsonl", LINES.encode() + b'\n{"question": "Where', "cut.jsonl, line 31: this is not JSON"),
    ("cut.jsonl.gz", gzip.compress(LINES.encode())[:-20], "cut.jsonl.gz is not a readable .gz file"),
    ("plain.csv.gz", CSV.encode(), "plain.csv.gz is not a readable .gz file"),
    ("locked.zip", locked_archive(), "locked.zip holds 'faq.csv', which a password locks"),
    ("two.zip", archive(a_csv=CSV, b_csv=CSV), "two.zip holds 2 files"),
    ("empty.zip", archive(), "empty.zip holds 0 files"),
    ("formulas.xlsx", workbook(["Question", "Answer"], *[(q, f'=UPPER("{q}")') for q, _ in QUESTIONS]), "formulas.xlsx, row 2: the cell B2 holds a formula without its value"),
    ("text.xlsx", CSV.encode(), "text.xlsx is not a readable Excel file"),
    ("old.xls", bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), "old.xls is a workbook with a password, or of Excel before 2007"),
    ("locked.xlsx", bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), "locked.xlsx is a workbook with a password"),
    ("cut.parquet", parquet_file()[:-30], "cut.parquet is not a readable Parquet file"),
    ("page.csv", b"\n<!DOCTYPE html>\n<html><body>Sign in, please.</body></html>", "page.csv is a web page"),
    ("pointer.jsonl", b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n", "pointer.jsonl is a pointer of Git LFS"),
    ("desk.db", b"SQLite format 3\0" + bytes(90), "desk.db is a database of SQLite"),
    ("wrapped.json", json.dumps({"version": "2", "data": ROWS}).encode(), "wrapped.json is one object with the list 'data'"),
    ("answers.json", json.dumps(dict(QUESTIONS * 2) | {str(n): "x" for n in range(9)}).encode(), "answers.json is one object with 39 values"),
    ("mixed.jsonl", LINES.encode() + b"\n[1, 2]\n", "mixed.jsonl, line 31: '\\[1, 2\\]' is no object"),
    ("ragged.csv", CSV.encode() + b"Is it?,yes,no,maybe\n", "ragged.csv, line 32: 4 fields where the header has 2"),
    ("numbers.csv", b"a,b\n1,2\n3,4\n", "no column holds texts"),
    ("emoji.csv", "q,a\n😀,🚗🏠\n😀😀,🚗\n".encode(), "no column holds texts"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "count", "columns"), READ, ids=[row[0] for row in READ]
)
def test_what_can_be_read_is_read_as_it_is(name, content, count, columns, tmp_path):
    (tmp_path / name).write_bytes(content)
    guess, rows = guess_sources([str(tmp_path / name)])[0].read({}, ())
    assert guess.guess.columns == columns
    assert (rows.records_read, rows.ledger.dropped().total()) == (count, 0)


@pytest.mark.parametrize(("name", "content", "fact"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_cannot_be_read_is_named_where_it_lies(name, content, fact, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=fact) as error:
        guess_sources([str(tmp_path / name)])[0].read({}, ())
    # A file that was not copied yet is not looked for under data/raw/.
    assert name in error.value.fact
    assert "data/raw" not in error.value.fact


def test_a_column_whose_name_stands_twice_is_noted(tmp_path):
    content = "question,answer,note,note\nWhere is it?,It is here on the left.,a,b\n"
    (tmp_path / "faq.csv").write_text(content, "utf-8")
    lines = guess_sources([str(tmp_path / "faq.csv")])[0].description()
    assert "  not read, since the name stands twice in the header: 'note'" in lines


def test_links_that_lead_in_circles_are_followed_once(tmp_path):
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "faq.csv").write_text(CSV, "utf-8")
    (folder / "again").symlink_to(folder)
    (folder / "self.csv").symlink_to(folder / "self.csv")
    assert [guess.name for guess in guess_sources([str(folder)])] == ["faq"]
    with pytest.raises(UserError, match=r"self\.csv does not exist"):
        guess_sources([str(folder / "self.csv")])


def test_a_database_that_is_locked_or_none_names_the_remedy(tmp_path, monkeypatch):
    (tmp_path / "text.db").write_text("This is a text. " * 100, "utf-8")
    monkeypatch.setenv("TEXT_URL", f"sqlite:///{tmp_path / 'text.db'}")
    with pytest.raises(UserError, match="tables cannot be listed: file is not a database") as error:
        recognise_database("sql:TEXT_URL", [])
    assert "check that it is the database that its URL says" in error.value.remedy

    monkeypatch.setenv("LOCKED_URL", f"sqlite:///{tmp_path / 'locked.db'}?timeout=0")
    locked = sqlite3.connect(tmp_path / "locked.db")
    locked.execute("create table faq (question text)")
    locked.execute("begin exclusive")
    with pytest.raises(UserError, match="tables cannot be listed: database is locked"):
        recognise_database("sql:LOCKED_URL", [])
    locked.close()


def test_a_file_that_cannot_be_read_is_named_where_the_user_has_it(tmp_path):
    """It is read through a link in a temporary folder, whose name would tell nobody anything."""
    own = tmp_path / "notes.md"
    copies = {Path("data/raw/handbook/notes.md"): own}
    with pytest.raises(UserError) as refused, linked_raw(copies) as raw:
        raise UserError(f"no permission: {raw / 'handbook/notes.md'} (Permission denied)", "ask")
    assert refused.value.fact == f"no permission: {own} (Permission denied)"

    with pytest.raises(PermissionError) as denied, linked_raw(copies) as raw:
        raise PermissionError(13, "Permission denied", str(raw / "handbook/notes.md"))
    assert denied.value.filename == str(own)
