"""Records of short fields, such as addresses: their document is the fields together."""

from __future__ import annotations

from dataclasses import replace

from stages.collect.columns import fill_template, is_template
from stages.commands.init.column_facts import ColumnFacts, column_facts
from stages.commands.init.column_names import is_no_topic
from stages.commands.init.columns import ColumnGuess
from stages.commands.init.formats import TableSample

# Longest field, in words on average. Documents are longer.
_FIELD_WORDS = 5
_LEAST_FILLED = 0.5
_NOTE = "no column holds long texts, so the document is the fields together"


def with_joined_fields(sample: TableSample, guess: ColumnGuess) -> tuple[TableSample, ColumnGuess]:
    """Return the sample and the guess, with a text that joins the short fields of a record.

    Nothing is joined where a name says which column is the document, where there are questions,
    or where there is one field alone. The joined texts are a column of the sample, whose name is
    the template that `collect` reads.
    """
    columns = guess.columns
    if "text" not in guess.uncertain or "anchor" in columns or sample.lists:
        return sample, guess

    facts = {column: column_facts(texts) for column, texts in sample.values.items()}
    taken = {column for field, column in columns.items() if field != "text"}
    fields = [
        column
        for column, column_fact in facts.items()
        if column not in taken and not is_no_topic(column) and _is_field(column, column_fact)
    ]
    if columns["text"] not in fields or len(fields) < 2:
        return sample, guess

    # A row is a record, whatever of it is missing.
    template = ", ".join(f"{{{column}}}" for column in fields)
    rows = zip(*(sample.values[column] for column in fields), strict=True)
    texts = [fill_template(template, dict(zip(fields, row, strict=True))) for row in rows]
    uncertain = {field: why for field, why in guess.uncertain.items() if field != "text"}
    return (
        replace(sample, values={**sample.values, template: texts}),
        replace(
            guess,
            columns={**columns, "text": template},
            uncertain={**uncertain, "text": _NOTE},
        ),
    )


def _is_field(column: str, column_fact: ColumnFacts) -> bool:
    # Braces would make a template of the name.
    is_plain = not is_template(column) and not set("{}") & set(column)
    return (
        is_plain
        and column_fact.is_text
        and column_fact.words <= _FIELD_WORDS
        and column_fact.filled_share >= _LEAST_FILLED
    )
