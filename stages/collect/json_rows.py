"""Rows of JSON: an object on each line (JSONL), or an array of objects, read piece by piece."""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, TextIO

from stages.collect.columns import MISSING, ColumnMapping, Place, nested_value
from stages.lib.core.errors import UserError

CHUNK = 2**20

_LINE_REMEDY = "write one whole JSON object on each line"
_ARRAY_REMEDY = "write an array of objects, [{...}, {...}], or one whole JSON object on each line"
_OBJECT_REMEDY = "write one whole JSON object, with each key once"
# A fault this near to the end of what was read may be a value that goes on.
_LONGEST_TOKEN = 64
_SPACE = re.compile(r"\s*")

Row = tuple[Place, dict[str, Any]]


def read_jsonl(stream: Iterable[str], name: str, mapping: ColumnMapping) -> Iterator[Row]:
    """Yield the place and the columns of each object of JSONL; blank lines hold none.

    Raises:
        UserError: a line is no object, or a column is in no object. It comes up after the rows.
    """
    yield from _with_columns(line_objects(stream, name), name, mapping)


def read_json(stream: TextIO, name: str, mapping: ColumnMapping) -> Iterator[Row]:
    """Yield the place and the columns of each object of an array, or of JSONL if it is none.

    Raises:
        UserError: as `read_jsonl`.
    """
    yield from _with_columns(json_objects(stream, name), name, mapping)


def json_objects(stream: TextIO, name: str) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Yield the objects of an array, or of JSONL if it is none, each with its place.

    Raises:
        UserError: something is no object, or no JSON.
    """
    beginning = stream.read(CHUNK)
    if beginning.lstrip().startswith("["):
        yield from ArrayReader(stream, beginning, name).objects()
        return

    # Up to the end of a line.
    beginning += stream.readline()
    yield from line_objects(chain(io.StringIO(beginning, newline=""), stream), name)


def _with_columns(
    objects: Iterable[tuple[Place, dict[str, Any]]], name: str, mapping: ColumnMapping
) -> Iterator[Row]:
    """Yield the mapped columns of objects. A column may be missing from some, but not from all."""
    unseen = dict.fromkeys(mapping.columns)
    keys: dict[str, None] = {}
    has_rows = False
    for place, values in objects:
        has_rows = True
        columns = {column: nested_value(values, column) for column in mapping.columns}

        # The keys are named in the error alone.
        if unseen:
            keys.update(dict.fromkeys(values))
            for column in list(unseen):
                if columns[column] is not MISSING:
                    del unseen[column]

        yield (
            place,
            {column: None if value is MISSING else value for column, value in columns.items()},
        )

    for column in unseen:
        if has_rows:
            raise mapping.wrong_column(column, "there is no column", sorted(keys), place=name)


def line_objects(stream: Iterable[str], name: str) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Yield the object of each line with its place. Blank lines hold none.

    Raises:
        UserError: a line is no object.
    """
    row = 0
    for line_number, line in enumerate(stream, 1):
        if not line.strip():
            continue

        row += 1
        place = Place(name, row, line_number)
        values = decode_line(line, place)
        if not isinstance(values, dict):
            raise UserError(f"{place}: {line.strip()[:40]!r} is no object", _LINE_REMEDY)
        yield place, values


