"""A whole set of documents and pairs, step by step: each step learns from all texts as the step before left them.

Every step maps over shards; what shards counted is brought together by the thing counted, on disk. So memory
depends on the size of a shard and of the vocabulary, and no byte on the order of rows or the number of workers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from stages.clean import boilerplate
from stages.clean.anchors import expand_pairs, finish_pairs
from stages.clean.interface import CleanParams
from stages.clean.learned import Learned, learn
from stages.clean.steps import (
    expand_documents,
    finish_documents,
    outline_documents,
    strip_documents,
)
from stages.lib import engine, tables
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.knowledge import Knowledge
from stages.lib.contracts.ledger import Ledger as LedgerTable
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.passages import Passages
from stages.lib.contracts.table import Table
from stages.lib.glossary import Abbreviations
from stages.lib.tables import Shard

MAKES = (Documents, LedgerTable, Knowledge)
PAIR_MAKES = (Pairs, LedgerTable, Knowledge)


class Cleaned(NamedTuple):
    """The parts of the cleaned tables, still in scratch, a part per shard, and what was learned on the way.

    The two ledgers have their lines in the order of the steps.
    """

    documents: list[Path]
    passages: list[Path]
    pairs: list[Path]
    document_ledgers: list[Path]
    pair_ledgers: list[Path]
    knowledge: pd.DataFrame
    learned: Learned


def clean(
    documents: Path,
    pairs: Path,
    params: CleanParams,
    given: Abbreviations,
    model: Path | None,
    scratch: Path,
) -> Cleaned:
    """Clean two tables: documents first, since a dropped one takes its pairs with it."""
    outlined, ledgers_1, counts = engine.map(
        partial(outline_documents, params=params),
        tables.shards(documents),
        Documents,
        MAKES,
        scratch / "outline",
    )
    known = [_gathered(counts, scratch / "outline", params)]
    stripped, ledgers_2, counts = engine.map(
        partial(strip_documents, recurring=_recurring(known[0], params)),
        _whole(outlined),
        Documents,
        MAKES,
        scratch / "strip",
    )
    known.append(_gathered(counts, scratch / "strip", params))
    learned = learn(pd.concat(known), given, params)
    expanded, ledgers_3, counts = engine.map(
        partial(expand_documents, params=params, entries=learned.entries),
        _whole(stripped),
        Documents,
        MAKES,
        scratch / "expand",
    )
    foreign = _foreign(counts)
    dropped = _dropped([*ledgers_1, *ledgers_2, *ledgers_3])
    expanded_pairs, pair_ledgers_1, pair_counts = engine.map(
        partial(
            expand_pairs, params=params, entries=learned.entries, foreign=foreign, dropped=dropped
        ),
        tables.shards(pairs),
        Pairs,
        PAIR_MAKES,
        scratch / "expand-pairs",
    )
    known.append(_gathered([*counts, *pair_counts], scratch / "words", params))
    learned = learn(pd.concat(known), given, params)
    correct = learned.corrections.get if learned.corrections else None
    finished, ledgers_4, counts, passages = engine.map(
        partial(finish_documents, params=params, correct=correct, foreign=foreign, model=model),
        _whole(expanded),
        Documents,
        (*MAKES, Passages),
        scratch / "finish",
    )
    finished_pairs, pair_ledgers_2, pair_counts = engine.map(
        partial(
            finish_pairs,
            params=params,
            correct=correct,
            foreign=foreign,
            dropped=dropped | _dropped(ledgers_4),
        ),
        _whole(expanded_pairs),
        Pairs,
        PAIR_MAKES,
        scratch / "finish-pairs",
    )
    known.append(_gathered([*counts, *pair_counts], scratch / "private", params))
    steps = [ledgers_1, ledgers_2, ledgers_3, ledgers_4]
    return Cleaned(
        finished,
        passages,
        finished_pairs,
        _in_order(steps, scratch / "document-ledger"),
        _in_order([pair_ledgers_1, pair_ledgers_2], scratch / "pair-ledger"),
        pd.concat(known, ignore_index=True),
        learned,
    )


def total(frame: pd.DataFrame, minimum: int) -> list[pd.DataFrame]:
    """Return the Knowledge of a partition: counts of one thing added up; too rare boilerplate and words left out."""
    key = ["kind", "source", "item"]
    summed = frame.groupby(key, sort=False, as_index=False)["documents"].sum()
    rare = (summed["kind"] == "boilerplate") & (summed["documents"] < minimum)
    return [summed[~rare].astype(Knowledge.empty().dtypes.to_dict())]


def thing(frame: pd.DataFrame) -> pd.Series[str]:
    """Return what is counted, as one string."""
    return frame["kind"] + "\n" + frame["source"] + "\n" + frame["item"]


def _gathered(counts: Sequence[Path], scratch: Path, params: CleanParams) -> pd.DataFrame:
    parts = engine.group(
        partial(total, minimum=params.boilerplate_min_documents),
        thing,
        _whole(counts),
        Knowledge,
        (Knowledge,),
        scratch / "counts",
    )
    return engine.gather(parts[0], Knowledge)


def _recurring(knowledge: pd.DataFrame, params: CleanParams) -> Mapping[str, frozenset[str]]:
    if params.boilerplate_share is None:
        return {}
    of = {kind: knowledge[knowledge["kind"] == kind] for kind in ("text", "boilerplate")}
    texts = dict(zip(of["text"]["source"], of["text"]["documents"], strict=True))
    return {
        str(source): boilerplate.recurring(
            dict(zip(rows["item"], rows["documents"], strict=True)),
            int(texts[source]),
            params.boilerplate_share,
            params.boilerplate_min_documents,
        )
        for source, rows in of["boilerplate"].groupby("source")
    }


def _whole(parts: Sequence[Path]) -> list[Shard]:
    return [Shard(part) for part in parts]


def _foreign(counts: Sequence[Path]) -> frozenset[str]:
    return _values(counts, Knowledge, "item", kind="foreign")


def _dropped(ledgers: Sequence[Path]) -> frozenset[str]:
    return _values(ledgers, LedgerTable, "row_id", action="drop")


def _values(parts: Sequence[Path], table: type[Table], column: str, **equal: str) -> frozenset[str]:
    """Return what stands in `column` where another column equals a value."""
    (name, value), found = next(iter(equal.items())), set[str]()
    for part in parts:
        frame = tables.read(part, table)
        found.update(frame.loc[frame[name] == value, column])
    return frozenset(found)


def _in_order(steps: Sequence[Sequence[Path]], scratch: Path) -> list[Path]:
    """Return a ledger per shard with the lines of all its steps, numbered through."""
    parts = []
    for at, ledgers in enumerate(zip(*steps, strict=True)):
        lines = pd.concat([tables.read(part, LedgerTable) for part in ledgers], ignore_index=True)
        lines["seq"] = lines.groupby("row_id").cumcount().astype("int64")
        parts.append(scratch / f"{at:06d}.parquet")
        tables.write(lines, parts[-1], LedgerTable)
    return parts


def count_lines(ledgers: Sequence[Path]) -> Counter[tuple[str, str]]:
    """Return how many lines there are of each action and reason."""
    found: Counter[tuple[str, str]] = Counter()
    for part in ledgers:
        frame = tables.read(part, LedgerTable)
        found.update(zip(frame["action"], frame["reason"], strict=True))
    return found
