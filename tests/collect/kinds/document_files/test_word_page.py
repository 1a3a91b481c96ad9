"""Word files: headings, lists, tables, notes and fields; what is none is refused with its reason."""

import re
import zipfile

import pytest

from stages.collect.kinds.document_files import word_page
from stages.collect.kinds.document_files.outcome import FileError
from stages.collect.kinds.document_files.word_page import read_word
from tests.collect.kinds.document_files.office_files import archive, docx


@pytest.fixture
def read(tmp_path):
    def write_and_read(data):
        (tmp_path / "a.docx").write_bytes(data)
        return read_word(tmp_path / "a.docx")

    return write_and_read


RUN = "<w:r><w:t>{}</w:t></w:r>"
MERGE_FIELD = (
    '<w:p><w:r><w:t xml:space="preserve">Dear </w:t></w:r><w:r><w:fldChar w:fldCharType="begin"/></w:r>'
    "<w:r><w:instrText> MERGEFIELD Name </w:instrText></w:r><w:r><w:fldChar w:fldCharType=\"separate\"/></w:r>"
    "<w:r><w:t>«Name»</w:t></w:r><w:r><w:fldChar w:fldCharType=\"end\"/></w:r></w:p>"
)  # fmt: skip
FORMULA = (
    '<w:p xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"><w:r><w:t>Then </w:t></w:r>'
    "<m:oMath><m:r><m:t>x=y</m:t></m:r><m:r><m:t>+1</m:t></m:r></m:oMath></w:p>"
)


@pytest.mark.parametrize(
    ("blocks", "html"),
    [
        (["Text of a letter."], "<p>Text of a letter.</p>"),
        ([("heading 1", "Offer"), ("heading 2", "Price")], "<h1>Offer</h1><h2>Price</h2>"),
        ([("Title", "Handbook"), "Text."], "<h1>Handbook</h1><p>Text.</p>"),
        ([[["Item", "Price"], ["Lamp", "10"]]], "<table><tr><td><p>Item</p></td><td><p>Price</p></td></tr><tr><td><p>Lamp</p></td><td><p>10</p></td></tr></table>"),
        (["a < b & <c>"], "<p>a &lt; b &amp; &lt;c&gt;</p>"),
        (["手册 دليل Ελλάδα"], "<p>手册 دليل Ελλάδα</p>"),
        ([MERGE_FIELD], "<p>Dear «Name»</p>"),
        ([FORMULA], "<p>Then x=y+1</p>"),
        ([f"<w:p><w:ins>{RUN.format('new')}</w:ins><w:del><w:r><w:delText>old</w:delText></w:r></w:del></w:p>"], "<p>new</p>"),
        ([f"<w:sdt><w:sdtContent><w:p>{RUN.format('field')}</w:p></w:sdtContent></w:sdt>"], "<p>field</p>"),
        ([f"<w:p>{RUN.format('one')}<w:r><w:br/></w:r>{RUN.format('two')}</w:p>"], "<p>one<br />two</p>"),
    ],
)  # fmt: skip
def test_the_text_of_a_word_file(read, blocks, html):
    assert read(docx(*blocks)).html == html


def test_footnotes_stand_at_the_end_without_arrows(read):
    html = read(docx("We offer this.[*]", footnotes=["Without tax."])).html
    assert re.sub(r"<[^<>]*>", " ", html).split() == [
        "We",
        "offer",
        "this.",
        "[1]",
        "Without",
        "tax.",
    ]


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Offer of May", "Offer of May"),
        ("A & B", "A & B"),
        ("Untitled", ""),
        ("offer.docx", ""),
        ("", ""),
    ],
)
def test_the_title_of_the_properties(read, title, expected):
    assert read(docx("Text.", title=title)).title == expected


def test_pictures_leave_their_texts_alone(read):
    picture = (
        '<w:p><w:r><w:drawing><wp:inline xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing">'
        '<wp:docPr id="1" name="p" descr="A red lamp"/><a:graphic xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">'
        '<a:graphicData><pic:pic xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:blipFill>'
        '<a:blip xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" r:embed="rId5"/>'
        "</pic:blipFill></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>"
    )
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId5" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/image" Target="media/i.png"/></Relationships>'
    )
    parts = {
        "word/media/i.png": b"\x89PNG" + bytes(100_000),
        "word/_rels/document.xml.rels": relations,
    }
    html = read(docx("Before.", picture, parts=parts)).html
    assert html == '<p>Before.</p><p><img alt="A red lamp" src="" /></p>'


def broken(**parts):
    return docx(
        "Text.", parts={name.replace("__", "/") + ".xml": text for name, text in parts.items()}
    )


@pytest.mark.parametrize(
    ("data", "reason", "detail"),
    [
        (b"\xd0\xcf\x11\xe0" + bytes(600), "wrong_format", "an encrypted file, or one of Word 2003 or older"),
        (b"no archive", "wrong_format", "no Word file: File is not a zip file"),
        (archive({"a.txt": "x"}), "wrong_format", "a zip archive without word/document.xml"),
        (archive({"xl/workbook.xml": "<a/>", "_rels/.rels": "<Relationships/>"}), "broken_file", "no readable Word file"),
        (broken(word__document="<w:document"), "broken_file", "no readable Word file"),
        (broken(word__document="<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"), "wrong_format", "declares a document type"),
        (docx("Text.")[:-40], "wrong_format", "no Word file"),
        (docx("Text.").replace(b"PK\x03\x04", b"PK\x03\x05"), "wrong_format", "no Word file"),
    ],
)  # fmt: skip
def test_what_is_no_word_file_says_so(read, data, reason, detail):
    with pytest.raises(FileError, match=re.escape(detail)) as error:
        read(data)
    assert error.value.reason == reason


def test_a_bomb_is_refused_before_it_is_unpacked(read, monkeypatch):
    bomb = docx("Text.", parts={"word/footnotes.xml": " " * (40 * 2**20)})
    assert len(bomb) < 100_000
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("unpacked"))
    with pytest.raises(FileError, match="unpack to 41,9") as error:
        read(bomb)
    assert error.value.reason == "too_large"


def test_an_archive_of_very_many_parts_is_refused(read, monkeypatch):
    monkeypatch.setattr(word_page, "_MOST_PARTS", 5)
    with pytest.raises(FileError, match="its 6 parts"):
        read(docx("Text."))


def test_deep_xml_ends_without_a_traceback(read):
    deep = "<w:sdt><w:sdtContent>" * 3000 + "</w:sdtContent></w:sdt>" * 3000
    with pytest.raises(FileError, match="no readable Word file") as error:
        read(docx("Text.", deep))
    assert error.value.reason == "broken_file"
