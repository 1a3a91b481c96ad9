"""Look at a file: its format and encoding, how it is written, and a sample of its columns.

All formats and compressions of `collect` are known, and a few more suffixes that name the same. A
format is one entry of FORMATS: the suffixes of its files, the suffix that `collect` reads it under,
and the function that takes the sample.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from stages.collect.files import DELIMITERS, skip_marks
from stages.collect.raw_files import COMPRESSIONS, RawFile, compression_of, open_bytes
from stages.commands.init.dialects import Dialect, guess_dialect, has_quoted_fields, read_rows
from stages.commands.init.encodings import guess_encoding
from stages.commands.init.other_files import check_is_no_other_file
from stages.commands.init.row_samples import SampledRow, json_rows, parquet_rows, sheet_rows
from stages.lib.core.errors import UserError

# Rows of the sample, from the beginning of the file, and about how many characters they hold.
SAMPLE_ROWS = 20_000
SAMPLE_CHARACTERS = 50_000_000
# The text of which the dialect is guessed.
_SNIFFED_CHARACTERS = 1_000_000
_PIECE = 10_000
# One object with more values is no row.
_MOST_COLUMNS = 30
# Objects with these keys are the turns of a conversation, and no documents of one question.
_ROLES = frozenset(("role", "from", "speaker"))


@dataclass(frozen=True)
class TableSample:
    """What the beginning of a file looks like.

    Attributes:
        suffix: the suffix that the file has under data/raw/.
        values: the values of each column as texts, by name; "" where a value is missing. Of a
            list of texts it is the first one.
        settings: settings of the source that the file needs, such as its delimiter.
        nested: columns that hold lists or objects, which no field is mapped to.
        lists: columns among `values` that hold lists of texts or numbers.
        list_items: the values of each list of such a column.
        repeated: names that stand twice in the header, so no field can be mapped to them.
        has_quotes: whether any field of a delimited file stands in quotes.
    """

    suffix: str
    values: Mapping[str, Sequence[str]]
    settings: Mapping[str, Any] = field(default_factory=dict)
    nested: Sequence[str] = ()
    lists: Sequence[str] = ()
    repeated: Sequence[str] = ()
    has_quotes: bool = False
    list_items: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)

    @property
    def row_count(self) -> int:
        """Return the number of rows in the sample."""
        return max(map(len, self.values.values()), default=0)


class Format(NamedTuple):
    """How files of some suffixes are looked at.

    Attributes:
        suffixes: their suffixes. The first is that under data/raw/.
        read_sample: returns the sample of a file of that suffix.
    """

    suffixes: Sequence[str]
    read_sample: Callable[[RawFile], TableSample]


def read_sample(file: Path) -> TableSample:
    """Return a sample of `file`.

    Raises:
        UserError: it has no known suffix, is empty, or cannot be read.
    """
    check_is_no_other_file(file)
    if not is_known(file):
        raise UserError(
            f"{file} ends in none of {', '.join(known_suffixes())} "
            f"(also with {', '.join(COMPRESSIONS)})",
            "save the table in one of these formats",
        )
    if not file.stat().st_size:
        raise UserError(f"{file} is empty", "export the table again")

    # A zip archive may leave it to the file inside what it is.
    compression = compression_of(file.name)
    raw_file = RawFile(file, _name_in_raw(file.name))
    with open_bytes(raw_file) as (_, inner_format):
        suffix = inner_format
    sample = _format_of(suffix).read_sample(raw_file)
    if not sample.row_count and not sample.nested:
        raise UserError(f"{file} holds no rows", "export the table again")

    is_named = bool(raw_file.table_format)
    return replace(sample, suffix=f"{suffix if is_named else ''}{compression}")


def known_suffixes() -> list[str]:
    """Return the suffixes of all formats that can be read."""
    return [suffix for format_ in FORMATS for suffix in format_.suffixes]


def is_known(file: Path) -> bool:
    """Return whether the name of a file says that it can be read.

    >>> [is_known(Path(name)) for name in ("faq.csv.gz", "faq.zip", "faq.gz", "faq.docx")]
    [True, True, False, False]
    """
    compression = compression_of(file.name)
    return compression == ".zip" or _inner_suffix(file.name) in known_suffixes()


def stem_of(file: Path) -> str:
    """Return the name of a file without the suffixes of format and compression.

    >>> stem_of(Path("v1.2.csv.gz")), stem_of(Path("faq.zip"))
    ('v1.2', 'faq')
    """
    name = file.name[: len(file.name) - len(compression_of(file.name))]
    suffix = _inner_suffix(file.name)
    return name[: len(name) - len(suffix)] if suffix in known_suffixes() else name


def _inner_suffix(name: str) -> str:
    compression = compression_of(name)
    return Path(name[: len(name) - len(compression)]).suffix.lower()


def _format_of(suffix: str) -> Format:
    return next(format_ for format_ in FORMATS if suffix in format_.suffixes)


def _name_in_raw(name: str) -> str:
    """Return a name of the file with the suffixes that `collect` knows.

    >>> _name_in_raw("faq.TAB.gz")
    'faq.tsv.gz'
    """
    suffix = _inner_suffix(name)
    if suffix not in known_suffixes():
        return name
    return f"{stem_of(Path(name))}{_format_of(suffix).suffixes[0]}{compression_of(name)}"


def _delimited_sample(file: RawFile) -> TableSample:
    encoding = guess_encoding(file.path)
    with open_bytes(file) as (stream, suffix):
        text = _beginning(_text_stream(stream, encoding))
    usual = DELIMITERS[suffix]
    dialect = guess_dialect(text, usual, is_whole=len(text) < _SNIFFED_CHARACTERS)
    settings = _encoding_setting(encoding) | dialect.settings(usual)

    # The rows in the dialect of `collect`, which reports what is malformed later on.
    with open_bytes(file) as (stream, _):
        rows = _first_rows(_text_stream(stream, encoding), dialect)
    header = rows[0] if rows and dialect.header else []
    return TableSample(
        suffix,
        _columns_of(rows, file.path, has_header=dialect.header),
        settings,
        repeated=_repeated(header),
        has_quotes=has_quoted_fields(text, dialect),
    )


def _beginning(stream: io.TextIOWrapper) -> str:
    """Return the text up to a limit, or up to what cannot be decoded."""
    pieces: list[str] = []
    characters = 0
    while characters < _SNIFFED_CHARACTERS:
        try:
            piece = stream.read(min(_PIECE, _SNIFFED_CHARACTERS - characters))
        except UnicodeError:
            break
        if not piece:
            break
        pieces.append(piece)
        characters += len(piece)

    return "".join(pieces)


def _first_rows(stream: io.TextIOWrapper, dialect: Dialect) -> list[list[str]]:
    rows: list[list[str]] = []
    characters = 0
    for row in islice(read_rows(stream, dialect), SAMPLE_ROWS + 1):
        characters += sum(map(len, row))
        if rows and characters > SAMPLE_CHARACTERS:
            break
        rows.append(row)

    return rows


def _columns_of(
    rows: Sequence[Sequence[str]], file: Path, *, has_header: bool
) -> dict[str, list[str]]:
    """Return the values of each column by name. A name that stands twice cannot be mapped.

    Raises:
        UserError: no column has a name of its own.
    """
    if not rows:
        return {}

    header = list(rows[0])
    if not has_header:
        header = [str(number) for number in range(1, len(header) + 1)]
    values: dict[str, list[str]] = {}
    for index, column in enumerate(header):
        if column and header.count(column) == 1:
            below = rows[1:] if has_header else rows
            values[column] = [row[index] if index < len(row) else "" for row in below]

    if not values and len(rows) > 1:
        names = ", ".join(map(repr, header[:20]))
        raise UserError(
            f"{file}: its header gives no column a name of its own; it holds {names}",
            "give each column that is to be read a name that stands once",
        )
    return values


def _json_sample(file: RawFile) -> TableSample:
    encoding = guess_encoding(file.path)
    with open_bytes(file) as (stream, suffix):
        text = _text_stream(stream, encoding)
        rows = _limited(json_rows(text, file.path, is_array=suffix == ".json"))
    if not rows:
        raise UserError(
            f"{file.path}: its first line is no JSON object",
            "write one whole JSON object on each line, or an array of objects in a .json file",
        )
    _check_rows(rows, suffix, file.path)
    return _sample_of_rows(rows, suffix, _encoding_setting(encoding))


def _check_rows(rows: Sequence[SampledRow], suffix: str, file: Path) -> None:
    """Check that a JSON file is no single object that holds the rows.

    Raises:
        UserError: it is one.
    """
    if suffix != ".json" or len(rows) > 1:
        return

    lists = [name for name, value in rows[0].items() if _is_object_list(value) and len(value) > 1]
    holds = f"the list '{lists[0]}'" if lists else f"{len(rows[0]):,} values"
    if lists or len(rows[0]) > _MOST_COLUMNS:
        taken = f"jq '.{lists[0]}' {file.name}" if lists else f"jq to_entries {file.name}"
        raise UserError(
            f"{file} is one object with {holds}, and no list of rows",
            f"write the list alone, such as with: {taken} > rows.json",
        )


def _parquet_sample(file: RawFile) -> TableSample:
    return _sample_of_rows(_limited(parquet_rows(file)), ".parquet", {})


def _sheet_sample(file: RawFile) -> TableSample:
    sheet = sheet_rows(file, SAMPLE_ROWS)
    header = sheet.rows[0] if sheet.rows and sheet.has_header else []
    return TableSample(
        ".xlsx",
        _columns_of(sheet.rows, file.path, has_header=sheet.has_header),
        sheet.settings,
        repeated=_repeated(header),
    )


def _repeated(header: Sequence[str]) -> list[str]:
    return [name for name in dict.fromkeys(header) if name and header.count(name) > 1]


def _limited(rows: Any) -> list[SampledRow]:
    """Return the first rows, until they hold enough characters."""
    taken: list[SampledRow] = []
    characters = 0
    for row in islice(rows, SAMPLE_ROWS):
        characters += sum(len(str(value)) for value in row.values())
        if taken and characters > SAMPLE_CHARACTERS:
            break
        taken.append(row)

    return taken


def _sample_of_rows(
    rows: Sequence[SampledRow], suffix: str, settings: Mapping[str, Any]
) -> TableSample:
    """Return the sample of rows whose values may be of any type.

    Objects are columns of their own by dotted path. Of a list of texts the first one stands for it.
    """
    flat_rows = [dict(_flat_items(row, "")) for row in rows]
    columns: dict[str, None] = {}
    for row in flat_rows:
        columns |= dict.fromkeys(row)

    values: dict[str, list[str]] = {}
    nested: list[str] = []
    list_items: dict[str, list[list[str]]] = {}
    for column in filter(None, columns):
        cells = [row.get(column) for row in flat_rows]
        if any(_is_nested(cell) for cell in cells):
            nested.append(column)
            continue
        if any(isinstance(cell, (list, tuple)) for cell in cells):
            list_items[column] = list(map(_items_of, cells))
        values[column] = [_text_of(cell) for cell in cells]

    return TableSample(suffix, values, settings, nested, list(list_items), list_items=list_items)


def _flat_items(row: Mapping[str, Any], prefix: str) -> list[tuple[str, Any]]:
    items: list[tuple[str, Any]] = []
    for name, value in row.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict) and value:
            items += _flat_items(value, f"{path}.")
        elif _is_object_list(value):
            items += _list_items(value, path)
        else:
            items.append((path, value))

    return items


def _list_items(objects: Sequence[Mapping[str, Any]], path: str) -> list[tuple[str, Any]]:
    """Return a list for each key of objects, as `collect` reads the path of a list of objects."""
    flat = [dict(_flat_items(item, "")) for item in objects]
    names: dict[str, None] = {}
    for item in flat:
        names |= dict.fromkeys(item)

    items: list[tuple[str, Any]] = []
    for name in names:
        items.append((f"{path}.{name}", [item.get(name) for item in flat]))
    return items


def _is_object_list(value: Any) -> bool:
    """Return whether a value is a list of objects, and no conversation of several roles."""
    if not isinstance(value, list) or not value:
        return False
    is_objects = all(isinstance(item, dict) and item for item in value)
    return is_objects and not any(_ROLES & item.keys() for item in value)


def _is_nested(cell: Any) -> bool:
    """Return whether a value is neither a text or number nor a list of them."""
    if isinstance(cell, (list, tuple)):
        return any(isinstance(item, (list, tuple, dict, bytes)) for item in cell)
    return isinstance(cell, (dict, bytes))


def _items_of(cell: Any) -> list[str]:
    items = cell if isinstance(cell, (list, tuple)) else [] if cell is None else [cell]
    return list(map(_text_of, items))


def _text_of(cell: Any) -> str:
    if isinstance(cell, (list, tuple)):
        cell = cell[0] if cell else None
    return "" if cell is None else str(cell)


def _text_stream(stream: Any, encoding: str) -> io.TextIOWrapper:
    # A byte order mark is no part of the first name.
    if encoding == "utf-8":
        skip_marks(stream)
    name = "utf-8-sig" if encoding == "utf-8" else encoding
    return io.TextIOWrapper(stream, encoding=name, newline="")


def _encoding_setting(encoding: str) -> dict[str, Any]:
    return {} if encoding == "utf-8" else {"encoding": encoding}


FORMATS = (
    # A file of plain text that is a table is read as CSV.
    Format((".csv", ".txt"), _delimited_sample),
    Format((".tsv", ".tab"), _delimited_sample),
    Format((".jsonl", ".ndjson"), _json_sample),
    Format((".json",), _json_sample),
    Format((".parquet", ".pq"), _parquet_sample),
    Format((".xlsx",), _sheet_sample),
)
