"""The steps of cleaning over one shard of pairs: the anchors are repaired as documents are, but on one line."""

from __future__ import annotations

import pandas as pd

from stages.clean import filters, private_data, spelling
from stages.clean.abbreviation_expansion import Entries
from stages.clean.desk import Desk
from stages.clean.filters import Bounds
from stages.clean.interface import CleanParams
from stages.clean.rules import abbreviations, finish, outline
from stages.clean.spelling import Correct
from stages.lib.contracts.pairs import Pairs


def expand_pairs(
    frame: pd.DataFrame,
    params: CleanParams,
    entries: Entries,
    foreign: frozenset[str],
    dropped: frozenset[str],
) -> list[pd.DataFrame]:
    """Turn anchors into plain text on one line and write abbreviations out; count their words.

    Pairs of `dropped` documents leave with them; anchors of `foreign` documents, which are not in English,
    teach no words.
    """
    desk, rules, own = Desk(frame, Pairs), outline(lines=False), abbreviations(entries, params)
    for row in desk.rows:
        if row["doc_id"] in dropped:
            desk.drop(row, "document_dropped", partner_id=row["doc_id"])
        elif desk.mend(row, ["anchor"], rules) and desk.mend(row, ["anchor"], rules, own=own):
            if not row["anchor"]:
                desk.drop(row, "empty", score=0.0)
                continue
            if params.typos == "correct" and row["doc_id"] not in foreign:
                desk.count("word", (word.text.lower() for word in spelling.words(row["anchor"])))
            desk.keep(row)
    return desk.results()


def finish_pairs(
    frame: pd.DataFrame,
    params: CleanParams,
    correct: Correct | None,
    foreign: frozenset[str],
    dropped: frozenset[str],
) -> list[pd.DataFrame]:
    """Correct words, redact, fold case, and drop what the filters refuse."""
    desk, bounds, outlined = Desk(frame, Pairs), anchor_bounds(params), outline(lines=False)
    rules = {known: finish(correct if known else None, params) for known in (True, False)}
    for row in desk.rows:
        if row["doc_id"] in dropped:
            desk.drop(row, "document_dropped", partner_id=row["doc_id"])
            continue
        desk.count("private", private_data.count(row["anchor"]))
        if desk.mend(row, ["anchor"], outlined, own=rules[row["doc_id"] not in foreign]):
            reason = filters.refusal(row["anchor"], bounds)
            if reason:
                desk.drop(row, reason, score=float(len(row["anchor"])))
            else:
                desk.keep(row)
    return desk.results()


def anchor_bounds(params: CleanParams) -> Bounds:
    """Return what an anchor must keep to: its length and the user's patterns; short questions are welcome."""
    return Bounds(
        params.min_anchor_characters,
        params.max_anchor_characters,
        None,
        None,
        tuple(params.drop_patterns),
    )
