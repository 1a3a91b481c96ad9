"""PDF files: headings, paragraphs in reading order, whole words, and no running titles."""

import html
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.collect.kinds.document_files import pdf_page
from stages.collect.kinds.document_files.outcome import FileError
from stages.collect.kinds.document_files.pdf_blocks import (
    PdfPage,
    blocks_of,
    without_page_furniture,
)
from stages.collect.kinds.document_files.pdf_lines import Line, in_reading_order
from stages.collect.kinds.document_files.pdf_page import read_pdf
from tests.collect.kinds.document_files.folder import contract_pages
from tests.collect.kinds.document_files.office_files import lines_of, pdf

LEFT = [
    "the left column of the text goes on",
    "in the next line of the same column",
    "until its end, where it then begins",
]
RIGHT = ["again on the right side of the page", "which is drawn beside it row by row", "and is read after the left column.."]  # fmt: skip


@pytest.fixture
def read(tmp_path):
    def write_and_read(data):
        (tmp_path / "a.pdf").write_bytes(data)
        return read_pdf(tmp_path / "a.pdf")

    return write_and_read


@pytest.mark.parametrize(
    ("pages", "text"),
    [
        # Lines of a paragraph are one line, and a line that is not full ends it.
        (
            [lines_of("This is the first line of a paragraph that", "goes on in the second line.", "Another one.")],
            "<p>This is the first line of a paragraph that goes on in the second line.</p>\n<p>Another one.</p>",
        ),
        # Broken words are whole again, compounds stay compounds.
        ([lines_of("This sentence holds some infor-", "mation for you.")], "<p>This sentence holds some information for you.</p>"),
        (
            [lines_of("A well-known fact of the field, and a very well-", "known one.")],
            "<p>A well-known fact of the field, and a very well-known one.</p>",
        ),
        ([lines_of("The standard for the plug is IEC-", "60309 here.")], "<p>The standard for the plug is IEC-60309 here.</p>"),
        # Larger lines are headings, by their size.
        (
            [[(50, 750, 24, "Handbook"), (50, 710, 16, "Leave"), *lines_of("Thirty days a year for each of us.", top=690)]],
            "<h1>Handbook</h1>\n<h2>Leave</h2>\n<p>Thirty days a year for each of us.</p>",
        ),
        (
            [[(50, 750, 24, "A long title that"), (50, 722, 24, "takes two lines"), *lines_of("Text of the page, which is longer than its title.", top=690)]],
            "<h1>A long title that takes two lines</h1>\n<p>Text of the page, which is longer than its title.</p>",
        ),
        # Lists and tables keep their lines.
        (
            [lines_of("Bring with you to the office:", "• your passport and a photograph of you", "• the signed form")],
            "<p>Bring with you to the office:</p>\n<p>• your passport and a photograph of you</p>\n<p>• the signed form</p>",
        ),
        (
            [[(50, 700, 10, "Lamp"), (300, 700, 10, "10 EUR"), (50, 688, 10, "Desk"), (300, 688, 10, "90 EUR")]],
            "<p>Lamp | 10 EUR</p>\n<p>Desk | 90 EUR</p>",
        ),
        # What was drawn first is not read first.
        ([lines_of("One is at the top.", "", "Two is at the bottom.")[::-1]], "<p>One is at the top.</p>\n<p>Two is at the bottom.</p>"),
        # Columns that were drawn one after the other.
        (
            [[*lines_of(*LEFT), *lines_of(*RIGHT, left=320)]],
            f"<p>{' '.join([*LEFT, *RIGHT])}</p>".replace("begins again", "begins</p>\n<p>again"),
        ),
        # Columns that were drawn row by row.
        (
            [[(50, 750, 20, "Across"), *[line for pair in zip(lines_of(*LEFT * 3), lines_of(*RIGHT * 3, left=320), strict=True) for line in pair]]],
            f"<h1>Across</h1>\n<p>{' '.join(LEFT * 3)}</p>\n<p>{' '.join(RIGHT * 3)}</p>",
        ),
        # A sentence goes on in the next page.
        ([lines_of("This sentence does not end on the page but"), lines_of("goes on.")], "<p>This sentence does not end on the page but goes on.</p>"),
        ([lines_of("产品可以在三十天内退货，", "请联系客服。")], "<p>产品可以在三十天内退货，请联系客服。</p>"),
        ([lines_of("Die Größe beträgt 5 µm < 10 µm & mehr 😀.")], "<p>Die Größe beträgt 5 µm &lt; 10 µm &amp; mehr 😀.</p>"),
        ([lines_of("Возврат товара возможен в течение тридцати дней после", "покупки.")], "<p>Возврат товара возможен в течение тридцати дней после покупки.</p>"),
    ],
)  # fmt: skip
def test_the_text_of_pages(read, pages, text):
    assert read(pdf(*pages)).html == text


def test_running_titles_stay_once_and_page_numbers_go(read):
    page = read(pdf(*contract_pages()))
    assert page.html.count("Contract of Sale") == 1
    assert "Page" not in page.html
    (note,) = page.notes
    assert (note.reason, note.score) == ("page_furniture", 5)
    assert note.text == "Page 1 of 3 | Contract of Sale | Page 2 of 3 | Page 3 of 3"


