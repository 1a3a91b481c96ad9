"""The numbers of two texts in digits, words and Roman numerals, and when they are the same."""

import pytest

from stages.augment import numerals
from stages.augment.numerals import are_numbers_kept, is_numeral, numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the 3rd finger", ["3"]),
        ("1,000 units", ["1000"]),
        ("3,5 mg", ["3.5"]),
        ("twenty-first day", ["21"]),
        ("two hundred and five keys", ["205"]),
        ("two hundred and a key", ["200"]),
        ("three thousand two hundred", ["3200"]),
        ("two hundred and five thousand", ["205000"]),
        ("one hundred and twenty-one", ["121"]),
        ("a dozen eggs", ["12"]),
        ("twice a day", ["2"]),
        ("collagen type I and II", ["1", "2"]),
        ("factor V", ["5"]),
        ("vitamin C, I think", []),
        ("two, three", ["2", "3"]),
        ("one of them", []),  # a pronoun
        ("p \u2264 0.05", ["0.05", "\u2264"]),
        ("\u0665 mg", ["\u0665"]),
    ],
)
def test_numbers_of_a_text(text, expected):
    assert sorted(numbers(text).elements()) == expected


KEPT = [
    ("the 3rd finger", "finger number three", True),
    ("the third toe", "the 4th toe", False),
    ("1,000 units", "1000 units", True),
    ("3,5 mg", "3.5 mg", True),
    ("3.5 mg", "35 mg", False),
    ("p < 0.05", "p > 0.05", False),
    ("-5 degrees", "5 degrees", False),
    ("one of the toes", "a toe", True),  # a pronoun
    ("two toes and two fingers", "two toes and fingers", False),
    ("2nd-5th fingers", "2o-5o fingers", True),
    ("2nd toe", "2\u00ba toe", True),
    ("diabetes type II", "diabetes type 2", True),
    ("diabetes type II", "diabetes type 1", False),
    ("grade V", "fifth grade", True),
    ("one or more keys", "1 or more keys", True),
    ("one or more keys", "2 or more keys", False),
    ("1 or 2 keys", "2 keys", False),
    ("twenty-five rows", "25 rows", True),
    ("twenty-five rows", "26 rows", False),
    ("fifteen minutes", "fifty minutes", False),
]


@pytest.mark.parametrize(("text", "other", "kept"), KEPT)
def test_kept_numbers(text, other, kept):
    assert are_numbers_kept(text, other) is kept
    assert are_numbers_kept(other, text) is kept


def test_a_rule_that_reads_digits_alone_fails_the_table(monkeypatch):
    monkeypatch.setattr(numerals, "_numbers_in_words", lambda text_words: [])
    failures = [row for row in KEPT if are_numbers_kept(row[0], row[1]) is not row[2]]
    assert ("twenty-five rows", "25 rows", True) in failures
    assert ("fifteen minutes", "fifty minutes", False) in failures


@pytest.mark.parametrize(
    ("token", "numeral"),
    [("2nd", True), ("11th", True), ("2o", True), ("IV", True), ("CD4", False), ("I", False)],
)
def test_numerals_are_no_codes(token, numeral):
    assert is_numeral(token) is numeral
