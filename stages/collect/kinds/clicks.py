"""Clicks of a search log, added up by query and document."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from stages.collect.columns import Place, Record, to_text
from stages.collect.kinds.labelled_rows import judgement_key
from stages.collect.labels import is_number
from stages.collect.record_tables import LeftOutRecord
from stages.collect.reject_reasons import to_utc

_TRUTH = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}
# Positions that are one slice of the results, by their first and last.
_POSITIONS = ((1, 1), (2, 3), (4, 10))


class ClickRow(NamedTuple):
    """A row of a log: the texts of its fields, "" for a field without a column."""

    place: Place
    query: str
    document: str
    text: str
    title: str
    clicks: str
    impressions: str
    position: str
    time: str

    @classmethod
    def of(cls, values: Mapping[str, Any], columns: Mapping[str, str], place: Place) -> ClickRow:
        """Return the row of the mapped columns.

        Raises:
            UserError: a value is no single text or number.
        """
        texts = {
            name: to_text(values[columns[name]], place, columns[name]) if name in columns else ""
            for name in cls._fields[1:]
        }
        return cls(place, **texts)

    @property
    def document_name(self) -> str:
        """The id of the document, or else what it says."""
        if self.document.strip():
            return self.document
        return "\n".join((self.title, self.text)) if self.title or self.text else ""

    @property
    def values(self) -> dict[str, object]:
        """What the ledger keeps of the row: its fields that hold something."""
        fields = self._asdict()
        return {name: text for name, text in fields.items() if name != "place" and text}


class ClickLimits(NamedTuple):
    """The fewest clicks and the smallest share of clicks of a pair that is kept."""

    clicks: int
    share: float


@dataclass
class PairClicks:
    """The clicks of a query and a document."""

    place: Place
    clicks: int = 0
    impressions: int = 0
    times: list[str] = field(default_factory=list)
    positions: Counter[int] = field(default_factory=Counter)


def query_name(query: str) -> str:
    """Return the name of a query: equal for queries that differ in case, spaces or NFC alone.

    >>> query_name("  Reset   Password ")
    'reset password'
    """
    return " ".join(unicodedata.normalize("NFC", query).casefold().split())


class Clicks:
    """Adds up the rows of a log. Rows that cannot be used are left out, with their place."""

    def __init__(self, rows: str, *, has_impressions: bool) -> None:
        self._rows = rows
        self._has_impressions = has_impressions or rows == "impressions"
        self._left_out: list[LeftOutRecord] = []
        self._pairs: dict[tuple[str, str], PairClicks] = {}
        self._spellings: dict[str, Counter[str]] = {}
        self._clicks_of_query: Counter[str] = Counter()
        self._documents: dict[tuple[str, str, str], Place] = {}

    def add(self, row: ClickRow) -> None:
        """Add a row, or leave it out."""
        # The document counts, whatever the rest of its row says.
        if row.document_name.strip():
            document = (row.document_name, row.title, row.text)
            self._documents[document] = min(row.place, self._documents.get(document, row.place))

        counts = self._counts(row)
        reason = _fault(row)
        if not reason and counts is None:
            reason = "bad_count"
        if reason or counts is None:
            self._left_out.append(LeftOutRecord(row.place, reason, row.values))
            return

        # The pair, and the spelling of its query.
        clicks, impressions = counts
        name = query_name(row.query)
        self._spellings.setdefault(name, Counter())[" ".join(row.query.split())] += max(clicks, 1)
        self._clicks_of_query[name] += clicks
        pair = self._pairs.setdefault((name, row.document_name), PairClicks(row.place))
        pair.place = min(pair.place, row.place)
        pair.clicks += clicks
        pair.impressions += impressions

        # When it was clicked first, and where it stood.
        if clicks and row.time.strip():
            pair.times = [min([*pair.times, to_utc(row.time)])]
        if clicks and row.position.strip():
            pair.positions[int(float(row.position))] += clicks

    def documents(self) -> Iterator[Record]:
        """Yield each document of the log once. An empty text beside another one says nothing."""
        filled = {name for name, title, text in self._documents if text.strip() or title.strip()}
        for (name, title, text), place in sorted(self._documents.items()):
            if text.strip() or title.strip() or name not in filled:
                yield Record(key=name, title=title, text=text, place=place)

    def records(self, limits: ClickLimits) -> Iterator[Record | LeftOutRecord]:
        """Yield each query with a document, and the rows that are left out."""
        yield from self._left_out

        # Some logs count positions from 0.
        positions = {position for pair in self._pairs.values() for position in pair.positions}
        first_position = min(1, *positions) if positions else 1
        for (name, document), pair in sorted(self._pairs.items()):
            spellings = self._spellings[name]
            query = min(spellings, key=lambda text: (-spellings[text], text))
            whole = pair.impressions if self._has_impressions else self._clicks_of_query[name]
            share = pair.clicks / whole if whole else 0.0
            reason = _limit_reason(pair.clicks, share, limits)
            if reason:
                values = {"query": query, "document": document, "clicks": pair.clicks}
                whole_name = "impressions" if self._has_impressions else "clicks_of_query"
                yield LeftOutRecord(pair.place, reason, {**values, whole_name: whole})
                continue

            yield Record(
                key=judgement_key(name, document),
                anchor=query,
                document_key=document,
                score=repr(share),
                time=pair.times[0] if pair.times else "",
                relation=position_name(pair.positions, first_position),
                place=pair.place,
            )

    def _counts(self, row: ClickRow) -> tuple[int, int] | None:
        """Return the clicks and impressions of a row; None if they are no counts."""
        if self._rows == "clicks":
            return 1, 0

        clicks = to_count(row.clicks)
        if clicks is None:
            return None
        if self._rows == "impressions":
            return min(clicks, 1), 1
        if not self._has_impressions:
            return clicks, 0

        impressions = to_count(row.impressions)
        return None if impressions is None or clicks > impressions else (clicks, impressions)


def to_count(text: str) -> int | None:
    """Return a count, or a truth value as 1 or 0; None for what is neither.

    >>> to_count("3"), to_count("true"), to_count("-1"), to_count("2.5")
    (3, 1, None, None)
    """
    text = text.strip()
    if not is_number(text) and text.casefold() not in _TRUTH:
        return None
    number = float(text) if is_number(text) else _TRUTH[text.casefold()]
    is_count = number >= 0 and number.is_integer()
    return int(number) if is_count else None


def position_name(positions: Counter[int], first: int = 1) -> str:
    """Return the slice of the position at which most clicks were; "" if none is known.

    Args:
        positions: position to the number of clicks.
        first: the number of the first position in the log, 0 or 1.

    >>> position_name(Counter({1: 1, 3: 5})), position_name(Counter())
    ('position 2 to 3', '')
    """
    if not positions:
        return ""

    most_frequent = min(positions, key=lambda place: (-positions[place], place))
    position = most_frequent + 1 - first
    for low, high in _POSITIONS:
        if low <= position <= high:
            return f"position {low}" if low == high else f"position {low} to {high}"
    return f"position {_POSITIONS[-1][1] + 1} or more"


def _fault(row: ClickRow) -> str:
    """Return the reason why a row cannot be used, whatever its counts are; "" if it can."""
    if not row.query.strip():
        return "empty_anchor"
    if not row.document_name.strip():
        return "missing_key"
    if row.time.strip() and not to_utc(row.time):
        return "bad_time"

    position = to_count(row.position) if row.position.strip() else 0
    return "bad_count" if position is None else ""


def _limit_reason(clicks: int, share: float, limits: ClickLimits) -> str:
    if clicks < limits.clicks:
        return "few_clicks"
    return "low_click_share" if share < limits.share else ""
