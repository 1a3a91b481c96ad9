"""The history of one row as values for JSON: rows of the tables as they are, with nothing cut."""

from __future__ import annotations

from typing import Any

from stages.commands.run_tables import FoundRow, RunTables


def row_figures(tables: RunTables, row_id: str, kind: str) -> dict[str, Any]:
    """Return everything that the tables know about `row_id`.

    Args:
        tables: the tables of the run.
        row_id: the whole id.
        kind: what the id names, in words.
    """
    own_rows = tables.own_rows(row_id)
    figures: dict[str, Any] = {
        "id": row_id,
        "kind": kind,
        "rows": _figures(own_rows),
        "decisions": _figures(tables.decisions(row_id)),
        "decisions_because_of_it": _figures(tables.scan("ledger", "partner_id", row_id)),
        "splits": _figures(tables.rows("splits", "id", [row_id])),
    }

    # Its neighbours, which depend on what it is.
    if not own_rows:
        return figures
    last = own_rows[-1].row
    if "pair_id" in last:
        return figures | _pair_figures(tables, row_id, last["doc_id"])
    if "query_id" in last:
        qrels = tables.rows("qrels", "query_id", [row_id])
        return figures | {"answers": _figures(qrels)}
    pairs = {"pairs": tables.anchors(row_id)}
    return figures | pairs | _near_figures(tables, row_id)


def _pair_figures(tables: RunTables, row_id: str, doc_id: str) -> dict[str, Any]:
    made = tables.rows("synthetic_pairs", "pair_id", [row_id])
    triplets = tables.rows("triplets", "pair_id", [row_id])
    return {
        "document": doc_id,
        "made_from": _figures(made),
        "triplets": _figures(triplets),
        **_near_figures(tables, row_id),
    }


def _near_figures(tables: RunTables, row_id: str) -> dict[str, Any]:
    edges = tables.near_duplicates(row_id)
    return {"near_duplicates": [{"id": other_id, **row} for other_id, row in edges]}


def _figures(rows: list[FoundRow]) -> list[dict[str, Any]]:
    return [{"stage": stage, "file": path, "row": row} for stage, path, row in rows]
