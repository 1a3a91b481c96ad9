"""Guess how a delimited file is written: delimiter, quotes, lines above the header, and the header.

The right way gives all rows as many fields. Rows are read as `collect` reads them.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from stages.collect.labels import is_number
from stages.commands.init.column_facts import is_date, is_question, word_count
from stages.commands.init.column_names import name_rank

DELIMITERS = ",;\t|^~"
# Those that are rare in texts: where a file holds none of one, each of its lines is one field.
_RARE_DELIMITERS = "\t|^~"
FIELD_LIMIT = 2**31 - 1

# Lines above a header: an export names itself, its date and its filters there.
_MOST_LINES_ABOVE = 20
# A name of a column has so many words, and a value of a text more.
_LONGEST_NAME = 6
# A longer cell is no name of a column.
_MOST_CHARACTERS = 300
_COLUMN_FIELDS = ("key", "anchor", "text", "title", "topic", "group", "time", "score", "grade")
_SENTENCE_END = re.compile(r"[.!?;:\u3002\uff01\uff1f\u061f\u06d4\u0964]['\"»”)\]]*$")
_QUOTED_FIELD = re.compile(r'"(?:[^"]|"")*"')
# Rows that are compared with the first one.
_ROWS_COMPARED = 500


class Dialect(NamedTuple):
    """How a delimited file is written, as the settings of a table name it."""

    delimiter: str
    quote: str | None = '"'
    escape: str | None = None
    skip_lines: int = 0
    header: bool = True

    def settings(self, usual_delimiter: str) -> dict[str, Any]:
        """Return the settings that are not the default for a file of this format.

        >>> Dialect(";", quote=None).settings(",")
        {'delimiter': ';', 'quote': None}
        """
        usual = Dialect(usual_delimiter)
        return {
            name: value for name, value in self._asdict().items() if value != getattr(usual, name)
        }


def guess_dialect(text: str, usual: str, *, is_whole: bool = True) -> Dialect:
    r"""Return how `text` is written.

    Args:
        text: the beginning of a file.
        usual: the delimiter of files with its suffix, which is taken where there is none.
        is_whole: whether it is the whole file; else its last row may be cut.

    >>> guess_dialect("a;b\nred, green;1\nblue;2\n", ",").delimiter
    ';'
    """
    lines = list(io.StringIO(text, newline=""))
    for skip_lines in range(min(_MOST_LINES_ABOVE, max(1, len(lines) - 1))):
        below = "".join(lines[skip_lines:])
        dialect = _even_dialect(below, usual, is_whole=is_whole)
        if dialect is not None and (not skip_lines or _has_names(below, dialect)):
            # An export from a spreadsheet has as many fields above the header as in it.
            above = skip_lines or rows_above_header(
                next(read_rows([line], dialect), []) for line in lines[:_MOST_LINES_ABOVE]
            )
            below = "".join(lines[above:])
            return dialect._replace(skip_lines=above, header=has_header(below, dialect))

    # Rows of several lengths: the header alone decides. Below a single name commas are text.
    first = lines[0] if lines else ""
    unused = [delimiter for delimiter in _RARE_DELIMITERS if delimiter not in text]
    if len(lines) > 1 and unused and not any(delimiter in first for delimiter in DELIMITERS):
        usual = usual if _width(text, Dialect(usual), is_whole=is_whole) else unused[0]
        dialect = Dialect(usual)
        return dialect._replace(header=has_header(text, dialect))
    counts = {delimiter: first.count(delimiter) for delimiter in DELIMITERS}
    dialect = Dialect(_most({name: count for name, count in counts.items() if count}, usual))
    return dialect._replace(header=has_header(text, dialect))


def read_rows(stream: Iterable[str], dialect: Dialect) -> Iterator[list[str]]:
    """Yield the rows that are not blank, up to the first that is malformed or undecodable."""
    reader = _reader(islice(iter(stream), dialect.skip_lines, None), dialect)
    while True:
        try:
            row = next(reader, None)
        except (csv.Error, UnicodeError):
            return
        if row is None:
            return
        if row:
            yield row


def rows_above_header(rows: Iterable[Sequence[str]]) -> int:
    """Return how many rows stand above the header: mostly empty ones, before one of known names.

    >>> rows_above_header([["Report", "", ""], ["", "", ""], ["id", "question", "answer"]])
    2
    """
    for number, row in enumerate(rows):
        filled = [cell for cell in row if cell.strip()]
        if 2 * len(filled) > len(row):
            is_header = len(filled) == len(row) and any(map(_is_known_name, row))
            return number if is_header else 0

    return 0


def has_header(text: str, dialect: Dialect) -> bool:
    """Return whether the first row of `text` names the columns."""
    stream = io.StringIO(text, newline="")
    rows = islice(read_rows(stream, dialect._replace(skip_lines=0)), _ROWS_COMPARED)
    return is_header(list(rows))


def is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first of `rows` names the columns.

    A known name decides. Otherwise a row with a sentence, a number, a date or a value that stands
    in its column again is no header.

    >>> is_header([["id", "text"], ["1", "Hold it."]]), is_header([["1", "Hold it."]])
    (True, False)
    """
    if not rows:
        return True

    # Joined files have the header again.
    first = rows[0]
    others = [row for row in rows if row != first]
    has_value = False
    for index, cell in enumerate(map(str.strip, first)):
        values = [row[index].strip() for row in others if index < len(row)]
        if _is_known_name(cell) and cell not in values:
            return True
        has_value = has_value or _is_value(cell, values)

    return not has_value


