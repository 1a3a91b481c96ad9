"""Normal forms, words, shingles and hashes of texts."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stages.lib.core.ids import hash_hex
from stages.lib.text.normal_form import (
    _general_form,
    jaccard,
    normal_form,
    shingle_hashes,
    shingles,
    similarity,
    words,
)

# Letters of many scripts, marks, punctuation and spaces, so that hypothesis meets what matters.
TEXTS = st.text(
    alphabet=st.one_of(
        st.characters(), st.sampled_from("aIiİı\u0307\u0345\u0301ßΣςﬁ _-+#<\u2212\u207b.１ा्")
    ),
    max_size=20,
)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("  How do I   RESET it?! ", "how do i reset it"),
        ("Straße", "strasse"),  # sharp s folds to two letters
        ("ＦＵＬＬ　ｗｉｄｔｈ １２", "full width 12"),
        ("ﬁne½", "fine1 2"),  # ligatures and fractions are spelled out
        ("ΟΔΟΣ", "οδοσ"),  # final sigma
        ("İstanbul", "istanbul"),  # the Turkish capital, whose lower case has one dot
        ("ISTANBUL", "istanbul"),
        ("ısırgan", "ısırgan"),  # the dotless i is another letter
        ("snake_case-name", "snake case name"),
        ("a_-b", "a b"),
        ("cafe\u0301", "café"),  # composed or not
        ("q\u0307", "q\u0307"),  # an accent that has no composed form stays with its letter
        ("दिन", "दिन"),  # vowel signs stay with theirs
        ("I ❤\ufe0f it", "i it"),
        ("one1\ufe0f two2\ufe00 three3\ufe0e", "one1 two2 three3"),
        ("C++ or C#?", "c++ or c#"),
        ("CD4+ and CD8- cells", "cd4+ and cd8- cells"),
        ("p<0.05", "p < 0 05"),
        ("p < 0.05", "p < 0 05"),
        ("\u22125 \u00b0C", "-5 \u00b0 c"),  # the minus sign is a hyphen
        ("10\u207b\u00b3", "10 3"),  # between digits a hyphen is punctuation, as in a range
        ("10-20 %", "10 20 %"),
        ("5%", "5 %"),
        ("co-operate \u2013 twice", "co operate twice"),
        ("- 5 items", "5 items"),  # a bullet
        ("+", "+"),
        (" - ", "-"),
        ("?!  …", "?! ..."),
        ("", ""),
        (" \t\n", ""),
    ],
)
def test_normal_form(text, normal):
    assert normal_form(text) == normal


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("+", "-"),
        ("upper limb", "lower limb"),
        ("दिन", "दीन"),
        ("กา", "กี"),
        ("1,5", "15"),
        ("CD4", "CD8"),
        ("CD4+", "CD4-"),
        ("CD4+", "CD4"),
        ("CD4\u2212 cells", "CD4 cells"),
        ("C++", "C#"),
        ("C++", "C"),
        ("p < 0.05", "p > 0.05"),
        ("p \u2264 0.05", "p \u2265 0.05"),
        ("-5", "5"),
        ("at -5", "at 5"),
        ("5 %", "5 °"),
        ("$5", "€5"),
    ],
)
def test_different_meanings_have_different_normal_forms(left, right):
    assert normal_form(left) != normal_form(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("co-operate", "co operate"),
        ("T-cell", "T cell"),
        ("x = 5", "X=5"),
        ("5 °C", "5°C"),
        ("-5", "\u22125"),
        ("(-5)", "-5"),
        ("CD4+.", "CD4+"),
        ("yes - no", "yes \u2014 no"),
    ],
)
def test_equal_meanings_have_equal_normal_forms(left, right):
    assert normal_form(left) == normal_form(right)


@given(TEXTS)
def test_the_normal_form_of_a_normal_form_is_itself(text):
    assert normal_form(normal_form(text)) == normal_form(text)


@given(TEXTS)
def test_only_blank_texts_have_an_empty_normal_form(text):
    assert bool(normal_form(text)) == bool(text.strip())


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("How do I reset it?", ["how", "do", "i", "reset", "it"]),
        ("Größe", ["grösse"]),
        ("İstanbul", ["istanbul"]),
        ("多系统萎缩", ["多系", "系统", "统萎", "萎缩"]),
        ("病", ["病"]),
        ("MRI 检查", ["mri", "检查"]),
        ("MRI检查", ["mri", "检查"]),
        ("CD4陽性T細胞", ["cd4", "陽性", "t", "細胞"]),
        ("ガラス", ["ガラ", "ラス"]),
        ("दिन", ["दिन"]),
        ("?!", []),
        ("", []),
    ],
)
def test_words(text, terms):
    assert words(text) == terms


@example("snake_case 5.7")
@given(text=st.text(st.characters(max_codepoint=127)))
def test_a_word_of_another_script_changes_no_other_word(text):
    """Texts of ASCII have a way of their own to the same words."""
    assert words(f"{text} ж") == [*words(text), "ж"]


def test_a_text_of_eight_words_gives_word_and_character_shingles():
    by_words, by_characters = shingles("One, two three four five six seven eight.")
    assert by_words == {
        "one two three",
        "two three four",
        "three four five",
        "four five six",
        "five six seven",
        "six seven eight",
    }
    assert {"one", "ne ", "e t", " tw", "ght"} <= by_characters
    assert {len(item) for item in by_characters} == {3}


def test_a_text_of_sixteen_words_gives_word_shingles_alone():
    assert [len(items) for items in shingles("a b c d e f g h i j k l m n o")] == [13, 27]
    assert [len(items) for items in shingles("a b c d e f g h i j k l m n o p")] == [14]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Reset", {"res", "ese", "set"}),
        ("a b c", {"a b", " b ", "b c"}),
        ("Ab!", {"ab"}),  # too short for one 3-gram: itself
        ("+", {"+"}),
        ("", {""}),
    ],
)
def test_shorter_texts_give_character_shingles(text, expected):
    assert shingles(text) == (expected,)


def test_unspaced_scripts_give_character_shingles_despite_commas():
    text = "一二三," * 9
    assert shingles(text) == ({"一二三", "二三 ", "三 一", " 一二"},)


def test_a_foreign_word_does_not_change_how_a_text_is_cut():
    assert "in english the" in shingles("病 in English the word means an illness of any kind")[0]


@pytest.mark.parametrize(
    ("left", "right", "similarity"),
    [("abc", "abd", 0.5), ("abc", "xyz", 0.0), ("", "", 1.0), ("", "a", 0.0), ("abcd", "ab", 0.5)],
)
def test_jaccard(left, right, similarity):
    assert jaccard(frozenset(left), frozenset(right)) == similarity


@given(st.frozensets(st.integers(0, 9)), st.frozensets(st.integers(0, 9)))
def test_jaccard_is_symmetric_and_1_for_equal_sets_alone(left, right):
    assert jaccard(left, right) == jaccard(right, left)
    assert 0.0 <= jaccard(left, right) <= 1.0
    assert (jaccard(left, right) == 1.0) == (left == right)


@given(TEXTS)
def test_equal_texts_have_equal_shingles_and_never_none(text):
    assert shingles(text)
    assert all(shingles(text))
    assert shingles(normal_form(text)) == shingles(text)
    assert similarity(text, normal_form(text)) == 1.0


def test_a_hash_depends_on_where_a_part_ends():
    assert (
        len({hash_hex("ab", "c"), hash_hex("a", "bc"), hash_hex("abc"), hash_hex("abc", "")}) == 4
    )


@pytest.mark.parametrize(
    ("parts", "digits"),
    [
        (("ab", "c"), "bdacf99855a60c09"),
        (("a", "bc"), "c68544935b760ce6"),
        (("İ\ud800",), "ab04c18855ec938b"),  # half of a surrogate pair, as broken JSON holds it
        ((), "e4a6a0577479b2b4"),
    ],
)
def test_hashes_are_pinned_since_ids_are_made_of_them(parts, digits):
    assert hash_hex(*parts) == digits


def test_shingle_hashes_are_sorted_distinct_and_pinned():
    hashes = shingle_hashes(["abc", "def", "abc"])
    assert hashes.tolist() == [6455300059550759896, 8631541059365646922]


@given(st.lists(TEXTS))
def test_shingle_hashes_do_not_depend_on_order(items):
    hashes = shingle_hashes(items).tolist()
    assert hashes == shingle_hashes(items[::-1]).tolist() == shingle_hashes(set(items)).tolist()


@given(
    st.text(
        st.one_of(st.characters(max_codepoint=127), st.sampled_from("a.1-_+#!=<> ")), max_size=30
    )
)
def test_the_fast_path_for_ascii_gives_the_same_form(text):
    assert normal_form(text) == _general_form(text)
