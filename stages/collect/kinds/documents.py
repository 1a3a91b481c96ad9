"""Folders of files: HTML, Markdown, plain text, PDF and Word, a document a file.

A page of questions gives a document for each answer, and the pair of its question. What belongs to
no question stays a document.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Literal

from pydantic import Field

from stages.collect.columns import Place, Record
from stages.collect.kinds.document_files.decoding import encoding_name
from stages.collect.kinds.document_files.listing import (
    SUFFIXES,
    DocumentFile,
    list_documents,
    raw_name,
)
from stages.collect.kinds.document_files.outcome import FileDocument, FileError
from stages.collect.kinds.document_files.reading import FileText, read_file
from stages.collect.kinds.kind import Kind
from stages.collect.raw_files import RAW, RawFile, check_links
from stages.collect.record_rows import RecordTable, read_record_tables
from stages.collect.record_tables import LeftOutRecord
from stages.collect.records import SourceRows, document_id, params_path
from stages.collect.source import FileSource, ReadRequest, Source
from stages.collect.table_source import Columns, table_of
from stages.lib.core.errors import UserError

_REMEDY = "correct the files, or take them away"


class DocumentsSource(FileSource):
    """A folder, a file or a pattern of files under data/raw/."""

    reader: Literal["documents"]
    topic: Literal["folder", "none"] = "folder"
    faq: Literal["auto", "off"] = "auto"
    encoding: str | None = Field(default=None, min_length=1)


def read_documents(source: DocumentsSource, request: ReadRequest) -> SourceRows:
    """Return the rows of the files. A raw record is a document, a question, or a file at fault.

    Raises:
        UserError: there is no document, none can be used, or too many are rejected.
    """
    inside = PurePosixPath(source.path).relative_to(RAW).as_posix()
    listing = list_documents(request.raw, inside)
    if not listing.files:
        raise _no_documents(source.path, listing.other_suffixes)

    # The documents of all files, and the questions that lead to them.
    documents: list[Record | LeftOutRecord] = []
    questions: list[Record] = []
    counts: Counter[str] = Counter()
    text_of_key: dict[str, FileText] = {}
    for file in listing.files:
        counts[f"files{file.suffix.replace('.', '_')}"] += 1
        name = raw_name(request.raw, file)
        try:
            text = read_file(file, encoding=source.encoding, faq=source.faq == "auto")
        except FileError as error:
            documents.append(_rejected(file, name, error))
            continue
        text_of_key[file.key] = text
        documents += [_document(file, name, entry, source) for entry in text.entries]
        questions += [_question(file, name, entry) for entry in text.entries if entry.question]

    for reason, count in listing.skipped.items():
        counts[f"skipped_{reason}"] = count
    if listing.other_suffixes:
        counts["skipped_other_files"] = sum(listing.other_suffixes.values())
    counts["questions"] = len(questions)

    tables = _tables(source, request.name, documents, questions=questions)
    rows = read_record_tables(tables, request)
    _add_notes(rows, request.name, text_of_key)
    return replace(rows, counts=dict(sorted(counts.items())))


def topic_of(key: str) -> str:
    """Return the first folder of the path of a file; "" if it lies in none.

    >>> topic_of("shipping/abroad.md"), topic_of("index.md")
    ('shipping', '')
    """
    return key.partition("/")[0] if "/" in key else ""


def _tables(
    source: DocumentsSource,
    name: str,
    documents: list[Record | LeftOutRecord],
    questions: list[Record],
) -> list[RecordTable]:
    """Return the documents, and the pairs that lead to them if there are questions."""
    of_documents = Columns(key="path", title="title", text="text", topic="folder")
    of_questions = Columns(key="path", anchor="question", document_key="path")
    tables = [RecordTable(table_of(source, of_documents), documents, _REMEDY)]
    if questions:
        tables.append(
            RecordTable(table_of(source, of_questions, documents_of=name), questions, _REMEDY)
        )
    return tables


def _document(
    file: DocumentFile, name: str, entry: FileDocument, source: DocumentsSource
) -> Record:
    return Record(
        key=file.key + entry.part,
        title=entry.title,
        text=entry.text,
        topic=topic_of(file.key) if source.topic == "folder" else "",
        place=Place(name, 0),
    )


def _question(file: DocumentFile, name: str, entry: FileDocument) -> Record:
    key = file.key + entry.part
    return Record(key=key, anchor=entry.question, document_key=key, place=Place(name, 0))


def _rejected(file: DocumentFile, name: str, error: FileError) -> LeftOutRecord:
    return LeftOutRecord(Place(name, 0), error.reason, {"path": file.key, "fault": error.detail})


def _add_notes(rows: SourceRows, name: str, text_of_key: Mapping[str, FileText]) -> None:
    """Note in the ledger how files were read. A note stands with the first document of its file."""
    for key, text in text_of_key.items():
        doc_id = document_id(name, key + text.entries[0].part)
        for note in text.notes:
            rows.ledger.note(doc_id, note.reason, score=note.score, after=note.text)


def _no_documents(path: str, others: Mapping[str, int]) -> UserError:
    listed = ", ".join(f"{count:,} {suffix}" for suffix, count in others.items())
    fact = f"{path} holds no document"
    return UserError(
        f"{fact}; its files are {listed}" if listed else fact,
        f"name a folder or a pattern of files that end in one of {', '.join(SUFFIXES)}, "
        "or run 'dvc pull' if they are tracked by DVC",
    )


def _check(name: str, source: DocumentsSource, _sources: Mapping[str, Source]) -> None:
    """Check that the path lies under data/raw/ and that the encoding exists."""
    setting = params_path(name)
    path = PurePosixPath(source.path)
    if RAW not in path.parents or ".." in path.parts or "\\" in source.path:
        raise UserError(
            f"params.yaml: {setting}.path = '{source.path}' is not under {RAW}/",
            f"put the files into a folder in {RAW}/: DVC tracks it",
        )
    if source.encoding is not None and not encoding_name(source.encoding):
        raise UserError(
            f"params.yaml: {setting}.encoding = '{source.encoding}' is no text encoding",
            "use a name that Python knows, such as utf-8 or cp1252, or null to guess it",
        )


def _check_inside(source: DocumentsSource, request: ReadRequest) -> None:
    inside = PurePosixPath(source.path).relative_to(RAW).as_posix()
    files = list_documents(request.raw, inside).files
    check_links([RawFile(file.path, raw_name(request.raw, file)) for file in files], request.raw)


def _read(source: DocumentsSource, request: ReadRequest) -> SourceRows:
    _check_inside(source, request)
    return read_documents(source, request)


KIND = Kind(DocumentsSource, _read, _check)
