"""Counts of all shards, added up by item, on disk.

Counts of items that belong together, such as the lines of a family, meet in one partition. So
memory holds what recurs, and not every line of the corpus.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from stages.clean.interface import CleanParams
from stages.lib.core.tables import Shard
from stages.lib.preprocessing import sharded
from stages.lib.schemas.corpus_counts import CorpusCounts

_COUNT_KEY = ["kind", "source", "item"]

# Kinds of counts whose items belong together by their first word.
_GROUPED_KINDS = ("family", "residue")


def gather_counts(
    parts: Sequence[Path],
    params: CleanParams,
    scratch: Path,
) -> pd.DataFrame:
    """Return the counts of all shards as one CorpusCounts table."""
    summed_parts = sharded.group_by_key(
        partial(sum_counts, minimum=params.boilerplate_min_documents),
        count_key,
        [Shard(part) for part in parts],
        reads=CorpusCounts,
        writes=(CorpusCounts,),
        scratch=scratch / "counts",
    )

    return sharded.concat_parts(summed_parts[0], CorpusCounts)


def add_counts(counts: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    """Return CorpusCounts with the counts of both tables, added up by item."""
    if not len(more):
        return counts

    both = pd.concat([counts, more], ignore_index=True)
    summed = both.groupby(_COUNT_KEY, sort=False, as_index=False)["document_frequency"].sum()
    return pd.DataFrame(summed)


def sum_counts(frame: pd.DataFrame, minimum: int) -> list[pd.DataFrame]:
    """Return the CorpusCounts of a partition: counts of one item added up.

    Lines and sentences in fewer than `minimum` documents are left out: they cannot be boilerplate.
    A line counts the documents with other lines of its family. Of residues only those stay that
    several different texts have.
    """
    # `frame` holds all rows of an item, or of a family or a residue, from all shards.
    summed = frame.groupby(_COUNT_KEY, sort=False, as_index=False)["document_frequency"].sum()
    kinds = summed["kind"]
    is_rare = (kinds == "boilerplate") & (summed["document_frequency"] < minimum)
    kept = [
        summed[~is_rare & ~kinds.isin(_GROUPED_KINDS)],
        _with_other_lines(summed[kinds == "family"], minimum),
        _with_other_texts(summed[kinds == "residue"]),
    ]
    return [pd.concat(kept).astype(CorpusCounts.empty().dtypes.to_dict())]


def count_key(frame: pd.DataFrame) -> pd.Series[str]:
    """Return what each row counts, as one string. Rows of a family or a residue stay together."""
    items = frame["item"]
    is_grouped = frame["kind"].isin(_GROUPED_KINDS)
    if is_grouped.any():
        items = items.where(~is_grouped, _word(items, 0))
    return frame["kind"] + "\n" + frame["source"] + "\n" + items


def _with_other_lines(families: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """Return the lines of families with several, each with the count of the others."""
    names = _word(families["item"], 0)
    own = families["document_frequency"]
    others = own.groupby([families["source"], names]).transform("sum") - own
    return families.assign(document_frequency=others)[(own >= minimum) & (others > 0)]


def _with_other_texts(residues: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the residues that several different texts have."""
    names = _word(residues["item"], 0)
    texts = _word(residues["item"], 1).groupby([residues["source"], names]).transform("nunique")
    return residues[texts > 1]


def _word(items: pd.Series[str], position: int) -> pd.Series[str]:
    """Return the word at `position` of each item."""
    words = [[*item.split(" "), ""][position] for item in items]
    return pd.Series(words, index=items.index, dtype="str")