def _is_known_name(cell: str) -> bool:
    if len(cell) > _MOST_CHARACTERS:
        return False
    ranks = [name_rank(cell, field) for field in _COLUMN_FIELDS]
    has_end = _SENTENCE_END.search(cell) is not None
    return any(rank is not None for rank in ranks) and not has_end and not _is_sentence(cell)


def _is_value(cell: str, values: Sequence[str]) -> bool:
    """Return whether the first cell of a column is one of its values, and no name."""
    if not cell:
        return False
    if is_number(cell) or is_date(cell) or cell in values:
        return True

    # The header of a survey asks, and no answer below it does.
    alike = is_question if is_question(cell) else _is_sentence
    return _is_sentence(cell) and (not values or any(map(alike, values)))


def _is_sentence(cell: str) -> bool:
    words = word_count(cell)
    has_end = words > 1 and _SENTENCE_END.search(cell) is not None
    return words > _LONGEST_NAME or has_end or is_question(cell)


def _has_names(text: str, dialect: Dialect) -> bool:
    """Return whether the first row can be a header below other lines."""
    first = next(read_rows(io.StringIO(text, newline=""), dialect), [])
    names = [cell.strip() for cell in first]
    is_plain = all(names) and len(set(names)) == len(names) and not any(map(_is_sentence, names))
    return is_plain and (len(names) > 2 or any(map(_is_known_name, names)))


def _even_dialect(text: str, usual: str, *, is_whole: bool) -> Dialect | None:
    """Return the dialect in which all rows have the same number of fields, over one."""
    for quote, escape in (('"', None), ('"', "\\"), (None, None), ("'", None)):
        width_of_delimiter: dict[str, int] = {}
        for delimiter in DELIMITERS:
            dialect = Dialect(delimiter, quote, escape)
            width = _width(text, dialect, is_whole=is_whole)
            if width > 1:
                width_of_delimiter[delimiter] = width

        if width_of_delimiter:
            dialect = Dialect(_most(width_of_delimiter, usual), quote, escape)
            return _with_literal_quotes(text, dialect)

    return None


def _with_literal_quotes(text: str, dialect: Dialect) -> Dialect:
    """Return the dialect with what quotes are in it, though the rows may be even either way.

    Where each line is a row without regard to quotes, a field that begins with a quote and does not
    end with its partner is a text with quotes. Such fields may swallow lines otherwise. A field
    that a program has quoted tells that it is a fault.
    """
    if dialect.escape is not None or dialect.quote == "'":
        return dialect
    if dialect.quote is None:
        quoted = dialect._replace(quote='"')
        return quoted if has_quoted_fields(text, quoted) else dialect

    rows = _plain_rows(text, dialect)
    cells = [cell for row in rows for cell in row]
    is_half_quoted = any(
        cell.startswith('"') and not _QUOTED_FIELD.fullmatch(cell) for cell in cells
    )
    is_even = len(set(map(len, rows))) == 1
    is_literal = is_even and is_half_quoted and not has_quoted_fields(text, dialect)
    return dialect._replace(quote=None) if is_literal else dialect


def has_quoted_fields(text: str, dialect: Dialect) -> bool:
    r"""Return whether a program has put fields into double quotes.

    It doubles quotes within a field, quotes fields with a delimiter, or quotes most fields.

    >>> has_quoted_fields('a\tb\n1\t"x ""y"" z"\n', Dialect("\t"))
    True
    >>> has_quoted_fields('a\tb\n1\t"x"\n', Dialect("\t"))
    False
    """
    if dialect.quote != '"':
        return False

    rows = _plain_rows(text, dialect)
    cells = [cell for row in rows for cell in row]
    quoted = [cell for cell in cells if _QUOTED_FIELD.fullmatch(cell)]
    is_needed = len(set(map(len, rows))) > 1 and any(cell.startswith('"') for cell in cells)
    has_doubled = any('""' in cell[1:-1] for cell in quoted)
    return is_needed or has_doubled or 2 * len(quoted) > len(cells)


def _width(text: str, dialect: Dialect, *, is_whole: bool) -> int:
    """Return the number of fields of all rows; 0 if they differ, or a row is malformed."""
    reader = _reader(io.StringIO(text, newline=""), dialect)
    widths: list[int] = []
    try:
        widths = [len(row) for row in reader if row]
    except csv.Error:
        return 0

    # The last row may be cut.
    if not is_whole:
        widths = widths[:-1]
    return widths[0] if len(set(widths)) == 1 else 0


def _reader(lines: Iterable[str], dialect: Dialect) -> Any:
    csv.field_size_limit(FIELD_LIMIT)
    quoting: dict[str, Any] = {"quotechar": dialect.quote}
    if dialect.quote is None:
        quoting = {"quoting": csv.QUOTE_NONE}
    return csv.reader(
        lines, delimiter=dialect.delimiter, escapechar=dialect.escape, strict=True, **quoting
    )


def _plain_rows(text: str, dialect: Dialect) -> list[list[str]]:
    """Return the rows without regard to quotes."""
    plain = dialect._replace(quote=None, escape=None)
    return list(read_rows(io.StringIO(text, newline=""), plain))


def _most(width_of_delimiter: dict[str, int], usual: str) -> str:
    """Return the delimiter with the most fields; among equals, and without any, the usual one."""
    most = max(width_of_delimiter.values(), default=0)
    best = [delimiter for delimiter, width in width_of_delimiter.items() if width == most]
    return usual if not best or usual in best else best[0]
