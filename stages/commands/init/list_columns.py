"""Guess the columns of a table in which some hold lists: documents of a question, and negatives."""

from __future__ import annotations

import re
from dataclasses import replace

from stages.commands.init.column_facts import column_facts
from stages.commands.init.column_names import plain_name
from stages.commands.init.columns import ColumnGuess, guess_columns
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
    if columns.get("text") in sample.lists:
        columns["positive"] = columns.pop("text")
    notes = list(guess.notes)
    texts = [column for column in negatives if column_facts(sample.values[column]).is_text]
    if texts and "anchor" in columns and {"text", "positive"} & columns.keys():
        columns["negative"] = texts[0]
        if texts[1:]:
            notes.append(f"negatives of {', '.join(map(repr, texts[1:]))} are not read")

    return replace(guess, columns=columns, notes=notes)
