"""The tables that several steps of the split read: pairs of three stages, documents, and labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from stages.split.columns import column_by_key
from stages.split.dissimilar import dissimilar_pairs
from stages.split.given import GivenRows, given_rows
from stages.split.interface import Inputs, Params


class Versions(NamedTuple):
    """One kind of row, as three stages wrote it."""

    collected: pd.DataFrame
    cleaned: pd.DataFrame
    built: pd.DataFrame


class Tables(NamedTuple):
    """The tables that several steps need.

    Attributes:
        collected_documents: Documents as collected, without their texts.
        built_documents: Documents as built, without their texts.
        pairs: Pairs.
        every_pair: the pairs as collected, and the built ones that are not among them.
        synthetic_pairs: a SyntheticPairs table.
        given: the pairs whose split is given, and those that tie nothing.
        dissimilar: pairs whose score says that the document is no answer. They tie their anchor to
            others, and not their document.
        grades: a PairGrades table.
        kept_of: document id of a dropped copy to the document that was kept for it.
    """

    collected_documents: pd.DataFrame
    built_documents: pd.DataFrame
    pairs: Versions
    every_pair: pd.DataFrame
    synthetic_pairs: pd.DataFrame
    given: GivenRows
    dissimilar: frozenset[str]
    grades: pd.DataFrame
    kept_of: Mapping[str, str]

    @property
    def tying_pairs(self) -> pd.DataFrame:
        """Those of every pair that tie an anchor to a document."""
        is_untied = self.every_pair["pair_id"].isin(self.dissimilar | self.given.irrelevant)
        return self.every_pair[~is_untied]


def read_tables(inputs: Inputs, params: Params) -> Tables:
    """Return the pairs as collected, cleaned and built, and the documents without their texts."""
    pairs = Versions(
        collected=inputs.pairs.frame(),
        cleaned=inputs.cleaned_pairs.frame(),
        built=inputs.built_pairs.frame(),
    )

    # A built pair with the id of a collected one is the same pair, later. Where there are no
    # others, the table is not copied.
    every_pair = pairs.collected
    others = pairs.built[~pairs.built["pair_id"].isin(pairs.collected["pair_id"])]
    if len(others):
        every_pair = pd.concat([pairs.collected, others]) if len(pairs.collected) else others

    aliases = inputs.aliases.frame()
    synthetic_pairs = inputs.synthetic_pairs.frame()
    given_splits = inputs.given_splits.frame()
    grades = inputs.grades.frame()
    dissimilar = dissimilar_pairs(pairs.collected, params.labels, params.pair)
    given = given_rows(given_splits, grades, pairs.built, synthetic_pairs, dissimilar=dissimilar)
    return Tables(
        collected_documents=inputs.documents.frame_without("text"),
        built_documents=inputs.built_documents.frame_without("text"),
        pairs=pairs,
        every_pair=every_pair,
        synthetic_pairs=synthetic_pairs,
        given=given,
        dissimilar=dissimilar - given.apart,
        grades=grades,
        kept_of=column_by_key(aliases, "doc_id", "kept_id"),
    )
