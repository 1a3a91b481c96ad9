"""Read one file: its documents, and the questions that lead to them."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from stages.collect.kinds.document_files.decoding import decode
from stages.collect.kinds.document_files.faq import Answer, take_answers
from stages.collect.kinds.document_files.listing import HTML, MARKDOWN, PDF, WORD, DocumentFile
from stages.collect.kinds.document_files.markdown_page import read_markdown
from stages.collect.kinds.document_files.outcome import FileDocument, FileError, Note, Page
from stages.collect.kinds.document_files.page_tree import PageTree, can_be_parsed
from stages.collect.kinds.document_files.pdf_page import read_pdf
from stages.collect.kinds.document_files.schema_questions import plain_words
from stages.collect.kinds.document_files.titles import (
    page_title,
    readable_name,
    sensible_title,
    title_of_html,
)
from stages.collect.kinds.document_files.word_page import read_word
from stages.lib.core.machine_faults import machine_fault
from stages.lib.text.normal_form import MARKS

# Pictures make PDF and Word files large; a text of this size is none that people wrote.
MOST_BYTES = {**dict.fromkeys((*PDF, *WORD), 512 * 2**20)}
MOST_TEXT_BYTES = 32 * 2**20
# What files begin with that are no text.
_SIGNATURES = (
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a zip archive or an Office file"),
    (b"\xd0\xcf\x11\xe0", "an old Office file"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"RIFF", "a picture or a recording"),
    (b"\x1f\x8b", "a gzip file"),
    (b"BZh", "a bzip2 file"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"(\xb5/\xfd", "a Zstandard file"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"{\\rtf", "a text in RTF"),
    (b"SQLite format 3", "a database"),
)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_MOST_CONTROL = 0.02
_PDF_MARK_WITHIN = 1024
_LONGEST_FIRST_LINE = 100
_SENTENCE_END = re.compile(r"[.!,;\u3002]$")
# What stands between the words of a key.
_NO_WORD = re.compile(rf"[^\w{MARKS}]+|_+")


class FileText(NamedTuple):
    """What a file holds: its documents in order, and facts for the ledger."""

    entries: list[FileDocument]
    notes: tuple[Note, ...]


def read_file(file: DocumentFile, *, encoding: str | None = None, faq: bool = True) -> FileText:
    """Return the documents of a file and its questions.

    Args:
        file: the file.
        encoding: the encoding of text files without a mark; None: declared or guessed.
        faq: whether questions and their answers are taken apart.

    Raises:
        FileError: it holds no text, or none that can be read.
    """
    _check_size(file)
    if file.suffix in PDF:
        _check_pdf(file.path)
        page = read_pdf(file.path)
    elif file.suffix in WORD:
        page = read_word(file.path)
    else:
        page = _read_text(file, encoding)

    if page.is_plain:
        entries = [_plain_entry(page, file.key)]
    else:
        entries = entries_of_page(page, file.key, faq=faq)
    return FileText(entries, page.notes)


def entries_of_page(page: Page, key: str, *, faq: bool) -> list[FileDocument]:
    """Return the documents of a page in HTML, and the questions that lead to them.

    Raises:
        FileError: it says nothing.
    """
    if not can_be_parsed(page.html):
        title = page.title or title_of_html(page.html) or readable_name(key)
        return [FileDocument("", title, page.html)]

    tree = PageTree(page.html)
    if not _says_something(tree):
        raise FileError("empty_text", "it shows no words")
    title = page.title or page_title(tree) or readable_name(key)
    if not faq:
        return [FileDocument("", title, page.html)]

    answers, page_question = take_answers(tree)
    if not answers and not page_question:
        return [FileDocument("", title, page.html)]

    # A question is an anchor, and no title of its own answer.
    rest = tree.rest()
    own_title = title
    if page_question and plain_words(page_question) in plain_words(title):
        own_title = ""
    elif plain_words(title) in {plain_words(answer.question) for answer in answers}:
        own_title = readable_name(key)
    entries = _answer_entries(answers, own_title)
    if page_question or _adds_words(rest, entries):
        entries.insert(0, FileDocument("", own_title, rest, page_question))
    return entries


def _answer_entries(answers: Sequence[Answer], title: str) -> list[FileDocument]:
    """Return a document for each answer. Its key has the words of its question."""
    count_of_slug: Counter[str] = Counter()
    entries: list[FileDocument] = []
    for answer in answers:
        slug = _slug(answer.question)
        count_of_slug[slug] += 1
        number = f"-{count_of_slug[slug]}" if count_of_slug[slug] > 1 else ""
        entries.append(
            FileDocument(f"#{slug}{number}", answer.section or title, answer.html, answer.question)
        )
    return entries


def _slug(question: str) -> str:
    words = unicodedata.normalize("NFKC", question).casefold()
    return _NO_WORD.sub("-", words).strip("-") or "question"


def _adds_words(rest: str, entries: Sequence[FileDocument]) -> bool:
    """Return whether the rest of a page has words that no title of `entries` has."""
    tree = PageTree(rest)
    words = set(plain_words(tree.text(0)).split())
    titles = " ".join(entry.title for entry in entries)
    return bool(words - set(plain_words(titles).split())) or _has_pictures(tree)


def _says_something(tree: PageTree) -> bool:
    return tree.has_words(0) or _has_pictures(tree)


def _has_pictures(tree: PageTree) -> bool:
    """Return whether a picture has a text in place of it."""
    return any(
        re.search(r"\w", tree.nodes[index].attributes.get("alt") or "")
        for index in tree.elements("img")
    )


def _plain_entry(page: Page, key: str) -> FileDocument:
    if not page.html.strip():
        raise FileError("empty_text", "it is empty")
    return FileDocument("", page.title or _first_line(page.html) or readable_name(key), page.html)


def _first_line(text: str) -> str:
    """Return the first line of a plain text, if an empty or an underline follows it; else ""."""
    lines = text.strip()[: 10 * _LONGEST_FIRST_LINE].splitlines()
    if len(lines) < 2:
        return ""
    is_heading = not lines[1].strip() or re.fullmatch(r"\s*[=~*#_-]{3,}\s*", lines[1]) is not None
    first = lines[0].strip()
    is_short = len(first) <= _LONGEST_FIRST_LINE and not _SENTENCE_END.search(first)
    return sensible_title(first) if is_heading and is_short else ""


def _check_size(file: DocumentFile) -> None:
    try:
        if not file.path.is_file():
            raise FileError("broken_file", "no regular file, or a link to nothing")
        size = file.path.stat().st_size
    except OSError as error:
        broken = FileError("broken_file", f"not readable: {error.strerror}")
        raise machine_fault(error) or broken from None

    most = MOST_BYTES.get(file.suffix, MOST_TEXT_BYTES)
    if not size:
        raise FileError("empty_text", "it is empty")
    if size > most:
        raise FileError("too_large", f"{size:,} bytes, and {most:,} are read")


def _check_pdf(path: Path) -> None:
    head = _bytes(path, _PDF_MARK_WITHIN)
    if b"%PDF-" not in head:
        raise FileError("wrong_format", f"no PDF: it begins with {_shown(head)}")


def _read_text(file: DocumentFile, encoding: str | None) -> Page:
    data = _bytes(file.path)
    for signature, description in _SIGNATURES:
        if data.startswith(signature):
            raise FileError("wrong_format", f"it is {description}")

    decoded = decode(data, encoding=encoding, may_declare=file.suffix in HTML)
    if len(_CONTROL.findall(decoded.text)) > _MOST_CONTROL * len(decoded.text):
        raise FileError("wrong_format", f"no text: it begins with {_shown(data)}")

    notes: list[Note] = []
    if decoded.is_guessed:
        notes.append(Note("guessed_encoding", decoded.encoding))
    if decoded.damaged:
        notes.append(Note("damaged_characters", decoded.encoding, decoded.damaged))
    if file.suffix in MARKDOWN:
        page = read_markdown(decoded.text, is_mdx=PurePosixPath(file.key).suffix.lower() == ".mdx")
    else:
        page = Page(decoded.text, is_plain=file.suffix not in HTML)
    return page._replace(notes=tuple(notes))


def _bytes(path: Path, most: int = -1) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(most)
    except OSError as error:
        broken = FileError("broken_file", f"not readable: {error.strerror}")
        raise machine_fault(error) or broken from None


def _shown(data: bytes) -> str:
    return repr(data[:12])[1:]
