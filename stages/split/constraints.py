"""Decisions of users on single rows: frozen ids keep their split, protected texts leave training.

Frozen ids are in data/frozen/splits.csv. `python -m stages freeze` writes it, and git keeps it.
Protected texts, such as those of another benchmark, are files in data/protected/.
"""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TextIO

from stages.lib.core.errors import UserError
from stages.lib.core.ids import hash_hex
from stages.lib.text.held_out import (
    TEXTS,
    HeldOutHashes,
    HeldOutMatch,
    HeldOutText,
    fingerprint_rows,
    match_held_out,
)
from stages.lib.text.matches import NO_RUNS, TextVersions
from stages.lib.text.normal_form import normal_form
from stages.lib.text.overlap import Hashes
from stages.split.frozen_giants import GIANTS_FILE, FrozenGiants, read_frozen_giants

FROZEN_FILE = "splits.csv"
FROZEN_HEADER = ["id", "split"]
# With giants, a third column names the giant of a row; it is empty for other rows.
FROZEN_HEADER_WITH_GIANTS = [*FROZEN_HEADER, "giant"]

# A component with frozen members of several splits takes the first of these splits. A query
# that once was in a test set must not be trained on.
SPLIT_PRECEDENCE = ("test", "validation", "train")

# Rows of a giant that lie across its parts keep out of every split.
LEFT_OUT = "left_out"

PROTECTED_FOLDER = PurePosixPath("data/protected")
PROTECTED_SUFFIXES = (".txt", ".csv", ".jsonl", ".parquet")

_ROW_ID = re.compile(r"[dp][0-9a-f]{16}")
_FROZEN_REMEDY = "correct the line, or restore the file with git"


class Constraints(NamedTuple):
    """What is known of single rows before they are split.

    Attributes:
        frozen: id to the split that it keeps.
        protected: id to the protected text that the row has.
        time_of: id of a pair or document to its time in UTC. Empty unless the unit is `time`.
        frozen_giants: the giants of the frozen split.
    """

    frozen: Mapping[str, str]
    protected: Mapping[str, HeldOutMatch]
    time_of: Mapping[str, str] = {}
    frozen_giants: FrozenGiants = FrozenGiants()


# --- frozen ids


def read_frozen(path: Path) -> dict[str, str]:
    """Return id to the split that it keeps.

    Raises:
        UserError: the file is missing or malformed; the message names the line.
    """
    return {row[0]: row[1] for row in read_frozen_rows(path)}


def read_frozen_folder(folder: Path) -> tuple[dict[str, str], FrozenGiants]:
    """Return id to the split that it keeps, and the frozen giants.

    Raises:
        UserError: a file is missing or malformed.
    """
    rows = read_frozen_rows(folder / FROZEN_FILE)
    giant_of = {row[0]: row[2] for row in rows if len(row) > len(FROZEN_HEADER) and row[2]}
    return {row[0]: row[1] for row in rows}, read_frozen_giants(folder / GIANTS_FILE, giant_of)


def read_frozen_rows(path: Path) -> list[list[str]]:
    """Return the rows of the file: id, split, and the giant where there is one.

    Raises:
        UserError: the file is missing or malformed; the message names the line.
    """
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream, strict=True))
    except FileNotFoundError:
        raise UserError(
            f"{path} does not exist", f"restore it with 'git checkout {path}'"
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} is not a CSV file in UTF-8: {error}", _FROZEN_REMEDY) from None

    if not rows or rows[0] not in (FROZEN_HEADER, FROZEN_HEADER_WITH_GIANTS):
        raise UserError(f"{path}, line 1: the header is not 'id,split'", _FROZEN_REMEDY)

    # Empty lines are allowed, and so are repeated lines that agree.
    known: dict[str, list[str]] = {}
    for line_number, row in enumerate(rows[1:], 2):
        if not row:
            continue

        error_text = _error_in_row(row, known, rows[0])
        if error_text:
            raise UserError(f"{path}, line {line_number}: {error_text}", _FROZEN_REMEDY)

        known[row[0]] = row

    return list(known.values())


def frozen_splits(component_of: Mapping[str, str], frozen: Mapping[str, str]) -> dict[str, str]:
    """Return component id to the split of its frozen members.

    Ids without a row are ignored, and so are rows that were left out.
    """
    splits_of: dict[str, set[str]] = defaultdict(set)
    for row_id, split in frozen.items():
        if row_id in component_of and split != LEFT_OUT:
            splits_of[component_of[row_id]].add(split)

    return {name: min(splits, key=SPLIT_PRECEDENCE.index) for name, splits in splits_of.items()}


def moved_frozen_ids(
    component_of: Mapping[str, str], split_of: Mapping[str, str], frozen: Mapping[str, str]
) -> list[str]:
    """Return the frozen ids that are in another split now, because two components became one.

    Args:
        component_of: id to component id.
        split_of: component id to split.
        frozen: id to the split that it was to keep.
    """
    return sorted(
        row_id
        for row_id, split in frozen.items()
        if row_id in component_of and split_of[component_of[row_id]] != split
    )


