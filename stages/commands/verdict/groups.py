"""Which queries belong together, so that the intervals count them as one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from stages.commands.verdict.measures import Run
from stages.commands.verdict.near_texts import groups_of_ties, tied_texts
from stages.lib.core.errors import UserError

NEAR_THRESHOLD = 0.8


def read_groups(path: Path, query_ids: Sequence[str]) -> dict[str, str]:
    """Return the group of each query from a file of lines: query, tab, group.

    Raises:
        UserError: a query has no group, or two.
    """
    group_of: dict[str, str] = {}
    for number, fields in enumerate(_tab_lines(path), start=1):
        if len(fields) != 2 or group_of.get(fields[0], fields[1]) != fields[1]:
            raise UserError(
                f"{path}, line {number}: a line is a query, a tab and its one group",
                "correct the line",
            )
        group_of[fields[0]] = fields[1]

    missing = [query_id for query_id in query_ids if query_id not in group_of]
    if missing:
        raise UserError(
            f"{path}: {len(missing):,} queries have no group, such as {missing[0][:40]!r}",
            "add a line for each; a query that stands alone has a group of its own",
        )
    return {query_id: group_of[query_id] for query_id in query_ids}


def groups_from_texts(path: Path, qrels: Run, query_ids: Sequence[str]) -> dict[str, str]:
    """Return the group of each query: equal and near texts, and shared documents, tie queries.

    Args:
        path: JSONL with `_id` and `text`, as BEIR has it.
        qrels: query to graded documents.
        query_ids: the queries.

    Raises:
        UserError: a query has no text.
    """
    text_of = read_texts(path)
    missing = [query_id for query_id in query_ids if query_id not in text_of]
    if missing:
        raise UserError(
            f"{path}: {len(missing):,} queries have no text, such as {missing[0][:40]!r}",
            "name the file of the queries that were asked",
        )

    # A letter in front tells a query from a document.
    texts = {f"q{query_id}": text_of[query_id] for query_id in query_ids}
    ties = tied_texts(texts, NEAR_THRESHOLD)

    # Queries with a relevant document in common.
    for query_id in query_ids:
        for doc_id, grade in qrels[query_id].items():
            if grade > 0:
                ties.append((f"q{query_id}", f"d{doc_id}"))

    rows = sorted({*texts, *(row for tie in ties for row in tie)})
    group_of = groups_of_ties(rows, ties)
    return {query_id: group_of[f"q{query_id}"] for query_id in query_ids}


def read_texts(path: Path) -> dict[str, str]:
    """Return id to text, from JSONL with `_id` and `text`, and perhaps `title`, as BEIR has it.

    Raises:
        UserError: a line is something else.
    """
    texts: dict[str, str] = {}
    for number, line in enumerate(read_utf8(path).splitlines(), start=1):
        try:
            row: Mapping[str, object] = json.loads(line)
            title = str(row.get("title") or "")
            texts[str(row["_id"])] = f"{title} {row['text']}".strip()
        except (AttributeError, json.JSONDecodeError, KeyError, TypeError):
            raise UserError(
                f"{path}, line {number}: a line is an object with _id and text", "correct the line"
            ) from None
    return texts


def _tab_lines(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in read_utf8(path).splitlines() if line.strip()]


def read_utf8(path: Path) -> str:
    """Return the text of a file.

    Raises:
        UserError: it does not exist, or is no text in UTF-8.
    """
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{path} does not exist", "name a file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}", "name a file in UTF-8") from None


def each_alone(query_ids: Sequence[str]) -> dict[str, str]:
    """Return each query as a group of its own."""
    return {query_id: query_id for query_id in query_ids}
