"""Protected texts: another benchmark, say, whose texts must stand in no row that is trained on.

Files lie in data/protected/, which is a dependency of the stage: under git, or under `dvc add`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from stages.lib.errors import Problem
from stages.lib.near import exact_edges
from stages.lib.text import shingles
from stages.split.components import Texts

FOLDER = PurePosixPath("data/protected")
SUFFIXES = (".txt", ".csv", ".jsonl", ".parquet")


class Match(NamedTuple):
    """How similar a row is to the protected text that it resembles most, and that text's number."""

    similarity: float
    number: int


def read_protected(names: Sequence[str], folder: Path) -> list[str]:
    """Return the distinct texts of the files `names` of params.yaml, which lie in `folder`, sorted.

    Raises Problem when one is not there, has no column `text`, or holds no text.
    """
    texts: set[str] = set()
    for name in names:
        path = PurePosixPath(name)
        if FOLDER not in path.parents or ".." in path.parts or path.suffix not in SUFFIXES:
            raise Problem(
                f"params.yaml: split.protect names '{name}'",
                f"give files under {FOLDER}/ that end in {', '.join(SUFFIXES)}: that folder is what DVC watches",
            )
        try:
            found = {
                text for text in _texts(folder / path.relative_to(FOLDER), name) if text.strip()
            }
        except FileNotFoundError:
            raise Problem(
                f"{name}, which split.protect names, does not exist",
                "put it there, or run 'dvc pull'",
            ) from None
        except UnicodeDecodeError:
            raise Problem(f"{name} is not UTF-8", "save it as UTF-8") from None
        if not found:
            raise Problem(f"{name} holds no text", "remove it from split.protect, or correct it")
        texts |= found
    return sorted(texts)


def matches(protected: Sequence[str], kinds: Sequence[Texts], threshold: float) -> dict[str, Match]:
    """Return the ids with a text equal or near to a protected one: exact Jaccard at or above `threshold`."""
    theirs = {f"{number}": shingles(text) for number, text in enumerate(protected)}
    mine = {
        identity: [items for text in variants for items in shingles(text)]
        for kind in (kinds if protected else ())
        for identity, variants in kind.items()
    }
    found: dict[str, Match] = {}
    for number, identity, similarity in exact_edges(theirs, mine, threshold):
        match = Match(similarity, int(number))
        found[identity] = max(found.get(identity, match), match)
    return found


def _texts(file: Path, name: str) -> Iterator[str]:
    if file.suffix == ".parquet":
        yield from _parquet(file, name)
        return
    with file.open(encoding="utf-8-sig", newline="") as stream:
        if file.suffix == ".txt":
            yield from stream
        elif file.suffix == ".csv":
            reader = csv.DictReader(stream)
            if "text" not in (reader.fieldnames or ()):
                raise _no_column(name)
            yield from (row["text"] or "" for row in reader)
        else:
            for line, content in enumerate(stream, 1):
                if content.strip():
                    yield _json(content, f"{name}, line {line}")


def _json(content: str, where: str) -> str:
    try:
        row = json.loads(content)
    except json.JSONDecodeError as error:
        raise Problem(
            f"{where}: this is not JSON: {error}", "write one whole JSON object on each line"
        ) from None
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise _no_column(where)
    return str(row["text"])


def _parquet(file: Path, name: str) -> list[str]:
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    try:
        rows = parquet.read_table(file)
    except arrow.ArrowException as error:
        raise Problem(
            f"{name} is not a Parquet file: {str(error).splitlines()[0]}", "export it again"
        ) from None
    if "text" not in rows.schema.names:
        raise _no_column(name)
    return [str(text or "") for text in rows.column("text").to_pylist()]


def _no_column(where: str) -> Problem:
    return Problem(
        f"{where}: there is no column 'text'", "call the column that is protected 'text'"
    )
