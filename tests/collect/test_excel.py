"""Excel sheets are read like the other tables."""

import datetime
import io

import pytest
from openpyxl import Workbook

from stages.lib.core.errors import UserError

COLUMNS = {"key": "id", "anchor": "q", "text": "a"}


def workbook(*sheets, change=None) -> bytes:
    """Return a workbook of (name, rows)."""
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    if change:
        change(book)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def test_a_sheet_gives_rows(read):
    rows = [["id", "q", "a", "x"], ["001", "Wo?", "Köln", 1], [], [2, "מה?", "כן", None], [3, "c"]]
    collected = read(workbook(("FAQ", rows)), "faq.xlsx", COLUMNS)
    assert sorted(collected.pairs["anchor"]) == ["Wo?", "מה?"]
    assert collected.ledger.frame()[["reason", "before", "after"]].to_numpy().tolist() == [
        ["empty_text", '{"id":"3","a":"","q":"c"}', "data/raw/faq.xlsx, row 5"]
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("001", "001"),
        (1, "1"),
        (1.5, "1.5"),
        (1.0, "1"),
        (12345678901, "12345678901"),
        (True, "true"),
        (datetime.date(2026, 1, 31), "2026-01-31 00:00:00"),
        (datetime.datetime(2026, 1, 31, 9, 30), "2026-01-31 09:30:00"),
        ("NA", "NA"),
        (" x\ny ", " x\ny "),
        ("'=1", "'=1"),
    ],
)
def test_values_of_cells(read, value, text):
    content = workbook(("S", [["a"], [value], ["kept"]]))
    collected = read(content, "faq.xlsx", {"text": "a"})
    assert sorted(collected.documents["text"]) == sorted([text, "kept"])


def test_a_number_that_is_shown_with_zeros_keeps_them(read):
    def show(book):
        book["S"]["A2"].number_format = "00000"

    content = workbook(("S", [["a"], [1067]]), change=show)
    assert read(content, "faq.xlsx", {"text": "a"}).documents["text"].tolist() == ["01067"]


def test_an_error_value_is_missing(read):
    content = workbook(("S", [["a"], ["#N/A"], ["kept"]]))
    collected = read(content, "faq.xlsx", {"text": "a"})
    assert collected.documents["text"].tolist() == ["kept"]


def test_a_formula_without_its_value_is_an_error(read):
    content = workbook(("S", [["a"], ["kept"], ["=A2"]]))
    with pytest.raises(UserError, match="row 3: the cell A3 holds a formula without its value"):
        read(content, "faq.xlsx", {"text": "a"})


def test_one_of_several_sheets_is_chosen(read):
    sheets = [("First", [["a"], ["x"]]), ("Second", [["a"], ["y"]]), ("Empty", [])]
    content = workbook(*sheets)
    with pytest.raises(UserError, match=r"has several sheets: 'First', 'Second'\n.*faq.sheet"):
        read(content, "faq.xlsx", {"text": "a"})
    with pytest.raises(UserError, match="no sheet 'Third'; found 'First', 'Second', 'Empty'"):
        read(content, "faq.xlsx", {"text": "a"}, sheet="Third")
    collected = read(content, "faq.xlsx", {"text": "a"}, sheet="Second")
    assert collected.documents["text"].tolist() == ["y"]
    assert len(read(workbook(sheets[0], sheets[2]), "faq.xlsx", {"text": "a"}).documents) == 1


def test_lines_above_the_header_are_skipped_and_a_header_may_be_missing(read):
    content = workbook(("S", [["Export of 2026"], ["q", "a"], ["x", "y"]]))
    collected = read(content, "faq.xlsx", {"anchor": "q", "text": "a"}, skip_lines=1)
    assert collected.pairs["anchor"].tolist() == ["x"]
    content = workbook(("S", [["x", "y"], ["z", "w"]]))
    collected = read(content, "faq.xlsx", {"anchor": "1", "text": "2"}, header=False)
    assert sorted(collected.pairs["anchor"]) == ["x", "z"]


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (b"question,answer\n", "is not a readable Excel file"),
        (
            workbook(("S", [["q", "b"], ["x", "y"]])),
            "row 1: there is no column 'a'; found 'q', 'b'",
        ),
        (workbook(("S", [["a", "a"], ["x", "y"]])), "row 1: more than one column is called 'a'"),
        (workbook(("S", [["a"]])), "holds no rows"),
        (workbook(("S", [])), "holds no rows"),
        (workbook(("S", [["a"], ["x"]]))[:-30], "is not a readable Excel file"),
    ],
)
def test_a_broken_workbook_is_named(read, content, fact):
    with pytest.raises(UserError, match=fact) as raised:
        read(content, "faq.xlsx", {"text": "a"})
    assert "data/raw/faq.xlsx" in raised.value.fact
