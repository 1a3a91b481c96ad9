"""Look at a file: its format, encoding and delimiter, and a sample of its columns.

A format is one entry of FORMATS: the suffixes of its files, the suffix that `collect` reads it
under, and the function that takes the sample.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from stages.collect.files import DELIMITERS
from stages.commands.init.encodings import guess_encoding
from stages.lib.core.errors import UserError

# Rows of the sample, from the beginning of the file, and the text of which a delimiter is guessed.
SAMPLE_ROWS = 20_000
_SNIFFED_CHARACTERS = 200_000
_DELIMITERS = ",;\t|^~"
_FIELD_LIMIT = 2**31 - 1


@dataclass(frozen=True)
class TableSample:
    """What the beginning of a file looks like.

    Attributes:
        suffix: the suffix that the file has under data/raw/.
        values: the values of each column as texts, by name; "" where a value is missing.
        settings: settings of the source that the file needs, such as its delimiter.
        nested: columns that hold lists or objects, which no field is mapped to.
    """

    suffix: str
    values: Mapping[str, Sequence[str]]
    settings: Mapping[str, Any] = field(default_factory=dict)
    nested: Sequence[str] = ()

    @property
    def row_count(self) -> int:
        """Return the number of rows in the sample."""
        return max(map(len, self.values.values()), default=0)


class Format(NamedTuple):
    """How files of some suffixes are looked at."""

    suffixes: Sequence[str]
    read_sample: Callable[[Path], TableSample]


def read_sample(file: Path) -> TableSample:
    """Return a sample of `file`.

    Raises:
        UserError: it has no known suffix, is empty, or cannot be read.
    """
    suffix = file.suffix.lower()
    for format_ in FORMATS:
        if suffix in format_.suffixes:
            if not file.stat().st_size:
                raise UserError(f"{file} is empty", "export the table again")
            sample = format_.read_sample(file)
            if not sample.row_count:
                raise UserError(f"{file} holds no rows", "export the table again")
            return sample

    raise UserError(
        f"{file} ends in none of {', '.join(known_suffixes())}",
        "save the table in one of these formats",
    )


def known_suffixes() -> list[str]:
    """Return the suffixes of all files that can be read."""
    return [suffix for format_ in FORMATS for suffix in format_.suffixes]


def _delimited_sample(file: Path) -> TableSample:
    # A file of plain text that is a table is read as CSV.
    suffix = {".tab": ".tsv", ".txt": ".csv"}.get(file.suffix.lower(), file.suffix.lower())
    encoding = guess_encoding(file)
    with file.open(encoding=_with_mark(encoding), newline="") as stream:
        text = stream.read(_SNIFFED_CHARACTERS)
    delimiter = guess_delimiter(text, DELIMITERS[suffix])

    # The rows in the dialect of `collect`, which reports what is malformed later on.
    csv.field_size_limit(_FIELD_LIMIT)
    with file.open(encoding=_with_mark(encoding), newline="") as stream:
        rows = _readable_rows(csv.reader(stream, delimiter=delimiter, strict=True))
        header = next(rows, [])
        sampled = list(islice(rows, SAMPLE_ROWS))

    # A name that stands twice cannot be mapped.
    values: dict[str, list[str]] = {}
    for index, column in enumerate(header):
        if column and header.count(column) == 1:
            values[column] = [row[index] if index < len(row) else "" for row in sampled]

    settings: dict[str, Any] = {}
    if encoding != "utf-8":
        settings["encoding"] = encoding
    if delimiter != DELIMITERS[suffix]:
        settings["delimiter"] = delimiter
    return TableSample(suffix, values, settings)


def guess_delimiter(text: str, usual: str) -> str:
    r"""Return the delimiter with which all rows of `text` have the same number of fields, over one.

    Among several it is the one with the most fields, and `usual` where there is none.

    >>> guess_delimiter("a;b\nred, green;1\nblue;2\n", ",")
    ';'
    """
    # The last line may be cut.
    width_of_delimiter: dict[str, int] = {}
    for delimiter in _DELIMITERS:
        stream = io.StringIO(text, newline="")
        rows = list(_readable_rows(csv.reader(stream, delimiter=delimiter, strict=True)))
        if len(text) >= _SNIFFED_CHARACTERS:
            rows = rows[:-1]
        widths = {len(row) for row in rows}
        if len(widths) == 1 and min(widths) > 1:
            width_of_delimiter[delimiter] = min(widths)

    # Rows of several lengths, or quotes that are text: the header alone decides.
    if not width_of_delimiter:
        header = text.splitlines()[0] if text else ""
        counts = {delimiter: header.count(delimiter) for delimiter in _DELIMITERS}
        width_of_delimiter = {delimiter: count for delimiter, count in counts.items() if count}

    most = max(width_of_delimiter.values(), default=0)
    best = [delimiter for delimiter, width in width_of_delimiter.items() if width == most]
    return usual if not best or usual in best else best[0]


def _readable_rows(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    """Yield the rows that are not blank, up to the first that is malformed or undecodable."""
    while True:
        try:
            row = next(reader, None)
        except (csv.Error, UnicodeError):
            return
        if row is None:
            return
        if row:
            yield row


def _with_mark(encoding: str) -> str:
    return "utf-8-sig" if encoding == "utf-8" else encoding


def _json_lines_sample(file: Path) -> TableSample:
    encoding = guess_encoding(file)
    rows: list[dict[str, Any]] = []
    with file.open(encoding=_with_mark(encoding)) as stream:
        for line in islice(stream, SAMPLE_ROWS):
            if not line.strip():
                continue
            try:
                row = json.loads(line, parse_int=str, parse_float=str, parse_constant=_missing)
            except (json.JSONDecodeError, RecursionError):
                break
            if not isinstance(row, dict):
                break
            rows.append(row)

    if not rows:
        raise UserError(
            f"{file}: its first line is no JSON object",
            "write one whole JSON object on each line",
        )
    settings = {} if encoding == "utf-8" else {"encoding": encoding}
    return _sample_of_rows(rows, ".jsonl", settings)


def _missing(constant: str) -> None:
    """Return None, the value of NaN, Infinity and -Infinity."""


def _parquet_sample(file: Path) -> TableSample:
    import pyarrow as arrow
    from pyarrow import parquet

    rows: list[dict[str, Any]] = []
    try:
        with parquet.ParquetFile(file) as table:
            for batch in table.iter_batches(batch_size=SAMPLE_ROWS):
                rows += batch.to_pylist()
                break
    except (arrow.ArrowException, OSError) as error:
        cause = str(error).splitlines()[0]
        raise UserError(
            f"{file} is not a readable Parquet file: {cause}", "export the table again"
        ) from None
    return _sample_of_rows(rows, ".parquet", {})


def _sample_of_rows(
    rows: Sequence[Mapping[str, Any]], suffix: str, settings: Mapping[str, Any]
) -> TableSample:
    """Return the sample of rows whose values may be of any type."""
    columns: dict[str, None] = {}
    for row in rows:
        columns |= dict.fromkeys(row)

    values: dict[str, list[str]] = {}
    nested: list[str] = []
    for column in columns:
        cells = [row.get(column) for row in rows]
        if any(isinstance(cell, (list, dict, tuple, bytes)) for cell in cells):
            nested.append(column)
        elif column:
            values[column] = ["" if cell is None else str(cell) for cell in cells]
    return TableSample(suffix, values, settings, nested)


FORMATS = (
    Format((".csv", ".tsv", ".tab", ".txt"), _delimited_sample),
    Format((".jsonl", ".ndjson"), _json_lines_sample),
    Format((".parquet", ".pq"), _parquet_sample),
)
