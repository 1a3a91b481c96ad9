"""Small sources with recurring lines, cleaned by the steps of the stage."""

from __future__ import annotations

import pandas as pd

from stages.clean.boilerplate import model
from stages.clean.boilerplate.steps import (
    count_families_documents,
    strip_boilerplate_documents,
    survey_documents,
)
from stages.clean.count_sums import add_counts, sum_counts
from stages.clean.steps import strip_markup_documents
from tests.clean.corpus import PARAMS, documents

SETTINGS = PARAMS.model_copy(update={"boilerplate_share": 0.1, "boilerplate_min_documents": 4})


def clean_source(
    texts: list[str], wrong: frozenset[str] = frozenset()
) -> tuple[list[str], dict[str, str]]:
    """Return `texts` without the recurring lines that carry nothing, and line to verdict.

    Rules with the ids `wrong` are left alone.
    """
    documents_read = documents(*texts)

    # Each step counts, and what it counted decides what the next one does.
    rows, _, counted = strip_markup_documents(documents_read, SETTINGS)
    counts = _summed(counted)
    recurring = model.find_recurring(counts, SETTINGS)
    counts = add_counts(counts, _summed(count_families_documents(rows, recurring)[2]))
    line_verdicts = model.without_fields(counts, recurring)
    counts = add_counts(counts, _summed(survey_documents(rows, line_verdicts.recurring)[2]))
    line_verdicts = model.without_content(counts, line_verdicts, wrong)
    cleaned, _, counted = strip_boilerplate_documents(
        rows, line_verdicts.recurring, line_verdicts.colliding
    )
    counts = add_counts(counts, _summed(counted))

    lines = model.recurring_lines(counts, line_verdicts.verdicts)
    verdict_of_line = dict(zip(lines["line"], lines["verdict"], strict=True))
    text_of_document = dict(zip(cleaned["doc_id"], cleaned["text"], strict=True))
    return [text_of_document[doc_id] for doc_id in documents_read["doc_id"]], verdict_of_line


def _summed(counts: pd.DataFrame) -> pd.DataFrame:
    return sum_counts(counts, SETTINGS.boilerplate_min_documents)[0]
