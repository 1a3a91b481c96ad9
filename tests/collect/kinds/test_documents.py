"""The kind `documents`: a document a file, questions as anchors, and no file lost without a reason."""

import os
import random
import re

import pytest

from stages.collect.__main__ import collection_metrics, read_sources
from stages.collect.kinds import documents
from stages.collect.kinds.document_files import reading
from stages.collect.kinds.documents import DocumentsSource
from stages.collect.records import document_id
from stages.collect.source import ReadRequest
from stages.lib.core.errors import UserError
from tests.collect.kinds.document_files.folder import FILES, write, write_folder
from tests.collect.kinds.document_files.office_files import archive, docx, lines_of, pdf


@pytest.fixture
def read(tmp_path):
    """Write files below data/raw/docs, and read them as source `docs`."""

    def write_and_read(files, path="data/raw/docs", share=1.0, **settings):
        for name, data in files.items():
            write(tmp_path / "docs" / name, data if isinstance(data, bytes) else data.encode())
        source = DocumentsSource(reader="documents", path=path, **settings)
        request = ReadRequest("docs", tmp_path, max_rejected_share=share)
        return documents.KIND.read(source, request)

    return write_and_read


def by_key(rows, *keys):
    """Return (title, topic, text) of the documents with these keys."""
    indexed = rows.documents.frame().set_index("doc_id")
    found = [indexed.loc[document_id("docs", key)] for key in keys]
    return [(row["title"], row["topic"], row["text"]) for row in found]


def anchors(rows):
    return dict(zip(rows.pairs["anchor"], rows.pairs["doc_id"], strict=True))


def rejected(rows):
    ledger = rows.ledger.frame()
    drops = ledger[ledger["action"] == "drop"]
    return {
        after.removeprefix("data/raw/docs/"): reason
        for after, reason in zip(drops["after"], drops["reason"], strict=True)
    }


@pytest.mark.parametrize(
    ("name", "data", "title", "text"),
    [
        ("a.html", "<!doctype html><title>Leave – Acme</title><h1>Leave</h1><p>x", "Leave", None),
        ("a.html", "<title>Acme</title><h1>Leave</h1>", "Acme", None),
        ("a.html", "<title>Days of leave | Acme</title><h1>Acme</h1><h2>Days</h2>", "Days of leave | Acme", None),
        ("a.html", '<title>Untitled</title><meta property="og:title" content="Leave"><p>x', "Leave", None),
        ("a.html", "<h2>Days</h2><h1>Leave<a class=headerlink>¶</a></h1>", "Leave", None),
        ("a.html", "<p>only text", "a", None),
        ("sick-leave_2024.html", "<p>only text", "sick leave 2024", None),
        ("leave/index.html", "<p>only text", "leave", None),
        ("a.html", "<svg><title>Arrow</title></svg><p>x</p>", "a", None),
        ("a.md", "# Leave\n\nText.", "Leave", "<h1>Leave</h1>\n<p>Text.</p>\n"),
        ("a.md", "---\ntitle: Days off\n---\n# Leave\n", "Days off", None),
        ("a.md", "Text alone.\n", "a", "<p>Text alone.</p>\n"),
        ("README.md", "Text alone.\n", "README", None),
        ("tool/README.md", "Text alone.\n", "tool", None),
        ("a.txt", "Leave\n\nText <b>.\n", "Leave", "Leave\n\nText <b>.\n"),
        ("a.txt", "Leave\n=====\nText.\n", "Leave", None),
        ("a.txt", "A sentence.\n\nMore.\n", "a", "A sentence.\n\nMore.\n"),
        ("a.txt", "One line of many\nand the next.\n", "a", None),
        ("a.pdf", pdf(lines_of("Text of it."), title="Leave"), "Leave", "<p>Text of it.</p>"),
        ("a.pdf", pdf([(50, 750, 20, "Large"), *lines_of("Text of it.")]), "Large", None),
        ("a.pdf", pdf(lines_of("Text of it.")), "a", None),
        ("a.docx", docx("Text.", title="Leave"), "Leave", "<p>Text.</p>"),
        ("a.docx", docx(("heading 1", "Leave"), "Text."), "Leave", None),
        ("a.docx", docx("Text."), "a", None),
        ("Handb%C3%BCcher.txt", "x", "Handbücher", "x"),
        ("手册.txt", "请在三十天内联系客服。", "手册", None),
    ],
)  # fmt: skip
def test_a_file_is_a_document_with_its_title(read, name, data, title, text):
    rows = read({name: data})
    ((found_title, _, found_text),) = by_key(rows, name)
    assert found_title == title
    assert text is None or found_text == text
    assert len(rows.documents) == 1


