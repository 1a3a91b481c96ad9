"""What the fuzz suites found once, as literals."""

import os
import zipfile

import pytest

from stages.clean.unicode import remove_invisible
from stages.collect.kinds.document_files.listing import list_documents
from stages.collect.kinds.document_files.outcome import FileError
from stages.collect.kinds.document_files.pdf_page import read_pdf
from stages.collect.kinds.document_files.questions import without_label
from stages.collect.kinds.document_files.word_page import read_word
from stages.collect.kinds.trec_topics import read_topics
from stages.collect.records import DocumentRow, stored_documents
from tests.collect.kinds.document_files.office_files import pdf


def test_a_word_file_whose_text_cannot_be_unpacked_is_broken(tmp_path):
    path = tmp_path / "a.docx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", os.urandom(50).hex() * 40)
    data = bytearray(path.read_bytes())
    start = data.index(b"word/document.xml") + len("word/document.xml")
    data[start : start + 40] = b"\xff" * 40
    path.write_bytes(data)
    with pytest.raises(FileError, match="no Word file"):
        read_word(path)


def test_a_title_of_a_pdf_that_is_no_text_is_left_out(tmp_path):
    path = tmp_path / "a.pdf"
    data = pdf([(50, 750, 11, "The kettle boils a litre of water.")], title="ab")
    path.write_bytes(data.replace(b"feff00610062", b"feffd8000062"))
    assert "The kettle boils" in read_pdf(path).html


def test_a_link_to_itself_is_passed_over(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/loop.md").symlink_to("loop.md")
    (tmp_path / "docs/a.md").write_text("# A", "utf-8")
    listing = list_documents(tmp_path, "docs")
    assert [file.key for file in listing.files] == ["a.md"]
    assert listing.skipped == {"special": 1}


@pytest.mark.parametrize(
    ("heading", "question"),
    [
        ("Q3: How do I reset it?", "How do I reset it?"),
        ("Does version 2.0 work with it?", "Does version 2.0 work with it?"),
        ("Where is the FAQ: here?", "Where is the FAQ: here?"),
        ("Is 3. the best?", "Is 3. the best?"),
        ("2.1) Is it new? \u00b6", "Is it new?"),
        ("Why C#?", "Why C#?"),
        ("Frage 4: Warum?", "Warum?"),
    ],
)
def test_a_label_stands_at_the_beginning_alone(heading, question):
    assert without_label(heading) == question


def test_a_topic_ends_at_the_first_end_of_its_name():
    text = "<top><num>1</num><title>a</title></top><topic number='2'><query>b</query></topic><top>c"
    assert [(topic.number, topic.query(None)) for topic in read_topics(text)] == [
        ("1", "a"),
        ("2", "b"),
    ]


def test_a_control_character_in_a_name_goes_where_it_enters():
    row = DocumentRow("d1", "faq", "Title", "Text\x07.", topic="a\x00b\uffff", group="g\x1b[31m")
    [kept] = stored_documents([row])
    assert (kept[4], kept[5]) == ("ab", "g[31m")
    assert kept[3] == "Text\x07.", (
        "texts are cleaned by the stage `clean`, with a line in the ledger"
    )


def test_code_loses_control_characters_and_keeps_the_others():
    assert remove_invisible("a\u200bb `c\u200bd\x1be\uffff`") == "ab `c\u200bde`"
