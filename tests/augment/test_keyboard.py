"""Slips of the finger: one letter beside its key, in a plain word, and the same one each time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.augment.keyboard import KEYS, mistype


def slips(text, known=()):
    return {made for seed in range(300) for made in mistype(text, str(seed), known)}


def test_a_letter_is_hit_beside_its_key():
    assert slips("kettle") == {
        *(f"k{key}ttle" for key in "wrd"),
        *(f"ke{key}tle" for key in "ryg"),
        *(f"ket{key}le" for key in "ryg"),
        *(f"kett{key}e" for key in "kop"),
        *(f"kettl{key}" for key in "wrd"),
    }


@pytest.mark.parametrize(
    "text",
    [
        "25 mg",  # numbers and units
        "three upper without",  # what numbers, sides and negations say
        "HP:0000003, MRI, CD4+, snake_case, `echo hello`",  # codes and abbreviations
        "arm, leg",  # a slip in a short word makes another word
        "Klippel-Feil",
        "Größe",  # no key of this keyboard
        "",
    ],
)
def test_some_words_are_never_mistyped(text):
    assert slips(text) == set()


def test_no_known_word_comes_out():
    assert "Wager" in slips("Water")
    assert slips("Water") - slips("Water", {"wager"}) == {"Wager"}
    assert slips("Water", {made.lower() for made in slips("Water")}) == set()


@given(
    st.lists(
        st.sampled_from(["kettle", "Tumour", "of", "25", "MRI", "left", "(broken)"]), max_size=5
    ),
    st.text(),
)
def test_at_most_one_letter_changes_and_the_seed_alone_decides(parts, seed):
    text = " ".join(parts)
    made = mistype(text, seed, ())
    assert made == mistype(text, seed, ())
    for other in made:
        (changed,) = [
            at for at, (old, new) in enumerate(zip(text, other, strict=True)) if old != new
        ]
        assert other[changed] in KEYS[text[changed]]
