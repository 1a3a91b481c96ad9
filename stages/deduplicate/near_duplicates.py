"""Texts that are equal in normal form, near-duplicates, and texts with nearly equal embeddings.

Near-duplicates come from the exact join of `stages.lib.text.similarity_join`, in one database or in
partitions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow
import pyarrow.compute as compute
import pyarrow.parquet as parquet

from stages.deduplicate.partitioned_join import join_in_partitions
from stages.deduplicate.representatives import DuplicateEdge
from stages.lib.core import atomic
from stages.lib.core.ids import hash_hex
from stages.lib.core.interface import TableFile
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import ModelParams
from stages.lib.core.stage import check_pins
from stages.lib.core.tables import Table
from stages.lib.preprocessing import sharded
from stages.lib.retrieval.encoder import Encoder
from stages.lib.schemas.duplicates import NearDuplicates
from stages.lib.text.document_text import document_texts
from stages.lib.text.hashed_shingles import hashed_shingles
from stages.lib.text.normal_form import normal_form
from stages.lib.text.similarity_join import SET_SCHEMA, Measure, Positions, join_sets

# How many rows of cosines are in memory at a time.
COSINE_ROWS = 1024


class HashedTexts(Table):
    """One row is a text as hashes of it and its shingles. This table never leaves the stage."""

    id: str = pa.Field(str_matches=r"^[dp][0-9a-f]{16}$", description="the document or pair")
    form_hash: str = pa.Field(str_matches=r"^[0-9a-f]{16}$", description="hash of the normal form")
    set_count: int = pa.Field(ge=1, le=2, description="how many shingle sets the text has")
    shingles: object = pa.Field(
        metadata={"arrow": arrow.list_(arrow.list_(arrow.uint64()))},
        description="sorted 64-bit hashes of the shingles, one list per shingle set",
    )

    class Config(Table.Config):
        """Key."""

        unique = ["id"]


class DuplicateGroups(NamedTuple):
    """The texts of a table: which are equal, and which are near-duplicates.

    Attributes:
        ids: shape (texts,), ascending.
        first_equal: shape (texts,), the position of the first text with the same normal form.
        left: shape (edges,), positions of near-duplicates, each a first equal text.
        right: shape (edges,), the other text of each edge.
        similarity: shape (edges,), the exact similarity of each edge.
        crowd_texts: shape (texts in crowds,), ascending positions of texts in large groups of
            near-duplicates. The edges within a crowd are a tree.
        crowds: shape (texts in crowds,), the number of the crowd of each of them.
    """

    ids: npt.NDArray[np.object_]
    first_equal: Positions
    left: Positions
    right: Positions
    similarity: npt.NDArray[np.float64]
    crowd_texts: Positions
    crowds: Positions

    def has_duplicate(self) -> npt.NDArray[np.bool_]:
        """Return a mask of the texts that equal another text or are near-duplicates of one."""
        # Near-duplicates, by the first text of each normal form.
        has_edge = np.zeros(len(self.ids), dtype=bool)
        has_edge[self.left] = True
        has_edge[self.right] = True

        # Texts with one normal form.
        group_sizes = np.bincount(self.first_equal, minlength=len(self.ids))

        return has_edge[self.first_equal] | (group_sizes[self.first_equal] > 1)

    def crowd_of_text(self) -> dict[str, int]:
        """Return the id of each text in a crowd, and the number of its crowd."""
        return dict(zip(self.ids[self.crowd_texts].tolist(), self.crowds.tolist(), strict=True))

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
    template: str | None = None,
) -> DuplicateGroups:
    """Return the equal texts and the near-duplicates of a table.

    Args:
        table_file: the table.
        id_column: the ids of the texts.
        text_column: the texts.
        threshold: near-duplicates are at least this similar.
        measure: how two texts are compared.
        scratch: a folder for the hashes, which every machine sees.
        template: for Documents, the template of what is embedded and compared; else None.
    """
    # Hash every text and its shingles, a shard at a time and in parallel.
    parts = sharded.map_shards(
        partial(hash_texts, id_column=id_column, text_column=text_column, template=template),
        table_file.shards(),
        reads=table_file.table,
        writes=(HashedTexts,),
        scratch=scratch,
    )[0]
    ids, form_hashes, set_counts = _read_hashes(parts)

    # Of texts with one normal form only the first is compared with others.
    _, first_text_of_form, form_of_text = np.unique(
        form_hashes, return_index=True, return_inverse=True
    )
    first_equal = first_text_of_form[form_of_text].astype(np.int64)
    is_compared = first_equal == np.arange(len(ids))

    # Join them, in one database that reads part by part, or in partitions.
    set_parts = _set_parts(parts, is_compared, set_counts, scratch / "compared.parquet")
    partition_count = sharded.join_partitions(len(set_parts))
    if partition_count == 1:
        batches = chain.from_iterable(read_sets() for read_sets in set_parts)
        reader = arrow.RecordBatchReader.from_batches(SET_SCHEMA, batches)
        edges = join_sets(reader, None, threshold, measure)
    else:
        edges = join_in_partitions(
            set_parts, threshold, measure, count=partition_count, scratch=scratch
        )
    return DuplicateGroups(
        ids,
        first_equal,
        left=edges.left,
        right=edges.right,
        similarity=edges.similarity,
        crowd_texts=edges.crowd_rows,
        crowds=edges.crowds,
    )


def hash_texts(
    frame: pd.DataFrame, id_column: str, text_column: str, template: str | None = None
) -> list[pd.DataFrame]:
    """Return the HashedTexts of a column, as a list of one frame.

    With a `template` the texts are those that are embedded.
    """
    texts = list(frame[text_column]) if template is None else document_texts(frame, template)
    forms = [normal_form(text) for text in texts]
    shingle_sets = hashed_shingles(forms)
    rows = pd.DataFrame(
        {
            "id": frame[id_column].to_numpy(),
            "form_hash": [hash_hex(form) for form in forms],
            "set_count": [len(sets) for sets in shingle_sets],
            "shingles": shingle_sets,
        },
        columns=list(HashedTexts.empty().columns),
    )
    return [rows.astype(HashedTexts.empty().dtypes.to_dict())]


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


def _read_hashes(
    parts: Sequence[Path],
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.object_], list[Positions]]:
    """Return the ids and the hashes of the normal forms of all parts, in order of ids.

    And for each part how many shingle sets each of its texts has.
    """
    # An empty array comes first, since there may be no parts.
    ids = [np.empty(0, dtype=object)]
    form_hashes = [np.empty(0, dtype=object)]
    set_counts: list[Positions] = []

    # The parts were written and checked a moment ago. Their ids ascend from part to part.
    for part in parts:
        rows = parquet.read_table(part, columns=["id", "form_hash", "set_count"])
        ids.append(rows.column("id").to_numpy())
        form_hashes.append(rows.column("form_hash").to_numpy())
        set_counts.append(rows.column("set_count").to_numpy())

    return np.concatenate(ids), np.concatenate(form_hashes), set_counts


@dataclass(frozen=True)
class SetPart:
    """Reads the shingle sets of the compared texts of a part. It goes to workers, without the sets.

    Attributes:
        path: the part, a table HashedTexts.
        compared: a file with the positions of compared texts, a row group for each part.
        group: the row group of this part.
        text_start: the position of the first text among the texts of all parts.
        set_start: the number of the first set among the sets of all parts.
    """

    path: Path
    compared: Path
    group: int
    text_start: int
    set_start: int

    def __call__(self) -> Iterator[arrow.RecordBatch]:
        """Yield the sets, as in SET_SCHEMA, in one batch."""
        with parquet.ParquetFile(self.compared) as file:
            positions = file.read_row_group(self.group).column(0).combine_chunks()
        column = parquet.read_table(self.path, columns=["shingles"]).column(0).combine_chunks()
        sets_of_text = column.take(positions)

        # A text has one set or two.
        set_counts = compute.list_value_length(sets_of_text).to_numpy(zero_copy_only=False)
        sets = sets_of_text.flatten()
        rows = np.repeat(self.text_start + positions.to_numpy(), set_counts)
        columns = [
            arrow.array(np.arange(self.set_start, self.set_start + len(sets)), arrow.int64()),
            arrow.array(rows, arrow.int64()),
            sets,
        ]
        yield arrow.RecordBatch.from_arrays(columns, schema=SET_SCHEMA)


def _set_parts(
    parts: Sequence[Path],
    is_compared: npt.NDArray[np.bool_],
    set_counts: Sequence[Positions],
    compared: Path,
) -> list[SetPart]:
    """Write the positions of the compared texts to `compared`, and return the parts with sets."""
    schema = arrow.schema([("position", arrow.int64())])
    set_parts = []
    text_start = 0
    set_start = 0
    with atomic.write(compared) as temporary, parquet.ParquetWriter(temporary, schema) as writer:
        for group, (part, counts) in enumerate(zip(parts, set_counts, strict=True)):
            # Which texts of the part are compared.
            positions = np.flatnonzero(is_compared[text_start : text_start + len(counts)])
            writer.write_batch(arrow.RecordBatch.from_arrays([positions], schema=schema))

            set_parts.append(SetPart(part, compared, group, text_start, set_start))
            text_start += len(counts)
            set_start += int(counts[positions].sum())
    return set_parts


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
