"""What reading a file gives: pages, notes and faults."""

from __future__ import annotations

from typing import NamedTuple


class FileError(Exception):
    """A file that cannot be read: the reason for the ledger, and what is wrong with it."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class Note(NamedTuple):
    """A fact about a file for the ledger: its reason, what it says, and a number or NaN."""

    reason: str
    text: str
    score: float = float("nan")


class Page(NamedTuple):
    """A file as HTML or as plain text.

    Attributes:
        html: the text as the documents hold it.
        title: the title that the file declares; "" if it declares none.
        notes: facts for the ledger.
        is_plain: whether the text is no HTML.
    """

    html: str
    title: str = ""
    notes: tuple[Note, ...] = ()
    is_plain: bool = False


class FileDocument(NamedTuple):
    """A document of a file, and perhaps the question that leads to it.

    Attributes:
        part: what follows the path in its key; "" for the file itself.
        title: its title.
        text: its text.
        question: the question that it answers; "" for none.
    """

    part: str
    title: str
    text: str
    question: str = ""
