"""The columns of a row as the fields of a record: single columns, nested ones, templates, lists.

A column is named as it stands in the header, or by its dotted path into objects ("meta.id"). A
template joins several columns ("{title}. {body}"). `positive` and `negative` may hold lists.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from stages.collect.table_source import TableSource
from stages.lib.core.errors import UserError

# Stands for a key that a row does not have. None is a value that a row has.
MISSING = object()

# A template of which a part is missing names no row.
_KEY_FIELDS = ("key", "document_key", "parent")
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


class Place(NamedTuple):
    """Where a row stands: the file, its number among the rows, and its line; 0 for none."""

    file: str
    row: int
    line: int = 0

    def __str__(self) -> str:
        if self.line:
            return f"{self.file}, line {self.line}"
        return f"{self.file}, row {self.row}" if self.row else self.file


class Positive(NamedTuple):
    """A positive of a list, with its own score or grade."""

    text: str
    score: str
    grade: str


class Record(NamedTuple):
    """The fields of one row of a file. Fields without a mapped column are empty.

    `text` is the first positive of a list, `more` are the others. Records are sorted by their
    content, so the place comes last.
    """

    key: str = ""
    title: str = ""
    text: str = ""
    anchor: str = ""
    topic: str = ""
    group: str = ""
    relation: str = ""
    score: str = ""
    grade: str = ""
    split: str = ""
    document_key: str = ""
    time: str = ""
    parent: str = ""
    more: tuple[Positive, ...] = ()
    negatives: tuple[str, ...] = ()
    place: Place = Place("", 0)

    def parts(self) -> list[Record]:
        """Return one record for each positive.

        >>> record = Record(anchor="a", text="b", more=(Positive("c", "", ""),))
        >>> [(part.anchor, part.text) for part in record.parts()]
        [('a', 'b'), ('a', 'c')]
        """
        others = [
            self._replace(text=text, score=score, grade=grade, more=())
            for text, score, grade in self.more
        ]
        return [self._replace(more=()) if others else self, *others]


class ColumnMapping:
    """Turns rows into records, as the settings of a source map the columns."""

    def __init__(self, source: TableSource, setting: str) -> None:
        self.source = source
        self.setting = setting
        self._column_of_field = source.columns.mapped()
        self._score_of_name = {
            name.strip().casefold(): str(score) for name, score in source.score_names.items()
        }
        self._has_lists = bool(source.columns.positive or source.columns.negative)
        self._list_fields = {"positive", "negative"}
        if source.columns.positive:
            self._list_fields |= {"score", "grade"}

        # The columns to read, each once, with the setting that names it first.
        self.field_of_column: dict[str, str] = {}
        for field, column in self._column_of_field.items():
            for name in columns_of(column):
                self.field_of_column.setdefault(name, field)

    @property
    def columns(self) -> list[str]:
        """The columns that are read, each once."""
        return list(self.field_of_column)

    def record(self, values: Mapping[str, Any], place: Place) -> Record:
        """Return the record of a row.

        Args:
            values: the value of each column in `columns`.
            place: where the row stands.

        Raises:
            UserError: a value is no single text or number, or two lists differ in length.
        """
        texts: dict[str, Any] = {
            field: _field_text(field, column, values, place=place)
            for field, column in self._column_of_field.items()
            if not (self._has_lists and field in self._list_fields)
        }
        record = Record(**texts, place=place)
        if self._has_lists:
            record = self._with_lists(record, values)
        return self._with_scores(record) if self._score_of_name else record

    def check_header(self, header: Sequence[str], place: str, *, is_delimited: bool) -> None:
        """Check that each column stands in the header once.

        Raises:
            UserError: a column is missing from the header, or stands there twice.
        """
        for column in self.columns:
            count = header.count(column)
            if count != 1:
                fact = "more than one column is called" if count else "there is no column"
                raise self.wrong_column(column, fact, header, place=place, hint=is_delimited)

    def wrong_column(
        self, column: str, fact: str, header: Sequence[str], *, place: str, hint: bool = False
    ) -> UserError:
        """Return the error about a column, which names the columns of the file."""
        names = ", ".join(map(repr, header[:20]))[:200] or "none"

        # A header of one field often means that the delimiter is another one.
        delimiter_hint = f", or set {self.setting}.delimiter" if hint and len(header) == 1 else ""
        field = self.field_of_column[column]
        if any("\0" in name for name in header):
            return UserError(
                f"{place}: {fact} '{column}'; found {names}, with zero bytes",
                f"set {self.setting}.encoding in params.yaml to utf-16-le or utf-16-be",
            )
        return UserError(
            f"{place}: {fact} '{column}'; found {names}",
            f"correct {self.setting}.columns.{field} in params.yaml, or the header of the file"
            f"{delimiter_hint}",
        )

    def _with_scores(self, record: Record) -> Record:
        """Return the record with the numbers that the words of its scores stand for."""
        others = tuple(
            positive._replace(score=self._score(positive.score)) for positive in record.more
        )
        return record._replace(score=self._score(record.score), more=others)

    def _score(self, word: str) -> str:
        return self._score_of_name.get(word.strip().casefold(), word)

    def _with_lists(self, record: Record, values: Mapping[str, Any]) -> Record:
        """Return the record with its positives and negatives. Empty ones of a list are no texts."""
        negatives = self._items("negative", values, record.place)
        record = record._replace(negatives=tuple(text for text in negatives if text.strip()))
        if not self.source.columns.positive:
            return record

        # The scores of a list stand in the order of its texts. One score is that of all.
        texts = self._items("positive", values, record.place)
        scores = self._labels("score", values, place=record.place, count=len(texts))
        grades = self._labels("grade", values, place=record.place, count=len(texts))
        positives = [
            Positive(text, score, grade)
            for text, score, grade in zip(texts, scores, grades, strict=True)
            if text.strip()
        ]
        first, *others = positives or [Positive("", "", "")]

        return record._replace(**first._asdict(), more=tuple(others))

    def _labels(
        self, field: str, values: Mapping[str, Any], *, place: Place, count: int
    ) -> list[str]:
        column = self._column_of_field.get(field)
        if column is None:
            return [""] * count
        if not isinstance(values[column], (list, tuple)):
            return [to_text(values[column], place, column)] * count

        labels = self._items(field, values, place)
        if len(labels) != count:
            positive = self._column_of_field["positive"]
            raise UserError(
                f"{place}: column '{column}' holds {len(labels)} values where '{positive}' holds "
                f"{count}",
                "give each positive its value, in the same order, or one value for all",
            )
        return labels

    def _items(self, field: str, values: Mapping[str, Any], place: Place) -> list[str]:
        column = self._column_of_field.get(field)
        if column is None:
            return []
        if column not in values:
            return [_field_text(field, column, values, place=place)]

        value = values[column]
        items = value if isinstance(value, (list, tuple)) else [value]
        return [to_text(item, place, column) for item in items]


def columns_of(column: str) -> list[str]:
    """Return the columns that a template joins; the column itself if it is none.

    >>> columns_of("{title}. {body}"), columns_of("title")
    (['title', 'body'], ['title'])
    """
    return _PLACEHOLDER.findall(column) or [column]


@lru_cache
def is_template(column: str) -> bool:
    """Return whether the text is a template of columns."""
    return _PLACEHOLDER.search(column) is not None


def fill_template(template: str, values: Mapping[str, str]) -> str:
    """Return the template with the values. An empty value goes with the characters that join it.

    >>> fill_template("{title}. {body}", {"title": "Reset", "body": "Hold it."})
    'Reset. Hold it.'
    >>> fill_template("{title}. {body}", {"title": "", "body": "Hold it."})
    'Hold it.'
    """
    # Characters and names by turns. The last entry is the characters at the end.
    pieces = _PLACEHOLDER.split(template)
    joined = ""
    for index in range(1, len(pieces), 2):
        value = values[pieces[index]]
        if not value.strip():
            continue
        if joined or index == 1:
            joined += pieces[index - 1]
        joined += value

    is_last_filled = bool(values[pieces[-2]].strip())
    return joined + pieces[-1] if is_last_filled else joined


def nested_value(values: Mapping[str, Any], path: str) -> Any:
    """Return the value of a key or of a dotted path into objects; MISSING if there is none.

    A path into a list of objects gives the list of their values.

    >>> nested_value({"meta": {"id": 7}}, "meta.id")
    7
    >>> nested_value({"answers": [{"text": "a"}, {"text": "b"}]}, "answers.text")
    ['a', 'b']
    """
    if path in values:
        return values[path]

    head, dot, rest = path.partition(".")
    inner = values.get(head, MISSING) if dot else MISSING
    if isinstance(inner, dict):
        return nested_value(inner, rest)
    if isinstance(inner, list):
        items = [nested_value(item, rest) for item in inner if isinstance(item, dict)]
        return [None if item is MISSING else item for item in items]

    return MISSING


def _field_text(field: str, column: str, values: Mapping[str, Any], *, place: Place) -> str:
    if not is_template(column):
        return to_text(values[column], place, column)

    parts = {name: to_text(values[name], place, name) for name in columns_of(column)}
    if field in _KEY_FIELDS and not all(part.strip() for part in parts.values()):
        return ""
    return fill_template(column, parts)


def to_text(value: Any, place: Place, column: str) -> str:
    """Return a value as text; "" for null and what is no finite number.

    Raises:
        UserError: the value is no single text or number.
    """
    if value is None or (isinstance(value, (float, Decimal)) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool):
        return str(value).lower()

    if isinstance(value, (list, dict, tuple, bytes)):
        lists = "; lists belong in columns.positive and columns.negative"
        raise UserError(
            f"{place}: column '{column}' holds a {type(value).__name__}, not a text",
            f"store one text per row{lists if isinstance(value, (list, tuple)) else ''}",
        )

    # JSON can hold half of a character, as \ud83d. Such a text cannot be written to a file.
    text = str(value)

    try:
        text.encode()
    except UnicodeEncodeError:
        raise UserError(
            f"{place}: column '{column}' holds half of a surrogate pair",
            "write the text out as UTF-8",
        ) from None

    return text