def test_a_folder_of_all_formats(read, tmp_path):
    write_folder(tmp_path / "docs")
    rows = read({})
    assert anchors(rows) == {
        "如何退货？": document_id("docs", "faq/zh.md#如何退货"),
        "运费是多少？": document_id("docs", "faq/zh.md#运费是多少"),
        "Delivery times": document_id("docs", "faq/shop.html#delivery-times"),
        "How bright is it?": document_id("docs", "faq/accordion.html#how-bright-is-it"),
        "كيف أعيد المنتج؟": document_id("docs", "ar/returns.html"),
    }
    assert by_key(rows, "ja/sjis.html")[0][:2] == ("返品", "ja")
    assert by_key(rows, "utf16.txt", "cp1252.txt") == [
        ("Grüße aus Köln", "", "Grüße aus Köln\n\nBis bald."),
        (
            "Öffnungszeiten",
            "",
            "Öffnungszeiten\n\nWir haben täglich geöffnet, außer an Feiertagen.",
        ),
    ]
    assert rows.counts == {
        "files_docx": 1, "files_html": 5, "files_md": 4, "files_mdx": 1, "files_pdf": 1, "files_txt": 3, "questions": 5,
    }  # fmt: skip
    notes = rows.ledger.frame().set_index("row_id")["after"]
    assert notes[document_id("docs", "cp1252.txt")] == "cp1252"
    # HTML without questions is what stands in the file.
    assert by_key(rows, "handbuch/urlaub.html")[0][2] == FILES["handbuch/urlaub.html"]


def test_topics_are_the_first_folders_or_none(read):
    files = {"a.txt": "one", "b/c/d.txt": "two"}
    assert [row[1] for row in by_key(read(files), "a.txt", "b/c/d.txt")] == ["", "b"]
    assert [row[1] for row in by_key(read({}, topic="none"), "a.txt", "b/c/d.txt")] == ["", ""]


def test_without_faq_questions_stay_in_their_documents(read):
    page = "## Is it new?\n\nYes.\n\n## Who sells it?\n\nWe.\n"
    assert len(read({"a.md": page}).pairs) == 2
    rows = read({}, faq="off")
    assert (len(rows.documents), len(rows.pairs)) == (1, 0)


BAD_FILES = {
    "empty.md": (b"", "empty_text"),
    "blank.txt": (b" \n\t\n", "empty_text"),
    "blank.html": (
        b"<html><style>a{}</style><body><script>x()</script><noscript>y</noscript></body>",
        "empty_text",
    ),
    "picture.html": (b"\x89PNG\r\n\x1a\n" + bytes(50), "wrong_format"),
    "archive.txt": (archive({"a": "b"}), "wrong_format"),
    "noise.md": (bytes(range(32)) * 20, "wrong_format"),
    "pdf.txt": (pdf(lines_of("x")), "wrong_format"),
    "page.pdf": (b"<html>Not found</html>", "wrong_format"),
    "old.docx": (b"\xd0\xcf\x11\xe0" + bytes(600), "wrong_format"),
    "text.docx": (b"no word file", "wrong_format"),
    "scan.pdf": (pdf([]), "no_text"),
    "cut.pdf": (pdf(lines_of("x"))[:250], "broken_file"),
    "empty.docx": (docx(), "empty_text"),
    "empty.pdf": (b"", "empty_text"),
    "text.rtf.txt": (b"{\\rtf1 text}", "wrong_format"),
}


def test_files_that_hold_no_text_are_rejected_with_their_names(read):
    rows = read({"good.md": "Text.", **{name: data for name, (data, _) in BAD_FILES.items()}})
    assert rejected(rows) == {name: reason for name, (_, reason) in BAD_FILES.items()}
    assert len(rows.documents) == 1
    assert rows.records_read == rows.records_kept + len(BAD_FILES)
    ledger = rows.ledger.frame().set_index("after")
    assert ledger.loc["data/raw/docs/page.pdf", "before"] == (
        '{"path":"page.pdf","fault":"no PDF: it begins with \'<html>Not fo\'"}'
    )


def test_rows_and_rejections_are_counted_by_the_stage(read):
    rows = read({"good.md": "Text.", "scan.pdf": pdf([])})
    metrics = collection_metrics({"docs": rows}, {})
    assert metrics["dropped.no_text"] == 1
    assert metrics["source.docs.files_pdf"] == 1


def test_too_many_rejections_stop_and_name_the_files(read):
    with pytest.raises(UserError) as error:
        read({"good.md": "Text.", "scan.pdf": pdf([])}, share=0.1)
    assert "1 of 2 records were rejected (50 %: 1 no_text)" in error.value.fact
    assert "data/raw/docs/scan.pdf (no_text)" in error.value.fact
    assert error.value.remedy.startswith("correct the files, or take them away")


