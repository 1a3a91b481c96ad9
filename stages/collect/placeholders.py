"""Words that often stand where a value is missing: None, NA, nan.

They may also be true: "None" answers a question, and "NA" is Namibia. So they stay texts, and are
counted where a column holds many of them.
"""

from __future__ import annotations

from collections import Counter

from stages.collect.columns import Record

# The fields that are read as texts.
FIELDS = ("title", "text", "anchor", "topic", "group")
_WORDS = (
    "none nan na n/a n.a. #n/a #na null nil <na> nat -nan undefined missing (null) (none) #null! "
    "#value! #ref! #div/0! #name? #num! k.a. s/o"
)
_PLACEHOLDERS = frozenset(_WORDS.split())
_LONGEST = max(map(len, _PLACEHOLDERS))

# A column holds many if they are this share of its rows, and at least so many.
LEAST_SHARE = 0.01
LEAST_ROWS = 2


def is_placeholder(text: str) -> bool:
    """Return whether a text is a word that often stands for a missing value.

    >>> is_placeholder(" NaN "), is_placeholder("None of them")
    (True, False)
    """
    stripped = text.strip()
    return len(stripped) <= _LONGEST and stripped.casefold() in _PLACEHOLDERS


class PlaceholderCounts:
    """Counts the placeholders of each field."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._row_count = 0

    def take(self, record: Record) -> None:
        """Look at the texts of a record."""
        self._row_count += 1
        for field in FIELDS:
            text = getattr(record, field)
            if text and is_placeholder(text):
                self._counts[field] += 1

    def frequent(self) -> Counter[str]:
        """Return field to the number of placeholders, for the fields that hold many."""
        least = max(LEAST_ROWS, LEAST_SHARE * self._row_count)
        return Counter(
            {field: self._counts[field] for field in FIELDS if self._counts[field] >= least}
        )
