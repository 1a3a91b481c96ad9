"""The parts of records whose ids depend on each other, and the order in which ids are given.

Rows with a key need ids that differ by key; rows without one have equal ids where their texts are
equal, and a number beside them. So the records are sorted by key or text, and within it by their
content. The numbers, and the row that is kept for a key, then do not depend on the order of a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from stages.collect.columns import Place, Record
from stages.lib.core.ids import hash_hex

# The reason why a record cannot be used by itself; "" if it can.
Reason = Callable[[Record], str]


class UnusablePart(NamedTuple):
    """A positive of a row that cannot be used, while others of the row can."""

    reason: str
    text: str


class Unit(NamedTuple):
    """A record whose ids are given, as far as it has a key, or one positive of a record without.

    Units are sorted: those of a group stand together, and within it those of a table.

    Attributes:
        group: what ids of other units may be equal by.
        table: the number of the table.
        record: the record, or the record of one positive.
        unusable: the positives of the record that cannot be used.
    """

    group: str
    table: int
    record: Record
    unusable: tuple[UnusablePart, ...] = ()

    def packed(self) -> tuple[Any, ...]:
        """Return the unit as plain tuples, which are sorted as units are."""
        *content, place = self.record
        return self.group, self.table, tuple(content), tuple(place), self.unusable

    @staticmethod
    def unpacked(row: tuple[Any, ...]) -> Unit:
        """Return the unit of a row.

        >>> unit = Unit("key 7", 0, Record(key="7"))
        >>> Unit.unpacked(unit.packed()) == unit
        True
        """
        group, table, content, place, unusable = row
        return Unit(group, table, Record._make((*content, Place(*place))), unusable)


def units_of(record: Record, table: int, reason_of: Reason) -> Iterator[Unit]:
    """Yield the units of a record. Only a list of positives without a key makes several.

    >>> record = Record(key="7", text="a")
    >>> [unit.group for unit in units_of(record, 0, reason_of=lambda record: "")]
    ['key 7']
    """
    if record.key or not record.more:
        yield Unit(_group(record), table, record)
        return

    parts = record.parts()
    usable = [part for part in parts if not reason_of(part)]
    if not usable:
        yield Unit(_group(record), table, record)
        return

    # The negatives, and what cannot be used, are noted once, with the first usable positive.
    unusable = tuple(
        UnusablePart(reason, part.text) for part in parts if (reason := reason_of(part))
    )
    first, *others = usable
    yield Unit(_group(first), table, first, unusable)
    for part in others:
        yield Unit(_group(part), table, part._replace(negatives=()))


def _group(record: Record) -> str:
    if record.key:
        return f"key {record.key}"
    if record.document_key:
        return hash_hex(record.anchor, record.document_key)

    # Without a text the title is the content.
    return hash_hex(record.text if record.text.strip() else record.title)
