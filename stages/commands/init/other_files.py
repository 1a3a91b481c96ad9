"""Files that are often taken for tables: pages, pointers, databases, old and locked workbooks."""

from __future__ import annotations

from pathlib import Path

from stages.lib.core.errors import UserError

_HEAD_BYTES = 1024
_PAGE = (b"<!doctype html", b"<html")
_POINTER = b"version https://git-lfs.github.com/spec/"
_SQLITE = b"SQLite format 3\0"
# The container of .xls, and of a workbook that a password locks.
_OLD_OFFICE = bytes.fromhex("d0cf11e0a1b11ae1")


def check_is_no_other_file(file: Path) -> None:
    """Check that a file is none of those, whatever its name says.

    Raises:
        UserError: it is one.
    """
    with file.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    plain = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if plain.startswith(_PAGE):
        raise UserError(
            f"{file} is a web page, such as one to sign in, and no table",
            "download the file again; a folder of pages is read as documents",
        )
    if head.startswith(_POINTER):
        raise UserError(
            f"{file} is a pointer of Git LFS, and not the file itself",
            "run 'git lfs pull' where it comes from",
        )
    if head.startswith(_SQLITE):
        raise UserError(
            f"{file} is a database of SQLite",
            f"run: export DATABASE_URL='sqlite:///{file.resolve()}', and name sql:DATABASE_URL",
        )
    if head.startswith(_OLD_OFFICE):
        raise UserError(
            f"{file} is a workbook with a password, or of Excel before 2007",
            "open it in a spreadsheet program, and save it as .xlsx without a password",
        )
