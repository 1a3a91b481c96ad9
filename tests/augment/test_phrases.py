"""Phrases that say the same become the same, and others stay."""

import pytest

from stages.augment.content_words import word_changes
from stages.augment.phrases import plain_phrases


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("Heart-shaped leaves", "Leaves in the shape of a heart"),
        ("erythrocytes that are sphere-shaped", "erythrocytes that are in the form of a sphere"),
        ("a star-shaped badge", "a badge with the shape of a star"),
        ("Take it twice a day", "Take it two times a day"),
        ("thrice as fast", "three times as fast"),
        ("The left lung is smaller", "The left lung is of smaller size"),
        ("a tall man", "a man of tall stature"),
        ("narrow streets", "streets narrow in width"),
        ("a red car", "a car of red colour"),
        ("Few replies", "replies few in number"),
    ],
)
def test_phrases_that_say_the_same_change_no_word(text, other):
    changes = word_changes(text, other, frozenset())
    assert (changes.lost, changes.gained) == ((), ())


@pytest.mark.parametrize(
    ("text", "other", "lost", "gained"),
    [
        ("The teeth are small", "The teeth are small in number", (), ("number",)),
        ("an increase in size", "an increase in number", ("size",), ("number",)),
        ("Heart-shaped leaves", "Leaves in the shape of a star", ("heart",), ("star",)),
        ("a lump of unknown type", "a lump of unknown size", ("type",), ("size",)),
        ("Data by mail", "Data in the form of a list", ("mail",), ("form", "list")),
    ],
)
def test_phrases_that_say_something_else_stay(text, other, lost, gained):
    changes = word_changes(text, other, frozenset())
    assert (changes.lost, changes.gained) == (lost, gained)


@pytest.mark.parametrize(
    "text", ["in the form of a request", "many times", "of a certain size", "at all times", ""]
)
def test_other_phrases_are_unchanged(text):
    assert plain_phrases(text) == text
