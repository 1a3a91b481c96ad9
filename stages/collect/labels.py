"""The labels of a row: its score, its grade and the split that its source gives it.

A label of another scale than the settings say stops the stage, for all rows are then misread. A
label that is missing or no number is a fault of its row alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Generic, NamedTuple, TypeVar

from stages.collect.columns import Record
from stages.collect.records import GradeRow
from stages.collect.table_source import TableSource
from stages.lib.core.errors import UserError
from stages.lib.schemas.queries_from_pairs import query_id_of

MAX_GRADE = 1_000_000
Value = TypeVar("Value", str, float)

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
    r"""[+-]?[\d.,]++\s*+
    (?:[%\u2030\uff05]|percent|pct\.?|stars?|points?|[/\u2044]\s*\d+|(?:out\s+)?of\s+\d.*)
    |[\d\s]*+[\u2605\u2606\u2b50\u2729\u272d*]++[\u2605\u2606\u2b50\ufe0f*\s]*
    |[+-]?\d+,\d+""",
    re.IGNORECASE | re.VERBOSE,
)
_NUMBER = re.compile(r"[+-]?(\d++(?:\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


class GradedPair(NamedTuple):
    """A pair with its grade, and the name of the query whose grades are compared.

    Sorted, the pairs of a query stand together, and the highest grade comes first.
    """

    query: str
    minus_grade: int
    pair_id: str

    @property
    def grade(self) -> int:
        """The grade."""
        return -self.minus_grade


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


class LabelCheck:
    """Checks that every score, grade and split is on the scale that the settings name.

    Args:
        source: the settings of the source.
        setting: the key of params.yaml that holds them.
    """

    def __init__(self, source: TableSource, setting: str) -> None:
        self._source = source
        self._setting = setting
        self._scores = ScoreCheck(source, setting)
        self._fault: UserError | None = None

    def take(self, record: Record) -> None:
        """Look at the labels of a record. Records come in the order of the files."""
        columns = self._source.columns
        if not (columns.score or columns.grade or columns.split):
            return

        for part in record.parts():
            if columns.score:
                self._scores.take(part)
            if self._fault is None:
                self._fault = self._grade_fault(part) or self._split_fault(part)

    def finish(self) -> None:
        """Raise the first fault.

        Raises:
            UserError: a label is on another scale. The message names the file, the row, the column
                and the key to set.
        """
        self._scores.finish()
        if self._fault is not None:
            raise self._fault

    def _grade_fault(self, record: Record) -> UserError | None:
        column = self._source.columns.grade
        if not column or _is_whole_grade(record.grade):
            return None

        return UserError(
            f"{_row(record)}: column '{column}' holds "
            f"{record.grade[:40]!r}, and grades are integers from 0 to {MAX_GRADE:,}",
            f"write whole grades; or map the column to 'score' and set "
            f"{self._setting}.score_range: [lowest, highest] in params.yaml",
        )

    def _split_fault(self, record: Record) -> UserError | None:
        try:
            given_split(record, self._source)
        except KeyError:
            return UserError(
                f"{_row(record)}: column '{self._source.columns.split}' holds "
                f"{record.split[:40]!r}, which is the name of no split",
                f"map it in params.yaml: {self._setting}.split_names: "
                f"{{{record.split.strip()[:40]}: train}}, or validation, test, or null for rows "
                "that are split as ever",
            )
        return None


class ScoreCheck:
    """Checks that all scores are plain numbers within the range of the settings."""

    def __init__(self, source: TableSource, setting: str) -> None:
        self._source = source
        self._setting = setting
        self._low, self._high = source.score_range or (0.0, 1.0)
        self._count = 0
        self._first_scaled: Record | None = None
        self._scaled = LabelRange[str]()
        self._first_outside: Record | None = None
        self._outside = 0
        self._numbers = LabelRange[float]()

    def take(self, record: Record) -> None:
        """Look at the score of a record."""
        self._count += 1
        score = record.score.strip()
        if _SCALED.fullmatch(score):
            self._first_scaled = self._first_scaled or record
            self._scaled.add(score[:40])
        if not is_number(score):
            return

        number = float(score)
        self._numbers.add(number)
        if not self._low <= number <= self._high:
            self._first_outside = self._first_outside or record
            self._outside += 1

    def finish(self) -> None:
        """Raise UserError if a score is written with its scale, or is outside the range."""
        if self._first_scaled is not None:
            raise self._scaled_fault(self._first_scaled)
        if self._first_outside is not None:
            raise self._range_fault(self._first_outside)

    def _scaled_fault(self, first: Record) -> UserError:
        """Return the error for scores that are written with their scale, which is unknown."""
        return UserError(
            f"{_row(first)}: column '{self._source.columns.score}' holds "
            f"{first.score[:40]!r}; {self._scaled.count:,} of its {self._count:,} scores are "
            f"no plain numbers, from {self._scaled.lowest!r} to {self._scaled.highest!r}",
            "write decimal numbers with a point alone (85, 4, 0.85), and set "
            f"{self._setting}.score_range: [lowest, highest] in params.yaml to the ends of the "
            "scale, such as [0, 100]",
        )

    def _range_fault(self, first: Record) -> UserError:
        """Return the error for scores outside the range: the first, and the range of the files."""
        smallest = self._numbers.lowest or 0.0
        largest = self._numbers.highest or 0.0
        # One value alone is no scale.
        is_scale = smallest < largest
        scale = (smallest, largest) if is_scale else (min(0.0, smallest), max(0.0, largest))
        expected = f"{self._setting}.score_range" if self._source.score_range else "a score"
        return UserError(
            f"{_row(first)}: column '{self._source.columns.score}' holds "
            f"{first.score[:40]!r}; {self._outside:,} of its {self._numbers.count:,} scores are "
            f"outside {self._low:g} to {self._high:g}, the range of {expected}; they run "
            f"from {smallest:g} to {largest:g}",
            f"set {self._setting}.score_range: [{scale[0]:g}, {scale[1]:g}] in params.yaml, or the "
            "true ends of the scale, which become 0 and 1; or map whole grades to 'grade'",
        )


class LabelRange(Generic[Value]):
    """The number of the values, the lowest and the highest of them."""

    def __init__(self) -> None:
        self.count = 0
        self.lowest: Value | None = None
        self.highest: Value | None = None

    def add(self, value: Value) -> None:
        """Add a value."""
        self.count += 1
        self.lowest = value if self.lowest is None else min(self.lowest, value)
        self.highest = value if self.highest is None else max(self.highest, value)


def grade_rows(pairs: Iterable[GradedPair], source: TableSource) -> Iterator[GradeRow]:
    """Yield the grade of each pair with its role: positive, relevant or irrelevant.

    Without `positive_grade` the positives of a query are its documents of the highest grade.

    Args:
        pairs: the graded pairs, sorted.
        source: the settings of the source.

    >>> source = TableSource.model_validate(
    ...     {"reader": "table", "path": "data/raw/a.csv", "columns": {"grade": "g"}}
    ... )
    >>> pairs = [GradedPair("q1", -3, "p1"), GradedPair("q1", -1, "p2"), GradedPair("q1", 0, "p3")]
    >>> [(row.pair_id, row.role) for row in grade_rows(pairs, source)]
    [('p1', 'positive'), ('p2', 'relevant'), ('p3', 'irrelevant')]
    """
    for _, graded in groupby(pairs, key=itemgetter(0)):
        positive_from = source.positive_grade
        for pair in graded:
            # The first pair of a query has the highest grade.
            if positive_from is None:
                positive_from = pair.grade

            role = "positive" if pair.grade >= positive_from else "relevant"
            if pair.grade < source.relevant_from:
                role = "irrelevant"
            yield GradeRow(pair.pair_id, pair.grade, role)


def graded_pair(pair_id: str, record: Record, source: TableSource) -> GradedPair:
    """Return the grade of a pair.

    Equal anchors are the same query, as in the evaluation sets. In two splits they are two: what
    held-out grades say must not decide what is trained on.
    """
    return GradedPair(_graded_query(record, source), -grade_of(record, source), pair_id)


def negative_grade(pair_id: str, record: Record, source: TableSource) -> GradedPair:
    """Return the grade of the pair of a labelled negative: 0."""
    return GradedPair(_graded_query(record, source), 0, pair_id)


def _graded_query(record: Record, source: TableSource) -> str:
    return f"{given_split(record, source)} {query_id_of(record.anchor)}"


def _row(record: Record) -> str:
    return f"{record.place.file}, row {record.place.row}"


def _is_whole_grade(text: str) -> bool:
    # A grade that is missing or no number is a fault of its row alone.
    if not is_number(text):
        return True

    value = float(text)
    return value.is_integer() and 0 <= value <= MAX_GRADE
