"""Boilerplate: what recurs goes, what a document says stays, in any order of documents."""

import random

from hypothesis import given
from hypothesis import strategies as st

from stages.clean.boilerplate.removal import (
    count_segments,
    recurring_segments,
    remove_recurring,
    segments,
)
from stages.clean.edits import apply

COOKIES = "We use cookies to improve your visit."
PAGES = [
    f"Acme Help Center\nTo reset device number {index}, hold the button. {COOKIES}\nYes.\n- String"
    for index in range(20)
]
RECURRING = recurring_segments(count_segments(PAGES), len(PAGES), 0.5, 5)


def test_what_recurs_is_removed_with_its_white_space():
    assert (
        apply(PAGES[3], remove_recurring(PAGES[3], RECURRING))
        == "To reset device number 3, hold the button.\nYes.\n- String"
    )


def test_threshold_and_minimum_are_both_needed():
    counts = count_segments(PAGES)
    assert recurring_segments(counts, 20, 1.0, 5) == RECURRING
    assert recurring_segments(counts, 20, 0.5, 21) == frozenset()
    assert recurring_segments(counts, 100, 0.5, 5) == frozenset()


def test_never_an_entire_document():
    assert remove_recurring(COOKIES, RECURRING) == []
    assert remove_recurring(f"Acme Help Center\n{COOKIES}", RECURRING) == []


def test_short_answers_list_items_and_code_are_no_segments():
    assert [segment.start for segment in segments("Yes.\n- String\n```\nimport os now\n```")] == []


def test_abbreviations_end_no_sentence():
    text = "As seen by Dr. Smith in old age. The other sentence stands alone here."
    assert [segment.of(text) for segment in segments(text)] == [
        "As seen by Dr. Smith in old age.",
        "The other sentence stands alone here.",
    ]


def test_chinese_sentences_are_told_apart():
    text = "请勿将本页内容视为医疗建议。发烧是体温升高。"
    assert len(segments(text)) == 2


@given(st.randoms(use_true_random=False))
def test_the_order_of_documents_changes_nothing(random_source):
    shuffled = random_source.sample(PAGES, len(PAGES))
    assert recurring_segments(count_segments(shuffled), len(PAGES), 0.5, 5) == RECURRING


def test_what_was_cleaned_stays_as_it_is():
    random_source = random.Random(3)
    pages = [
        "\n".join(
            random_source.sample(
                ["One line of text", "Another line of text", COOKIES, f"Only page {index} says so"],
                3,
            )
        )
        for index in range(40)
    ]
    recurring = recurring_segments(count_segments(pages), 40, 0.3, 5)
    cleaned = [apply(page, remove_recurring(page, recurring)) for page in pages]
    recurring_after = recurring_segments(count_segments(cleaned), 40, 0.3, 5)
    assert [remove_recurring(page, recurring) for page in cleaned] == [[]] * 40
    assert [remove_recurring(page, recurring_after) for page in cleaned] == [[]] * 40
