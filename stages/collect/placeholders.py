"""Words that often stand where a value is missing: None, NA, nan.

They may also be true: "None" answers a question, and "NA" is Namibia. So they stay texts, and are
counted where a column holds many of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from stages.collect.columns import Record

# The fields that are read as texts.
FIELDS = ("title", "text", "anchor", "topic", "group")
_WORDS = (
    "none nan na n/a n.a. #n/a #na null nil <na> nat -nan undefined missing (null) (none) #null! "
    "#value! #ref! #div/0! #name? #num! k.a. s/o"
)
_PLACEHOLDERS = frozenset(_WORDS.split())

# A column holds many if they are this share of its rows, and at least so many.
LEAST_SHARE = 0.01
LEAST_ROWS = 2


def is_placeholder(text: str) -> bool:
    """Return whether a text is a word that often stands for a missing value.

    >>> is_placeholder(" NaN "), is_placeholder("None of them")
    (True, False)
    """
    return text.strip().casefold() in _PLACEHOLDERS


def count_placeholders(records: Iterable[Record]) -> dict[str, int]:
    """Return field to the number of placeholders, for the fields that hold many."""
    counts: Counter[str] = Counter()
    row_count = 0
    for record in records:
        row_count += 1
        counts.update(field for field in FIELDS if is_placeholder(getattr(record, field)))

    least = max(LEAST_ROWS, LEAST_SHARE * row_count)
    return {field: counts[field] for field in FIELDS if counts[field] >= least}
