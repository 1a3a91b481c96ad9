"""Texts that are equal in normal form, near-duplicates, and texts with nearly equal embeddings.

Every candidate is verified: the similarity of an edge is exact, not estimated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as parquet

from stages.deduplicate.interface import Measure
from stages.deduplicate.minhash import (
    Banding,
    Hashes,
    MinHashes,
    Positions,
    choose_banding,
    minhash_rows,
)
from stages.deduplicate.representatives import DuplicateEdge
from stages.lib.core.interface import TableFile
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import ModelParams
from stages.lib.core.stage import check_pins, progress
from stages.lib.preprocessing import sharded
from stages.lib.retrieval.encoder import Encoder
from stages.lib.schemas.duplicates import NearDuplicates

# About how many candidates are verified: this number, or a few for each text where that is more.
# In a large group of texts from one template all pairs are near-duplicates. Beyond the limit each
# text is compared only with its neighbours in the order of ids. That still connects the group.
MAX_CANDIDATES = 1_000_000
MAX_CANDIDATES_PER_TEXT = 4

# How many new candidates are collected before they are merged with the earlier ones.
MERGE_SIZE = 200_000

# How many rows of cosines are in memory at a time.
COSINE_ROWS = 1024

# Each shingle is a 64-bit hash.
_SHINGLE_BYTES = 8


class DuplicateGroups(NamedTuple):
    """The texts of a table: which are equal, and which are near-duplicates.

    Attributes:
        ids: shape (texts,), ascending.
        first_equal: shape (texts,), the position of the first text with the same normal form.
        left: shape (edges,), positions of near-duplicates, each a first equal text.
        right: shape (edges,), the other text of each edge.
        similarity: shape (edges,), the exact similarity of each edge.
        crowded: whether there were more candidates than are compared.
    """

    ids: npt.NDArray[np.object_]
    first_equal: Positions
    left: Positions
    right: Positions
    similarity: npt.NDArray[np.float64]
    crowded: bool

    def has_duplicate(self) -> npt.NDArray[np.bool_]:
        """Return a mask of the texts that equal another text or are near-duplicates of one."""
        # Near-duplicates, by the first text of each normal form.
        has_edge = np.zeros(len(self.ids), dtype=bool)
        has_edge[self.left] = True
        has_edge[self.right] = True

        # Texts with one normal form.
        group_sizes = np.bincount(self.first_equal, minlength=len(self.ids))

        return has_edge[self.first_equal] | (group_sizes[self.first_equal] > 1)

    def edges(self) -> list[DuplicateEdge]:
        """Return the edges between near-duplicates."""
        rows = zip(self.ids[self.left], self.ids[self.right], self.similarity.tolist(), strict=True)
        return [
            DuplicateEdge(left, right, "near_copy", similarity) for left, right, similarity in rows
        ]


def find_duplicates(
    table_file: TableFile[Any],
    id_column: str,
    text_column: str,
    *,
    threshold: float,
    measure: Measure,
    scratch: Path,
) -> DuplicateGroups:
    """Return the equal texts and the near-duplicates in a column of a table.

    Args:
        table_file: the table.
        id_column: the ids of the texts.
        text_column: the texts.
        threshold: near-duplicates are at least this similar.
        measure: how two texts are compared.
        scratch: a folder for the hashes.
    """
    # A text can be contained in one of twice its length. Then at most half of the union is shared.
    banding = choose_banding(threshold if measure == "jaccard" else threshold / 2)

    # Hash the shingles of every text, a shard at a time and in parallel.
    hash_shard = partial(
        minhash_rows, id_column=id_column, text_column=text_column, banding=banding
    )
    parts = sharded.map_shards(
        hash_shard,
        table_file.shards(),
        reads=table_file.table,
        writes=(MinHashes,),
        scratch=scratch,
    )[0]
    rows = _read_rows(parts, banding)

    # A text of medium length has two rows: one of characters and one of words.
    ids, first_row_of_text, text_of_row = np.unique(
        rows.ids, return_index=True, return_inverse=True
    )

    # Of texts with one normal form only the first is compared with others.
    _, first_text_of_form, form_of_text = np.unique(
        rows.form_hashes[first_row_of_text], return_index=True, return_inverse=True
    )
    first_equal = first_text_of_form[form_of_text].astype(np.int64)
    compared_rows = np.flatnonzero((first_equal == np.arange(len(ids)))[text_of_row])

    # Verify every candidate, and keep the true near-duplicates, as positions of texts.
    candidates = find_candidates(rows.bands[compared_rows])
    left_rows = compared_rows[candidates.left]
    right_rows = compared_rows[candidates.right]
    shingles = _read_shingles(parts, np.unique(np.concatenate([left_rows, right_rows])))
    similarity = similarities(left_rows, right_rows, shingles, threshold=threshold, measure=measure)
    is_near = similarity >= threshold
    left, right, similarity = _most_similar(
        text_of_row[left_rows[is_near]], text_of_row[right_rows[is_near]], similarity[is_near]
    )
    return DuplicateGroups(
        ids, first_equal, left=left, right=right, similarity=similarity, crowded=candidates.crowded
    )


def near_table(groups: DuplicateGroups) -> pd.DataFrame:
    """Return the rows of NearDuplicates.

    Each text is joined to the first text with its normal form, and these first texts to their
    near-duplicates.
    """
    # Positions of the texts that are not the first of their normal form.
    copies = np.flatnonzero(groups.first_equal != np.arange(len(groups.ids)))

    left = np.concatenate([groups.first_equal[copies], groups.left])
    right = np.concatenate([copies, groups.right])
    frame = pd.DataFrame(
        {
            "left_id": groups.ids[left],
            "right_id": groups.ids[right],
            "similarity": np.concatenate([np.ones(len(copies)), groups.similarity]),
            "rule": ["equal"] * len(copies) + ["near"] * len(groups.left),
        },
        columns=list(NearDuplicates.empty().columns),
    )
    return frame.astype(NearDuplicates.empty().dtypes.to_dict())


class CandidatePairs(NamedTuple):
    """Pairs of rows that may be near-duplicates.

    Attributes:
        left, right: shape (pairs,), the smaller and the larger row of each pair.
        crowded: whether there were too many, and pairs that are far apart in order were left out.
    """

    left: Positions
    right: Positions
    crowded: bool


def find_candidates(bands: Hashes) -> CandidatePairs:
    """Return the pairs of rows of `bands`, shape (rows, bands), that agree in a band.

    In each band rows are sorted by hash, so that equal ones are neighbours. Step by step each row
    is compared with the row `distance` places further.
    """
    count = len(bands)

    # Of each band the rows in order of their hashes, and these hashes.
    orders = [np.argsort(bands[:, band], kind="stable") for band in range(bands.shape[1])]
    sorted_hashes = [bands[order, band] for band, order in enumerate(orders)]

    # Of each band the places whose hash equals the hash `distance` places further.
    places_of_band = [np.arange(count) for _ in orders]

    # A pair is the number smaller row * count + larger row.
    keys: Positions = np.empty(0, dtype=np.int64)
    new_keys: list[Positions] = []
    limit = max(MAX_CANDIDATES, MAX_CANDIDATES_PER_TEXT * count)
    for distance in range(1, count):
        for band, order in enumerate(orders):
            places = places_of_band[band]
            places = places[places + distance < count]
            hashes = sorted_hashes[band]
            places = places[hashes[places] == hashes[places + distance]]
            places_of_band[band] = places

            # The sort is stable, so that the first of two equal rows is the smaller one.
            new_keys.append(order[places] * count + order[places + distance])

        # In no band are there equal rows further apart.
        if not any(len(places) for places in places_of_band):
            break

        # Merge now and then, so that repetitions do not fill the memory.
        if sum(map(len, new_keys)) > max(MERGE_SIZE, len(keys)):
            keys = np.unique(np.concatenate([keys, *new_keys]))
            new_keys = []
            if len(keys) > limit:
                return CandidatePairs(keys // count, keys % count, crowded=True)

    keys = np.unique(np.concatenate([keys, *new_keys]))

    # Take the keys apart again.
    divisor = max(1, count)
    return CandidatePairs(keys // divisor, keys % divisor, crowded=False)


def similarities(
    left: Positions,
    right: Positions,
    shingles: Mapping[int, bytes],
    *,
    threshold: float,
    measure: Measure,
) -> npt.NDArray[np.float64]:
    """Return the exact similarity of each pair; 0 where sizes alone put it below `threshold`.

    Args:
        left: shape (pairs,), rows. Pairs with the same left row are neighbours.
        right: shape (pairs,), the other row of each pair.
        shingles: row to its shingles, as packed 64-bit hashes.
        threshold: pairs below it need no exact value.
        measure: "jaccard" or "containment".
    """
    result = np.zeros(len(left))
    pairs = progress(
        enumerate(zip(left.tolist(), right.tolist(), strict=True)),
        len(left),
        "verifying near-duplicates",
    )
    for left_row, group in groupby(pairs, key=lambda item: item[1][0]):
        # The set of the left row is made once for all its pairs.
        left_set = frozenset(_unpack(shingles[left_row]))

        for index, (_, right_row) in group:
            right_size = len(shingles[right_row]) // _SHINGLE_BYTES
            smaller = min(right_size, len(left_set))
            larger = max(right_size, len(left_set))

            # Sets of such different sizes cannot be similar enough.
            if measure == "jaccard" and smaller < threshold * larger - 1e-9:
                continue

            shared = len(left_set.intersection(_unpack(shingles[right_row])))
            union = smaller + larger - shared
            result[index] = shared / (union if measure == "jaccard" else smaller)
    return result


def semantic_edges(
    texts: Mapping[str, str], model: ModelParams, threshold: float
) -> list[DuplicateEdge]:
    """Return the pairs of `texts` (id to text) with a cosine of at least `threshold`.

    The search is exact. Memory holds the embeddings and one block of cosines. Time grows with the
    square of the number of texts. To a model "left" and "right" are nearly the same, so a user must
    ask before any of these is dropped.
    """
    check_pins(["model"])
    ids = sorted(texts)
    if len(ids) < 2:
        return []

    # Near-duplicates are compared as documents, with the prompt of documents.
    vectors = Encoder(find_base_model(model)).encode(
        [texts[text_id] for text_id in ids], model.document_prompt, "documents"
    )
    return [
        DuplicateEdge(ids[left], ids[right], "semantic_copy", cosine)
        for left, right, cosine in _close_pairs(vectors, threshold)
    ]


class _Rows(NamedTuple):
    """Columns of MinHashes. `bands` has the shape (rows, bands), the others (rows,)."""

    ids: npt.NDArray[np.object_]
    form_hashes: Positions
    bands: Hashes


def _read_rows(parts: Sequence[Path], banding: Banding) -> _Rows:
    # An empty array comes first, since there may be no parts.
    ids = [np.empty(0, dtype=object)]
    form_hashes = [np.empty(0, dtype=np.int64)]
    bands = [np.empty(0, dtype=np.uint64)]

    # The parts were written and checked a moment ago.
    for part in parts:
        rows = parquet.read_table(part, columns=["id", "form_hash", "bands"])
        packed_bands = b"".join(rows.column("bands").to_pylist())
        ids.append(rows.column("id").to_numpy())
        form_hashes.append(rows.column("form_hash").to_numpy())
        bands.append(np.frombuffer(packed_bands, dtype=np.uint64))

    return _Rows(
        np.concatenate(ids),
        np.concatenate(form_hashes),
        np.concatenate(bands).reshape(-1, banding.bands),
    )


def _read_shingles(parts: Sequence[Path], needed_rows: Positions) -> dict[int, bytes]:
    """Return row to packed shingles for `needed_rows`, which ascend. One part is read at a time."""
    shingles: dict[int, bytes] = {}
    start = 0
    for part in parts:
        column = parquet.read_table(part, columns=["shingles"]).column(0)
        end = start + len(column)

        # `needed_rows` count through all parts; a part knows its own positions only.
        low, high = np.searchsorted(needed_rows, [start, end])
        rows_of_part = needed_rows[low:high]
        packed = column.take(rows_of_part - start).to_pylist()
        shingles.update(zip(rows_of_part.tolist(), packed, strict=True))
        start = end

    return shingles


def _unpack(packed: bytes) -> list[int]:
    hashes: list[int] = np.frombuffer(packed, dtype=np.uint64).tolist()
    return hashes


def _most_similar(
    left: Positions, right: Positions, similarity: npt.NDArray[np.float64]
) -> tuple[Positions, Positions, npt.NDArray[np.float64]]:
    """Return each pair once, with its largest similarity, in order of left and right."""
    # Of equal pairs the most similar one comes first.
    order = np.lexsort((-similarity, right, left))
    left = left[order]
    right = right[order]

    # A pair that equals its predecessor is a repetition.
    is_first = np.ones(len(left), dtype=bool)
    is_first[1:] = (left[1:] != left[:-1]) | (right[1:] != right[:-1])

    return left[is_first], right[is_first], similarity[order][is_first]


def _close_pairs(
    vectors: npt.NDArray[np.float32], threshold: float
) -> Iterator[tuple[int, int, float]]:
    """Yield two rows of `vectors`, (texts, d), and their cosine, if it reaches `threshold`."""
    for start in range(0, len(vectors), COSINE_ROWS):
        # Earlier columns were compared in earlier blocks.
        block = vectors[start : start + COSINE_ROWS]
        cosines = np.round(block @ vectors[start:].T, 6)

        # A pair counts once: the larger index is the column.
        for row, column in np.argwhere(cosines >= threshold).tolist():
            if column > row:
                yield start + row, start + column, float(cosines[row, column])
