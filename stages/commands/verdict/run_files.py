"""Read runs and qrels in the formats of others.

| format | a run | qrels |
| --- | --- | --- |
| TREC | query Q0 document rank score tag | query iteration document grade |
| BEIR | | TSV with a header: query-id, corpus-id, score |
| JSON (pytrec_eval, MTEB) | query to document to score | query to document to grade |
| JSONL, Parquet | query_id, doc_id, score | query_id, doc_id, grade |
| Sentence Transformers | JSONL with `results`, from `write_predictions` | |

The score orders the hits, as in trec_eval, and never the rank.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from stages.lib.core.errors import UserError

QUERY_COLUMNS = ("query_id", "query-id", "qid", "query")
_DOCUMENTS = ("doc_id", "corpus-id", "corpus_id", "docid", "document", "docno")
_SCORES = ("score", "sim", "similarity")
_GRADES = ("grade", "score", "relevance", "rel", "label")
_HEADER = frozenset((*QUERY_COLUMNS, *_DOCUMENTS))

ScoresOfQuery = dict[str, dict[str, float]]


class _Judged(NamedTuple):
    """One value of a query and a document, and where it stands."""

    place: str
    query_id: str
    doc_id: str
    value: object


def read_run(path: Path) -> ScoresOfQuery:
    """Return query to document to score.

    Raises:
        UserError: the file cannot be read, names a document twice for a query, or has a score that
            is no finite number.
    """
    return _collect(_rows(path, _SCORES, line_fields=(0, 2, 4)), path, "score")


def read_qrels(path: Path) -> ScoresOfQuery:
    """Return query to document to grade.

    Raises:
        UserError: as for runs.
    """
    return _collect(_rows(path, _GRADES, line_fields=(0, 2, 3)), path, "grade")


def _collect(rows: Iterable[_Judged], path: Path, name: str) -> ScoresOfQuery:
    values: ScoresOfQuery = {}
    for row in rows:
        number = _number(row.value)
        if number is None:
            raise UserError(
                f"{row.place}: the {name} is {str(row.value)[:40]!r}",
                f"write a finite number, or remove the {'hit' if name == 'score' else 'judgement'}",
            )
        of_query = values.setdefault(row.query_id, {})
        if row.doc_id in of_query:
            raise UserError(
                f"{row.place}: document {row.doc_id[:40]!r} stands there a second time for query "
                f"{row.query_id[:40]!r}",
                "keep one of the two, such as the best passage of the document",
            )
        of_query[row.doc_id] = number

    if not values:
        raise UserError(f"{path} holds no rows", "name another file")
    return values


def _number(value: object) -> float | None:
    """Return a finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _rows(
    path: Path, value_names: tuple[str, ...], line_fields: tuple[int, int, int]
) -> Iterator[_Judged]:
    """Yield the values of a file of any format."""
    if path.suffix == ".parquet":
        for number, row in enumerate(_parquet_rows(path), start=1):
            yield from _named(row, f"{path}, row {number}", value_names)
        return

    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{path} does not exist", "name a file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}", "name a file in UTF-8") from None

    # One object is a mapping; an object a line is rows.
    start = text.lstrip()[:1]
    if start == "{" and path.suffix != ".jsonl":
        yield from _nested(path, text)
    elif start == "{":
        yield from _json_lines(path, text, value_names)
    else:
        yield from _lines(path, text, value_names, line_fields)


def _parquet_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a Parquet file.

    Raises:
        UserError: it does not exist or is no Parquet file, or PyArrow is not installed.
    """
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ModuleNotFoundError:
        raise UserError(
            f"{path}: Parquet needs pyarrow", "install it: pip install pyarrow"
        ) from None

    try:
        rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    except FileNotFoundError:
        raise UserError(f"{path} does not exist", "name a file") from None
    except (arrow.ArrowException, OSError) as error:
        first_line = str(error).partition("\n")[0]
        raise UserError(f"{path} is no Parquet file: {first_line}", "write it anew") from None
    return rows


def _nested(path: Path, text: str) -> Iterator[_Judged]:
    """Yield the values of one JSON object: query to document to value."""
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{path} is no JSON: {error}", "write one object") from None

    # MTEB has a description beside the subsets, and splits in each.
    content.pop("mteb_model_meta", None)
    while _depth(content) > 2:
        if len(content) != 1:
            names = ", ".join(map(str, list(content)[:5]))
            raise UserError(
                f"{path} holds several runs: {names}", "write the one of them to a file of its own"
            )
        content = next(iter(content.values()))

    for query_id, values in content.items():
        if not isinstance(values, dict):
            raise UserError(
                f"{path}: query {str(query_id)[:40]!r} has no documents",
                "write an object of query to document to score",
            )
        for doc_id, value in values.items():
            yield _Judged(f"{path}, query {query_id}", query_id, doc_id, value)


def _depth(content: object) -> int:
    """Return how many objects lie within each other, along the first of each."""
    depth = 0
    while isinstance(content, dict) and content:
        depth += 1
        content = next(iter(content.values()))
    return depth


def json_objects(path: Path, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the place, such as "line 3", and the object of each line that is not empty.

    Raises:
        UserError: a line is no JSON object.
    """
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            row = None
        if not isinstance(row, dict):
            raise UserError(f"{path}, line {number} is no JSON object", "write one object a line")
        yield f"line {number}", row


def _json_lines(path: Path, text: str, value_names: tuple[str, ...]) -> Iterator[_Judged]:
    for line, row in json_objects(path, text):
        place = f"{path}, {line}"

        # Sentence Transformers has all hits of a query in one line.
        if isinstance(row.get("results"), list):
            for hit in row["results"]:
                yield from _named({**hit, "query_id": row.get("query_id")}, place, value_names)
        else:
            yield from _named(row, place, value_names)


def _named(row: Mapping[str, Any], place: str, value_names: tuple[str, ...]) -> Iterator[_Judged]:
    """Yield the value of a row of columns with names."""
    values = []
    for names in (QUERY_COLUMNS, _DOCUMENTS, value_names):
        name = next((name for name in names if name in row), None)
        if name is None:
            raise UserError(
                f"{place}: there is none of {', '.join(names)}; found {', '.join(row)[:200]}",
                "rename the column",
            )
        values.append(row[name])
    yield _Judged(place, str(values[0]), str(values[1]), values[2])


def _lines(
    path: Path, text: str, value_names: tuple[str, ...], line_fields: tuple[int, int, int]
) -> Iterator[_Judged]:
    """Yield the values of lines of fields, with a header or as TREC has them."""
    header: list[str] = []
    needed = max(line_fields) + 1
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.split("\t") if "\t" in line else line.split()
        place = f"{path}, line {number}"
        if not fields:
            continue
        if not header and number == 1 and _HEADER & {field.strip().lower() for field in fields}:
            header = [field.strip().lower() for field in fields]
        elif header:
            yield from _named(dict(zip(header, fields, strict=False)), place, value_names)
        elif len(fields) == 3 and needed == 4:
            yield _Judged(place, fields[0], fields[1], fields[2])
        elif len(fields) < needed:
            raise UserError(
                f"{place}: {len(fields)} fields, and a line of TREC has {needed} or more",
                "write query, Q0, document, rank, score, tag; or query, 0, document, grade",
            )
        else:
            query_id, doc_id, value = (fields[index] for index in line_fields)
            yield _Judged(place, query_id, doc_id, value)
