"""A file of one's own: CSV, TSV, JSONL or Parquet under data/raw/, with a mapping of its columns.

Three shapes, told apart by the columns that are mapped: `text` gives documents; `anchor` and `text` in one
row give a document and the pair that leads to it; `anchor` and `document_key` give pairs to the documents
of another source. `time` may stand beside any of them, and `parent` beside keyed documents. A broken file stops the
stage; a row that cannot be used is rejected into the ledger.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from stages.collect.formats import DELIMITERS, SUFFIXES, Record, TableSource, read_records
from stages.collect.records import (
    Collected,
    DocumentRow,
    EdgeRow,
    Facts,
    PairRow,
    Source,
    TimeRow,
    compact,
    document_id,
    documents_frame,
    hierarchy_frame,
    pair_id,
    pairs_frame,
    record_id,
    setting,
    times_frame,
)
from stages.lib.errors import Problem
from stages.lib.ledger import Ledger

REASONS = (
    "empty_text",
    "empty_anchor",
    "bad_score",
    "bad_time",
    "unknown_document",
    "duplicate_key",
)
BAD_PARENT = "bad_parent"
RAW = PurePosixPath("data/raw")

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


def check_settings(name: str, source: TableSource, others: Mapping[str, Source]) -> None:
    """Refuse a mapping that is none of the three shapes, or names something that is not there.

    Raises Problem, which names the parameter.
    """
    where, mapped = setting(name), set(source.columns.mapped())
    _place(source, where)
    if {"text"} <= mapped and "document_key" not in mapped:
        idle = set() if "anchor" in mapped else {"relation", "score"} & mapped
    elif {"anchor", "document_key"} <= mapped and "text" not in mapped:
        idle = {"title", "topic", "group", "parent"} & mapped
    else:
        raise Problem(
            f"params.yaml: {where}.columns maps {', '.join(sorted(mapped)) or 'nothing'}",
            "map 'text' (documents), 'anchor' and 'text' (documents and pairs), or 'anchor' and 'document_key' (pairs)",
        )
    if idle:
        raise Problem(
            f"params.yaml: {where}.columns.{min(idle)} has no meaning beside {', '.join(sorted(mapped - idle))}",
            "remove the key: it would be read and thrown away",
        )
    if ("document_key" in mapped) != (source.documents_of is not None):
        raise Problem(
            f"params.yaml: {where} has only one of columns.document_key and documents_of",
            "give both, for pairs that lead to the documents of another source, or neither",
        )
    if "parent" in mapped and "key" not in mapped:
        raise Problem(
            f"params.yaml: {where}.columns.parent names rows by their key, and there is no {where}.columns.key",
            "map the column of the keys to 'key', or remove 'parent'",
        )
    if source.documents_of is not None:
        _check_target(name, source.documents_of, others)


def read(
    name: str, source: TableSource, raw: Path, ledger: Ledger, known: Collection[str] = ()
) -> Collected:
    """Return what the file gives as source `name`; `known` are the document ids of `documents_of`.

    A raw record is a row. Rows are taken in the order of their content, not of the file, so that ordinals
    and the choice among equal keys do not depend on how the file was sorted. Rejected rows go to `ledger`
    with the mapped columns as they were read. Raises Problem when the file is broken or no row can be used.
    """
    own: tuple[str, ...]
    records = sorted(
        read_records(raw / _place(source, setting(name)).relative_to(RAW), source, setting(name))
    )
    taken: dict[str, str] = {}
    ordinals: Counter[tuple[str, ...]] = Counter()
    documents: list[DocumentRow] = []
    pairs: list[PairRow] = []
    times: list[TimeRow] = []
    kept: list[Record] = []
    rejected: Counter[str] = Counter()
    for record in records:
        reason = _fault(record, source, known) or (
            "duplicate_key" if record.key and record.key in taken else ""
        )
        if reason:
            rejected[reason] += 1
            before = compact(
                {
                    column: getattr(record, field)
                    for field, column in source.columns.mapped().items()
                }
            )
            ordinal = _next(ordinals, "record", before)
            partner = taken[record.key] if reason == "duplicate_key" else ""
            ledger.drop(record_id(name, before, ordinal), reason, partner_id=partner, before=before)
            continue
        if source.documents_of is None:
            own = (
                (record.key,)
                if record.key
                else (record.text, _next(ordinals, "document", record.text))
            )
            doc_id = row_id = document_id(name, *own)
            kept.append(record)
            documents.append((doc_id, name, record.title, record.text, record.topic, record.group))
            times += [(doc_id, time)] if (time := utc(record.time)) else []
        else:
            doc_id = document_id(source.documents_of, record.document_key)
        if source.columns.anchor:
            own = (
                (record.key,)
                if record.key
                else (record.anchor, doc_id, _next(ordinals, "pair", record.anchor, doc_id))
            )
            row_id = pair_id(name, *own)
            score = float(record.score) if source.columns.score else 1.0
            pairs.append(
                (row_id, record.anchor, doc_id, record.relation, score + 0.0, name)
            )  # no -0.0
            times += [(row_id, time)] if (time := utc(record.time)) else []
        if record.key:
            taken[record.key] = row_id
    if not documents and not pairs:
        told = ", ".join(f"{reason} {count}" for reason, count in sorted(rejected.items()))
        raise Problem(
            f"{source.path}: none of its {len(records)} rows can be used ({told})",
            _remedy_of(rejected, name),
        )
    facts = Facts(source.path, source.release, source.licence, source.citation)
    edges = hierarchy_frame(_edges(kept, documents, taken, ledger))
    count = len(records) - rejected.total()
    return Collected(
        documents_frame(documents),
        pairs_frame(pairs),
        len(records),
        count,
        facts,
        times_frame(times),
        edges,
    )


def _edges(
    kept: Sequence[Record],
    documents: Sequence[DocumentRow],
    taken: Mapping[str, str],
    ledger: Ledger,
) -> list[EdgeRow]:
    """Return each of `documents` with its parent; one that is no kept row, or the row itself, is told in `ledger`."""
    edges: list[EdgeRow] = []
    for record, (doc_id, *_) in zip(kept, documents, strict=True):
        if taken.get(record.parent, doc_id) != doc_id:
            edges.append((doc_id, taken[record.parent]))
        elif record.parent:
            ledger.note(doc_id, BAD_PARENT, after=record.parent)
    return edges


def _fault(record: Record, source: TableSource, known: Collection[str]) -> str:
    if source.columns.text and not record.text.strip():
        return "empty_text"
    if source.columns.anchor and not record.anchor.strip():
        return "empty_anchor"
    if source.columns.score and not (
        _NUMBER.fullmatch(record.score) and 0.0 <= float(record.score) <= 1.0
    ):
        return "bad_score"
    if record.time.strip() and not utc(record.time):
        return "bad_time"
    if (
        source.documents_of is not None
        and document_id(source.documents_of, record.document_key) not in known
    ):
        return "unknown_document"
    return ""


def utc(text: str) -> str:
    """Return an ISO 8601 date or date-time as the contract of Times has it; empty when it is none.

    A date is its midnight, and what names no time zone is in UTC.

    >>> utc("2026-01-31T01:00+02:00")
    '2026-01-30T23:00:00.000000Z'
    """
    try:
        read = datetime.fromisoformat(text.strip())
        moment = read.astimezone(UTC) if read.tzinfo else read
    except (ValueError, OverflowError):
        return ""
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _next(ordinals: Counter[tuple[str, ...]], *equal: str) -> str:
    ordinals[equal] += 1
    return str(ordinals[equal] - 1)


def _remedy_of(rejected: Counter[str], name: str) -> str:
    most = max(sorted(rejected), key=lambda reason: rejected[reason])
    at = {
        "empty_text": "columns.text",
        "empty_anchor": "columns.anchor",
        "bad_score": "columns.score",
    }
    at["bad_time"] = "columns.time"
    return f"correct {setting(name)}.{at.get(most, 'columns.document_key')} in params.yaml, or the file"


def _place(source: TableSource, where: str) -> PurePosixPath:
    path = PurePosixPath(source.path)
    if RAW not in path.parents or ".." in path.parts or "\\" in source.path:
        raise Problem(
            f"params.yaml: {where}.path = '{source.path}' is not under {RAW}/",
            f"put the file into {RAW}/: that folder is what DVC tracks",
        )
    if path.suffix not in SUFFIXES:
        raise Problem(
            f"params.yaml: {where}.path = '{source.path}' ends in none of {', '.join(SUFFIXES)}",
            "save the table in one of these formats",
        )
    if source.delimiter is not None and path.suffix not in DELIMITERS:
        raise Problem(
            f"params.yaml: {where}.delimiter has no meaning for a {path.suffix} file",
            "set it to null",
        )
    return path


def _check_target(name: str, target: str, others: Mapping[str, Source]) -> None:
    where, other = f"params.yaml: {setting(name)}.documents_of = '{target}'", others.get(target)
    if other is None or target == name:
        raise Problem(
            f"{where} is no other source",
            f"name one of: {', '.join(sorted(set(others) - {name})) or 'none'}",
        )
    if isinstance(other, TableSource) and (
        other.documents_of is not None or other.columns.key is None
    ):
        raise Problem(
            f"{where} has no keyed documents",
            f"give {setting(target)} a text and the column of its keys (columns.key)",
        )
