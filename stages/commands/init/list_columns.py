"""Guess the columns of a table in which some hold lists: documents of a question, and negatives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

from stages.commands.init.column_facts import column_facts
from stages.commands.init.column_names import plain_name
from stages.commands.init.columns import ColumnGuess, guess_columns, guess_label
from stages.commands.init.formats import TableSample

# Documents that a question should not find, as trainers call them.
_NEGATIVE = re.compile(
    r"(hard|random|easy)?neg(ative)?s?(passage|document|doc|text|answer|response|ctx)?s?\d*"
)


def guess_listed_columns(sample: TableSample) -> ColumnGuess:
    """Return which column of a sample holds which field, as `guess_columns` does.

    Documents may be lists: then the field is `positive`. Other fields are single values. A column
    of negatives beside a question and its document is `negative`.
    """
    negatives = [column for column in sample.values if _NEGATIVE.fullmatch(plain_name(column))]
    values = {column: texts for column, texts in sample.values.items() if column not in negatives}
    guess = guess_columns(values)

    # Lists are documents and nothing else.
    listed = {column for field, column in guess.columns.items() if field != "text"}
    if listed & set(sample.lists):
        document = guess.columns.get("text")
        values = {
            column: texts
            for column, texts in values.items()
            if column not in sample.lists or column == document
        }
        guess = guess_columns(values)

    columns = dict(guess.columns)
    settings = dict(guess.settings)
    notes = list(guess.notes)
    if columns.get("text") in sample.lists:
        columns["positive"] = columns.pop("text")
        label, label_settings, label_notes = _listed_label(sample, columns)
        columns |= label
        settings |= label_settings
        notes += label_notes
    texts = [column for column in negatives if column_facts(sample.values[column]).is_text]
    if texts and "anchor" in columns and {"text", "positive"} & columns.keys():
        columns["negative"] = texts[0]
        if texts[1:]:
            notes.append(f"negatives of {', '.join(map(repr, texts[1:]))} are not read")

    return replace(guess, columns=columns, settings=settings, notes=notes)


def _listed_label(
    sample: TableSample, columns: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, Any], list[str]]:
    """Return the scores or grades that stand beside each text of a list, as `guess_label` does.

    They are lists as long as that of the texts: another key of the same objects, such as
    `answers.score` beside `answers.text`, or a list of its own.
    """
    if "anchor" not in columns or {"score", "grade"} & columns.keys():
        return {}, {}, []

    lengths = list(map(len, sample.list_items[columns["positive"]]))
    beside = {
        column: list(chain.from_iterable(items))
        for column, items in sample.list_items.items()
        if column not in columns.values() and list(map(len, items)) == lengths
    }
    return guess_label(beside, columns.values())
