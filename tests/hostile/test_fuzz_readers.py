"""Readers take any bytes: rows, or an error that names the file. Rows in are rows kept and dropped."""

import csv
import gzip
import io
import json
import zipfile
from pathlib import Path

import openpyxl
import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from stages.collect.kinds import documents, table
from stages.collect.kinds.documents import DocumentsSource
from stages.collect.source import ReadRequest
from stages.collect.stored_tables import MergedTables
from stages.lib.core.errors import UserError
from stages.lib.core.plain_names import without_forbidden
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import Pairs
from tests.collect.kinds.document_files.office_files import docx, pdf
from tests.collect.kinds.reading import read
from tests.collect.sources import table_source
from tests.hostile.inputs import mutated, name, of_seed, seeds, text
from tests.hostile.timing import at_most

pytestmark = [pytest.mark.slow, pytest.mark.fuzz]

SECONDS = 10
COLUMNS = {"key": "id", "anchor": "question", "text": "answer", "topic": "topic", "title": "title"}
FIELDS = list(COLUMNS.values())


def rows_of(source):
    return [[text(source, surrogates=False) for _ in FIELDS] for _ in range(source.randint(0, 6))]


def as_csv(rows, delimiter=","):
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter).writerows([FIELDS, *rows])
    return stream.getvalue().encode()


def as_lines(rows):
    return "\n".join(json.dumps(dict(zip(FIELDS, row, strict=True))) for row in rows).encode()


def as_parquet(rows):
    stream = io.BytesIO()
    columns = {field: [row[at] for row in rows] for at, field in enumerate(FIELDS)}
    parquet.write_table(arrow.table(columns), stream)
    return stream.getvalue()


def as_excel(rows):
    book = openpyxl.Workbook()
    for row in [FIELDS, *rows]:
        cells = [without_forbidden(ILLEGAL_CHARACTERS_RE.sub("", cell))[:30_000] for cell in row]
        book.active.append(cells)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def as_zip(data):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("faq.csv", data)
    return stream.getvalue()


WRITERS = {
    "faq.csv": as_csv,
    "faq.tsv": lambda rows: as_csv(rows, "\t"),
    "faq.jsonl": as_lines,
    "faq.json": lambda rows: b"[" + as_lines(rows).replace(b"\n", b",") + b"]",
    "faq.parquet": as_parquet,
    "faq.xlsx": as_excel,
    "faq.csv.gz": lambda rows: gzip.compress(as_csv(rows)),
    "faq.csv.zip": lambda rows: as_zip(as_csv(rows)),
}


def check_rows(rows, folder):
    """Check that no row is lost, and that the tables can be written."""
    parts = ((rows.documents, Documents), (rows.pairs, Pairs), (rows.ledger, Ledger))
    for part, contract in parts:
        MergedTables([part]).write(folder / "out" / contract.__name__, contract)
    drops = rows.ledger.frame().query("action == 'drop'")
    assert rows.records_read == rows.records_kept + len(drops)


def check(read_it, folder):
    """Read within the limit of time; an error is short, and names what to do."""
    try:
        with at_most(SECONDS):
            rows = read_it()
            check_rows(rows, folder)
    except UserError as error:
        assert error.fact
        assert error.remedy
        assert len(str(error).splitlines()) <= 10


@pytest.mark.timeout(7200)
def test_a_table_of_any_bytes_is_read_or_refused(tmp_path):
    for seed in seeds(30):
        source = of_seed("tables", seed)
        file = source.choice(sorted(WRITERS))
        content = mutated(source, WRITERS[file](rows_of(source)))
        (tmp_path / file).write_bytes(content)
        settings = table_source(file, COLUMNS)
        check(lambda s=settings: table.read_files(s, ReadRequest("faq", tmp_path)), tmp_path)


def page_of(source):
    body = "".join(f"<p>{text(source)}</p>" for _ in range(source.randint(0, 5)))
    return f"<html><head><title>{text(source)}</title></head><body><h1>{text(source)}</h1>{body}</body></html>"


def markdown_of(source):
    return f"---\ntitle: {text(source, 3)}\n---\n# {text(source)}\n\n{text(source)}\n\n## Why {text(source, 2)}?\n\n{text(source)}\n"


def pdf_of(source):
    lines = [(50, 750 - 14 * at, 11, text(source, 3, surrogates=False)[:200]) for at in range(4)]
    return pdf(lines, title=text(source, 2, surrogates=False)[:50])


FILES = {
    ".html": lambda source: page_of(source).encode("utf-8", "surrogatepass"),
    ".md": lambda source: markdown_of(source).encode("utf-8", "surrogatepass"),
    ".mdx": lambda source: markdown_of(source).encode("utf-8", "surrogatepass"),
    ".txt": lambda source: text(source, 30).encode(
        source.choice(("utf-8", "utf-16", "latin-1")), "ignore"
    ),
    ".pdf": pdf_of,
    ".docx": lambda source: docx(f"<w:p><w:r><w:t>{source.random()}</w:t></w:r></w:p>"),
}


@pytest.mark.timeout(7200)
def test_a_folder_of_any_files_is_read_or_refused(tmp_path):
    for seed in seeds(12):
        source = of_seed("files", seed)
        folder = tmp_path / str(seed) / "docs"
        folder.mkdir(parents=True)
        for _ in range(source.randint(1, 3)):
            suffix = source.choice(sorted(FILES))
            path = folder / f"{name(source)}{suffix}"
            path.write_bytes(mutated(source, FILES[suffix](source)))
        if source.random() < 0.3:
            (folder / "link.md").symlink_to(
                source.choice(("/etc/passwd", "nowhere", "..", "link.md"))
            )
        settings = DocumentsSource(reader="documents", path="data/raw/docs")
        request = ReadRequest("docs", folder.parent, max_rejected_share=1.0)
        check(lambda s=settings, r=request: documents.KIND.read(s, r), tmp_path)


