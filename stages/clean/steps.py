"""The steps of cleaning over one shard of documents: each returns the rows that stay, the ledger, and counts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pandas as pd

from stages.clean import boilerplate, filters, passages, private_data, spelling
from stages.clean.abbreviation_definitions import definitions
from stages.clean.abbreviation_expansion import Entries
from stages.clean.desk import Desk, Row
from stages.clean.filters import Bounds
from stages.clean.html_pages import Limits, refusal
from stages.clean.interface import CleanParams
from stages.clean.rules import Rule, abbreviations, finish, outline, page
from stages.clean.spelling import Correct
from stages.lib.contracts.documents import Documents
from stages.lib.languages import language

FIELDS = ("title", "text")


def outline_documents(frame: pd.DataFrame, params: CleanParams) -> list[pd.DataFrame]:
    """Turn fields into plain text; count lines and sentences, by source."""
    desk, limits = (
        Desk(frame, Documents),
        Limits(params.max_input_bytes, params.max_nodes, params.max_depth),
    )
    rules = outline(lines=True)
    for row in desk.rows:
        reason = refusal(row["text"], limits) or refusal(row["title"], limits)
        if reason:
            desk.drop(row, reason, score=float(len(row["text"])))
        elif desk.mend(row, FIELDS, rules, first=[page]):
            if row["text"]:
                if params.boilerplate_share is not None:
                    desk.count("text", [""], row["source"])
                    desk.count("boilerplate", boilerplate.counts([row["text"]]), row["source"])
                desk.keep(row)
            else:
                desk.drop(row, "empty", score=0.0)
    return desk.results()


def strip_documents(
    frame: pd.DataFrame, recurring: Mapping[str, frozenset[str]]
) -> list[pd.DataFrame]:
    """Take out what recurs over a source; count definitions of abbreviations.

    `recurring` has the keys of the lines and sentences that go, by source.
    """
    desk, rules = Desk(frame, Documents), outline(lines=True)
    for row in desk.rows:
        keys = recurring.get(row["source"], frozenset())
        own: list[Rule] = [partial(boilerplate.remove, recurring=keys)] if keys else []
        if desk.mend(row, ["text"], rules, own=own):
            desk.count(
                "definition", (f"{found.short}\t{found.long}" for found in definitions(row["text"]))
            )
            desk.keep(row)
    return desk.results()


def expand_documents(
    frame: pd.DataFrame, params: CleanParams, entries: Entries
) -> list[pd.DataFrame]:
    """Write abbreviations out; count words, and note documents that are not in English."""
    desk, rules, own = Desk(frame, Documents), outline(lines=True), abbreviations(entries, params)
    for row in desk.rows:
        if desk.mend(row, FIELDS, rules, own=own):
            if params.typos == "correct":
                _count_words(row, desk)
            desk.keep(row)
    return desk.results()


def _count_words(row: Row, desk: Desk) -> None:
    words = [word.text for word in spelling.words(row["text"])]
    if spelling.is_english(row["text"], words):
        words += [word.text for word in spelling.words(row["title"])]
        desk.count("word", map(str.lower, words))
    else:
        desk.count("foreign", [row["doc_id"]])


def finish_documents(
    frame: pd.DataFrame,
    params: CleanParams,
    correct: Correct | None,
    foreign: frozenset[str],
    model: Path | None,
) -> list[pd.DataFrame]:
    """Correct words but in `foreign` documents, redact, fold case, and drop what the filters refuse.

    The last table holds Passages.
    """
    desk, bounds, outlined = Desk(frame, Documents), document_bounds(params), outline(lines=True)
    rules = {known: finish(correct if known else None, params) for known in (True, False)}
    for row in desk.rows:
        desk.count("private", private_data.count(row["text"]) + private_data.count(row["title"]))
        if desk.mend(row, FIELDS, outlined, own=rules[row["doc_id"] not in foreign]):
            reason = filters.refusal(row["text"], bounds) or _wrong_language(row, params)
            if reason:
                desk.drop(row, reason, score=float(len(row["text"])))
            else:
                desk.keep(row)
    kept, ledger, counts = desk.results()
    counter = passages.token_counter(model) if model else None
    cut = passages.passages(kept, params.passage_tokens, params.passage_overlap, counter)
    return [kept, ledger, counts, cut]


def document_bounds(params: CleanParams) -> Bounds:
    """Return what a document must keep to."""
    return Bounds(
        params.min_document_characters,
        params.max_document_characters,
        params.max_symbol_share,
        params.max_repetition,
        tuple(params.drop_patterns),
    )


def _wrong_language(row: Row, params: CleanParams) -> str:
    code = language(row["text"]) if params.languages is not None else ""
    return "language" if code and code not in (params.languages or []) else ""