def test_lines_of_the_margin_that_differ_stay():
    def page(text):
        return PdfPage([Line(text, 50, 780, 200, 790), Line("body", 50, 400, 200, 410)], 800)

    # Numbers that do not grow with the pages say something.
    pages = [page("Model 7"), page("Model 9"), page("Model 12"), page("Model 30")]
    assert without_page_furniture(pages).left_out == []
    assert without_page_furniture([page("Report 2024")] * 4).left_out == ["Report 2024"] * 3
    grown = [page(f"Report 2024, {number}") for number in (5, 6, 7, 8)]
    assert len(without_page_furniture(grown).left_out) == 3
    assert without_page_furniture([page("On two pages")] * 2).left_out == []


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ("Contract of Sale", "Contract of Sale"),
        ("Microsoft Word - Contract of Sale", "Contract of Sale"),
        ("Untitled", "Large"),
        ("contract_v2_final.docx", "Large"),
        ("Microsoft Word - c.doc", "Large"),
        ("", "Large"),
        ("2024", "Large"),
        ("Договор", "Договор"),
    ],
)
def test_the_title_is_what_people_wrote(read, metadata, expected):
    page = [(50, 750, 24, "Large"), *lines_of("Text of the page.")]
    assert read(pdf(page, title=metadata)).title == expected


ENCRYPTED = b" /Encrypt << /Filter /Standard /V 1 /R 2 /O <%s> /U <%s> /P -4 >> /ID [<00><00>]" % (
    b"41" * 32,
    b"42" * 32,
)


@pytest.mark.parametrize(
    ("data", "reason", "detail"),
    [
        (pdf(lines_of("secret"), extra=ENCRYPTED), "encrypted", "it opens with a password alone"),
        (pdf([]), "no_text", "none of its 1 pages holds text: a scan?"),
        (pdf([], []), "no_text", "none of its 2 pages holds text: a scan?"),
        (pdf(lines_of("\ue000\ue001\ue002\ue003")), "no_text", "its fonts do not say which letters they show"),
        (b"%PDF-1.7 and no more", "broken_file", "no readable PDF: Failed to load document (PDFium: Data format error)."),
        (pdf(lines_of("x"))[:200], "broken_file", "no readable PDF: Failed to load document (PDFium: Data format error)."),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why(read, data, reason, detail):
    with pytest.raises(FileError) as error:
        read(data)
    assert (error.value.reason, error.value.detail) == (reason, detail)


def test_too_much_is_refused(read, monkeypatch):
    monkeypatch.setattr(pdf_page, "_MOST_PAGES", 2)
    with pytest.raises(FileError, match="it has 3 pages, and 2 are read"):
        read(pdf(*contract_pages()))
    monkeypatch.setattr(pdf_page, "_MOST_PAGES", 3)
    monkeypatch.setattr(pdf_page, "_MOST_CHARACTERS", 100)
    with pytest.raises(FileError, match="more than 100 characters"):
        read(pdf(*contract_pages()))


def test_pages_without_text_are_counted(read):
    (note,) = read(pdf(lines_of("Text of the page."), [], [])).notes
    assert note == ("pages_without_text", "2 of 3 pages", 2)


def test_bold_lines_are_headings_where_most_of_the_text_is_not():
    lines = [
        Line("Who pays?", 50, 700, 100, 710, is_bold=True),
        Line("The buyer pays for all of it, as it is said.", 50, 686, 300, 696),
        Line("The end.", 50, 672, 90, 682, is_bold=True),
    ]
    assert blocks_of([lines]) == [
        (2, "Who pays?"),
        (0, "The buyer pays for all of it, as it is said."),
        (0, "The end."),
    ]


def test_short_cells_beside_each_other_are_no_columns():
    rows = [
        [Line(f"key {number}", 50, 700 - 12 * number, 50 + 30 * (1 + number % 3), 710 - 12 * number),
         Line(f"value {number}", 300, 700 - 12 * number, 330 + 40 * (number % 4), 710 - 12 * number)]
        for number in range(12)
    ]  # fmt: skip
    assert [line.text for line in in_reading_order(rows)] == [
        f"key {n} | value {n}" for n in range(12)
    ]


WORDS = st.text(st.sampled_from("abcdefgäöüßжяλ中日"), min_size=2, max_size=8)


@settings(max_examples=25)
@given(
    st.lists(
        st.lists(st.lists(WORDS, min_size=1, max_size=8), min_size=1, max_size=6),
        min_size=1,
        max_size=3,
    )
)
def test_no_letter_of_a_pdf_is_lost(tmp_path_factory, pages):
    file = tmp_path_factory.mktemp("pdf") / "a.pdf"
    file.write_bytes(pdf(*[lines_of(*[" ".join(words) for words in lines]) for lines in pages]))
    letters = "".join("".join(words) for lines in pages for words in lines)
    shown = html.unescape(re.sub(r"<[^<>]*>|\s", "", read_pdf(file).html))
    assert sorted(shown) == sorted(letters)
