"""Recipes pair a document with a part of itself or its like, and cut the anchor out of the positive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.core.ids import hash_hex
from stages.lib.text.normal_form import normal_form
from stages.pair.interface import RECIPES
from stages.pair.recipes import (
    first_sentence,
    neighbours,
    propose_candidates,
    same_label,
    synonyms,
    title,
)
from stages.pair.render import SourceDocument, Span
from tests.pair.rows import TWO_PASSAGES, d, p, read_sources, texts_of
from tests.properties import examples


def test_a_title_should_find_any_passage_of_its_document():
    reset, untitled, blank = read_sources(
        ("a", "Reset", "Hold it."), ("b", "", "Call us."), ("c", " ", "Wait.")
    )
    pair_of_document = {
        pair.doc_id: pair for source in (reset, untitled, blank) for pair in title(source)
    }
    assert list(pair_of_document) == [d("a")]
    pair = pair_of_document[d("a")]
    assert (pair.anchor, pair.positive, pair.anchor_span, pair.origin_id) == (
        "Reset",
        "",
        None,
        d("a"),
    )
    assert pair.pair_id == "p" + hash_hex("pair.title", d("a"))


def test_the_first_sentence_is_taken_out_of_its_passage():
    (source,) = read_sources(("a", "", TWO_PASSAGES), words=10)
    assert [source.text[slice(*span)] for span in source.passages] == [
        "Hold the round button down. The lamp blinks two times.",
        "Then let the button go. It starts anew at once.",
    ]
    assert texts_of(first_sentence(source)) == [
        ("Hold the round button down.", "The lamp blinks two times."),
        ("Then let the button go.", "It starts anew at once."),
    ]


def test_short_sentences_and_passages_of_one_are_skipped():
    (source,) = read_sources(
        ("a", "", "Reset\nHold the round button down. The lamp blinks two times.")
    )
    assert texts_of(first_sentence(source)) == [
        ("Hold the round button down.", "Reset\nThe lamp blinks two times.")
    ]
    assert not [
        pair
        for text in ("Hold the round button down.", "No. Yes. Well.")
        for pair in first_sentence(*read_sources(("a", "", text)))
    ]


def test_a_passage_should_find_the_next_without_what_both_hold():
    (source,) = read_sources(("a", "", TWO_PASSAGES), words=10, overlap=5)
    assert [source.text[slice(*span)] for span in source.passages] == [
        "Hold the round button down. The lamp blinks two times.",
        "The lamp blinks two times. Then let the button go.",
        "Then let the button go. It starts anew at once.",
    ]
    assert texts_of(neighbours(source)) == [
        ("Hold the round button down. The lamp blinks two times.", "Then let the button go."),
        ("The lamp blinks two times. Then let the button go.", "It starts anew at once."),
    ]
    assert not list(neighbours(*read_sources(("b", "", TWO_PASSAGES))))


@pytest.mark.parametrize(("rest", "count"), [("So it is.", 0), ("So it is now.", 1)])
def test_four_words_are_enough_for_a_positive(rest, count):
    first = "Hold the round button down."
    source = SourceDocument(
        d("a"),
        "",
        f"{first} {rest}",
        "",
        (Span(0, len(first)), Span(0, len(first) + 1 + len(rest))),
    )
    assert [pair.positive for pair in neighbours(source)] == [rest][:count]
    one_passage = source._replace(passages=source.passages[1:])
    assert texts_of(first_sentence(one_passage)) == [(first, rest)][:count]


@pytest.mark.parametrize(
    ("sentence", "anchor"),
    [("So it is.", "Hold the round button down."), ("So it is now.", "So it is now.")],
)
def test_four_words_are_enough_for_an_anchor(sentence, anchor):
    text = f"{sentence} Hold the round button down. The lamp blinks two times."
    (pair,) = first_sentence(*read_sources(("a", "", text)))
    assert pair.anchor == anchor


def test_documents_of_a_topic_form_a_ring():
    sources = read_sources(
        *((name, "", f"Text {name}.", topic) for name, topic in zip("abcde", "xxxy ", strict=True))
    )
    candidates = list(same_label(sources))
    assert (
        {pair.origin_id for pair in candidates}
        == {pair.doc_id for pair in candidates}
        == {d(name) for name in "abc"}
    )
    assert all(pair.origin_id != pair.doc_id for pair in candidates)
    assert {pair.anchor for pair in candidates} == {"Text a.", "Text b.", "Text c."}


def test_documents_without_a_topic_are_no_like_of_each_other():
    assert list(same_label(read_sources(("a", "", "Text a."), ("b", "", "Text b.")))) == []


def test_names_of_a_document_should_find_each_other():
    sources = read_sources(
        ("a", "Stroke", "A brain without blood."), ("b", "", "Pain."), ("c", "Ache", "It hurts.")
    )
    given_anchors = {
        d("a"): [(p("1"), "CVA"), (p("2"), "brain attack"), (p("3"), "STROKE")],
        d("b"): [(p("4"), "ouch")],
    }
    candidates = list(synonyms(sources, given_anchors))
    assert {pair.doc_id for pair in candidates} == {d("a")}
    assert (
        sorted(pair.anchor for pair in candidates)
        == sorted(pair.positive for pair in candidates)
        == ["CVA", "Stroke", "brain attack"]
    )
    origin = {"CVA": p("1"), "brain attack": p("2"), "Stroke": d("a")}
    assert all(
        pair.origin_id == origin[pair.positive] and pair.anchor != pair.positive
        for pair in candidates
    )
    assert len(list(synonyms(sources, {d("a"): [(p("1"), "CVA")]}))) == 1, "two names give one pair"


TEXTS = st.lists(
    st.sampled_from(
        [
            "Hold the round button. ",
            "The lamp blinks twice. ",
            "Why?\n",
            "So it is now.\n",
            "Odd ",
            "\n",
        ]
    ),
    min_size=1,
    max_size=12,
).map("".join)


@examples(80)
@given(
    st.lists(TEXTS.filter(str.strip), min_size=1, max_size=4),
    st.integers(4, 12),
    st.randoms(use_true_random=False),
)
def test_candidates_are_parts_of_their_document(texts, words, chance):
    rows = [(f"{index}", f"Title {index}", text.strip(), "x") for index, text in enumerate(texts)]
    collected_text = {d(name): f"# Odd\n{text}" for name, _, text, _ in rows}
    given_anchors = {d(name): [(p(name), f"name {name}")] for name, *_ in rows}
    results = []
    for _ in range(2):
        chance.shuffle(rows)
        candidates = propose_candidates(
            RECIPES,
            read_sources(*rows, words=words, overlap=2),
            collected_text=collected_text,
            given_anchors=given_anchors,
        )
        results.append(list(candidates))
    assert sorted(results[0], key=str) == sorted(results[1], key=str)
    assert len({pair.pair_id for pair in results[0]}) == len(results[0])
    text_of = {d(name): text for name, _, text, _ in rows}
    for pair in results[0]:
        assert normal_form(pair.anchor)
        if pair.recipe == "neighbours":
            assert pair.positive in text_of[pair.doc_id]
        if pair.recipe in ("first_sentence", "question"):
            span_text = text_of[pair.doc_id][slice(*pair.anchor_span)]
            assert normal_form(pair.anchor) in normal_form(span_text)