def decode_line(line: str, place: Place) -> Any:
    """Return the value of a line of JSONL. Numbers stay strings, so that they keep their spelling.

    Raises:
        UserError: the line is no JSON.
    """
    try:
        return _LINE_DECODER.decode(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise UserError(f"{place}: this is not JSON: {error}", _LINE_REMEDY) from None


def decode_object(text: str, name: str) -> dict[str, Any]:
    """Return the one object that a file holds. Numbers stay strings.

    Raises:
        UserError: the file holds something else, or an object in it has a key twice.
    """
    try:
        value = json.loads(
            text,
            parse_int=str,
            parse_float=_number,
            parse_constant=_missing,
            object_pairs_hook=_unique_keys,
        )
    except json.JSONDecodeError as error:
        raise UserError(
            f"{name}, line {error.lineno}: this is not JSON: {error.msg}", _OBJECT_REMEDY
        ) from None
    except (_RepeatedKeyError, RecursionError) as error:
        raise UserError(f"{name}: {error}", _OBJECT_REMEDY) from None

    if not isinstance(value, dict):
        raise UserError(f"{name} holds no JSON object", _OBJECT_REMEDY)
    return value


class _RepeatedKeyError(Exception):
    """A key of an object stands twice, with two values."""


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in pairs:
        if values.setdefault(key, value) != value:
            raise _RepeatedKeyError(f"the key {key[:40]!r} stands twice, with two values")
    return values


class ArrayReader:
    """Reads an array of objects one by one. It holds one object and a chunk at a time."""

    def __init__(self, stream: TextIO, beginning: str, name: str) -> None:
        self._stream = stream
        self._name = name
        self._buffer = beginning
        self._position = 0
        self._line = 1
        self._row = 0
        self._decoder = _decoder()

    def objects(self) -> Iterator[tuple[Place, dict[str, Any]]]:
        """Yield each object with its place: the line on which it begins."""
        self._advance(self._buffer.index("[") + 1)
        if self._next_character() != "]":
            while True:
                yield self._object()
                separator = self._next_character()
                if separator == "]":
                    break
                if separator != ",":
                    raise self._fault(f"expected ',' or ']', not {separator!r}", self._line)
                self._advance(self._position + 1)
                self._next_character()

        # Nothing may follow the array.
        self._advance(self._position + 1)
        rest = self._next_character()
        if rest:
            raise self._fault(f"{rest!r} follows the end of the array", self._line)

    def _object(self) -> tuple[Place, dict[str, Any]]:
        self._row += 1
        place = Place(self._name, self._row, self._line)
        while True:
            try:
                values, end = self._decoder.raw_decode(self._buffer, self._position)
                break
            except RecursionError as error:
                raise self._fault(str(error), self._line) from None
            except json.JSONDecodeError as error:
                if self._may_go_on(error) and self._read_more():
                    continue
                line = self._line + self._buffer.count("\n", self._position, error.pos)
                raise self._fault(error.msg, line) from None

        if not isinstance(values, dict):
            beginning = self._buffer[self._position : self._position + 40]
            raise UserError(f"{place}: {beginning!r} is no object", _ARRAY_REMEDY)

        self._advance(end)
        return place, values

    def _may_go_on(self, error: json.JSONDecodeError) -> bool:
        # An open string is a fault at its beginning.
        is_open = error.msg.startswith("Unterminated string")
        return is_open or error.pos > len(self._buffer) - _LONGEST_TOKEN

    def _next_character(self) -> str:
        """Skip white space, and return the character after it; "" at the end of the file."""
        while True:
            space = _SPACE.match(self._buffer, self._position)
            self._advance(space.end() if space else self._position)
            if self._position < len(self._buffer):
                return self._buffer[self._position]
            if not self._read_more():
                return ""

    def _advance(self, position: int) -> None:
        self._line += self._buffer.count("\n", self._position, position)
        self._position = position

    def _read_more(self) -> bool:
        """Read as much again as is held, and return whether there was more."""
        rest = self._buffer[self._position :]
        more = self._stream.read(max(CHUNK, len(rest)))
        self._buffer = rest + more
        self._position = 0
        return bool(more)

    def _fault(self, cause: str, line: int) -> UserError:
        return UserError(f"{self._name}, line {line}: this is not JSON: {cause}", _ARRAY_REMEDY)


def _decoder() -> json.JSONDecoder:
    # Numbers stay strings, so that they keep their spelling.
    return json.JSONDecoder(parse_int=str, parse_float=_number, parse_constant=_missing)


def _missing(constant: str) -> None:
    """Return None, the value of NaN, Infinity and -Infinity."""


def _number(digits: str) -> str | None:
    """Return a number as it is written; None for one that no float can hold, as 1e999."""
    return digits if math.isfinite(float(digits)) else None


_LINE_DECODER = _decoder()