def _error_in_row(row: list[str], known: Mapping[str, list[str]], header: list[str]) -> str:
    """Return what is wrong with a row of the file, or "" if nothing is."""
    if len(row) != len(header):
        return f"{len(row)} fields where '{','.join(header)}' are wanted"

    row_id, split = row[:2]
    if not _ROW_ID.fullmatch(row_id):
        return f"{row_id[:40]!r} is no id of a pair or document"
    if split not in SPLIT_PRECEDENCE and (split != LEFT_OUT or len(row) == 2):
        return f"{split[:40]!r} is none of train, validation, test"
    if known.get(row_id, row)[1] != split:
        return f"{row_id} stands in '{known[row_id][1]}' above and in '{split}' here"

    return ""


# --- protected texts


def read_protected(names: Sequence[str], folder: Path) -> list[str]:
    """Return the distinct texts of several files, sorted.

    Args:
        names: paths as `split.protect` gives them, which begin with data/protected/.
        folder: the folder that stands for data/protected/.

    Raises:
        UserError: a file is missing, of another kind, has no column `text`, or holds no text.
    """
    protected_texts: set[str] = set()
    for name in names:
        # DVC watches the folder, so that files elsewhere would change without a rerun.
        path = PurePosixPath(name)
        is_inside = PROTECTED_FOLDER in path.parents and ".." not in path.parts
        if not is_inside or path.suffix not in PROTECTED_SUFFIXES:
            raise UserError(
                f"params.yaml: split.protect names '{name}'",
                f"give files under {PROTECTED_FOLDER}/ that end in "
                f"{', '.join(PROTECTED_SUFFIXES)}: DVC watches that folder",
            )

        protected_texts |= _read_texts(folder / path.relative_to(PROTECTED_FOLDER), name)

    return sorted(protected_texts)


def match_protected(
    protected_texts: Sequence[str],
    kinds: Sequence[TextVersions],
    threshold: float,
    common_runs: Hashes = NO_RUNS,
) -> dict[str, HeldOutMatch]:
    """Return id to the protected text that the row equals, nears or overlaps.

    Args:
        protected_texts: the texts.
        kinds: the texts of anchors, and those of documents.
        threshold: exact Jaccard similarity of shingles from which two texts are near.
        common_runs: hashes of the runs that are boilerplate of the data, sorted.
    """
    if not protected_texts:
        return {}

    fingerprints = fingerprint_rows(protected_as_held_out(protected_texts), common_runs)
    held_out = HeldOutHashes([fingerprints])
    best_match: dict[str, HeldOutMatch] = {}
    for versions in kinds:
        best_match = {**match_held_out({}, versions, held_out, threshold), **best_match}

    return best_match


def protected_as_held_out(protected_texts: Sequence[str]) -> list[HeldOutText]:
    """Return the protected texts, with ids made of them, to be compared with all texts."""
    held_out: list[HeldOutText] = []
    for text in protected_texts:
        row_id = "d" + hash_hex("protected", hash_hex(normal_form(text)))
        held_out.append(HeldOutText(row_id, "protected", text, TEXTS))

    return held_out


def _read_texts(file: Path, name: str) -> set[str]:
    """Return the distinct texts of one file, called `name` in messages."""
    try:
        texts = {text for text in _texts_in(file, name) if text.strip()}
    except FileNotFoundError:
        raise UserError(
            f"{name}, which split.protect names, does not exist",
            "put it there, or run 'dvc pull'",
        ) from None
    except UnicodeDecodeError:
        raise UserError(f"{name} is not UTF-8", "save it as UTF-8") from None

    if not texts:
        raise UserError(f"{name} holds no text", "remove it from split.protect, or correct it")

    return texts


def _texts_in(file: Path, name: str) -> Iterator[str]:
    if file.suffix == ".parquet":
        yield from _parquet_texts(file, name)
        return

    with file.open(encoding="utf-8-sig", newline="") as stream:
        if file.suffix == ".txt":
            yield from stream
        elif file.suffix == ".csv":
            yield from _csv_texts(stream, name)
        else:
            yield from _jsonl_texts(stream, name)


def _csv_texts(stream: TextIO, name: str) -> Iterator[str]:
    reader = csv.DictReader(stream)
    if "text" not in (reader.fieldnames or ()):
        raise _no_text_column(name)

    for row in reader:
        yield row["text"] or ""


def _jsonl_texts(lines: Iterable[str], name: str) -> Iterator[str]:
    for line_number, line in enumerate(lines, 1):
        if not line.strip():
            continue

        place = f"{name}, line {line_number}"
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise UserError(
                f"{place}: this is not JSON: {error}", "write one whole JSON object on each line"
            ) from None

        if not isinstance(row, dict) or not isinstance(row.get("text"), str):
            raise _no_text_column(place)

        yield row["text"]


def _parquet_texts(file: Path, name: str) -> list[str]:
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    try:
        table = parquet.read_table(file)
    except arrow.ArrowException as error:
        raise UserError(
            f"{name} is not a Parquet file: {str(error).splitlines()[0]}", "export it again"
        ) from None

    if "text" not in table.schema.names:
        raise _no_text_column(name)

    return [str(text or "") for text in table.column("text").to_pylist()]


def _no_text_column(place: str) -> UserError:
    return UserError(
        f"{place}: there is no column 'text'", "call the column that is protected 'text'"
    )
