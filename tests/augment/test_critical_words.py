"""Numbers, units, sides, negations and names of two texts, and when they are the same."""

import pytest

from stages.augment import critical_words


@pytest.mark.parametrize(
    ("text", "other", "same"),
    [
        ("the 3rd finger", "finger number three", True),
        ("the third toe", "the 4th toe", False),
        ("1,000 units", "1000 units", True),
        ("3,5 mg", "3.5 mg", True),
        ("3.5 mg", "35 mg", False),
        ("p < 0.05", "p > 0.05", False),
        ("-5 degrees", "5 degrees", False),
        ("one of the toes", "a toe", True),  # a pronoun
        ("two toes and two fingers", "two toes and fingers", False),
    ],
)
def test_numbers(text, other, same):
    assert (critical_words.numbers(text) == critical_words.numbers(other)) is same


@pytest.mark.parametrize(
    ("text", "other", "same"),
    [
        ("5 mg daily", "5 milligrams a day", True),
        ("5 mg", "5 kg", False),
        ("5mg/ml", "5 mg per millilitre", True),
        ("20 %", "20 percent", True),
        ("three weeks", "three months", False),
        ("in a second operation", "in a further operation", True),  # an ordinal
    ],
)
def test_units(text, other, same):
    assert (critical_words.units(text) == critical_words.units(other)) is same


@pytest.mark.parametrize(
    ("text", "other", "kept"),
    [
        ("left arm", "right arm", False),
        ("upper limb", "superior limb", True),
        ("increased level", "high level", True),
        ("increased level", "reduced level", False),
        ("widening of the aorta", "enlargement of the aorta", True),  # large, for both
        ("big toe", "toe", False),
        ("toe", "big toe", False),
        ("hypercalcaemia", "hypocalcaemia", False),
        ("enable the alarm", "disable the alarm", False),
    ],
)
def test_sides(text, other, kept):
    assert critical_words.are_sides_kept(text, other) is kept
    assert critical_words.are_sides_kept(other, text) is kept


@pytest.mark.parametrize(
    ("text", "other", "same"),
    [
        ("no teeth", "absent teeth", True),
        ("fever", "no fever", False),
        ("it does not hurt", "it doesn't hurt", True),
        ("in the liver", "non-liver", False),
        ("unstable joint", "stable joint", False),
        ("symptomatic", "asymptomatic", False),
    ],
)
def test_negations(text, other, same):
    kept = critical_words.negations(text) == critical_words.negations(
        other
    ) and not critical_words.is_negated(text, other)
    assert kept is same


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Angiotensin-converting enzyme (ACE) in CD4+ cells", {"ACE", "CD4+"}),
        ("CD4 + cells", {"CD4+"}),
        ("partial/complete, i.e. both", set()),
        ("see HP:0000003 or snake_case", {"HP:0000003", "snake_case"}),
        ("plain words", set()),
    ],
)
def test_codes(text, expected):
    assert critical_words.codes(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Creates a database in Amazon Lightsail for you", {"amazon", "lightsail"}),
        ("First sentence here. Second sentence here", set()),
        ("Big Title With Capitals", set()),
    ],
)
def test_names(text, expected):
    assert critical_words.names(text) == expected


@pytest.mark.parametrize("name", ["opposites.txt", "units.txt"])
def test_word_lists_are_in_lower_case_without_repeated_words(name):
    for line in critical_words._lines(name):
        listed = line.replace(":", " ").split()
        assert line == line.lower()
        assert len(listed) == len(set(listed)), line
