"""The ledger of the split, and the row accounting of the pairs that it leaves out."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd

from stages.lib.schemas.ledger import LedgerWriter, row_accounting
from stages.lib.schemas.splits import EVALUATION_SPLITS, NOT_IN_SAMPLE
from stages.split.giant_report import REASONS as GIANT_REASONS
from stages.split.input_tables import Tables
from stages.split.rows import Assignment
from stages.split.sample import Sample

# Reasons for which a built pair is not used.
REASONS = ("not_sampled", "protected", "repeats_held_out", *GIANT_REASONS)


def account_rows(
    assignment: Assignment,
    tables: Tables,
    split_of: Mapping[str, str],
    moved_ids: Collection[str],
    *,
    sample: Sample,
) -> tuple[LedgerWriter, dict[str, int]]:
    """Return the ledger, and the row accounting of the built pairs; in a sample also of documents.

    Args:
        assignment: components, splits and exclusions before sampling.
        tables: the built pairs and documents.
        split_of: row id to split, of all rows.
        moved_ids: the frozen ids that moved.
        sample: the rows that are used.
    """
    built_pairs = tables.pairs.built
    ledger = _ledger_of_pairs(assignment, built_pairs, split_of, moved_ids, sample=sample)

    # The lines of pairs are counted before those of documents come.
    pair_ids = built_pairs["pair_id"]
    is_used = pair_ids.map(split_of).isin(["train", *EVALUATION_SPLITS])
    rows_out = int((is_used & ~sample.leaves_out(pair_ids)).sum())
    counts = row_accounting(len(pair_ids), rows_out, ledger.dropped(), (*REASONS, *sample.reasons))
    return ledger, {**counts, **sample.drop_documents(ledger, tables.built_documents["doc_id"])}


def _ledger_of_pairs(
    assignment: Assignment,
    built_pairs: pd.DataFrame,
    split_of: Mapping[str, str],
    moved_ids: Collection[str],
    *,
    sample: Sample,
) -> LedgerWriter:
    """Return the ledger: frozen ids that moved, and built pairs that are not used."""
    ledger = LedgerWriter()
    # Components that became one may move frozen ids.
    for row_id in moved_ids:
        name = assignment.component_of[row_id]
        ledger.note(row_id, "frozen_moved", partner_id=name, after=assignment.split_of[name])

    # Pairs that left training, and those that the sample left out.
    for pair_id in built_pairs["pair_id"]:
        if pair_id in assignment.excluded:
            reason, partner_id, score = assignment.excluded[pair_id]
            ledger.drop(pair_id, reason, partner_id=partner_id, score=score)
        elif split_of[pair_id] == "corpus":
            ledger.drop(pair_id, "not_sampled")
        elif pair_id in sample.outside:
            ledger.drop(pair_id, NOT_IN_SAMPLE)

    return ledger
