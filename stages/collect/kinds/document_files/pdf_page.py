"""A PDF as HTML: headings and paragraphs, by pdfium."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from stages.collect.kinds.document_files.outcome import FileError, Note, Page
from stages.collect.kinds.document_files.pdf_blocks import (
    PdfPage,
    blocks_of,
    large_title,
    without_page_furniture,
)
from stages.collect.kinds.document_files.pdf_lines import page_lines
from stages.collect.kinds.document_files.titles import sensible_title

_MOST_PAGES = 10_000
_MOST_CHARACTERS = 20_000_000
_PASSWORD_ERROR = 4
# Letters of which the fonts do not say what they are.
_UNKNOWN = re.compile("[\ue000-\uf8ff\ufffd\U000f0000-\U0010fffd]")
_MOST_UNKNOWN = 0.3
_SHOWN_LINES = 5


def read_pdf(path: Path) -> Page:
    """Return the text of a PDF as HTML, with its title and notes.

    Raises:
        FileError: it is encrypted or broken, or holds no text.
    """
    import pypdfium2 as pdfium

    try:
        document = pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD_ERROR:
            raise FileError("encrypted", "it opens with a password alone") from None
        raise FileError("broken_file", f"no readable PDF: {error}") from None

    try:
        return _read_document(document)
    except UnicodeDecodeError as error:
        raise FileError("broken_file", f"a text of it is not readable: {error.reason}") from None
    finally:
        document.close()


def _read_document(document: Any) -> Page:
    pages = _pages(document)
    empty = sum(not page.lines for page in pages)
    if empty == len(pages):
        raise FileError("no_text", f"none of its {len(pages):,} pages holds text: a scan?")

    text = "".join(line.text for page in pages for line in page.lines)
    if len(_UNKNOWN.findall(text)) > _MOST_UNKNOWN * len(text):
        raise FileError("no_text", "its fonts do not say which letters they show")

    # What repeats on the pages of one document is seen here alone.
    notes: list[Note] = []
    without = without_page_furniture(pages)
    if without.left_out:
        shown = " | ".join(list(dict.fromkeys(without.left_out))[:_SHOWN_LINES])
        notes.append(Note("page_furniture", shown, len(without.left_out)))
    if empty:
        notes.append(Note("pages_without_text", f"{empty} of {len(pages)} pages", empty))

    blocks = blocks_of(without.pages)
    title = sensible_title(_title_of(document))
    parts = [
        f"<h{level}>{html.escape(text)}</h{level}>" if level else f"<p>{html.escape(text)}</p>"
        for level, text in blocks
    ]
    return Page("\n".join(parts), title or large_title(without.pages), tuple(notes))


def _title_of(document: Any) -> str:
    """Return the title among the properties; "" where it is missing or no text."""
    try:
        return str(document.get_metadata_value("Title"))
    except UnicodeDecodeError:
        return ""


def _pages(document: Any) -> list[PdfPage]:
    """Return the lines of each page; none for a page that pdfium cannot read."""
    import pypdfium2 as pdfium

    if len(document) > _MOST_PAGES:
        raise FileError(
            "too_large", f"it has {len(document):,} pages, and {_MOST_PAGES:,} are read"
        )

    pages: list[PdfPage] = []
    characters = 0
    for index in range(len(document)):
        try:
            page = document[index]
            text_page = page.get_textpage()
        except pdfium.PdfiumError as error:
            raise FileError("broken_file", f"page {index + 1} is not readable: {error}") from None

        lines = page_lines(text_page)
        height = float(page.get_height())
        text_page.close()
        page.close()
        characters += sum(len(line.text) for line in lines)
        if characters > _MOST_CHARACTERS:
            raise FileError("too_large", f"it holds more than {_MOST_CHARACTERS:,} characters")
        pages.append(PdfPage(lines, height))
    return pages
