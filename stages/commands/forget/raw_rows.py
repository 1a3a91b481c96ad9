"""Take rows out of raw files, where that leaves every other byte as it was.

Of delimited files, JSON Lines and Parquet the rows are cut out. Of any other file, such as a
workbook, an archive or a file whose hash is pinned, the place is named: what writes the file can
leave the row out, and a program that rewrites it could change more.
"""

from __future__ import annotations

import codecs
import io
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pyarrow import parquet

from stages.collect.columns import Place
from stages.collect.files import DELIMITERS, csv_rows, skip_marks
from stages.collect.interface import CollectParams
from stages.collect.raw_files import RAW, find_files
from stages.collect.snapshots import SNAPSHOTS
from stages.collect.source import Source
from stages.collect.table_source import TableSource
from stages.lib.core import atomic

# Encodings whose line ends are not the bytes of ASCII.
_NO_ASCII = ("utf-16", "utf-32", "utf-7", "iso2022", "hz")
_LISTED = 20  # places of a file

Span = tuple[int, int]  # first and last line


class RawRows(NamedTuple):
    """The rows of one raw file that have to go.

    Attributes:
        path: the file on this machine.
        name: its name from the root of the project.
        places: the rows.
        table: the settings of the table in it, where a program can cut rows out; else None.
        by_hand: how else the rows can go; "" where a program can.
    """

    path: Path
    name: str
    places: list[Place]
    table: TableSource | None
    by_hand: str

    def where(self) -> str:
        """Return the places in words."""
        kind = "line" if self.places[0].line else "row"
        numbers = [place.line or place.row for place in self.places]
        if not numbers[0]:
            return self.name
        listed = ", ".join(f"{number:,}" for number in numbers[:_LISTED])
        more = f" and {len(numbers) - _LISTED:,} more" if len(numbers) > _LISTED else ""
        return f"{self.name}, {kind}{'s' if len(numbers) > 1 else ''} {listed}{more}"


def rows_by_file(places: Collection[Place], settings: CollectParams, raw: Path) -> list[RawRows]:
    """Return the rows of each raw file, sorted by its name."""
    places_of_file: dict[str, list[Place]] = defaultdict(list)
    for place in sorted(places):
        places_of_file[place.file].append(place)

    table_of_file = _tables_of_files(settings, raw)
    rows = []
    for name, places_of_name in sorted(places_of_file.items()):
        path = raw / Path(name).relative_to(RAW) if name.startswith(f"{RAW}/") else Path(name)
        table = table_of_file.get(name)
        by_hand = _obstacle(name, path, table, places_of_name)
        rows.append(RawRows(path, name, places_of_name, table, by_hand))
    return rows


def cut_rows(rows: RawRows) -> None:
    """Write the file without the rows. Every other row keeps its bytes (of Parquet its values)."""
    assert rows.table is not None, "the obstacle was named"
    if rows.path.suffix.lower() == ".parquet":
        _cut_parquet(rows.path, {place.row for place in rows.places})
        return

    first_lines = {place.line for place in rows.places}
    if rows.path.suffix.lower() == ".jsonl":
        spans = [(line, line) for line in sorted(first_lines)]
    else:
        spans = list(_spans(rows.path, rows.table, first_lines))
    _cut_lines(rows.path, spans)


def _tables_of_files(settings: CollectParams, raw: Path) -> dict[str, TableSource]:
    """Return the settings of each raw file that is read as a plain table."""
    sources: Mapping[str, Source] = settings.sources
    table_of_file = {}
    for source in (*sources.values(), settings.out_of_domain):
        if isinstance(source, TableSource):
            for file in find_files(raw, source.path):
                table_of_file[file.name] = source
    return table_of_file


def _obstacle(name: str, path: Path, table: TableSource | None, places: list[Place]) -> str:
    """Return how the rows can go if no program may cut them out; "" if it may."""
    if name.startswith(f"{SNAPSHOTS}/"):
        source = Path(name).stem
        return (
            "delete them where the snapshot comes from, and take it anew with "
            f"'python -m stages fetch {source}'"
        )
    if not path.is_file():
        return "delete them there by hand"
    if not places[0].row:
        return "delete the file, or take the text out of it by hand"

    suffix = path.suffix.lower()
    if table is None or suffix not in (*DELIMITERS, ".jsonl", ".parquet"):
        return "delete them in the program that writes the file, and export it again"
    if suffix == ".parquet":
        return ""
    special = f"{table.delimiter or ''}{table.quote or ''}{table.escape or ''}"
    if not _has_ascii_lines(table.encoding) or not special.isascii():
        return "delete them in an editor that keeps the encoding of the file"
    return ""


def _has_ascii_lines(encoding: str) -> bool:
    return not codecs.lookup(encoding).name.startswith(_NO_ASCII)


def _spans(path: Path, table: TableSource, first_lines: set[int]) -> Iterator[Span]:
    """Yield the lines of the rows that begin on `first_lines`."""
    delimiter = table.delimiter or DELIMITERS[path.suffix.lower()]
    with path.open("rb") as binary:
        skip_marks(binary)
        with io.TextIOWrapper(binary, "latin-1", newline="") as stream:
            start = 0
            for line, _ in csv_rows(stream, path.name, table, delimiter=delimiter):
                if start in first_lines:
                    yield start, line - 1
                start = line
    if start in first_lines:
        yield start, 2**62


def _cut_lines(path: Path, spans: list[Span]) -> None:
    """Write the file without some lines."""
    # As Latin-1 every byte is a character, so that all others come out as they went in.
    with (
        path.open("rb") as binary,
        atomic.write(path) as temporary,
        temporary.open("w", encoding="latin-1", newline="") as target,
    ):
        skip_marks(binary)
        mark_bytes = binary.tell()
        binary.seek(0)
        target.write(binary.read(mark_bytes).decode("latin-1"))

        remaining = iter(spans)
        first, last = next(remaining, (2**62, 2**62))
        with io.TextIOWrapper(binary, "latin-1", newline="") as source:
            for number, line in enumerate(source, 1):
                while number > last:
                    first, last = next(remaining, (2**62, 2**62))
                if not first <= number <= last:
                    target.write(line)


def _cut_parquet(path: Path, rows: set[int]) -> None:
    """Write the file without the rows of these numbers, from 1."""
    with parquet.ParquetFile(path) as file, atomic.write(path) as temporary:
        options: dict[str, Any] = {}
        if file.num_row_groups:
            options["compression"] = file.metadata.row_group(0).column(0).compression
        with parquet.ParquetWriter(temporary, file.schema_arrow, **options) as writer:
            number = 0
            for index in range(file.num_row_groups):
                group = file.read_row_group(index)
                numbers = np.arange(number + 1, number + 1 + group.num_rows)
                writer.write_table(group.filter(~np.isin(numbers, sorted(rows))))
                number += group.num_rows
