"""The project's own word lists: abbreviations with their long forms, and American with British spellings."""

from __future__ import annotations

import csv
import unicodedata
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from stages.lib.errors import Problem


class Abbreviations(NamedTuple):
    """Short forms with one meaning, in the order of the file, and those with several, sorted."""

    known: dict[str, str]
    ambiguous: dict[str, list[str]]


def read_abbreviations(path: Path) -> Abbreviations:
    """Return the rows of `path` (columns short, long).

    A short form that stands with two long forms is ambiguous: nobody can tell from a word which is meant.
    Long forms that differ in case alone are one. Raises Problem naming the line at fault.
    """
    meanings: dict[str, dict[str, str]] = defaultdict(dict)
    for line, (short, long) in _rows(path, ("short", "long")):
        if short.casefold() == long.casefold():
            raise Problem(
                f"{path}:{line}: {short!r} stands for itself",
                "write out what it means, or remove the line",
            )
        meanings[short].setdefault(long.casefold(), long)
    return Abbreviations(
        {short: next(iter(longs.values())) for short, longs in meanings.items() if len(longs) == 1},
        {
            short: sorted(longs.values())
            for short, longs in sorted(meanings.items())
            if len(longs) > 1
        },
    )


def read_spelling(path: Path) -> dict[str, str]:
    """Return American to British spellings of `path` (columns us, uk), both in lower case.

    Every word stands once in the whole file, so that each maps to exactly one other and back. Raises
    Problem naming the line at fault.
    """
    pairs: dict[str, str] = {}
    seen: dict[str, int] = {}
    for line, (american, british) in _rows(path, ("us", "uk")):
        for word in (american, british):
            if not word.isalpha() or word != word.lower():
                raise Problem(
                    f"{path}:{line}: {word!r} is not one word in lower case",
                    "write single words of letters",
                )
            if word in seen:
                raise Problem(
                    f"{path}:{line}: {word!r} stands in line {seen[word]} already",
                    "keep one of the two; a word with two counterparts cannot be swapped",
                )
            seen[word] = line
        pairs[american] = british
    return pairs


def _rows(path: Path, columns: tuple[str, str]) -> list[tuple[int, tuple[str, str]]]:
    try:
        # Spreadsheets put a byte order mark in front.
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise Problem(
            f"{path} does not exist",
            f"restore it, or make it with the header '{','.join(columns)}'",
        ) from None
    except UnicodeDecodeError as error:
        raise Problem(f"{path} is not UTF-8 (byte {error.start})", "save it as UTF-8") from None
    reader = csv.reader(text.splitlines(keepends=True))
    if tuple(next(reader, ())) != columns:
        raise Problem(
            f"{path} does not begin with the columns {','.join(columns)}",
            "put them in its first line",
        )
    rows = []
    for values in reader:
        if not values:
            continue
        if len(values) != len(columns) or not all(_is_tidy(value) for value in values):
            raise Problem(
                f"{path}:{reader.line_num}: {','.join(values)[:60]!r} is not '{','.join(columns)}'",
                "give both, without spaces around them, in composed Unicode (NFC)",
            )
        rows.append((reader.line_num, (values[0], values[1])))
    return rows


def _is_tidy(value: str) -> bool:
    return value == " ".join(unicodedata.normalize("NFC", value).split()) != ""
