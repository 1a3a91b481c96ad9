"""Alignment of short forms: the costs behave as they say, and the work stays bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.clean.abbreviations.alignment import STOPWORDS, align, parts_of, signs_of


def cost(short: str, window: str) -> float | None:
    alignment = align(signs_of(short), parts_of(window))
    return None if alignment is None else round(alignment.cost, 2)


@pytest.mark.parametrize(
    ("short", "window", "expected"),
    [
        ("BMI", "body mass index", 0.0),
        ("AUC", "area under the curve", 0.1),  # "the" is left out
        ("EEG", "electroencephalogram", 2.0),  # two letters within the word
        ("IdP", "identity provider", 0.0),  # letters in a row are no gap
        ("ALT", "alanine aminotransferase", 3.0),  # "t" is no initial
        ("ZIC4", "Zic family member 4", 3.0),  # two words are left out
        ("CO2", "carbon dioxide", 1.0),  # the digit stands behind "oxide"
        ("Ca2+", "calcium", 1.0),  # the digit is missing
        ("NaCl", "sodium chloride", 1.0),
        ("EBV", "Epstein-Barr virus infection", 2.0),  # the last word is left out
        ("BMI", "mass index", None),
        ("BMI", "index mass body", None),  # another order
        ("A1", "answer", None),  # a single letter needs its digit
    ],
)
def test_hidden_letters_and_left_out_words_cost(short, window, expected):
    assert cost(short, window) == expected


def test_greek_letters_and_accents_are_read_as_latin():
    assert signs_of("TNF-α") == "tnfa"
    assert [part.readings[0] for part in parts_of("µ é β-2")] == ["mu", "e", "beta", "2"]


@given(
    st.lists(st.text(alphabet="abcdefg", min_size=1, max_size=6), min_size=2, max_size=8),
    st.lists(st.text(alphabet="xyz", min_size=1, max_size=6), max_size=5),
)
def test_initials_always_fit_and_their_window_is_the_best(words, before):
    initials = "".join(word[0] for word in words)
    window = " ".join([*before, *words])
    alignment = align(initials, parts_of(window))
    if words[0] in STOPWORDS:
        return  # empty words begin no long form for free

    assert alignment is not None
    assert alignment.cost == 0.0
    # Of equals the longest window wins, and no window begins before the first possible word.
    assert alignment.start <= len(" ".join(before)) + bool(before)
    assert alignment.start >= len(" ".join(before)) + bool(before) or not before


@given(st.text(alphabet="aAbB1-& (", max_size=40), st.text(alphabet="abAB12", max_size=12))
def test_an_alignment_begins_with_the_first_sign(window, short):
    alignment = align(signs_of(short), parts_of(window))
    if alignment is not None:
        assert alignment.cost >= 0
        first = window[alignment.start].casefold()
        assert first == signs_of(short)[0] or first in "&1"


@pytest.mark.slow
@pytest.mark.timeout(20)
def test_the_work_is_bounded_by_signs_times_parts():
    parts = parts_of("ab " * 3000)
    assert align("ab" * 6, parts) is not None
