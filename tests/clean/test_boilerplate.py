"""Boilerplate: what recurs goes, what a document says stays, in any order of documents."""

import random

from hypothesis import given
from hypothesis import strategies as st

from stages.clean.boilerplate import counts, recurring, remove, segments
from stages.clean.edits import apply

COOKIES = "We use cookies to improve your visit."
PAGES = [
    f"Acme Help Center\nTo reset device number {at}, hold the button. {COOKIES}\nYes.\n- String"
    for at in range(20)
]
EVERY = recurring(counts(PAGES), len(PAGES), 0.5, 5)


def test_lines_and_sentences_that_recur_are_removed_with_their_white_space():
    assert (
        apply(PAGES[3], remove(PAGES[3], EVERY))
        == "To reset device number 3, hold the button.\nYes.\n- String"
    )


def test_threshold_and_minimum_are_both_needed():
    found = counts(PAGES)
    assert recurring(found, 20, 1.0, 5) == EVERY
    assert recurring(found, 20, 0.5, 21) == frozenset()
    assert recurring(found, 100, 0.5, 5) == frozenset()


def test_never_an_entire_document():
    assert remove(COOKIES, EVERY) == []
    assert remove(f"Acme Help Center\n{COOKIES}", EVERY) == []


def test_short_answers_list_items_and_code_are_no_segments():
    assert [segment.start for segment in segments("Yes.\n- String\n```\nimport os now\n```")] == []


def test_abbreviations_end_no_sentence():
    text = "As seen by Dr. Smith in old age. The other sentence stands alone here."
    assert [text[start:end] for start, end, _ in segments(text)] == [
        "As seen by Dr. Smith in old age.",
        "The other sentence stands alone here.",
    ]


def test_chinese_sentences_are_told_apart():
    text = "请勿将本页内容视为医疗建议。发烧是体温升高。"
    assert len(segments(text)) == 2


@given(st.randoms(use_true_random=False))
def test_the_order_of_documents_changes_nothing(chance):
    shuffled = chance.sample(PAGES, len(PAGES))
    assert recurring(counts(shuffled), len(PAGES), 0.5, 5) == EVERY


def test_what_was_cleaned_stays_as_it_is():
    draw = random.Random(3)
    pages = [
        "\n".join(
            draw.sample(
                ["One line of text", "Another line of text", COOKIES, f"Only page {at} says so"], 3
            )
        )
        for at in range(40)
    ]
    keys = recurring(counts(pages), 40, 0.3, 5)
    cleaned = [apply(page, remove(page, keys)) for page in pages]
    again = recurring(counts(cleaned), 40, 0.3, 5)
    assert [remove(page, keys) for page in cleaned] == [[]] * 40
    assert [remove(page, again) for page in cleaned] == [[]] * 40
