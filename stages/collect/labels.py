"""The labels of a row: its score, its grade and the split that its source gives it.

A label of another scale than the settings say stops the stage, for all rows are then misread. A
label that is missing or no number is a fault of its row alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stages.collect.columns import Record
from stages.collect.table_source import TableSource
from stages.lib.core.errors import UserError
from stages.lib.schemas.queries_from_pairs import query_id_of

MAX_GRADE = 1_000_000

# Names of splits that need no mapping. Case does not matter.
SPLIT_OF_NAME = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "development": "validation",
    "test": "test",
    "testing": "test",
}
# Scores on a scale that is written out: "85 %", "4/5", "4 of 5", "4 stars", "★★★☆☆", "0,85".
_SCALED = re.compile(
    r"""[+-]?[\d.,]+\s*
    (?:[%\u2030\uff05]|percent|pct\.?|stars?|points?|[/\u2044]\s*\d+|(?:out\s+)?of\s+\d+.*)
    |[\d\s]*[\u2605\u2606\u2b50\u2729\u272d*]+[\u2605\u2606\u2b50\ufe0f*\s]*
    |[+-]?\d+,\d+""",
    re.IGNORECASE | re.VERBOSE,
)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


class GradedPair(NamedTuple):
    """A pair with its grade, and the name of the query whose grades are compared."""

    pair_id: str
    query: str
    grade: int


def is_number(text: str) -> bool:
    """Return whether `text` is a decimal number, as scores and grades are.

    >>> is_number("0.5"), is_number("high"), is_number("nan")
    (True, False, False)
    """
    return _NUMBER.fullmatch(text.strip()) is not None


def score_of(record: Record, source: TableSource) -> float:
    """Return the score of a pair, from 0 to 1.

    It is the mapped score, 1 or 0 for a grade that is relevant or not, and else 1.
    """
    if source.columns.grade:
        return float(grade_of(record, source) >= source.relevant_from)
    if not source.columns.score:
        return 1.0

    low, high = source.score_range or (0.0, 1.0)
    # Adding 0.0 turns -0.0 into 0.0.
    return (float(record.score) - low) / (high - low) + 0.0


def has_grades(source: TableSource) -> bool:
    """Return whether the pairs of a source have grades: mapped ones, or 1 beside negatives.

    Negatives have grade 0. Beside mapped scores they alone have a grade.
    """
    columns = source.columns
    return bool(columns.grade or (columns.negative and not columns.score))


def grade_of(record: Record, source: TableSource) -> int:
    """Return the grade of a record that `check_labels` has passed; 1 where none is mapped."""
    return int(float(record.grade)) if source.columns.grade else 1


def given_split(record: Record, source: TableSource) -> str:
    """Return the split that the source gives a record: train, validation or test; "" for none.

    Raises:
        KeyError: the record holds a name that is no split.
    """
    if source.split is not None:
        return source.split

    name = record.split.strip()
    if not name:
        return ""

    # A mapping of the user's own comes first.
    split_of_name: dict[str, str | None] = dict(SPLIT_OF_NAME)
    split_of_name |= {key.strip().casefold(): split for key, split in source.split_names.items()}
    return split_of_name[name.casefold()] or ""


def check_labels(records: Sequence[Record], source: TableSource, setting: str) -> None:
    """Check that every score, grade and split is on the scale that the settings name.

    Args:
        records: the rows of the files, in their order.
        source: the settings of the source.
        setting: the key of params.yaml that holds them.

    Raises:
        UserError: one is not. The message names the file, the row, the column and the key to set.
    """
    columns = source.columns
    labelled = [part for record in records for part in record.parts()]
    if columns.score:
        _check_scores(labelled, source, setting)

    for record in labelled:
        if columns.grade and not _is_whole_grade(record.grade):
            raise UserError(
                f"{_row(record)}: column '{columns.grade}' holds "
                f"{record.grade[:40]!r}, and grades are integers from 0 to {MAX_GRADE:,}",
                f"write whole grades; or map the column to 'score' and set "
                f"{setting}.score_range: [lowest, highest] in params.yaml",
            )

        try:
            given_split(record, source)
        except KeyError:
            raise UserError(
                f"{_row(record)}: column '{columns.split}' holds "
                f"{record.split[:40]!r}, which is the name of no split",
                f"map it in params.yaml: {setting}.split_names: {{{record.split.strip()[:40]}: "
                "train}, or validation, test, or null for rows that are split as ever",
            ) from None


def roles(pairs: Sequence[GradedPair], source: TableSource) -> dict[str, str]:
    """Return pair id to the role of its grade: positive, relevant or irrelevant.

    Without `positive_grade` the positives of a query are its documents of the highest grade.

    >>> source = TableSource.model_validate(
    ...     {"reader": "table", "path": "data/raw/a.csv", "columns": {"grade": "g"}}
    ... )
    >>> grades = {"p1": 3, "p2": 1, "p3": 0}
    >>> roles([GradedPair(name, "q1", grade) for name, grade in grades.items()], source)
    {'p1': 'positive', 'p2': 'relevant', 'p3': 'irrelevant'}
    """
    highest: dict[str, int] = {}
    for pair in pairs:
        highest[pair.query] = max(pair.grade, highest.get(pair.query, 0))

    return {pair.pair_id: _role(pair, highest, source) for pair in pairs}


def graded_pair(pair_id: str, record: Record, source: TableSource) -> GradedPair:
    """Return the grade of a pair.

    Equal anchors are the same query, as in the evaluation sets. In two splits they are two: what
    held-out grades say must not decide what is trained on.
    """
    return GradedPair(pair_id, _graded_query(record, source), grade_of(record, source))


def negative_grade(pair_id: str, record: Record, source: TableSource) -> GradedPair:
    """Return the grade of the pair of a labelled negative: 0."""
    return GradedPair(pair_id, _graded_query(record, source), 0)


def _graded_query(record: Record, source: TableSource) -> str:
    return f"{given_split(record, source)} {query_id_of(record.anchor)}"


def _role(pair: GradedPair, highest: Mapping[str, int], source: TableSource) -> str:
    if pair.grade < source.relevant_from:
        return "irrelevant"

    positive_from = source.positive_grade
    if positive_from is None:
        positive_from = highest[pair.query]

    return "positive" if pair.grade >= positive_from else "relevant"


def _row(record: Record) -> str:
    return f"{record.place.file}, row {record.place.row}"


def _is_whole_grade(text: str) -> bool:
    # A grade that is missing or no number is a fault of its row alone.
    if not is_number(text):
        return True

    value = float(text)
    return value.is_integer() and 0 <= value <= MAX_GRADE


def _check_plain_scores(records: Sequence[Record], source: TableSource, setting: str) -> None:
    """Check that no score is written with its scale. Such a number is on an unknown scale."""
    scaled = [record for record in records if _SCALED.fullmatch(record.score.strip())]
    if not scaled:
        return

    first = scaled[0]
    values = sorted({record.score.strip()[:40] for record in scaled})
    raise UserError(
        f"{_row(first)}: column '{source.columns.score}' holds "
        f"{first.score[:40]!r}; {len(scaled):,} of its {len(records):,} scores are "
        f"no plain numbers, from {values[0]!r} to {values[-1]!r}",
        f"write decimal numbers with a point alone (85, 4, 0.85), and set {setting}.score_range: "
        "[lowest, highest] in params.yaml to the ends of the scale, such as [0, 100]",
    )


def _check_scores(records: Sequence[Record], source: TableSource, setting: str) -> None:
    _check_plain_scores(records, source, setting)
    low, high = source.score_range or (0.0, 1.0)
    scored = [record for record in records if is_number(record.score)]
    numbers = [float(record.score) for record in scored]
    outside = [
        record for record, number in zip(scored, numbers, strict=True) if not low <= number <= high
    ]
    if not outside:
        return

    # The range of the whole file, and the first row that is outside.
    first = outside[0]
    smallest = min(numbers)
    largest = max(numbers)
    # One value alone is no scale.
    is_scale = smallest < largest
    scale = (smallest, largest) if is_scale else (min(0.0, smallest), max(0.0, largest))
    expected = f"{setting}.score_range" if source.score_range else "a score"
    raise UserError(
        f"{_row(first)}: column '{source.columns.score}' holds "
        f"{first.score[:40]!r}; {len(outside):,} of its {len(numbers):,} scores are "
        f"outside {low:g} to {high:g}, the range of {expected}; they run "
        f"from {smallest:g} to {largest:g}",
        f"set {setting}.score_range: [{scale[0]:g}, {scale[1]:g}] in params.yaml, or the true "
        "ends of the scale, which become 0 and 1; or map whole grades to 'grade'",
    )
