"""Folders and files of documents as `init` guesses them, and what `collect` reads in them."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

import typer

from stages.collect.kinds.document_files.listing import (
    PLAIN,
    SUFFIXES,
    DocumentFile,
    Listing,
    list_documents,
)
from stages.collect.kinds.documents import DocumentsSource, read_documents
from stages.collect.raw_files import RAW
from stages.collect.records import DocumentRow, PairRow, SourceRows
from stages.collect.source import ReadRequest, Source
from stages.commands.init.formats import known_suffixes
from stages.commands.init.guess import Copies, FolderCopy
from stages.commands.init.names import free_name, source_name
from stages.commands.init.raw_copies import RECORDS_SHOWN, linked_raw, shortened
from stages.lib.core.terminal import say

# Files that explain a folder of tables.
_COMPANIONS = re.compile(
    r"(readme|licen[cs]e|copying|notice|changelog|changes|contributing|citation|codebook|authors|"
    r"data[-_ ]?(card|dictionary|sheet)|index|about)\b.*",
    re.IGNORECASE,
)
# A text file is a table if its first lines have as many of one of these signs each.
_DELIMITERS = ("\t", ";", "|", ",")
_LINES = 20
_HEAD_BYTES = 20_000
_TAG = re.compile(r"<(script|style)\b(?:(?!<\1\b).)*?</\1\s*+>|<[^<>]*>", re.DOTALL | re.IGNORECASE)
# What a note of the ledger means, by its reason.
_SENTENCES = {
    "guessed_encoding": "{files} with a guessed encoding: {shown}",
    "damaged_characters": "{files} with characters that the encoding does not explain: {shown}",
    "page_furniture": "{files} of which running titles and page numbers are left out: {shown}",
    "pages_without_text": "{files} with pages that hold no text, as scans do: {shown}",
}


@dataclass(frozen=True)
class Preview:
    """What was read of the documents: the first ones, the first questions, and numbers."""

    documents: Sequence[tuple[str, str]] = ()
    questions: Sequence[str] = ()
    question_count: int = 0
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class DocumentsGuess:
    """A folder, a pattern, or some files of documents as a source of params.yaml.

    Attributes:
        name: its name.
        origin: what the user named.
        target: its path under data/raw/.
        listing: the documents, and what is passed over.
        changed: settings that differ from their defaults.
        preview: what was read; None before `read`.
    """

    name: str
    origin: str
    target: Path
    listing: Listing
    changed: Mapping[str, str] = field(default_factory=dict)
    preview: Preview | None = None

    @property
    def documents_of(self) -> str:
        """The documents are its own."""
        return ""

    @property
    def copies(self) -> Copies:
        """The path under data/raw/, and the file or the documents that are copied there."""
        if self.target.suffix.lower() in SUFFIXES:
            return {self.target: self.listing.files[0].path}
        files = {file.key: file.path for file in self.listing.files}
        return {self.target: FolderCopy(self.listing.base, files)}

    def settings(self) -> dict[str, Any]:
        """Return the settings of the source as they stand in params.yaml."""
        path = self.target.as_posix()
        return {"reader": "documents", "path": path, **self.changed}

    def description(self) -> list[str]:
        """Return lines that show the source: its files by format, documents and questions."""
        lines = [f"Source '{self.name}': {self.origin}, documents"]
        lines.append(f"  files: {_listed(Counter(file.suffix for file in self.listing.files))}")
        if self.listing.other_suffixes:
            lines.append(f"  not read: {_listed(self.listing.other_suffixes)}")
        if self.listing.skipped:
            lines.append(f"  passed over: {_listed(self.listing.skipped)}")
        lines += [f"  {key}: {value}" for key, value in self.changed.items()]
        if self.preview is None:
            return lines

        lines += [f"  note: {note}" for note in self.preview.notes]
        for number, (title, text) in enumerate(self.preview.documents, 1):
            lines += [f"  document {number}", f"    title: {title}", f"    text: {text}"]
        lines.append(f"  questions: {self.preview.question_count:,}")
        lines += [f"    {shortened(question)}" for question in self.preview.questions]
        return lines

    def ask(self) -> DocumentsGuess:
        """Return the source as a person confirms or corrects it."""
        guess, _ = self.read({}, ())
        say("\n".join(guess.description()))
        if typer.confirm("Is this right?", default=True):
            return guess

        changed: dict[str, str] = {}
        if not typer.confirm("Take questions and their answers apart?", default=True):
            changed["faq"] = "off"
        if not typer.confirm("Is the first folder of a file its topic?", default=True):
            changed["topic"] = "none"
        return replace(self, changed=changed).ask()

    def read(
        self, sources: Mapping[str, Source], known_documents: Collection[str]
    ) -> tuple[DocumentsGuess, SourceRows]:
        """Return the source with what was read, and the rows.

        Raises:
            UserError: none of the files can be used.
        """
        settings = DocumentsSource.model_validate(self.settings())

        with linked_raw(self._places()) as raw:
            rows = read_documents(settings, ReadRequest(self.name, raw))
        return replace(self, preview=_preview(rows)), rows

    def _places(self) -> dict[Path, Path]:
        """Return the path under data/raw/ of each file, and the file."""
        places: dict[Path, Path] = {}
        for target, origin in self.copies.items():
            if isinstance(origin, FolderCopy):
                places.update({target / key: path for key, path in origin.files.items()})
            else:
                places[target] = origin
        return places


def recognise_documents(argument: str, used: Collection[str]) -> DocumentsGuess | None:
    """Return the guess for a folder, file or pattern of which most files are documents, or None."""
    path = Path(argument)
    if argument.partition(":")[0] in ("sql", "hf"):
        return None
    listing = list_documents(Path(path.anchor), str(path.relative_to(path.anchor)))
    if not _are_documents(listing, is_file=path.is_file()):
        return None

    stem = path.stem if path.is_file() else listing.base.resolve().name
    return _guess(argument, listing, source_name(stem, "documents"), used, is_file=path.is_file())


def recognise_files(arguments: Sequence[str], used: Collection[str]) -> DocumentsGuess | None:
    """Return the guess for several files that are documents, as one source; None for fewer."""
    paths = [Path(argument) for argument in arguments if Path(argument).is_file()]
    paths = [path for path in paths if recognise_documents(str(path), ()) is not None]
    if len(paths) < 2:
        return None

    base = Path(os.path.commonpath([path.parent.resolve() for path in paths]))
    files = [
        DocumentFile(path.absolute().relative_to(base).as_posix(), path)
        if path.absolute().is_relative_to(base)
        else DocumentFile(path.name, path)
        for path in paths
    ]
    listing = Listing(base, sorted(set(files)), {}, {})
    shown = f"{len(files):,} files below {base.name}"
    return _guess(shown, listing, source_name(base.name, "documents"), used, is_file=False)


def _guess(
    origin: str, listing: Listing, name: str, used: Collection[str], *, is_file: bool
) -> DocumentsGuess:
    name = free_name(name, list(used))
    suffix = listing.files[0].suffix if is_file else ""
    target = Path(RAW) / f"{name}{suffix}"

    # Files that lie there stay there.
    place = listing.files[0].path if is_file else listing.base
    raw = Path(RAW).resolve()
    is_whole = is_file or len(list_documents(listing.base, ".").files) == len(listing.files)
    if raw in place.resolve().parents and is_whole and not place.is_symlink():
        target = Path(RAW) / place.resolve().relative_to(raw)
    return DocumentsGuess(name, origin, target, listing)


def _are_documents(listing: Listing, *, is_file: bool) -> bool:
    """Return whether more files are documents than tables."""
    documents = [file for file in listing.files if not _is_table(file)]
    if is_file:
        return bool(documents)

    tables = sum(listing.other_suffixes.get(suffix, 0) for suffix in known_suffixes())
    tables += len(listing.files) - len(documents)
    if tables:
        documents = [
            file for file in documents if not _COMPANIONS.fullmatch(PurePosixPath(file.key).name)
        ]
    return len(documents) > tables


def _is_table(file: DocumentFile) -> bool:
    """Return whether a text file has rows: as many delimiters in each of its first lines."""
    if file.suffix not in PLAIN:
        return False
    with file.path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES).decode("latin-1").replace("\0", "")
    lines = [line for line in head.splitlines()[:_LINES] if line.strip()]
    for delimiter in _DELIMITERS:
        counts = {line.count(delimiter) for line in lines}
        if len(lines) > 1 and len(counts) == 1 and counts != {0}:
            return True
    return False


def _preview(rows: SourceRows) -> Preview:
    documents = map(DocumentRow._make, islice(rows.documents, RECORDS_SHOWN))
    pairs = map(PairRow._make, islice(rows.pairs, RECORDS_SHOWN))
    return Preview(
        documents=[
            (shortened(document.title), shortened(_TAG.sub(" ", document.text)))
            for document in documents
        ],
        questions=[pair.anchor for pair in pairs],
        question_count=len(rows.pairs),
        notes=_notes(rows),
    )


def _notes(rows: SourceRows) -> list[str]:
    """Return what a person should know: guessed encodings, and what else the ledger notes."""
    ledger = rows.ledger.frame()
    notes = ledger[ledger["action"] == "note"]
    lines: list[str] = []
    for reason, group in notes.groupby("reason"):
        examples = sorted(set(group["after"]))[:RECORDS_SHOWN]
        shown = shortened("; ".join(examples))
        sentence = _SENTENCES.get(
            str(reason), f"{str(reason).replace('_', ' ')} in {{files}}: {{shown}}"
        )
        files = "1 file" if len(group) == 1 else f"{len(group):,} files"
        lines.append(sentence.format(files=files, shown=shown))
    return lines


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()))
