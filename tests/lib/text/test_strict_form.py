"""The strict form merges texts that say the same, and no others."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from stages.lib.preprocessing.word_lists import STOPWORDS
from stages.lib.text.capital_names import CAPITAL_NAMES, is_in_capitals, lower_case
from stages.lib.text.normal_form import normal_form
from stages.lib.text.strict_form import strict_form
from tests.lib.text.strict_pairs import DIFFERENT, SAME

# Letters, digits, marks, punctuation and signs of many scripts.
CHARACTERS = st.one_of(
    st.characters(),
    st.characters(max_codepoint=127),
    st.sampled_from(
        "aaAIiİıſßΣςﬁ15  _-+#<>=!.,:;'’\"“()\u2212\u207b⁺.१ा\u0301\u0307\u0338✓✗Ⓐ™½‐！：你好।/%*\u200b\ufe0f\n"
    ),
)
_WORDS = "A a IT it WHO I 5 7 10 ⁴ - . , : ! ? ' ( ) + < = CD4 foo Bar mM Mg ✓ % -- _ ₂ -5 .5"
PIECES = st.one_of(st.sampled_from(_WORDS.split()), st.sampled_from(' "\n'))
TEXTS = st.one_of(st.text(CHARACTERS, max_size=14), st.lists(PIECES, max_size=10).map("".join))

# Signs that no coarse form tells apart, and those that it does.
SIGNS = st.one_of(
    st.characters(categories=["So", "Sm", "Sc"]), st.sampled_from("✓✗→←±≤∈★👍€%#@&*/")
)

PAIRS_OF_KIND = [(kind, *pair) for kind, pairs in DIFFERENT.items() for pair in pairs]
SAME_OF_KIND = [(kind, *pair) for kind, pairs in SAME.items() for pair in pairs]


@pytest.mark.parametrize(("kind", "left", "right"), PAIRS_OF_KIND)
def test_texts_that_say_something_else_have_two_strict_forms(kind, left, right):
    assert strict_form(left) != strict_form(right)


@pytest.mark.parametrize(("kind", "left", "right"), SAME_OF_KIND)
def test_texts_that_say_the_same_have_one_strict_form(kind, left, right):
    assert strict_form(left) == strict_form(right)


def test_each_kind_has_fifteen_pairs():
    assert len(DIFFERENT) + len(SAME) >= 12
    assert min(map(len, [*DIFFERENT.values(), *SAME.values()])) >= 15


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("  How do I RESET it?! ", "how do i reset it"),
        ("Straße", "straße"),
        ("p<.05", "p < .05"),
        (".NET", ".net"),
        ("learn .NET", "learn .net"),
        ("learn\u00a0.NET", "learn .net"),
        ("learn (.NET)", "learn ( .net )"),
        ("CD4+ and CD8- cells", "cd4+ and cd8- cells"),
        ("(yes).", "( yes )"),
        ("the IT team's plan, 5-7.", "the IT team's plan 5-7."),
        ("?!", "?!"),
        ("✓ ,", "✓ ,"),
        ("- - -", "- - -"),
        ("", ""),
        (" \t\n", ""),
    ],
)
def test_strict_form(text, form):
    assert strict_form(text) == form


@given(TEXTS)
@example("A. b")
@example("5. A, b")
@example("done! ✓")
@example("x_.5")
def test_the_strict_form_of_a_strict_form_is_itself(text):
    assert strict_form(strict_form(text)) == strict_form(text)


@given(TEXTS)
@example("@ .")
@example("CD4⁺")
@example("a-\u200bb")
@example("a！=b")
def test_texts_with_one_strict_form_have_one_coarse_form(text):
    assert normal_form(strict_form(text)) == normal_form(text)


@given(st.text(CHARACTERS, max_size=8), SIGNS, SIGNS, st.text(CHARACTERS, max_size=8))
def test_one_sign_makes_another_text(before, sign, other, behind):
    assume(sign != other)
    with_sign = strict_form(before + sign + behind)
    assert with_sign != strict_form(before + other + behind)
    assert with_sign != strict_form(before + behind)
    assert with_sign != strict_form(f"{before} {behind}")


@given(TEXTS)
def test_only_blank_texts_have_an_empty_strict_form(text):
    assert bool(strict_form(text)) == bool(text.split())


@pytest.mark.parametrize(
    ("text", "lowered"),
    [
        ("the WHO in the US", "the WHO in the US"),
        ("What Is It", "what is it"),
        ("THE IT TEAM", "THE IT team"),  # whole texts in capitals are lowered before
        ("İst ΣΑς Straẞe", "i\u0307st σας straße".replace("ς", "σ")),
        ("Ⓐ Ⅷ", "Ⓐ Ⅷ"),  # symbols and numbers, not letters
        ("IT2 and ITs", "it2 and its"),
        ("5 MG of 5 Mg", "5 mg of 5 Mg"),
    ],
)
def test_lower_case(text, lowered):
    assert lower_case(text) == lowered


@pytest.mark.parametrize(
    ("text", "expected"),
    [("RESET IT", True), ("IT", False), ("WHO US", False), ("Reset IT", False), ("5", False)],
)
def test_texts_in_capitals(text, expected):
    assert is_in_capitals(text) is expected


def test_every_stopword_in_capitals_is_a_name():
    assert {word.upper() for word in STOPWORDS if len(word) > 1} <= CAPITAL_NAMES
