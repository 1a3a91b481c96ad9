"""Print the history of one row, from the raw record to its split or to its removal.

The command reads the tables that the stages have written so far under data/. If a rule removed
the row, it names the rule. Tables are sorted by their keys, so the command reads only the row
groups that can hold the row, and large tables do not make it slower.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pyarrow as arrow
import pyarrow.compute as compute
import pyarrow.parquet as parquet
import typer

from stages.commands.pipeline import order
from stages.lib.core.errors import UserError
from stages.lib.core.stage import command
from stages.lib.core.terminal import say, say_error

# The tables with one row per id, and the column of that id. All but the last hold texts.
KEY_COLUMNS = {
    "documents": "doc_id",
    "out_of_domain_documents": "doc_id",
    "pairs": "pair_id",
    "out_of_domain_pairs": "pair_id",
    "dissimilar_pairs": "pair_id",
    "queries": "query_id",
}
TEXT_TABLES = list(KEY_COLUMNS)[:5]

KINDS = {"d": "document", "p": "pair", "q": "query", "r": "raw record"}
MIN_PREFIX = 4  # characters of an id
MAX_LISTED = 20  # ids, pairs, decisions and near-duplicates

_LAST_CHARACTER = "\U0010ffff"  # sorts after all others
_GROUPS_AT_ONCE = 16  # row groups in memory

Row = dict[str, Any]


class FoundRow(NamedTuple):
    """A row of a table, with the stage that wrote the table and its file."""

    stage: str
    path: Path
    row: Row


class RunTables:
    """The tables under `data`, in the order of the stages."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.files: list[tuple[str, Path]] = []
        for stage in order():
            for path in sorted((data / stage).rglob("*.parquet")):
                self.files.append((stage, path))

    def matches(self, prefix: str) -> list[str]:
        """Return the ids that begin with `prefix`, sorted."""
        columns = {**KEY_COLUMNS, "ledger": "row_id"}
        matching: set[str] = set()

        for _, path in self.files:
            column = columns.get(path.stem)
            if column is None:
                continue
            with _open_parquet(path) as file:
                for _, ids in _row_groups(file, column, prefix, high=prefix + _LAST_CHARACTER):
                    matching.update(ids.filter(compute.starts_with(ids, prefix)).to_pylist())
        return sorted(matching)

    def rows(self, name: str, key: str, ids: Iterable[str]) -> list[FoundRow]:
        """Return the rows with these ids in all tables called `name`, which are sorted by `key`."""
        row_ids = sorted(set(ids))
        rows: list[FoundRow] = []

        for stage, path in self._files_called(name):
            with _open_parquet(path) as file:
                for row_id in row_ids:
                    for group, values in _row_groups(file, key, row_id, high=row_id):
                        table = file.read_row_group(group).filter(compute.equal(values, row_id))
                        rows += [FoundRow(stage, path, row) for row in table.to_pylist()]
        return rows

    def scan(self, name: str, column: str, value: str) -> list[FoundRow]:
        """Return the rows with this value in all tables called `name`, in any sort order."""
        rows: list[FoundRow] = []

        for stage, path in self._files_called(name):
            with _open_parquet(path) as file:
                for start in range(0, file.num_row_groups, _GROUPS_AT_ONCE):
                    stop = min(start + _GROUPS_AT_ONCE, file.num_row_groups)
                    groups = list(range(start, stop))

                    # Whole rows are read only if the column holds the value.
                    values = file.read_row_groups(groups, columns=[column]).column(0)
                    equal = compute.equal(values, value)
                    if compute.any(equal).as_py():
                        table = file.read_row_groups(groups).filter(equal)
                        rows += [FoundRow(stage, path, row) for row in table.to_pylist()]
        return rows

    def own_rows(self, row_id: str) -> list[FoundRow]:
        """Return the row itself, from every table that holds it."""
        rows: list[FoundRow] = []
        for name, column in KEY_COLUMNS.items():
            rows += self.rows(name, column, [row_id])
        return rows

    def texts(self, ids: Iterable[str]) -> dict[str, str]:
        """Return the quoted text of documents and pairs by id, from their last stage."""
        row_ids = sorted(set(ids))
        text_of_id = {}

        for name in TEXT_TABLES:
            column = KEY_COLUMNS[name]
            for _, _, row in self.rows(name, column, row_ids):
                text = row.get("anchor")
                if not text:
                    text = " - ".join(part for part in (row["title"], row["text"]) if part)
                text_of_id[row[column]] = quoted(text)
        return text_of_id

    def _files_called(self, name: str) -> list[tuple[str, Path]]:
        return [(stage, path) for stage, path in self.files if path.stem == name]