def test_no_usable_file_at_all_is_an_error(read):
    with pytest.raises(UserError, match=r"none of its 1 rows can be used \(no_text 1\)"):
        read({"scan.pdf": pdf([])})


def test_a_file_that_is_too_large_is_not_read(read, monkeypatch):
    monkeypatch.setattr(reading, "MOST_TEXT_BYTES", 100)
    monkeypatch.setattr(reading, "_bytes", lambda path, most=-1: path.read_bytes()[:100])
    assert rejected(read({"good.md": "Text.", "long.txt": "x" * 101})) == {"long.txt": "too_large"}


def test_a_page_of_very_many_tags_is_read_without_a_tree(read, monkeypatch):
    monkeypatch.setattr(reading, "PageTree", lambda html: pytest.fail("parsed"))
    page = "<title>Deep</title>" + "<div>" * 40_000 + "How? text"
    assert by_key(read({"a.html": page}), "a.html") == [("Deep", "", page)]


@pytest.mark.parametrize(
    ("path", "fact"),
    [
        ("data/raw/nothing", "data/raw/nothing holds no document"),
        ("data/raw/docs/*.pdf", "data/raw/docs/*.pdf holds no document"),
        ("data/raw/docs/a.csv", "data/raw/docs/a.csv holds no document; its files are 1 .csv"),
    ],
)
def test_a_path_without_documents_is_an_error(read, path, fact):
    with pytest.raises(UserError, match=re.escape(fact)):
        read({"a.csv": "a,b", "b.md": "Text."}, path=path)


@pytest.mark.parametrize(
    ("settings", "fact"),
    [
        ({"path": "/etc"}, "collect.sources.docs.path = '/etc' is not under data/raw/"),
        ({"path": "data/raw/../x"}, "is not under data/raw/"),
        ({"path": "data/raw"}, "is not under data/raw/"),
        (
            {"path": "data/raw/a", "encoding": "rot13"},
            "docs.encoding = 'rot13' is no text encoding",
        ),
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path, settings, fact):
    source = DocumentsSource.model_validate({"reader": "documents", **settings})
    with pytest.raises(UserError, match=re.escape(fact)):
        read_sources({"docs": source}, tmp_path, max_rejected_share=0.1)


def test_a_link_out_of_the_folder_is_refused(read, tmp_path):
    write(tmp_path.parent / "secret.md", b"secret")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/link.md").symlink_to(tmp_path.parent / "secret.md")
    with pytest.raises(
        UserError, match=r"data/raw/docs/link\.md is a link to .*secret\.md, outside data/raw/"
    ):
        read({"a.md": "Text."})


def test_a_link_to_a_file_of_the_folder_is_read(read, tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/link.md").symlink_to("a.md")
    assert len(read({"a.md": "Text."}).documents) == 2


def test_names_that_are_no_utf8_have_a_place_in_the_ledger(read, tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/docs/caf\xe9.pdf")
    write(tmp_path / "docs/a.md", b"Text.")
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(pdf([]))
    assert rejected(read({})) == {"caf\\xe9.pdf": "no_text"}


def test_ids_depend_on_paths_and_questions_alone(read, tmp_path):
    write_folder(tmp_path / "docs")
    before = read({})
    names = list(FILES)
    random.Random(1).shuffle(names)
    for name in names:
        (tmp_path / "docs" / name).unlink()
    after = read(
        {
            **{name: FILES[name] for name in names},
            "new/a.md": "## Is it new?\n\nYes.\n\n## Who?\n\nWe.\n",
        }
    )

    # A file more adds rows, and changes none.
    old = before.documents.frame().set_index("doc_id").sort_index()
    new = after.documents.frame().set_index("doc_id").sort_index()
    assert new.loc[old.index].equals(old)
    assert set(before.pairs["pair_id"]) < set(after.pairs["pair_id"])
    assert before.ledger.frame().equals(after.ledger.frame())


def test_questions_of_a_table_lead_to_documents_by_their_paths(tmp_path):
    from tests.collect.sources import table_source

    write(tmp_path / "docs/a.md", b"Text.")
    write(tmp_path / "asked.csv", b"question,page\nWhat is it?,a.md\n")
    docs = DocumentsSource(reader="documents", path="data/raw/docs")
    columns = {"anchor": "question", "document_key": "page"}
    asked = table_source("asked.csv", columns, documents_of="docs")
    rows = read_sources({"docs": docs, "asked": asked}, tmp_path, max_rejected_share=0.1)
    assert rows["asked"].pairs["doc_id"].tolist() == [document_id("docs", "a.md")]
