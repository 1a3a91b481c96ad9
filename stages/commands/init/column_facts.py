"""What the values of a column look like: lengths, uniqueness, questions, numbers, dates."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean

from stages.collect.labels import is_number
from stages.collect.reject_reasons import to_utc

# The question marks of all scripts; the Greek one is a semicolon, which ends other sentences too.
_QUESTION = re.compile(r"[?\uff1f\u061f\u055e\u1367\u2e2e\u2048\u2049]['\"»\u201d\u2019)\]\s]*$")
_OPENING_QUESTION = re.compile(
    r"^\W*(how|what|why|when|where|which|who|can|does|do|is|are|wie|was|warum|wann|wo|welche\w*|wer"
    r"|wieso|kann|comment|pourquoi|quand|quel\w*|qui|como|cómo|qué|por qué|cuándo|dónde|quién"
    r"|perché|quando|dove|как|что|почему|когда|где|кто|πώς|πως|τι|γιατί|πότε|πού)\b",
    re.IGNORECASE,
)
_URL = re.compile(r"(https?://|www\.|/)\S+", re.IGNORECASE)
# A word with a digit, or a name with a suffix, as ids, part numbers and file names are.
_CODE = re.compile(r"(?=\S{0,200}(?:[0-9_#]|[./:][A-Za-z0-9]))[A-Za-z0-9_/.#:+@-]{1,200}", re.ASCII)
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"\w+")
# Scripts without spaces: so many characters are about a word.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_CHARACTERS_OF_WORD = 2


@dataclass(frozen=True)
class ColumnFacts:
    """What the values of a column look like. Shares are of the values that are not empty.

    Attributes:
        filled: number of values that are not empty.
        filled_share: their share of all rows.
        distinct: number of different values.
        words: mean number of words.
        question_share: values that end with a question mark or begin with a question word.
        letter_share: values that hold a letter.
        number_share: decimal numbers.
        date_share: ISO dates and times.
        url_share: addresses.
        code_share: single words with a digit or sign, as ids are.
        phrase_share: values of several words, or in a script without spaces.
        low: smallest number; None if some value is no number.
        high: largest number; None if some value is no number.
        is_whole: all values are whole numbers.
        largest_share: share of the most frequent value.
        frequent: the different values, most frequent first, at most 50.
    """

    filled: int
    filled_share: float
    distinct: int
    words: float
    question_share: float
    letter_share: float
    number_share: float
    date_share: float
    url_share: float
    code_share: float
    phrase_share: float
    low: float | None
    high: float | None
    is_whole: bool
    largest_share: float
    frequent: Sequence[str]

    @property
    def is_unique(self) -> bool:
        """Return whether no value stands twice and none is missing."""
        return self.filled > 0 and self.distinct == self.filled and self.filled_share == 1.0

    @property
    def is_prose(self) -> bool:
        """Return whether the values can be documents or questions: texts, and no ids."""
        return self.is_text and self.code_share < 0.5

    @property
    def is_text(self) -> bool:
        """Return whether the values are words of a language, and no numbers, dates or addresses."""
        return (
            self.letter_share > 0.5
            and self.number_share < 0.5
            and self.date_share < 0.5
            and self.url_share < 0.5
        )


def column_facts(values: Sequence[str]) -> ColumnFacts:
    """Return the facts of a column.

    >>> facts = column_facts(["How?", "Why?", "", "Why?"])
    >>> facts.filled, facts.distinct, facts.question_share, facts.is_unique
    (3, 2, 1.0, False)
    """
    stripped = [value.strip() for value in values]
    texts = [value for value in stripped if value]
    counts = Counter(texts)
    numbers = [float(text) for text in texts if is_number(text)]
    all_numbers = len(numbers) == len(texts) > 0
    most_frequent = counts.most_common(50)
    return ColumnFacts(
        filled=len(texts),
        filled_share=len(texts) / len(values) if values else 0.0,
        distinct=len(counts),
        words=mean(map(word_count, texts)) if texts else 0.0,
        question_share=_share(texts, is_question),
        letter_share=_share(texts, lambda text: _LETTER.search(text) is not None),
        number_share=len(numbers) / len(texts) if texts else 0.0,
        date_share=_share(texts, is_date),
        url_share=_share(texts, lambda text: _URL.fullmatch(text) is not None),
        code_share=_share(texts, lambda text: _CODE.fullmatch(text) is not None),
        phrase_share=_share(texts, is_phrase),
        low=min(numbers) if all_numbers else None,
        high=max(numbers) if all_numbers else None,
        is_whole=all_numbers and all(number.is_integer() for number in numbers),
        largest_share=most_frequent[0][1] / len(texts) if texts else 0.0,
        frequent=[text for text, _ in most_frequent],
    )


def _share(texts: Sequence[str], test: Callable[[str], bool]) -> float:
    return sum(map(test, texts)) / len(texts) if texts else 0.0


def is_question(text: str) -> bool:
    """Return whether a text ends with a question mark or begins with a question word.

    >>> is_question("Where is it?"), is_question("It is here.")
    (True, False)
    """
    return bool(_QUESTION.search(text) or _OPENING_QUESTION.match(text))


def is_phrase(text: str) -> bool:
    """Return whether a text has several words, which a name such as `delete-bucket` has not.

    >>> is_phrase("Delete a bucket"), is_phrase("delete-bucket"), is_phrase("删除存储桶")
    (True, False, True)
    """
    return len(text.split()) > 1 or _UNSPACED.search(text) is not None


def is_date(text: str) -> bool:
    """Return whether a text is an ISO date or date-time.

    >>> is_date("2024-01-31"), is_date("20240131")
    (True, False)
    """
    # "20240131" is more often a number than a date.
    return "-" in text and bool(to_utc(text))


def word_count(text: str) -> float:
    """Return the number of words of a text, which are counted by characters without spaces.

    >>> word_count("Hold it."), word_count("修改密码")
    (2, 2.0)
    """
    unspaced = len(_UNSPACED.findall(text))
    if 2 * unspaced >= len(text):
        return unspaced / _CHARACTERS_OF_WORD
    return len(_WORD.findall(text))
