"""The sample of `run.sample`: whole components, drawn after every row has its split.

Ids, components and splits are those of a run of all rows, and so are the fingerprints of held-out
texts. The rows outside the sample get the split "not_in_sample", which no later stage reads, and
their passages leave the corpus that is searched.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.lib.core import atomic, tables
from stages.lib.core.errors import UserError
from stages.lib.core.interface import TableFile
from stages.lib.core.params import sample_mark
from stages.lib.core.tables import Table
from stages.lib.schemas.documents import Passages
from stages.lib.schemas.ledger import LedgerWriter, row_accounting
from stages.lib.schemas.splits import EVALUATION_SPLITS, NOT_IN_SAMPLE
from stages.split.components import is_pair_id, sampling_hash
from stages.split.metrics import FEW_COMPONENTS


def is_drawn(component_id: str, share: float) -> bool:
    """Return True if a component is in the sample of this share.

    It follows from the id of the component alone, so a sample lies within every larger one. The
    hash is the one by which `split.max_train_pairs` orders the training components. So the training
    components of the sample are the first ones of that order.
    """
    return int(sampling_hash(component_id), 16) / 2**64 < share


def draw_sample(
    splits: pd.DataFrame,
    pairs: pd.DataFrame,
    kept_of: Mapping[str, str],
    share: float | None,
) -> Sample:
    """Return the sample of all rows; everything if `share` is None.

    A row is in the sample if its component is drawn. The documents of a drawn pair come along, and
    so does the document that was kept for a dropped copy. They are components of their own where
    the unit shares documents between splits, and beside given splits. A query without its answer
    would measure nothing.

    Args:
        splits: the Splits of all rows.
        pairs: all Pairs, collected and built.
        kept_of: document id of a dropped copy to the document that was kept for it.
        share: the share of the components.

    Raises:
        UserError: the sample has no pair of a split that has some.
    """
    if share is None:
        return Sample(None, frozenset())

    # Lists are read many times faster than columns of texts.
    row_ids = splits["id"].tolist()
    component_ids = splits["component_id"].tolist()
    drawn = {name for name in set(component_ids) if is_drawn(name, share)}
    inside = {
        row_id
        for row_id, component_id in zip(row_ids, component_ids, strict=True)
        if component_id in drawn
    }
    for pair_id, doc_id in zip(pairs["pair_id"].tolist(), pairs["doc_id"].tolist(), strict=True):
        if pair_id in inside:
            inside.update((doc_id, kept_of.get(doc_id, doc_id)))

    sample = Sample(share, frozenset(row_ids) - inside)
    _check_splits(splits, sample)
    return sample


class Sample(NamedTuple):
    """The rows that later stages use.

    Attributes:
        share: the share of the components; None for all rows.
        outside: the ids of the pairs and documents that are not in the sample.
    """

    share: float | None
    outside: frozenset[str]

    @property
    def mark(self) -> dict[str, float]:
        """The mark of numbers that are measured on it; nothing for all rows."""
        return sample_mark(self.share)

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reasons for which it drops pairs."""
        return () if self.share is None else (NOT_IN_SAMPLE,)

    def splits(self, splits: pd.DataFrame) -> pd.DataFrame:
        """Return `splits` in which the rows outside are in no split."""
        if not self.outside:
            return splits

        return splits.assign(
            split=splits["split"].mask(self.leaves_out(splits["id"]), NOT_IN_SAMPLE)
        )

    def documents(self, documents: pd.DataFrame) -> pd.DataFrame:
        """Return those of `documents` that are in the sample."""
        return documents[~self.leaves_out(documents["doc_id"])] if self.outside else documents

    def leaves_out(self, ids: pd.Series[str]) -> npt.NDArray[np.bool_]:
        """Return for each id whether it is outside the sample."""
        return np.array([row_id in self.outside for row_id in ids.tolist()], dtype=bool)

    def drop_documents(self, ledger: LedgerWriter, doc_ids: Iterable[str]) -> dict[str, int]:
        """Write a line for each document outside, and return the row accounting of documents.

        Without a sample no document is dropped here, and none is counted.
        """
        if self.share is None:
            return {}

        rows = list(doc_ids)
        outside = [doc_id for doc_id in rows if doc_id in self.outside]
        for doc_id in outside:
            ledger.drop(doc_id, NOT_IN_SAMPLE)

        counts = row_accounting(
            len(rows), len(rows) - len(outside), {NOT_IN_SAMPLE: len(outside)}, self.reasons
        )
        return {f"documents.{key}": count for key, count in counts.items()}

    def metrics(self, splits: pd.DataFrame, built_pairs: pd.DataFrame) -> dict[str, float | int]:
        """Return the share, and the counts in the sample; nothing for all rows.

        Args:
            splits: the Splits of all rows.
            built_pairs: the Pairs that may be trained on.
        """
        if self.share is None:
            return {}

        used = splits[~self.leaves_out(splits["id"])]
        pairs = used[used["id"].map(is_pair_id)]
        counts = pairs.loc[pairs["id"].isin(built_pairs["pair_id"]), "split"].value_counts()
        components = pairs["component_id"].nunique()
        return {
            **self.mark,
            **{f"{name}_pairs": int(counts.get(name, 0)) for name in ("train", *EVALUATION_SPLITS)},
            "components": components,
            "few_components": components < FEW_COMPONENTS,
        }


class SearchedPassages(NamedTuple):
    """The passages of the corpus that later stages search, as a table that is written.

    Attributes:
        passages: the passages of all documents.
        sample: the sample.
    """

    passages: TableFile[Passages]
    sample: Sample

    def write(self, path: Path, table: type[Table] | None) -> None:
        """Write the passages of the documents in the sample; for all rows, copy the file."""
        assert table is not None, "SearchedPassages have a declared contract"
        if not self.sample.outside:
            with atomic.write(path) as temporary:
                shutil.copyfile(self.passages.path, temporary)
            return

        parts = [self.sample.documents(batch) for batch in self.passages.batches()]
        tables.write(pd.concat(parts, ignore_index=True), path, table)


def _check_splits(splits: pd.DataFrame, sample: Sample) -> None:
    """Check that the sample has pairs of each split that has some."""
    all_counts: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for row_id, split in zip(splits["id"].tolist(), splits["split"].tolist(), strict=True):
        if is_pair_id(row_id):
            all_counts[split] += 1
            counts[split] += row_id not in sample.outside

    for name in ("train", *EVALUATION_SPLITS):
        if all_counts[name] and not counts[name]:
            raise UserError(
                f"params.yaml: run.sample is {sample.share:g}, and no component of the split "
                f"{name} ({all_counts[name]:,} pairs) is in that sample",
                "raise run.sample, or set it to null to use all rows",
            )
