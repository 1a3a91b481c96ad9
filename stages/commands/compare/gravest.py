"""The rows of a change that a reviewer looks at first: at most ten, by id, the gravest first.

The order is that of what a reviewer must not miss: counts that must be 0, queries that lost most,
rows that a rule newly drops, and pairs that moved to another split. Texts are never shown here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from stages.commands.compare.alignment import PairedResults
from stages.commands.compare.report import AvailableTables
from stages.commands.compare.verdicts import PRIMARY
from stages.commands.compare.versions import Version
from stages.commands.headline import INVARIANTS
from stages.lib.core.errors import UserError
from stages.lib.schemas.splits import EVALUATION_SPLITS

MAX_GRAVEST = 10
# The kinds from the gravest on, each with the places that other kinds leave to it. What a kind
# does not need goes to the gravest kind that has more rows.
PLACES = {"broken": MAX_GRAVEST, "query": 4, "dropped": 3, "moved": 3}
# So many ids are named for one count that must be 0.
_MAX_OF_COUNT = 3

SPLITS = "data/split/splits.parquet"
TRAIN = "train"
# The stages whose ledgers say why a pair or a document reached no split.
_LEDGER_STAGES = ("collect", "clean", "deduplicate", "pair", "split")


class GraveRow(NamedTuple):
    """A row to look at.

    Attributes:
        kind: broken, query, dropped or moved.
        row_id: a pair, document, query or component; "" for a count whose rows are not known.
        reason: why, in words, without a text of the data.
    """

    kind: str
    row_id: str
    reason: str


class Drop(NamedTuple):
    """A row that the older version had and a rule of the newer one drops."""

    stage: str
    reason: str
    split_before: str
    row_id: str


def find_gravest(
    before: Version, after: Version, paired: PairedResults, tables: AvailableTables
) -> list[GraveRow]:
    """Return the rows to look at first. What tables are missing for is left out, and recorded."""
    rows = broken_rows(after)
    rows += query_rows(paired.before[PRIMARY], paired.after[PRIMARY])

    # Splits of both versions say which rows went, and which moved.
    both = tables.read("rows that moved or were dropped", lambda: (_splits(before), _splits(after)))
    if both is not None:
        old, new = both
        lost = {row_id: split for row_id, split in old.items() if row_id not in new}
        drops = tables.read("rules that drop rows", lambda: find_drops(after, lost))
        rows += dropped_rows(drops or [])
        rows += moved_rows(old, new)
    return choose_gravest(rows)


def choose_gravest(rows: Sequence[GraveRow]) -> list[GraveRow]:
    """Return at most MAX_GRAVEST rows, by kind from the gravest on.

    Args:
        rows: all rows, those of one kind in their order of gravity.

    >>> rows = [GraveRow("query", f"q{number}", "") for number in range(12)]
    >>> len(choose_gravest(rows)), len(choose_gravest([*rows, GraveRow("moved", "p1", "")]))
    (10, 10)
    >>> choose_gravest([*rows, GraveRow("moved", "p1", "")])[-1].row_id
    'p1'
    """
    rows_of_kind: dict[str, list[GraveRow]] = {kind: [] for kind in PLACES}
    for row in rows:
        rows_of_kind[row.kind].append(row)

    # First the places of each kind, then what is left.
    count_of_kind: dict[str, int] = {}
    free = MAX_GRAVEST
    for kind, places in PLACES.items():
        count_of_kind[kind] = min(places, free, len(rows_of_kind[kind]))
        free -= count_of_kind[kind]
    for kind, listed in rows_of_kind.items():
        more = min(free, len(listed) - count_of_kind[kind])
        count_of_kind[kind] += more
        free -= more

    chosen: list[GraveRow] = []
    for kind, listed in rows_of_kind.items():
        chosen += listed[: count_of_kind[kind]]
    return chosen


def broken_rows(after: Version) -> list[GraveRow]:
    """Return the counts of the newer version that must be 0 and are not, with ids where known."""
    rows = []
    for stage, keys in INVARIANTS.items():
        details = after.details(stage)
        for key in keys:
            count = details.get(key)
            if not count:
                continue
            reason = f"{stage}.{key} is {count:,} and must be 0"
            ids = _ids_behind(after, f"{stage}.{key}")[:_MAX_OF_COUNT]
            rows += [GraveRow("broken", row_id, reason) for row_id in ids or [""]]
    return rows


def query_rows(before: pd.Series[float], after: pd.Series[float]) -> list[GraveRow]:
    """Return the queries whose nDCG@10 fell, largest loss first. Both are indexed by query id."""
    change = (after - before).sort_values(kind="stable")

    rows = []
    for query_id, value in change[change < 0.0].head(MAX_GRAVEST).items():
        old = before[str(query_id)]
        new = after[str(query_id)]
        reason = f"lost {-value:.3f}: {old:.3f} before, {new:.3f} now"
        rows.append(GraveRow("query", str(query_id), reason))
    return rows


def find_drops(after: Version, lost: Mapping[str, str]) -> list[Drop]:
    """Return the drops of the newer version that explain the rows which are gone.

    Args:
        after: the newer version.
        lost: id to the split of the older version, of rows that the newer one has in no split.

    Raises:
        UserError: a ledger is missing.
    """
    drops = []
    for stage in _LEDGER_STAGES:
        ledger = after.table(f"data/{stage}/ledger.parquet", "row_id", "action", "reason")
        dropped = ledger[(ledger["action"] == "drop") & ledger["row_id"].isin(list(lost))]
        for row_id, reason in zip(dropped["row_id"], dropped["reason"], strict=True):
            drops.append(Drop(stage, str(reason), lost[row_id], str(row_id)))
    return drops


def dropped_rows(drops: Sequence[Drop]) -> list[GraveRow]:
    """Return the dropped rows: one of each rule, then a second one, the rule with most rows first.

    Of one rule, rows that were held out come first, and then those of training.
    """
    drops_of_rule: dict[tuple[str, str], list[Drop]] = defaultdict(list)
    for drop in drops:
        drops_of_rule[drop.stage, drop.reason].append(drop)

    # The place of each row among those of its rule, and that of the rule.
    placed: list[tuple[int, int, tuple[str, str], GraveRow]] = []
    for rule, of_rule in drops_of_rule.items():
        ordered = sorted(of_rule, key=lambda drop: (_is_used(drop.split_before), drop.row_id))
        for index, drop in enumerate(ordered):
            reason = (
                f"newly dropped by {drop.stage}: {drop.reason}, from {drop.split_before} "
                f"({len(of_rule):,} by this rule)"
            )
            row = GraveRow("dropped", drop.row_id, reason)
            placed.append((index, -len(of_rule), rule, row))
    return [row for *_, row in sorted(placed)]


def moved_rows(old: Mapping[str, str], new: Mapping[str, str]) -> list[GraveRow]:
    """Return the pairs that are in another split than before, those that came to training first.

    Args:
        old: id to split in the older version.
        new: the same in the newer version.
    """
    moves = {}
    for row_id, split in old.items():
        if row_id.startswith("p") and new.get(row_id, split) != split:
            moves[row_id] = (split, new[row_id])
    count_of_move = Counter(moves.values())

    rows = []
    for row_id in sorted(moves, key=lambda row_id: (_gravity_of_move(*moves[row_id]), row_id)):
        source, target = moves[row_id]
        count = count_of_move[source, target]
        reason = f"moved from {source} to {target} ({count:,} in all)"
        rows.append(GraveRow("moved", row_id, reason))
    return rows


def _gravity_of_move(source: str, target: str) -> int:
    """Return 0 for a held-out pair that is trained on now, and more for lesser moves."""
    if source in EVALUATION_SPLITS and target == TRAIN:
        return 0
    if source == TRAIN and target in EVALUATION_SPLITS:
        return 1
    return 2 if source in EVALUATION_SPLITS or target in EVALUATION_SPLITS else 3


def _is_used(split: str) -> int:
    """Return 0 for held-out rows, 1 for rows of training and 2 for others."""
    if split in EVALUATION_SPLITS:
        return 0
    return 1 if split == TRAIN else 2


def _splits(version: Version) -> dict[str, str]:
    table = version.table(SPLITS, "id", "split")
    return dict(zip(table["id"], table["split"], strict=True))


def _ids_behind(version: Version, count: str) -> list[str]:
    """Return the ids behind a count that must be 0, sorted; none where they are not known."""
    finders: Mapping[str, Callable[[Version], set[str]]] = {
        "split.leaked_components": _components_in_two_splits,
        "deduplicate.dangling_pairs": _dangling_pairs,
        "mine.known_positives_as_negatives": _mined_positives,
    }
    if count not in finders:
        return []
    try:
        return sorted(finders[count](version))
    except UserError:
        return []


def _components_in_two_splits(version: Version) -> set[str]:
    table = version.table(SPLITS, "component_id", "split")
    rows = table[table["split"].isin([TRAIN, *EVALUATION_SPLITS])]
    counts = rows.groupby("component_id")["split"].nunique()
    return set(counts[counts > 1].index)


def _dangling_pairs(version: Version) -> set[str]:
    documents = version.table("data/deduplicate/documents.parquet", "doc_id")
    pairs = version.table("data/deduplicate/pairs.parquet", "pair_id", "doc_id")
    return set(pairs.loc[~pairs["doc_id"].isin(documents["doc_id"]), "pair_id"])


def _mined_positives(version: Version) -> set[str]:
    columns = ("pair_id", "positive_ids", "negative_ids")
    table = version.table("data/mine/triplets.parquet", *columns)
    rows = zip(*(table[column] for column in columns), strict=True)
    return {pair_id for pair_id, positives, negatives in rows if set(positives) & set(negatives)}