def row_history(tables: RunTables, row_id: str) -> list[str]:
    """Return lines with everything that the tables know about `row_id`."""
    # The row at its beginning, what happened to it, and the row at its end.
    lines = [f"{KINDS.get(row_id[:1], 'row')} {row_id}"]
    own_rows = tables.own_rows(row_id)
    if own_rows:
        first = own_rows[0]
        lines += _record_lines("as collected" if first.stage == "collect" else "as made", first)
    lines += _decision_lines(tables, row_id)
    if len(own_rows) > 1:
        lines += _record_lines("as it was last written", own_rows[-1])

    # Where it is now.
    for _, _, row in tables.rows("splits", "id", [row_id]):
        lines += ["", f"split: {row['split']}, component {row['component_id']}"]

    # Its neighbours, which depend on what it is.
    if not own_rows:
        return lines
    last = own_rows[-1].row
    if "pair_id" in last:
        return lines + _pair_lines(tables, row_id, last["doc_id"])
    if "query_id" in last:
        return lines + _query_lines(tables, row_id)
    return lines + _document_lines(tables, row_id)


def quoted(text: str, limit: int = 160) -> str:
    r"""Return `text` in quotes on one line, with at most `limit` characters.

    Control characters are escaped.

    >>> quoted("a\tb")
    '"a\\tb"'
    """
    shown = json.dumps(text[:limit], ensure_ascii=False)
    if len(text) <= limit:
        return shown
    return f"{shown}... ({len(text):,} characters)"


def main(
    row_id: Annotated[
        str,
        typer.Argument(metavar="ID", help="Id of a pair, document or query, or its beginning."),
    ],
    data: Annotated[Path, typer.Option(help="Folder of the stages' tables.")] = Path("data"),
) -> None:
    """Print the history of one row, from the raw record to its split or to its removal."""
    if len(row_id) < MIN_PREFIX:
        raise UserError(
            f"'{row_id}' is too short to name a row",
            f"give at least the first {MIN_PREFIX} characters of its id",
        )
    tables = RunTables(data)
    if not tables.files:
        raise UserError(f"{data}/ holds no tables yet", "run 'dvc repro' (or 'dvc pull') first")

    # Find the row. A whole id is never ambiguous, even if another one begins with it.
    matches = tables.matches(row_id)
    if not matches:
        raise UserError(
            f"no table under {data}/ and no ledger knows an id that begins with '{row_id}'",
            "ids stand in data/*/*.parquet and metrics/queries/*.tsv: "
            "a letter (d, p, q) and 16 hexadecimal digits",
        )
    if row_id in matches:
        matches = [row_id]
    if len(matches) > 1:
        say_error("\n".join(_ambiguous_lines(tables, row_id, matches)))
        raise typer.Exit(1)
    say("\n".join(row_history(tables, matches[0])))


def _ambiguous_lines(tables: RunTables, prefix: str, matches: list[str]) -> list[str]:
    listed = matches[:MAX_LISTED]
    texts = tables.texts(listed)

    lines = [f"{len(matches)} ids begin with '{prefix}':"]
    for row_id in listed:
        lines.append(f"  {row_id}  {texts.get(row_id, '')}".rstrip())
    if len(matches) > MAX_LISTED:
        lines.append(f"  and {len(matches) - MAX_LISTED} more")
    return lines


def _record_lines(title: str, found: FoundRow) -> list[str]:
    lines = ["", f"{title} ({found.path.as_posix()})"]

    for name, value in found.row.items():
        shown = quoted(value, 2000) if isinstance(value, str) else value
        lines.append(f"  {name:<12} {shown}")
    return lines


def _decision_lines(tables: RunTables, row_id: str) -> list[str]:
    """Return what the ledgers say about the row, and about others because of it."""
    decisions = tables.rows("ledger", "row_id", [row_id])
    stages = order()
    decisions.sort(key=lambda found: (stages.index(found.stage), found.row["seq"]))
    texts = tables.texts(decision.row["partner_id"] for decision in decisions)

    lines = ["", "what happened to it"]
    if not decisions:
        lines.append("  nothing: no stage changed, added or dropped it")
    for stage, _, row in decisions:
        lines.append(f"  {stage:<12} {_describe_decision(row)}")
        text = texts.get(row["partner_id"])
        if text:
            lines.append(f"  {'':<12}   {row['partner_id']} says {text}")

    # Rows for which this one was the partner, such as its dropped copies.
    others = tables.scan("ledger", "partner_id", row_id)
    if others:
        lines += ["", f"what happened to others because of it ({len(others)})"]
    for stage, _, row in others[:MAX_LISTED]:
        lines.append(f"  {stage:<12} {row['row_id']}: {_describe_decision(row)}")
    return lines


def _describe_decision(row: Row) -> str:
    """Return one ledger line in words."""
    # What was done, where, and because of which partner.
    text = f"{row['action']} {row['field']}".rstrip() + f", {row['reason']}"
    if row["start"] >= 0:
        text += f" at {row['start']}-{row['end']}"
    if row["partner_id"]:
        role = "to" if row["action"] == "repoint" else "partner"
        text += f", {role} {row['partner_id']}"
    score = row["score"]
    has_score = score is not None and score == score  # NaN is not equal to itself
    if has_score:
        text += f", score {score:.4g}"

    # What stood there before and after.
    before = row["before"]
    after = row["after"]
    if row["action"] == "edit" and row["start"] < 0 and not before and not after:
        return f"{text}: all over; what stood there is the field as collected"
    if row["action"] in {"edit", "repoint"}:
        return f"{text}: {quoted(before)} -> {quoted(after)}"
    if before or after:
        return f"{text}: {quoted(before or after)}"
    return text


