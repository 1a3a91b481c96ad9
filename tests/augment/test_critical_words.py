"""Units, opposites, negations and names of two texts, and when they are the same."""

import pytest

from stages.augment import critical_words


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
def test_opposites(text, other, kept):
    assert critical_words.are_opposites_kept(text, other) is kept
    assert critical_words.are_opposites_kept(other, text) is kept


@pytest.mark.parametrize(
    ("text", "other", "same"),
    [
        ("no teeth", "absent teeth", True),
        ("fever", "no fever", False),
        ("it does not hurt", "it doesn't hurt", True),
        ("in the liver", "non-liver", False),
        ("unstable joint", "stable joint", False),
        ("symptomatic", "asymptomatic", False),
        ("a nonspecific response", "a response that is not specific", True),
        ("non-functional pump", "nonfunctional pump", True),
        ("unstable joint", "joint that is not stable", True),
        ("unstable joint, no pain", "stable joint, no pain", False),
        ("painless swelling", "swelling without pain", True),
        ("toothless smile", "a smile with no teeth", False),  # not the same word
        ("painless swelling", "painful swelling, no fever", False),
        ("unable to walk", "cannot walk", True),
        ("unable to walk", "able to walk", False),
        ("inability to swim", "unable to swim", True),
        ("not only stable", "unstable", False),
    ],
)
def test_negations(text, other, same):
    assert critical_words.are_negations_kept(text, other) is same
    assert critical_words.are_negations_kept(other, text) is same


@pytest.mark.parametrize(
    ("text", "other", "kept"),
    [
        ("keys may expire", "keys must expire", False),
        ("keys may expire", "keys can expire", True),
        ("the tenant shall pay", "the tenant may pay", False),
        ("the tenant shall pay", "the tenant must pay", True),
        ("valves should be checked", "valves could be checked", False),
        ("the field is optional", "the field is mandatory", False),
        ("you can sort rows", "sorts rows", True),  # left out, not exchanged
        ("all files", "some files", False),
        ("all files", "every file", True),
        ("every passenger", "some passengers", False),
        ("most plants", "all plants", False),
        ("many plants", "several plants", True),
        ("all birds, some of which fly", "all birds, all of which fly", False),
        ("always on", "sometimes on", False),
        ("files", "all files", True),
        ("alle Dateien", "einige Dateien", True),  # the lists are English
    ],
)
def test_strengths(text, other, kept):
    assert critical_words.are_strengths_kept(text, other) is kept
    assert critical_words.are_strengths_kept(other, text) is kept


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Angiotensin-converting enzyme (ACE) in CD4+ cells", {"ACE", "CD4+"}),
        ("CD4 + cells", {"CD4+"}),
        ("partial/complete, i.e. both", set()),
        ("see HP:0000003 or snake_case", {"HP:0000003", "snake_case"}),
        ("plain words", set()),
        ("T2-weighted image", {"T2"}),
        ("the JC-virus", {"JC"}),
        ("two IDs", {"ID"}),
        ("COVID-19", {"COVID"}),
        ("the 2nd and 2o toe, type IV", set()),  # numerals, compared as numbers
        ("a multi-region key", set()),
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
