"""Recipes pair a document with a part of itself or its like, and take what is asked out of what is trained on."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.lib.text import hash_hex, normal_form
from stages.pair.cuts import first_sentence, neighbours, title
from stages.pair.params import RECIPES
from stages.pair.recipes import propose
from stages.pair.rings import same_label, synonyms
from stages.pair.sections import heading, headings_of, question
from tests.pair.rows import d, p, read, told

TWO = "Hold the round button down. The lamp blinks two times. Then let the button go. It starts anew at once."


def test_a_title_should_find_its_document_wherever_in_it():
    reset, untitled, blank = read(
        ("a", "Reset", "Hold it."), ("b", "", "Call us."), ("c", " ", "Wait.")
    )
    found = {one.doc_id: one for source in (reset, untitled, blank) for one in title(source)}
    assert list(found) == [d("a")]
    one = found[d("a")]
    assert (one.anchor, one.positive, one.cut, one.origin_id) == ("Reset", "", None, d("a"))
    assert one.pair_id == "p" + hash_hex("pair.title", d("a"))


def test_the_first_sentence_is_taken_out_of_its_passage():
    (source,) = read(("a", "", TWO), words=10)
    assert [source.text[slice(*span)] for span in source.passages] == [
        "Hold the round button down. The lamp blinks two times.",
        "Then let the button go. It starts anew at once.",
    ]
    assert told(first_sentence(source)) == [
        ("Hold the round button down.", "The lamp blinks two times."),
        ("Then let the button go.", "It starts anew at once."),
    ]


def test_a_sentence_that_says_too_little_is_passed_over_and_so_is_a_passage_of_one():
    (source,) = read(("a", "", "Reset\nHold the round button down. The lamp blinks two times."))
    assert told(first_sentence(source)) == [
        ("Hold the round button down.", "Reset\nThe lamp blinks two times.")
    ]
    assert not [
        one
        for text in ("Hold the round button down.", "No. Yes. Well.")
        for one in first_sentence(*read(("a", "", text)))
    ]


def test_a_passage_should_find_the_next_without_what_both_hold():
    (source,) = read(("a", "", TWO), words=10, overlap=5)
    assert [source.text[slice(*span)] for span in source.passages] == [
        "Hold the round button down. The lamp blinks two times.",
        "The lamp blinks two times. Then let the button go.",
        "Then let the button go. It starts anew at once.",
    ]
    assert told(neighbours(source)) == [
        ("Hold the round button down. The lamp blinks two times.", "Then let the button go."),
        ("The lamp blinks two times. Then let the button go.", "It starts anew at once."),
    ]
    assert not list(neighbours(*read(("b", "", TWO))))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("How do I reset it?\nHold the button.", [("How do I reset it?", "Hold the button.")]),
        ("Q: How do I reset it? A: Hold the button.", [("How do I reset it?", "Hold the button.")]),
        ("Q: Reset it\nplease?\nA: Hold it.", [("Reset it please?", "Hold it.")]),
        (
            "Question 1: Why?\nAnswer 1: So.\nQuestion 2: When?\nAnswer 2: Now.",
            [("Why?", "So."), ("When?", "Now.")],
        ),
        ("Why?\nSo.\nSo it is.\n\nWhen?\nNow.", [("Why?", "So.\nSo it is."), ("When?", "Now.")]),
        ("Why?\nSo.\nwhy\nWhy?\nAgain.", [("Why?", "So.\nwhy")]),  # asked once
        (
            "\u4e3a\u4ec0\u4e48\uff1f\n\u56e0\u4e3a\u3002",
            [("\u4e3a\u4ec0\u4e48\uff1f", "\u56e0\u4e3a\u3002")],
        ),
        ("It is red. Why?\nSo.", [("It is red. Why?", "So.")]),
        ("Take vitamin A: it helps.\nWhy?\nSo.", []),  # does not begin with a question
        (
            "Does it need vitamin A?\nVitamin A: yes.",
            [("Does it need vitamin A?", "Vitamin A: yes.")],
        ),
        ("Why?", []),
        ("Hold the button.", []),
    ],
)
def test_a_question_should_find_its_answer(text, found):
    (source,) = read(("a", "", text))
    made = list(question(source))
    assert told(made) == found
    for one in made:
        assert normal_form(one.anchor) in normal_form(source.text[slice(*one.cut)])


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (
            "<h1>Reset</h1><p>Hold.</p><h2 class='x'>The <b>lamp</b> &amp; more</h2>",
            ["Reset", "The lamp & more"],
        ),
        ("# Reset\nHold.\n\n## The **lamp** ##\n", ["Reset", "The lamp"]),
        ("See [the lamp](x)\n=====\nHold.\n", ["See the lamp"]),
        ("#1 of items\n<p>h1</p>\n- item\n---\n", []),
        ("Hold.", []),
    ],
)
def test_headings_are_read_from_the_text_as_collected(raw, found):
    assert headings_of(raw) == found


def test_a_heading_should_find_its_section_and_a_title_goes_before_it():
    text = "Reset\nHold the round button down.\nLamp\nIt blinks two times, then stops.\nOdd\nNo."
    raw = "# Reset\nHold the round button down.\n## Lamp\nIt blinks two times, then stops.\n### Odd\nNo."
    (source,) = read(("a", "The grinder", text))
    assert told(heading(source, raw)) == [
        ("The grinder: Reset", "Hold the round button down."),
        ("The grinder: Lamp", "It blinks two times, then stops."),
    ]
    (plain,) = read(("a", "", text))
    assert [one.anchor for one in heading(plain, raw)] == ["Reset", "Lamp"]
    assert not list(heading(plain, text)), "a line is a heading only if it was marked as one"
    assert [
        one.anchor for one in heading(*read(("a", "", text.replace("Lamp", "Light"))), raw)
    ] == ["Reset"]


def test_of_a_section_over_two_passages_the_longer_part_is_taken():
    (source,) = read(("a", "", "Reset\n" + TWO), words=11)
    assert [source.text[slice(*span)] for span in source.passages] == [
        "Reset\nHold the round button down. The lamp blinks two times.",
        "Then let the button go. It starts anew at once.",
    ]
    assert told(heading(source, "# Reset\n" + TWO)) == [
        ("Reset", "Hold the round button down. The lamp blinks two times.")
    ]


def test_documents_of_a_topic_form_a_ring():
    found = read(
        *((name, "", f"Text {name}.", topic) for name, topic in zip("abcde", "xxxy ", strict=True))
    )
    made = list(same_label(found))
    assert (
        {one.origin_id for one in made}
        == {one.doc_id for one in made}
        == {d(name) for name in "abc"}
    )
    assert all(one.origin_id != one.doc_id for one in made)
    assert {one.anchor for one in made} == {"Text a.", "Text b.", "Text c."}


def test_names_of_a_document_should_find_each_other():
    found = read(
        ("a", "Stroke", "A brain without blood."), ("b", "", "Pain."), ("c", "Ache", "It hurts.")
    )
    asked = {
        d("a"): [(p("1"), "CVA"), (p("2"), "brain attack"), (p("3"), "STROKE")],
        d("b"): [(p("4"), "ouch")],
    }
    made = list(synonyms(found, asked))
    assert {one.doc_id for one in made} == {d("a")}
    assert (
        sorted(one.anchor for one in made)
        == sorted(one.positive for one in made)
        == ["CVA", "Stroke", "brain attack"]
    )
    origin = {"CVA": p("1"), "brain attack": p("2"), "Stroke": d("a")}
    assert all(one.origin_id == origin[one.positive] and one.anchor != one.positive for one in made)
    assert len(list(synonyms(found, {d("a"): [(p("1"), "CVA")]}))) == 1, (
        "of two names one is asked for the other"
    )


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


@settings(max_examples=80, deadline=None)
@given(
    st.lists(TEXTS.filter(str.strip), min_size=1, max_size=4),
    st.integers(4, 12),
    st.randoms(use_true_random=False),
)
def test_made_pairs_are_parts_of_their_document_whatever_the_order(texts, words, chance):
    rows = [(f"{at}", f"Title {at}", text.strip(), "x") for at, text in enumerate(texts)]
    raw = {d(name): f"# Odd\n{text}" for name, _, text, _ in rows}
    asked = {d(name): [(p(name), f"name {name}")] for name, *_ in rows}
    found = []
    for _ in range(2):
        chance.shuffle(rows)
        found.append(list(propose(RECIPES, read(*rows, words=words, overlap=2), raw, asked)))
    assert sorted(found[0], key=str) == sorted(found[1], key=str)
    assert len({one.pair_id for one in found[0]}) == len(found[0])
    text_of = {d(name): text for name, _, text, _ in rows}
    for one in found[0]:
        assert normal_form(one.anchor)
        if one.recipe == "neighbours":
            assert one.positive in text_of[one.doc_id]
        if one.recipe in ("first_sentence", "question"):
            assert normal_form(one.anchor) in normal_form(text_of[one.doc_id][slice(*one.cut)])
