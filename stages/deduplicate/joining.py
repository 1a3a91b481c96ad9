"""Joining: which texts are equal in normal form, and which are near; every candidate is verified."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as parquet

from stages.deduplicate.sketches import Bands, Hashes, bands, sketch
from stages.deduplicate.table import Sketches
from stages.lib import engine, tables
from stages.lib.contracts.near import Near
from stages.lib.contracts.table import Table
from stages.lib.stage import progress

Positions = npt.NDArray[np.int64]
Measure = Literal["jaccard", "containment"]
# How many candidates are verified, or about: so many, or a few for each text where that is more. In a crowd of texts
# from one template all pairs are near; beyond this each is compared with those next to it in the order of ids alone,
# which still ties the crowd together.
MOST_CANDIDATES, MOST_PER_TEXT = 1_000_000, 4
# How many new candidates are gathered before they are brought together with those before.
GATHERED = 200_000


class Joined(NamedTuple):
    """The texts of a table: their ids, ascending, which are equal, and which are near.

    `equal` holds for each text the position of the first one with its normal form; `left` and `right` are positions
    of such first texts, `similarity` belongs to them. `crowded` tells whether there were more candidates
    than are compared.
    """

    ids: npt.NDArray[np.object_]
    equal: Positions
    left: Positions
    right: Positions
    similarity: npt.NDArray[np.float64]
    crowded: bool


def join(
    path: Path,
    table: type[Table],
    key: str,
    column: str,
    threshold: float,
    measure: Measure,
    scratch: Path,
) -> Joined:
    """Return what is equal and what is near among the texts in `column` of the table at `path`."""
    # A text can be contained in one of twice its length, and then at most half of what both have is common.
    cut = bands(threshold if measure == "jaccard" else threshold / 2)
    parts = engine.map(
        partial(sketch, key=key, column=column, cut=cut),
        tables.shards(path),
        table,
        (Sketches,),
        scratch,
    )[0]
    names, forms, banded = _read(parts, cut)
    # A text of middling length has two rows, one for each reading.
    ids, at, text_of = np.unique(names, return_index=True, return_inverse=True)
    _, first, which = np.unique(forms[at], return_index=True, return_inverse=True)
    equal = first[which].astype(np.int64)
    rows = np.flatnonzero((equal == np.arange(len(ids)))[text_of])
    left, right, crowded = candidates(banded[rows])
    left, right = rows[left], rows[right]
    shingles = _shingles(parts, np.unique(np.concatenate([left, right])))
    similarity = similarities(left, right, shingles, threshold, measure)
    near = similarity >= threshold
    return Joined(
        ids, equal, *_nearest(text_of[left[near]], text_of[right[near]], similarity[near]), crowded
    )


def _nearest(
    left: Positions, right: Positions, similarity: npt.NDArray[np.float64]
) -> tuple[Positions, Positions, npt.NDArray[np.float64]]:
    """Return each pair once, with its largest similarity, in order."""
    order = np.lexsort((-similarity, right, left))
    left, right, similarity = left[order], right[order], similarity[order]
    first = np.ones(len(left), dtype=bool)
    first[1:] = (left[1:] != left[:-1]) | (right[1:] != right[:-1])
    return left[first], right[first], similarity[first]


def near_table(joined: Joined) -> pd.DataFrame:
    """Return the Near edges: equal texts form a star around the smallest id, near ones join those centres."""
    copies = np.flatnonzero(joined.equal != np.arange(len(joined.ids)))
    return pd.DataFrame(
        {
            "left_id": joined.ids[np.concatenate([joined.equal[copies], joined.left])],
            "right_id": joined.ids[np.concatenate([copies, joined.right])],
            "similarity": np.concatenate([np.ones(len(copies)), joined.similarity]),
            "rule": ["equal"] * len(copies) + ["near"] * len(joined.left),
        },
        columns=list(Near.empty().columns),
    ).astype(Near.empty().dtypes.to_dict())


def candidates(banded: Hashes) -> tuple[Positions, Positions, bool]:
    """Return the pairs of rows of `banded`, shape (texts, bands), that agree in a band: smaller and larger position.

    The last value tells whether there were too many, and those furthest apart in order were left out.
    """
    count = len(banded)
    orders = [np.argsort(banded[:, band], kind="stable") for band in range(banded.shape[1])]
    values = [banded[order, band] for band, order in enumerate(orders)]
    # Of each band the places from which one can step `distance` further and stay among equals.
    places = [np.arange(count) for _ in orders]
    found: Positions = np.empty(0, dtype=np.int64)
    fresh: list[Positions] = []
    for distance in range(1, count):
        for band, order in enumerate(orders):
            at = places[band][places[band] + distance < count]
            places[band] = at = at[values[band][at] == values[band][at + distance]]
            fresh.append(
                order[at] * count + order[at + distance]
            )  # stable: the first is the smaller
        if not any(map(len, places)):
            break
        if sum(map(len, fresh)) > max(GATHERED, len(found)):
            found, fresh = np.unique(np.concatenate([found, *fresh])), []
            if len(found) > max(MOST_CANDIDATES, MOST_PER_TEXT * count):
                return found // count, found % count, True
    found = np.unique(np.concatenate([found, *fresh]))
    return found // max(1, count), found % max(1, count), False


def similarities(
    left: Positions,
    right: Positions,
    shingles: dict[int, bytes],
    threshold: float,
    measure: Measure,
) -> npt.NDArray[np.float64]:
    """Return the exact similarity of each pair; 0 where sizes alone put it below `threshold`."""
    told = np.zeros(len(left))
    pairs = enumerate(zip(left.tolist(), right.tolist(), strict=True))
    for one, group in groupby(
        progress(pairs, len(left), "verifying near-duplicates"), key=lambda item: item[1][0]
    ):
        mine = frozenset(_hashes(shingles[one]))
        for at, (_, other) in group:
            size = len(shingles[other]) // 8
            smaller, larger = min(size, len(mine)), max(size, len(mine))
            if measure == "jaccard" and smaller < threshold * larger - 1e-9:
                continue
            both = len(mine.intersection(_hashes(shingles[other])))
            told[at] = both / (smaller + larger - both if measure == "jaccard" else smaller)
    return told


def _hashes(packed: bytes) -> list[int]:
    found: list[int] = np.frombuffer(packed, dtype=np.uint64).tolist()
    return found


def _read(parts: Sequence[Path], cut: Bands) -> tuple[npt.NDArray[np.object_], Positions, Hashes]:
    ids, forms, banded = (
        [np.empty(0, dtype=object)],
        [np.empty(0, dtype=np.int64)],
        [np.empty(0, dtype=np.uint64)],
    )
    for part in parts:
        rows = parquet.read_table(
            part, columns=["id", "form", "bands"]
        )  # written and checked a moment ago
        ids.append(rows.column("id").to_numpy())
        forms.append(rows.column("form").to_numpy())
        banded.append(np.frombuffer(b"".join(rows.column("bands").to_pylist()), dtype=np.uint64))
    return (
        np.concatenate(ids),
        np.concatenate(forms),
        np.concatenate(banded).reshape(-1, cut.number),
    )


def _shingles(parts: Sequence[Path], wanted: Positions) -> dict[int, bytes]:
    """Return the packed shingles of the texts at the positions `wanted`, which ascend; a part at a time."""
    found: dict[int, bytes] = {}
    start = 0
    for part in parts:
        column = parquet.read_table(part, columns=["shingles"]).column(0)
        low, high = np.searchsorted(wanted, [start, start + len(column)])
        found.update(
            zip(
                wanted[low:high].tolist(),
                column.take(wanted[low:high] - start).to_pylist(),
                strict=True,
            )
        )
        start += len(column)
    return found
