"""A heading finds its section, and a question its answer."""

import pytest

from stages.lib.text.normal_form import normal_form
from stages.pair.sections import heading, headings_of, question
from tests.pair.rows import TWO_PASSAGES, read_sources, texts_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("How do I reset it?\nHold the button.", [("How do I reset it?", "Hold the button.")]),
        ("Q: How do I reset it? A: Hold the button.", [("How do I reset it?", "Hold the button.")]),
        ("Q: Reset it\nplease?\nA: Hold it.", [("Reset it please?", "Hold it.")]),
        (
            "Question 1: Why?\nAnswer 1: So.\nQuestion 2: When?\nAnswer 2: Now.",
            [("Why?", "So."), ("When?", "Now.")],
        ),
        ("Why?\nSo.\nSo it is.\n\nWhen?\nNow.", [("Why?", "So.\nSo it is."), ("When?", "Now.")]),
        ("Why?\nSo.\nwhy\nWhy?\nAgain.", [("Why?", "So.\nwhy")]),  # once
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
def test_a_question_should_find_its_answer(text, expected):
    (source,) = read_sources(("a", "", text))
    candidates = list(question(source))
    assert texts_of(candidates) == expected
    for pair in candidates:
        assert normal_form(pair.anchor) in normal_form(source.text[slice(*pair.anchor_span)])


@pytest.mark.parametrize(
    ("collected_text", "expected"),
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
def test_headings_are_read_from_the_text_as_collected(collected_text, expected):
    assert headings_of(collected_text) == expected


def test_a_heading_finds_its_section_with_the_title_in_front():
    text = "Reset\nHold the round button down.\nLamp\nIt blinks two times, then stops.\nOdd\nNo."
    raw = "# Reset\nHold the round button down.\n## Lamp\nIt blinks two times, then stops.\n### Odd\nNo."
    (source,) = read_sources(("a", "The grinder", text))
    assert texts_of(heading(source, raw)) == [
        ("The grinder: Reset", "Hold the round button down."),
        ("The grinder: Lamp", "It blinks two times, then stops."),
    ]
    (plain,) = read_sources(("a", "", text))
    assert [pair.anchor for pair in heading(plain, raw)] == ["Reset", "Lamp"]
    assert not list(heading(plain, text)), "a line is a heading only if it was marked as one"
    assert [
        pair.anchor
        for pair in heading(*read_sources(("a", "", text.replace("Lamp", "Light"))), raw)
    ] == ["Reset"]


def test_of_a_section_over_two_passages_the_longer_part_is_taken():
    (source,) = read_sources(("a", "", "Reset\n" + TWO_PASSAGES), words=11)
    assert [source.text[slice(*span)] for span in source.passages] == [
        "Reset\nHold the round button down. The lamp blinks two times.",
        "Then let the button go. It starts anew at once.",
    ]
    assert texts_of(heading(source, "# Reset\n" + TWO_PASSAGES)) == [
        ("Reset", "Hold the round button down. The lamp blinks two times.")
    ]
