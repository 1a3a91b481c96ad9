"""Which content words were lost and gained, and whether they say the same."""

import pytest

from stages.augment.content_words import (
    is_same_word,
    is_truncated,
    learn_word_contexts,
    min_word_cosine,
    word_changes,
)
from tests.augment.rows import pairs

VOCABULARY = {"hepatic", "renal", "ilium", "ileum", "liver"}


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
        ("responsiveness", "response", True),
        ("classification", "classify", True),
        ("administration", "administrator", True),
        ("organ", "organization", False),
    ],
)
def test_the_same_word(word, other, same):
    assert is_same_word(word, other, VOCABULARY) is same


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
        ),  # numbers, opposites and negations are compared elsewhere
        ("twelve characters", "12 characters", (), ()),
        ("20 % of the weight", "20 percent of the weight", (), ()),
        ("preauricular sweating", "pre-auricular sweating", (), ()),
        ("time-out of the data base", "timeout of the database", (), ()),
        ("a green house", "a greenhouse effect", (), ("effect",)),
    ],
)
def test_lost_and_gained_words(parent, text, lost, gained):
    changes = word_changes(parent, text, VOCABULARY)
    assert (changes.lost, changes.gained) == (lost, gained)


@pytest.mark.parametrize(
    ("parent", "text", "truncated"),
    [
        ("Cyst of the liver", "Cyst", True),
        ("Cyst of the liver", "Cyst of the", True),
        ("attachments to an attachment set", "attachments to a set of", True),
        ("what is this for", "what this is for", False),
        ("hepatic cyst", "renal cyst", False),
        ("magnetic resonance imaging (MRI)", "magnetic resonance (MRI)", False),
        ("magnetic resonance imaging (MRI)", "magnetic resonance", True),
        ("magnetic resonance imaging (CT)", "magnetic resonance (CT)", True),
        ("value added tax (VAT) of goods", "value tax (VAT) of goods", False),
        ("value added tax (VAT) of goods", "value tax (VAT)", True),
        ("cross-sectional diameter", "cross diameter", False),
        ("role-based access", "role access", False),
        ("sugar-free drink", "sugar drink", True),
    ],
)
def test_truncation(parent, text, truncated):
    assert is_truncated(parent, text, word_changes(parent, text, VOCABULARY)) is truncated


def test_the_worst_counterpart_decides():
    cosines = {
        ("skin", "cutaneous"): 0.6,
        ("skin", "fever"): 0.1,
        ("heat", "fever"): 0.5,
        ("heat", "cutaneous"): 0.0,
    }
    assert min_word_cosine(word_changes("skin heat", "cutaneous fever", VOCABULARY), cosines) == 0.5
    assert min_word_cosine(word_changes("skin", "skin", VOCABULARY), {}) == 1.0
    # A gained word may repeat a kept one. A lost word needs a gained one.
    kept = word_changes("skin pain", "skin pain, cutaneous", VOCABULARY)
    assert min_word_cosine(kept, {("skin", "cutaneous"): 0.6, ("pain", "cutaneous"): 0.2}) == 0.6


def test_words_are_synonyms_or_distinguish_documents():
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
    contexts = learn_word_contexts(frame, ["A rash."])
    assert {"rash", "fever", "cyst"} < contexts.vocabulary
    assert contexts.cosine("jaw", "mandible") == contexts.cosine("mandible", "jaw") == 1.0
    assert contexts.cosine("kidney", "jaw") == contexts.cosine("jaw", "kidney") == -1.0
    assert contexts.cosine("hypercalcaemia", "hyperkalemia") == -1.0
    assert contexts.cosine("kidney", "fever") is contexts.cosine("cyst", "rash") is None


def test_words_that_known_anchors_both_use_are_terms_of_the_field():
    contexts = learn_word_contexts(pairs(("IAM role", "a"), ("Lambda function", "b")), ["office"])
    assert contexts.are_both_used("role", "function")
    assert not contexts.are_both_used("role", "office")
