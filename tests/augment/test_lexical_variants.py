"""Abbreviations and spelling swap in both directions, and typing errors hit one letter of a plain word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.augment.lexical_variants import (
    NEIGHBOUR_KEYS,
    mistype,
    swap_abbreviations,
    swap_spelling,
)
from stages.lib.preprocessing.word_lists import Abbreviations
from tests.augment.rows import ABBREVIATIONS, BRITISH


@pytest.mark.parametrize(
    ("anchor", "variants"),
    [
        ("Abnormal ECG", ["Abnormal electrocardiogram"]),
        ("Electrocardiogram abnormal", ["ECG abnormal"]),  # the first short form of the file
        (
            "electrocardiogram (EKG) trace",
            ["EKG trace", "electrocardiogram trace"],
        ),  # as `clean` writes it
        ("ECG and LDL", ["electrocardiogram and low-density lipoprotein"]),
        ("electrocardiogram (LDL)", []),  # not its own short form
        ("MS and multiple sclerosis", []),  # ambiguous
        ("ecg, ECGs, G-ECG, ECG/EEG, electrocardiograms", []),  # other words
    ],
)
def test_abbreviations_are_swapped_in_both_directions(anchor, variants):
    assert swap_abbreviations(anchor, ABBREVIATIONS) == variants


def test_an_ambiguous_long_form_is_not_abbreviated():
    glossary = Abbreviations({"MuS": "multiple sclerosis"}, ABBREVIATIONS.ambiguous)
    assert swap_abbreviations("multiple sclerosis", glossary) == []


@pytest.mark.parametrize(
    ("anchor", "variants"),
    [
        ("Brain tumor with anemia", ["Brain tumour with anaemia"]),
        ("Tumour; ANAEMIA", ["Tumor; ANEMIA"]),  # back, capitals kept
        ("tumor colour", ["tumor color", "tumour colour"]),  # a mixture becomes either
        ("Tumoral TuMor", []),  # another word, and a case that cannot be repeated
    ],
)
def test_spelling_is_swapped_in_both_directions(anchor, variants):
    assert swap_spelling(anchor, BRITISH) == variants


def typos(text, known_words=()):
    """Return the variants of `text` by 300 seeds."""
    return {variant for seed in range(300) for variant in mistype(text, str(seed), known_words)}


def test_a_letter_is_hit_beside_its_key():
    assert typos("kettle") == {
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
        "three upper without",  # a number, a side, a negation
        "HP:0000003, MRI, CD4+, snake_case, `echo hello`",  # codes and abbreviations
        "arm, leg",  # a typing error in a short word makes another word
        "Klippel-Feil",
        "Größe",  # no key of this keyboard
        "",
    ],
)
def test_some_words_are_never_mistyped(text):
    assert typos(text) == set()


def test_no_known_word_comes_out():
    assert "Wager" in typos("Water")
    assert typos("Water") - typos("Water", {"wager"}) == {"Wager"}
    assert typos("Water", {variant.lower() for variant in typos("Water")}) == set()


@given(
    st.lists(
        st.sampled_from(["kettle", "Tumour", "of", "25", "MRI", "left", "(broken)"]), max_size=5
    ),
    st.text(),
)
def test_at_most_one_letter_changes_and_the_seed_alone_decides(parts, seed):
    text = " ".join(parts)
    variants = mistype(text, seed, ())
    assert variants == mistype(text, seed, ())
    for variant in variants:
        letters = enumerate(zip(text, variant, strict=True))
        (changed,) = [index for index, (before, after) in letters if before != after]
        assert variant[changed] in NEIGHBOUR_KEYS[text[changed]]
