"""The comparison by characters sees what the strict form keeps, and more of neither."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.deduplicate.text_differences import differ_in_empty_words, say_the_same
from stages.lib.preprocessing.word_lists import without_stopwords
from stages.lib.text.strict_form import strict_form
from tests.lib.text.strict_pairs import DIFFERENT, SAME

# Kinds whose pairs differ in more than letter case and free punctuation.
SEEN_KINDS = [
    kind for kind in DIFFERENT if kind not in ("names in capitals", "inside and at words")
]
CHARACTERS = "abAIT .,:;!?'’\"-–()+=<%✓✗5⁴7ßéπЖ日。是\n\t"


@pytest.mark.parametrize(
    ("left", "right"), [pair for kind in SEEN_KINDS for pair in DIFFERENT[kind]]
)
def test_another_content_is_seen(left, right):
    # It sets aside what the strict form keeps beyond the invariant: the case of units, spaces
    # between numbers, and the marks of variables.
    is_case_alone = left.lower() == right.lower()
    is_set_aside = left in ("10,4", "f'(x)", "f' is continuous", "n! terms", "(n - 1)!")
    assert say_the_same(left, right) == (is_case_alone or is_set_aside)


@pytest.mark.parametrize(("left", "right"), [pair for pairs in SAME.values() for pair in pairs])
def test_equal_content_is_equal(left, right):
    assert say_the_same(left, right)


@given(st.text(CHARACTERS, max_size=12))
def test_a_text_says_the_same_as_its_strict_form(text):
    assert say_the_same(text, strict_form(text))


@given(st.text(CHARACTERS, max_size=6), st.text(CHARACTERS, max_size=6))
def test_equal_strict_forms_say_the_same(left, right):
    assert say_the_same(left, right) or strict_form(left) != strict_form(right)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("The cause of the fever", "cause of fever", True),
        ("What is a fever?", "what is fever", True),
        ("please call the team", "call team", True),
        ("the end", "end", True),
        ("Call the IT team", "Call the team", False),
        ("advice of the WHO", "advice of", False),
        ("vitamin A deficiency", "vitamin deficiency", False),
        ("lack of vitamin a", "lack of vitamin", False),
        ("5 to 7 days", "5 7 days", False),
        ("3 of the 5 tests", "3 5 tests", False),
        ("✓ of ✗", "✓ ✗", False),
        ("fever ✓", "fever ✗", False),
        ("the 5-7 rule", "the 5.7 rule", False),
        ("upper limb", "lower limb", False),
        ("A causes B", "B causes A", False),
        ("End. A patient came", "End. patient came", True),
        ("do babies dream", "babies dream", False),
        ("Do I need a visa?", "I need a visa", False),
        ("does it hurt", "it hurt", False),
        ("Is aspirin safe?", "aspirin safe", False),
        ("are cats colour blind", "cats colour blind", False),
        ("was Caesar murdered", "Caesar murdered", False),
        ("has he won", "he won", False),
        ("who won", "won", False),
        ("which bone", "bone", False),
        ("do the test", "the test", False),
        ("have a baby", "a baby", False),
        ("how to be a nurse", "how to nurse", False),
        ("nothing to do", "nothing", False),
        ("The Who concert", "The concert", False),
        ("can the dog eat grapes", "the dog eat grapes", False),
        (
            "Do the patients with diabetes who take insulin need more sleep",
            "patients with diabetes who take insulin need more sleep",
            False,
        ),
        (
            "fever that has a cause which is not known in the children of this house",
            "fever that has cause which not known in children of house",
            True,
        ),
        ("fractures that are present at birth", "fractures present at birth", True),
        ("who are you", "who you", False),
        ("Black, IT", "Black, BE", False),
        ("Keyboard (IT)", "Keyboard", False),
        ("the OR gate", "the gate", False),
        ("Gary, IN", "Gary", False),
        ("World War I", "World War", False),
        ("type I error", "type error", False),
        ("витамин А", "витамин", False),
        ("ομάδα Α", "ομάδα", False),
        ("das DAS Modul", "das Modul", False),
        ("grup O negatif", "grup negatif", False),
        ("IT-Abteilung", "Abteilung", False),
        ("IT & HR", "HR", False),
        ("(WHO) advice", "advice", False),
        ("the A level results", "the level results", False),
    ],
)
def test_empty_words(left, right, expected):
    assert differ_in_empty_words(left, right) is expected

    # The rule decides alike.
    left_content = without_stopwords(strict_form(left))
    assert (left_content == without_stopwords(strict_form(right))) is expected


WORDS = st.lists(
    st.sampled_from(
        [
            "a",
            "A",
            "the",
            "The",
            "IT",
            "it",
            "of",
            "to",
            "and",
            "do",
            "is",
            "who",
            "5",
            "7",
            "✓",
            "fever",
            "Fever",
            "x",
            "(",
            ")",
            "B",
            ".",
        ]
    ),
    max_size=6,
)


@given(WORDS, WORDS)
def test_what_the_rule_takes_for_equal_differs_in_empty_words(left, right):
    left_text, right_text = " ".join(left), " ".join(right)
    left_content = without_stopwords(strict_form(left_text))
    if left_content == without_stopwords(strict_form(right_text)):
        assert differ_in_empty_words(left_text, right_text)
