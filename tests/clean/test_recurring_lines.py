"""A recurring line that carries something stays, one that carries nothing goes."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.clean.boilerplate import model
from stages.clean.boilerplate.recurring_lines import families
from stages.deduplicate.text_differences import say_the_same
from stages.lib.text.normal_form import normal_form
from tests.clean.sources import clean_source

WOODS = ["oak", "ash", "elm", "birch", "pine", "maple", "cedar", "larch", "beech", "walnut"]
FOOTER = "Was this article helpful?"

# Texts of their own, 40 in all.
BODIES = [
    f"The {WOODS[index % 10]} article number {index} describes how {WOODS[index * 3 % 10]} is cut, "
    f"dried, stacked and sold by traders in region {index * 7 % 13}."
    for index in range(40)
]

# Recurring lines that carry something: the lines of which each document holds one.
CONTENT = [
    ("Width: 20 cm", "Width: 30 cm"),
    ("Width = 20 cm", "Width = 2 m"),
    ("Seat height - 45 cm", "Seat height - 48 cm"),
    ("Material: solid oak", "Material: black steel"),
    ("Made in Italy", "Made in South Korea"),
    ("Suitable for children", "Suitable for adults"),
    ("Battery of 5 Ah included", "Battery of 2 Ah included"),
    ("mg per day", "g per day"),
    ("micrograms per litre", "milligrams per litre"),
    ("Farbe: rot lackiert", "Farbe: blau matt"),
    ("Matière : chêne massif", "Matière : acier noir"),
    ("Цвет: тёмно-красный", "Цвет: синий матовый"),
    ("颜色：深红色的", "颜色：浅蓝色的"),
    ("اللون: أحمر غامق", "اللون: أزرق فاتح"),
    ("材质：实心橡木", "材质：黑色钢材"),
    (
        "This agreement is governed by the laws of Ohio.",
        "This agreement is governed by the laws of New York.",
    ),
    ("The deposit is refundable.", "The deposit is not refundable."),
    ("Yes, this is covered in full.", "No, it is excluded."),
    ("Please ask your branch office.", "Reset it in the menu of settings."),
    ("Dishwasher safe and oven safe", "Wash by hand alone please"),
    ("Level of evidence: low quality", "Level of evidence: high quality"),
    ("Severity grade 3 of 5", "Severity grade 4 of 5"),
    ("class: E101 warning only", "class: W292 error level"),
]

# Recurring lines that carry nothing.
FURNITURE = [
    FOOTER,
    "Acme Help Center",
    "We use cookies to improve your visit.",
    "All rights reserved by the Acme Corporation",
    "This page does not replace medical advice.",
    "Free shipping on all orders",
    "Kind regards, Jane Doe",
    "Back to the top",
    "Alle Preise inklusive Mehrwertsteuer",
    "Tous droits réservés par la société",
    "Все права защищены законом",
    "请勿将本页内容视为医疗建议",
    "جميع الحقوق محفوظة للشركة",
    "Share this on social media",
    "Subscribe to our newsletter today",
    "Call our hotline for more details.",
]


@pytest.mark.parametrize("lines", CONTENT, ids=lambda lines: lines[0])
def test_what_tells_documents_apart_stays(lines):
    texts = [f"{body}\n{lines[index % 2]}\n{FOOTER}" for index, body in enumerate(BODIES)]
    cleaned, verdict_of_line = clean_source(texts)
    assert cleaned == [text.removesuffix(f"\n{FOOTER}") for text in texts]
    assert verdict_of_line == {
        lines[0]: verdict_of_line[lines[0]],
        lines[1]: verdict_of_line[lines[1]],
        FOOTER: "removed",
    }
    assert {verdict_of_line[line] for line in lines} <= {"field", "choice"}


@pytest.mark.parametrize("line", FURNITURE)
@pytest.mark.parametrize("place", ["before", "behind"])
def test_what_carries_nothing_goes(line, place):
    texts = [f"{line}\n{body}" if place == "before" else f"{body}\n{line}" for body in BODIES]
    assert clean_source(texts) == (BODIES, {line: "removed"})


def test_furniture_of_some_documents_goes():
    texts = [
        body + (f" {FURNITURE[2]}" if index % 3 else "") + (f"\n{FOOTER}" if index % 2 else "")
        for index, body in enumerate(BODIES)
    ]
    assert clean_source(texts) == (BODIES, {FURNITURE[2]: "removed", FOOTER: "removed"})


def test_headings_of_sections_stay():
    texts = [
        f"Medicine {index} of {WOODS[index % 10]}\nSide effects\n{body}\nHow to store\nKeep at {index}."
        for index, body in enumerate(BODIES)
    ]
    cleaned, verdict_of_line = clean_source(texts)
    assert cleaned == texts
    assert verdict_of_line == {"Side effects": "heading", "How to store": "heading"}


def test_the_heading_of_one_text_is_furniture():
    texts = [f"{body}\nKind regards from us\nJane" for body in BODIES]
    cleaned, verdict_of_line = clean_source(texts)
    assert verdict_of_line == {"Kind regards from us": "removed"}
    assert cleaned[0] == f"{BODIES[0]}\nJane"


def test_a_line_whose_presence_is_the_difference_stays():
    line = "Dishwasher safe and oven safe"
    texts = [
        f"{BODIES[index // 2]}\n{line}\n{FOOTER}"
        if index % 2
        else f"{BODIES[index // 2]}\n{FOOTER}"
        for index in range(40)
    ]
    cleaned, verdict_of_line = clean_source(texts)
    assert verdict_of_line == {line: "distinct", FOOTER: "removed"}
    assert cleaned == [text.removesuffix(f"\n{FOOTER}") for text in texts]


def test_one_document_with_a_double_keeps_its_line():
    texts = [*(f"{body}\n{FOOTER}" for body in BODIES), BODIES[0]]
    cleaned, verdict_of_line = clean_source(texts)
    assert verdict_of_line == {FOOTER: "removed"}
    assert cleaned == [texts[0], *BODIES[1:], BODIES[0]]


def test_set_answers_that_are_the_whole_text_stay():
    answers = ["Please contact your branch office.", "You can reset it in the menu."]
    texts = [*(answers[index % 2] for index in range(20)), *BODIES[:20]]
    cleaned, verdict_of_line = clean_source(texts)
    assert cleaned == texts
    assert set(verdict_of_line.values()) == {"most_words"}


def test_many_combinations_of_clauses_stay():
    clauses = [f"Clause about the {wood} in the garden of the house." for wood in WOODS]
    pairs = list(combinations(range(10), 2))[:40]
    texts = [f"{BODIES[index]}\n{clauses[a]}\n{clauses[b]}" for index, (a, b) in enumerate(pairs)]
    cleaned, verdict_of_line = clean_source(texts)
    assert cleaned == texts
    assert set(verdict_of_line.values()) <= {"choice", "field"}


def test_numbers_with_units_are_values():
    texts = [f"{body}\n20 cm\n1,5 l\n$ 5 each" for body in BODIES]
    assert clean_source(texts) == (texts, {})


@pytest.mark.parametrize(
    ("left", "right", "is_family"),
    [
        ("Width: 20 cm", "Width: narrow", True),
        ("Width: 20 cm", "Depth 7 in", False),
        ("Farbe: rot", "Farbe：blau", True),
        ("| Width | 20 cm |", "| Width | 3 m |", True),
        ("Made in Italy", "Made in South Korea", True),
        ("governed by the laws of Ohio", "governed by the laws of New York", True),
        ("Page 1 of 9 pages", "Page 2 of 9 pages", True),
        ("mg per day", "g per day", True),
        ("Batteries included", "Cables included", True),
        ("Acme Help Center", "Was this helpful?", False),
        ("We use cookies to improve your experience.", "We use a scalpel to open the skin.", False),
        ("颜色：深红色", "颜色：浅蓝色", True),
        ("Цвет: красный", "Цвет: синий", True),
        (
            "Note: " + "this page is for information only and replaces no advice at all",
            "Note: see",
            False,
        ),
        ("One line of text", "Another thing to say", False),
    ],
)
def test_families(left, right, is_family):
    left_families = set(families(left, normal_form(left)))
    assert bool(left_families & set(families(right, normal_form(right)))) == is_family


LINES = [
    FOOTER,
    "Made in Italy",
    "Made in Spain",
    "Dishwasher safe today",
    "Oak table",
    "Ash table",
]
SOURCES = st.lists(
    st.lists(st.sampled_from(LINES), min_size=1, max_size=4).map("\n".join), min_size=8, max_size=24
)


def made_equal(texts: list[str]) -> int:
    """Return how many pairs of documents say the same after cleaning alone."""
    cleaned, _ = clean_source(texts)
    pairs = combinations(range(len(texts)), 2)
    return sum(
        say_the_same(cleaned[left], cleaned[right]) and not say_the_same(texts[left], texts[right])
        for left, right in pairs
    )


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(SOURCES)
def test_cleaning_makes_no_documents_equal(texts):
    assert made_equal(texts) == 0


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(SOURCES, st.randoms(use_true_random=False))
def test_the_order_of_documents_decides_nothing(texts, random):
    order = random.sample(range(len(texts)), len(texts))
    cleaned, verdict_of_line = clean_source(texts)
    shuffled, shuffled_verdicts = clean_source([texts[index] for index in order])
    assert shuffled == [cleaned[index] for index in order]
    assert shuffled_verdicts == verdict_of_line


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["distinguishing_lines", "colliding_texts"])
def test_a_rule_that_sees_no_collision_is_caught(monkeypatch, rule):
    line = "Dishwasher safe and oven safe"
    doubles = [f"{BODIES[index]}\n{line}" for index in range(20 if rule[0] == "d" else 1)]
    fillers = [f"{body}\n{line}" for body in BODIES[20:]]
    texts = [*BODIES[: len(doubles)], *doubles, *fillers]
    assert made_equal(texts) == 0

    # Without the rule on lines the rule on texts still helps, so both are sabotaged.
    monkeypatch.setattr(model, "colliding_texts", lambda *_: frozenset())
    if rule == "distinguishing_lines":
        monkeypatch.setattr(model, rule, lambda _: {})
    assert made_equal(texts) == len(doubles)


@pytest.mark.slow
def test_a_rule_without_fields_is_caught(monkeypatch):
    lines = CONTENT[0]
    texts = [f"{BODIES[index // 2]}\n{lines[index % 2]}" for index in range(40)]
    assert made_equal(texts) == 0
    monkeypatch.setattr(model, "is_field", lambda *_: False)
    monkeypatch.setattr(model, "colliding_texts", lambda *_: frozenset())
    monkeypatch.setattr(model, "verdicts", lambda counts: dict.fromkeys(counts.holders, "removed"))
    assert made_equal(texts) == 20