DOCUMENTS = {"reader": "table", "path": "data/raw/d.csv", "columns": {"key": "id", "text": "text"}}


def log_of(source):
    cells = [
        [text(source, 2, surrogates=False), source.choice("12x"), text(source, 1, surrogates=False)]
        for _ in range(5)
    ]
    stream = io.StringIO()
    csv.writer(stream).writerows([["q", "d", "c"], *cells])
    columns = {"query": "q", "document": "d", "clicks": "c"}
    settings = {
        "reader": "search_log",
        "path": "data/raw/log.csv",
        "rows": "impressions",
        "columns": columns,
        "documents_of": "docs",
    }
    return settings, {"log.csv": mutated(source, stream.getvalue().encode())}, {"docs": DOCUMENTS}


def collection_of(source):
    files = {
        "set/corpus.jsonl": as_json(
            {"_id": key, "title": text(source, 2), "text": text(source)} for key in "abc"
        ),
        "set/queries.jsonl": as_json({"_id": key, "text": text(source, 3)} for key in "xy"),
        "set/qrels/test.tsv": f"query-id\tcorpus-id\tscore\nx\ta\t1\ny\t{text(source, 1, surrogates=False)}\t1\n".encode(),
    }
    file = source.choice(sorted(files))
    files[file] = mutated(source, files[file])
    return {"reader": "beir", "path": "data/raw/set"}, files, {}


def trainer_of(source):
    rows = [
        {
            "query": text(source, 2),
            "pos": [text(source)],
            "neg": [text(source, 2)] * source.randint(0, 3),
        }
        for _ in range(4)
    ]
    return (
        {"reader": "trainer", "path": "data/raw/a.jsonl"},
        {"a.jsonl": mutated(source, as_json(rows))},
        {},
    )


def as_json(values):
    return "".join(json.dumps(value) + "\n" for value in values).encode()


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("kind", [log_of, collection_of, trainer_of])
def test_another_kind_of_any_bytes_is_read_or_refused(kind, tmp_path):
    for seed in seeds(4):
        source = of_seed(kind.__name__, seed)
        settings, files, others = kind(source)
        check(lambda s=settings, f=files, o=others: read(s, f, o), tmp_path)


BOMBS = {
    "a word of 10 MB.csv": b"id,question,answer,topic,title\n1,a?," + b"a" * 10_000_000 + b",,\n",
    "10 MB without a line end.jsonl": b'{"id":"1","question":"a?","answer":"' + b"b" * 10_000_000 + b'"}',
    "100,000 open lists.json": b"[" * 100_000,
    "100,000 open objects.jsonl": b'{"a":' * 100_000,
    "one quote.csv": b'id,question,answer,topic,title\n1,"' + b"a,\n" * 300_000,
    "zero bytes.csv": b"id,question,answer,topic,title\n" + b"\0" * 1_000_000,
}  # fmt: skip


@pytest.mark.parametrize("file", BOMBS)
def test_a_bomb_in_a_table_is_read_or_refused(file, tmp_path):
    (tmp_path / file).write_bytes(BOMBS[file])
    settings = table_source(file, COLUMNS)
    check(lambda: table.read_files(settings, ReadRequest("faq", tmp_path)), tmp_path)


LAUGHS = "".join(f"<!ENTITY l{at} '{f'&l{at - 1};' * 10 if at else 'ha'}'>" for at in range(12))
PAGES = {
    "entities.html": f"<!DOCTYPE html [{LAUGHS}]><html><body><p>&l11;</p></body></html>",
    "100,000 tags.html": "<div>" * 100_000 + "x",
    "10 MB.txt": "a" * 10_000_000,
    "aliases.md": "---\n"
    + "\n".join(
        f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9) if at else 'x'}]" for at in range(12)
    )
    + "\n---\n# A\n\nText.\n",
    "tag.md": "---\ntitle: !!python/object/apply:os.system ['touch owned']\n---\n# A\n\nText.\n",
}


@pytest.mark.parametrize("file", PAGES)
def test_a_bomb_among_files_is_read_or_refused_and_never_run(file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / file).write_text(PAGES[file], "utf-8")
    settings = DocumentsSource(reader="documents", path="data/raw/docs")
    check(lambda: documents.KIND.read(settings, ReadRequest("docs", tmp_path)), tmp_path)
    assert not Path("owned").exists()


def test_a_text_that_a_parquet_file_repeats_is_refused_before_it_fills_the_memory(tmp_path):
    """2 kB of Parquet say that a text of 20 MB stands in each of 100,000 rows."""
    long = arrow.DictionaryArray.from_arrays(
        arrow.array([0] * 100_000, arrow.int32()), ["x" * 20_000_000]
    )
    rows = arrow.table({"question": ["a?"] * 100_000, "answer": long})
    parquet.write_table(rows, tmp_path / "a.parquet", compression="zstd", store_schema=False)
    settings = table_source("a.parquet")
    with pytest.raises(UserError, match="unpacks to more than"), at_most(SECONDS):
        table.read_files(settings, ReadRequest("faq", tmp_path))


def test_a_list_of_repeated_texts_is_refused_too(tmp_path):
    rows = arrow.table({"question": ["a?"] * 20, "answers": [["q" * 1_000_000] * 10] * 20})
    parquet.write_table(rows, tmp_path / "a.parquet", compression="zstd")
    settings = table_source("a.parquet", {"anchor": "question", "positive": "answers"})
    with pytest.raises(UserError, match="unpacks to more than"), at_most(SECONDS):
        table.read_files(settings, ReadRequest("faq", tmp_path))
