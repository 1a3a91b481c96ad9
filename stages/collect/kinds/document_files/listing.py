"""Which files of a folder or pattern are documents, and what is passed over."""

from __future__ import annotations

import fnmatch
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from stages.collect.raw_files import RAW
from stages.lib.core.errors import UserError

HTML = (".html", ".htm", ".xhtml")
MARKDOWN = (".md", ".markdown", ".mdown", ".mkd", ".mdx", ".qmd", ".rmd")
PLAIN = (".txt", ".text")
PDF = (".pdf",)
WORD = (".docx", ".docm")
SUFFIXES = (*HTML, *MARKDOWN, *PLAIN, *PDF, *WORD)

_SKIPPED_FOLDERS = frozenset(["node_modules", "__MACOSX", "__pycache__", "bower_components"])
_NO_SUFFIX = "without a suffix"
_PATTERN = re.compile(r"[*?\[]")


class DocumentFile(NamedTuple):
    """A file: its key, which is its path below the folder, and its path on this machine."""

    key: str
    path: Path

    @property
    def suffix(self) -> str:
        """The end of its name in small letters, such as ".pdf"."""
        return PurePosixPath(self.key).suffix.lower()


class Listing(NamedTuple):
    """The files of a source.

    Attributes:
        base: the folder below which the keys of the files are paths.
        files: the documents, in the order of their keys.
        skipped: what was passed over, to its number: `hidden`, `folders` such as node_modules,
            `temporary` files of Word, `links` to folders of the source, `special` files such as
            pipes and links to nothing.
        other_suffixes: the suffix of other files, to their number.
    """

    base: Path
    files: list[DocumentFile]
    skipped: Mapping[str, int]
    other_suffixes: Mapping[str, int]


def list_documents(root: Path, path: str) -> Listing:
    """Return the documents that a path below `root` names: a file, a folder, or a pattern.

    A pattern that matches a folder stands for all files in it. `**` stands for any folders.

    Raises:
        UserError: the path names nothing, or a folder is not readable.
    """
    whole = root / path
    if whole.is_file() or (whole.is_symlink() and not whole.is_dir()):
        file = DocumentFile(_text(whole.name), whole)
        if file.suffix in SUFFIXES:
            return Listing(whole.parent, [file], {}, {})
        return Listing(whole.parent, [], {}, {file.suffix or _NO_SUFFIX: 1})
    if whole.is_dir():
        return _walk(whole, ())

    # The folders before the first sign of a pattern are the base.
    parts = PurePosixPath(path).parts
    fixed = next((index for index, part in enumerate(parts) if _PATTERN.search(part)), len(parts))
    base = root.joinpath(*parts[:fixed])
    if fixed == len(parts) or not base.is_dir():
        return Listing(base, [], {}, {})
    return _walk(base, parts[fixed:])


def raw_name(raw: Path, file: DocumentFile) -> str:
    """Return the name of a file from the root of the project."""
    return _text((RAW / file.path.relative_to(raw).as_posix()).as_posix())


def matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Return whether a path, or a folder on it, matches a pattern; both by their parts.

    >>> matches(("a", "b.md"), ("**", "*.md")), matches(("a", "b.md"), ("?",))
    (True, True)
    """
    if not pattern:
        return True
    if pattern[0] == "**":
        return any(matches(parts[start:], pattern[1:]) for start in range(len(parts) + 1))
    if not parts or not fnmatch.fnmatchcase(parts[0], pattern[0]):
        return False
    return matches(parts[1:], pattern[1:])


def _walk(base: Path, pattern: Sequence[str]) -> Listing:
    files: list[DocumentFile] = []
    skipped: Counter[str] = Counter()
    others: Counter[str] = Counter()
    waiting = [base]
    while waiting:
        folder = waiting.pop()
        for entry in _entries(folder):
            path = folder / entry.name
            key = _text(path.relative_to(base).as_posix())
            reason = _skip_reason(entry, base)
            if reason:
                skipped[reason] += 1
            elif entry.is_dir():
                waiting.append(path)
            elif pattern and not matches(PurePosixPath(key).parts, pattern):
                continue
            elif PurePosixPath(key).suffix.lower() in SUFFIXES:
                files.append(DocumentFile(key, path))
            else:
                others[PurePosixPath(key).suffix.lower() or _NO_SUFFIX] += 1

    return Listing(base, sorted(files), dict(sorted(skipped.items())), dict(sorted(others.items())))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise UserError(
            f"{_text(str(folder))} cannot be read: {error.strerror}",
            "let this user read the folder, or move it away",
        ) from None


def _skip_reason(entry: os.DirEntry[str], base: Path) -> str:
    """Return why an entry is passed over; "" if it is not."""
    if entry.name.startswith("."):
        return "hidden"
    if entry.name.startswith("~$"):
        return "temporary"
    # A link may lead to itself.
    try:
        is_folder = entry.is_dir()
        is_special = not is_folder and not entry.is_file()
    except OSError:
        is_folder = False
        is_special = True
    if not is_folder:
        return "special" if is_special else ""
    if entry.name in _SKIPPED_FOLDERS:
        return "folders"

    # What a link leads to within the source has its own path there.
    if entry.is_symlink():
        target = Path(entry.path).resolve()
        if not target.is_relative_to(base.resolve()) and not base.resolve().is_relative_to(target):
            raise UserError(
                f"{_text(entry.path)} is a link to the folder {_text(str(target))}",
                "copy the folder there: DVC tracks no files behind links",
            )
        return "links"
    return ""


def _text(name: str) -> str:
    """Return the name of a file as text. Bytes that are no UTF-8 are written out."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
