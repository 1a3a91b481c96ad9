"""What every reader gives: rows with their ids, how many raw records they came from, and facts for the data card.

Ids are given here, once, and never recomputed. They depend on the name of the source and on the key of a
row, never on its position, so that collecting again after rows were added or shuffled changes none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import pandas as pd
from pydantic import BaseModel, ConfigDict

from stages.lib.contracts.documents import Documents
from stages.lib.contracts.hierarchy import Hierarchy
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.table import Table
from stages.lib.contracts.times import Times
from stages.lib.text import hash_hex

# Of `documents`, `pairs`, `times` and `hierarchy` in the order of their contracts.
DocumentRow = tuple[str, str, str, str, str, str]
PairRow = tuple[str, str, str, str, float, str]
TimeRow = tuple[str, str]
EdgeRow = tuple[str, str]

OUT_OF_DOMAIN = "out_of_domain"

AnyTable = TypeVar("AnyTable", bound=Table)


class Source(BaseModel):
    """What all sources of params.yaml share: unknown keys and wrong types are refused by name."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


@dataclass(frozen=True)
class Facts:
    """What the data card says of a source beside its counts; empty where nobody knows."""

    origin: str
    release: str
    licence: str
    citation: str


@dataclass(frozen=True)
class Collected:
    """What one source gave. `records` raw records were read, `kept` of them became a document, a pair or both.

    `times` is a Times table, `hierarchy` a Hierarchy; sources that know none leave them empty.
    """

    documents: pd.DataFrame
    pairs: pd.DataFrame
    records: int
    kept: int
    facts: Facts
    times: pd.DataFrame = field(default_factory=Times.empty)
    hierarchy: pd.DataFrame = field(default_factory=Hierarchy.empty)


def document_id(source: str, *key: str) -> str:
    """Return the id of the document that `key` names within `source`."""
    return "d" + hash_hex(source, "document", *key)


def pair_id(source: str, *key: str) -> str:
    """Return the id of the pair that `key` names within `source`."""
    return "p" + hash_hex(source, "pair", *key)


def record_id(source: str, *key: str) -> str:
    """Return the id of a raw record that became neither."""
    return "r" + hash_hex(source, "record", *key)


def compact(record: Mapping[str, str]) -> str:
    """Return a raw record as the JSON that the ledger keeps."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


def setting(source: str) -> str:
    """Return where the source called `source` stands in params.yaml."""
    return "collect.out_of_domain" if source == OUT_OF_DOMAIN else f"collect.sources.{source}"


def documents_frame(rows: Sequence[DocumentRow]) -> pd.DataFrame:
    """Return `rows` as a Documents table."""
    return _frame(rows, Documents)


def pairs_frame(rows: Sequence[PairRow]) -> pd.DataFrame:
    """Return `rows` as a Pairs table."""
    return _frame(rows, Pairs)


def times_frame(rows: Sequence[TimeRow]) -> pd.DataFrame:
    """Return `rows` as a Times table."""
    return _frame(rows, Times)


def hierarchy_frame(rows: Sequence[EdgeRow]) -> pd.DataFrame:
    """Return `rows` as a Hierarchy."""
    return _frame(rows, Hierarchy)


def _frame(rows: Sequence[tuple[object, ...]], table: type[AnyTable]) -> pd.DataFrame:
    empty = table.empty()
    return (
        pd.DataFrame(rows, columns=list(empty.columns)).astype(empty.dtypes.to_dict())
        if rows
        else empty
    )
