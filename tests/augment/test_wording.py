"""Which content words went and came, and whether they say the same."""

import pytest

from stages.augment.wording import changes, is_same, is_truncated, learn, weakest
from tests.augment.test_augment import pairs

KNOWN = {"hepatic", "renal", "ilium", "ileum", "liver"}


@pytest.mark.parametrize(
    ("word", "other", "same"),
    [
        ("tumour", "tumor", True),
        ("haemorrhage", "hemorrhage", True),
        ("muscular", "muscle", True),
        ("phalanx", "phalangeal", True),
        ("spontaneous", "spontaous", True),  # misspelt, and no known word
        ("ileum", "ilium", False),  # one letter off, but known
        ("hepatic", "renal", False),
        ("unassigns", "disassigns", True),
        ("2nd", "3rd", False),
        ("12", "13", False),
        ("face", "phase", False),
    ],
)
def test_the_same_word(word, other, same):
    assert is_same(word, other, KNOWN) is same


@pytest.mark.parametrize(
    ("parent", "text", "lost", "gained"),
    [
        ("Loss of hair", "Hair loss", (), ()),
        ("hepatic cyst", "renal cyst", ("hepatic",), ("renal",)),
        ("Bone of the big shoulder", "the big bone", ("shoulder",), ()),
        (
            "no pain in two left toes",
            "pain",
            ("toes",),
            (),
        ),  # numbers, sides and negations are compared elsewhere
    ],
)
def test_what_was_lost_and_gained(parent, text, lost, gained):
    change = changes(parent, text, KNOWN)
    assert (change.lost, change.gained) == (lost, gained)


@pytest.mark.parametrize(
    ("parent", "text", "truncated"),
    [
        ("Cyst of the liver", "Cyst", True),
        ("Cyst of the liver", "Cyst of the", True),
        ("attachments to an attachment set", "attachments to a set of", True),
        ("what is this for", "what this is for", False),
        ("hepatic cyst", "renal cyst", False),
    ],
)
def test_what_is_truncated(parent, text, truncated):
    assert is_truncated(parent, text, changes(parent, text, KNOWN)) is truncated


def test_the_weakest_counterpart_decides():
    cosines = {
        ("skin", "cutaneous"): 0.6,
        ("skin", "fever"): 0.1,
        ("heat", "fever"): 0.5,
        ("heat", "cutaneous"): 0.0,
    }
    assert weakest(changes("skin heat", "cutaneous fever", KNOWN), cosines) == 0.5
    assert weakest(changes("skin", "skin", KNOWN), {}) == 1.0
    # What was gained may say again what was kept; what was lost needs something new.
    kept = changes("skin pain", "skin pain, cutaneous", KNOWN)
    assert weakest(kept, {("skin", "cutaneous"): 0.6, ("pain", "cutaneous"): 0.2}) == 0.6


def test_words_of_one_document_are_synonyms_and_those_of_others_tell_them_apart():
    frame = pairs(
        ("cyst of the jaw", "a"),
        ("cyst of the mandible", "a"),
        ("cyst of the kidney", "b"),
        ("fracture of the mandible", "c"),
        ("fracture of the jaw", "d"),  # synonyms once are synonyms
        ("Fever", "g"),
        ("Hypercalcaemia", "e"),
        ("Hyperkalemia", "f"),
    )
    known = learn(frame, ["A rash."])
    assert {"rash", "fever", "cyst"} < known.vocabulary
    assert known.cosine("jaw", "mandible") == known.cosine("mandible", "jaw") == 1.0
    assert known.cosine("kidney", "jaw") == known.cosine("jaw", "kidney") == -1.0
    assert known.cosine("hypercalcaemia", "hyperkalemia") == -1.0
    assert known.cosine("kidney", "fever") is known.cosine("cyst", "rash") is None
