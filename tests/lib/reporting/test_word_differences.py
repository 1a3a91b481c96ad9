"""Two texts as one: the words that only one of them has are marked, and the rest is cut."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.reporting.word_differences import marked_differences, plain_text, word_differences
from tests.properties import examples


@pytest.mark.parametrize(
    ("old", "new", "marked"),
    [
        ("a red skin", "a dry skin", "a <del>red</del><ins>dry</ins> skin"),
        ("same", "same", "same"),
        ("", "new", "<ins>new</ins>"),
        ("old", "", "<del>old</del>"),
        ("<b>x</b>", "x", "<del>&lt;b&gt;</del>x<del>&lt;/b&gt;</del>"),
        ("high-pitched", "high pitched", "high<del>-</del><ins>\u2423</ins>pitched"),
        ("a \n b", "a b", "a<del>\u2423\u23ce\u2423</del><ins>\u2423</ins>b"),
        ("\u53d1\u70e7", "\u53d1\u51b7", "\u53d1<del>\u70e7</del><ins>\u51b7</ins>"),
    ],
)
def test_words_that_only_one_text_has_are_marked(old, new, marked):
    assert marked_differences(old, new) == marked


def test_what_is_far_from_a_difference_is_cut():
    same = "word " * 100
    marked = marked_differences(f"{same}old {same}old {same}", f"{same}new {same}new {same}")
    assert marked.startswith("\u2026")
    assert marked.endswith("\u2026")
    assert marked.count("<del>old</del><ins>new</ins>") == 2
    assert " \u2026 " in marked
    assert len(marked) < 500


def test_a_long_text_is_cut_and_escaped():
    text = plain_text("<" * 1_000_000)
    assert text == "&lt;" * 420 + "\u2026"


@examples(60)
@given(st.text(max_size=60), st.text(max_size=60))
def test_both_texts_can_be_read_from_the_parts(old, new):
    parts = word_differences(old, new)
    assert "".join(text for kind, text in parts if kind != "new") == old
    assert "".join(text for kind, text in parts if kind != "old") == new
    assert set(re.findall(r"</?([a-z]+)", marked_differences(old, new))) <= {"del", "ins"}