def _pair_lines(tables: RunTables, row_id: str, doc_id: str) -> list[str]:
    text = tables.texts([doc_id]).get(doc_id, "(in no table)")
    lines = ["", "the document it should find", f"  {doc_id}  {text}"]

    # A synthetic pair comes from another row.
    for _, _, row in tables.rows("synthetic_pairs", "pair_id", [row_id]):
        positive = " any passage of its document"
        if row["positive"]:
            positive = f": {quoted(row['positive'])}"
        lines += ["", f"made from {row['origin_id']}, trained on{positive}"]

    # A training pair has hard negatives.
    for _, path, row in tables.rows("triplets", "pair_id", [row_id]):
        lines += ["", f"its {len(row['negatives'])} hard negatives ({path.as_posix()})"]
        lines.append(f"  positive: cosine {row['positive_score']:.4f}")
        for index in range(len(row["negatives"])):
            lines.append(_describe_negative(row, index))
    return lines + _near_duplicate_lines(tables, row_id)


def _describe_negative(triplet: Row, index: int) -> str:
    negative_id = triplet["negative_ids"][index]
    where = f"cosine {triplet['negative_scores'][index]:.4f}"

    # Only some parameters have a cross-encoder score the negatives.
    score = triplet["negative_cross_scores"][index]
    has_score = score is not None and score == score
    if has_score:
        where += f", cross-encoder {score:.4f}"

    where += f", {triplet['negative_miners'][index]} rank {triplet['negative_ranks'][index]}"
    rules = triplet["negative_rules"][index]
    return f"  {negative_id}  {where}, passed {rules}: {quoted(triplet['negatives'][index])}"


def _document_lines(tables: RunTables, row_id: str) -> list[str]:
    # The last stage that holds a pair decides on its anchor.
    anchor_of_pair = {}
    for name in ("pairs", "out_of_domain_pairs"):
        for _, _, row in tables.scan(name, "doc_id", row_id):
            anchor_of_pair[row["pair_id"]] = row["anchor"]

    lines = ["", f"the {len(anchor_of_pair)} pairs that should find it"]
    for pair_id, anchor in sorted(anchor_of_pair.items())[:MAX_LISTED]:
        lines.append(f"  {pair_id}  {quoted(anchor)}")
    if len(anchor_of_pair) > MAX_LISTED:
        lines.append(f"  and {len(anchor_of_pair) - MAX_LISTED} more")
    return lines + _near_duplicate_lines(tables, row_id)


def _query_lines(tables: RunTables, row_id: str) -> list[str]:
    qrels = [row for _, _, row in tables.rows("qrels", "query_id", [row_id])]
    texts = tables.texts(row["doc_id"] for row in qrels)

    lines = ["", f"the {len(qrels)} documents that answer it"]
    for row in qrels:
        text = texts.get(row["doc_id"], "")
        lines.append(f"  {row['doc_id']}  grade {row['grade']:g}  {text}")
    return lines


def _near_duplicate_lines(tables: RunTables, row_id: str) -> list[str]:
    # An edge is stored once, with the smaller id on the left.
    edges = []
    for _, _, row in tables.rows("near_duplicates", "left_id", [row_id]):
        edges.append((row["right_id"], row))
    for _, _, row in tables.scan("near_duplicates", "right_id", row_id):
        edges.append((row["left_id"], row))
    edges.sort(key=lambda edge: (-edge[1]["similarity"], edge[0]))

    # The most similar ones first.
    listed = edges[:MAX_LISTED]
    texts = tables.texts(other_id for other_id, _ in listed)
    lines = ["", f"its {len(edges)} near-duplicates"] if edges else []
    for other_id, row in listed:
        text = texts.get(other_id, "")
        lines.append(f"  {other_id}  {row['rule']}, similarity {row['similarity']:.3f}: {text}")
    return lines


@contextmanager
def _open_parquet(path: Path) -> Iterator[parquet.ParquetFile]:
    try:
        with parquet.ParquetFile(path) as file:
            yield file
    except arrow.ArrowInvalid as error:
        raise UserError(
            f"{path} is not a Parquet file: {str(error).splitlines()[0]}",
            "remove it and run 'dvc repro'",
        ) from None


def _row_groups(
    file: parquet.ParquetFile, key: str, low: str, *, high: str
) -> Iterator[tuple[int, arrow.ChunkedArray]]:
    """Yield the row groups that can hold a key from `low` to `high`, with their keys.

    Both limits are included.
    """
    if not file.metadata.num_rows:
        return

    def keys(group: int) -> arrow.ChunkedArray:
        return file.read_row_group(group, columns=[key]).column(0)

    # The first group whose last key is not too small, by bisection.
    groups = range(file.num_row_groups)
    first = bisect_left(groups, low, key=lambda group: keys(group)[-1].as_py())
    for group in groups[first:]:
        values = keys(group)
        if values[0].as_py() > high:
            return
        yield group, values


app = command(main)

if __name__ == "__main__":
    app()
