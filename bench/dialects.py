"""Compare guesses of how a delimited file is written: `init`, Python's csv.Sniffer and DuckDB's sniff_csv.

    python bench/dialects.py

The files are the table of literals in tests/commands/test_init_dialects.py. A guess is right if delimiter,
quote, escape, lines above the header and header are. The Sniffer knows no escape and no lines above.
"""

from __future__ import annotations

import csv
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parents[1]))

from stages.commands.init.dialects import Dialect, guess_dialect


def sniffed(text: str) -> Dialect:
    """Return what csv.Sniffer says."""
    sniffer = csv.Sniffer()
    dialect = sniffer.sniff(text, ",;\t|^~")
    return Dialect(dialect.delimiter, dialect.quotechar, header=sniffer.has_header(text))


def by_duckdb(text: str) -> Dialect:
    """Return what sniff_csv says."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="", suffix=".csv") as file:
        file.write(text)
        file.flush()
        row = (
            duckdb.connect()
            .execute(
                "SELECT Delimiter, Quote, Escape, SkipRows, HasHeader "
                f"FROM sniff_csv('{file.name}', sample_size = -1)"
            )
            .fetchall()[0]
        )

    delimiter, quote, escape, skip_lines, header = row
    # A quote that is written twice is its own escape.
    no_quote = quote in ("", "\0", "(empty)")
    no_escape = escape in ("", "\0", "(empty)", quote)
    return Dialect(
        delimiter,
        None if no_quote else quote,
        None if no_escape else escape,
        int(skip_lines),
        header=bool(header),
    )


def is_right(guess: Callable[[str], Dialect], text: str, settings: dict[str, object]) -> bool:
    """Return whether a guess is right. A file without a quote may be read with any."""
    try:
        dialect = guess(text)
    except (csv.Error, duckdb.Error):
        return False
    if dialect.quote is None and '"' not in text and "quote" not in settings:
        dialect = dialect._replace(quote='"')
    return dialect.settings(",") == settings


def main() -> None:
    """Print the number of right guesses of each, and the names of the wrong ones."""
    texts = import_module("tests.commands.test_init_dialects").TEXTS
    for name, guess in (
        ("init", lambda text: guess_dialect(text, ",")),
        ("csv.Sniffer", sniffed),
        ("duckdb", by_duckdb),
    ):
        wrong = [
            key for key, (text, settings) in texts.items() if not is_right(guess, text, settings)
        ]
        print(
            f"{name}: {len(texts) - len(wrong)} of {len(texts)} right; wrong: {', '.join(wrong) or 'none'}"
        )


if __name__ == "__main__":
    main()
