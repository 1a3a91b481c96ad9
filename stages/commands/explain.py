"""Print the history of one row, from the raw record to its split or to its removal.

The command reads the tables that the stages have written so far under data/. If a rule removed
the row, it names the rule. Tables are sorted by their keys, so the command reads only the row
groups that can hold the row, and large tables do not make it slower. `--json` gives the rows whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stages.commands.json_output import AsJson, say_json
from stages.commands.row_figures import row_figures
from stages.commands.run_tables import FoundRow, Row, RunTables, has_score, quoted
from stages.lib.core.errors import UserError
from stages.lib.core.stage import command
from stages.lib.core.terminal import say, say_error

KINDS = {"d": "document", "p": "pair", "q": "query", "r": "raw record"}
MIN_PREFIX = 4  # characters of an id
MAX_LISTED = 20  # ids, pairs, decisions and near-duplicates


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


def main(
    row_id: Annotated[
        str,
        typer.Argument(metavar="ID", help="Id of a pair, document or query, or its beginning."),
    ],
    data: Annotated[Path, typer.Option(help="Folder of the stages' tables.")] = Path("data"),
    as_json: AsJson = False,
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
    if as_json:
        say_json(row_figures(tables, matches[0], KINDS.get(matches[0][:1], "row")))
    else:
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
    decisions = tables.decisions(row_id)
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
    if has_score(score):
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
    if has_score(score):
        where += f", cross-encoder {score:.4f}"

    where += f", {triplet['negative_miners'][index]} rank {triplet['negative_ranks'][index]}"
    rules = triplet["negative_rules"][index]
    return f"  {negative_id}  {where}, passed {rules}: {quoted(triplet['negatives'][index])}"


def _document_lines(tables: RunTables, row_id: str) -> list[str]:
    anchor_of_pair = tables.anchors(row_id)
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
    edges = tables.near_duplicates(row_id)

    # The most similar ones first.
    listed = edges[:MAX_LISTED]
    texts = tables.texts(other_id for other_id, _ in listed)
    lines = ["", f"its {len(edges)} near-duplicates"] if edges else []
    for other_id, row in listed:
        text = texts.get(other_id, "")
        lines.append(f"  {other_id}  {row['rule']}, similarity {row['similarity']:.3f}: {text}")
    return lines


app = command(main)

if __name__ == "__main__":
    app()
