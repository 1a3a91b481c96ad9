"""Abbreviations are written out once, or everywhere, and only where nobody else did."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.clean.abbreviations.expansion import expand
from stages.clean.edits import apply
from tests.properties import examples

ENTRIES = (
    *(
        ("ECG", "electrocardiogram"),
        ("HDL", "high-density lipoprotein"),
        ("HDL-C", "HDL cholesterol"),
    ),
    *(
        ("MRI", "magnetic resonance imaging"),
        ("IT", "information technology"),
        ("US", "ultrasound"),
    ),
    *(("As", "arsenic"), ("St. John", "Saint John"), ("U", "unit"), ("pt", "patient")),
)


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("Abnormal ECG", "Abnormal electrocardiogram (ECG)"),
        ("ECG, then another ECG.", "electrocardiogram (ECG), then another ECG."),  # the first alone
        ("Low HDL on ECG", "Low high-density lipoprotein (HDL) on electrocardiogram (ECG)"),
        (
            "G-HDL and HDL",
            "G-HDL and high-density lipoprotein (HDL)",
        ),  # the first that stands alone
        ("Low HDL-C", "Low HDL cholesterol (HDL-C)"),  # the longest that fits
        ("from St. John.", "from Saint John (St. John)."),  # of several words
        ("an HDL of 1", "a high-density lipoprotein (HDL) of 1"),  # the article follows the sound
        ("An HDL of 1", "A high-density lipoprotein (HDL) of 1"),
        ("an MRI, a US", "a magnetic resonance imaging (MRI), an ultrasound (US)"),
        ("a U", "a unit (U)"),
        ("the pt. left", "the patient (pt). left"),
        ("心电图 ECG 异常", "心电图 electrocardiogram (ECG) 异常"),
    ],
)
def test_the_first_bare_mention_is_written_out(text, expanded):
    assert apply(text, expand(text, ENTRIES, "first")) == expanded


@pytest.mark.parametrize("mode", ["first", "all"])
@pytest.mark.parametrize(
    "text",
    [
        "electrocardiogram (ECG) for all",  # the definition
        "An electrocardiogram [ECG] helps.",
        "ecg Ecg ECGs xECG ECG2; it is here",  # another case, another word
        "ECG-guided, non-ECG, ECG/EEG, the ECG's",  # part of a larger word
        "ECG.pdf",
        "run `ECG now` or see https://ecg.org/ ECG_x",
        "before\n```\nx = ECG\nECG (x)\n```\nafter",
        "DO NOT USE IT",  # shouted
        "As shown. As told.",  # a word that begins a sentence
        "low HDL cholesterol",  # part of a long form
        "ECG (a tracing of the heart)",  # explained otherwise
        "",
    ],
)
def test_everything_else_is_left_alone(text, mode):
    assert expand(text, ENTRIES, mode) == []


@pytest.mark.parametrize(
    "text",
    [
        "electrocardiogram (ECG) and ECG",  # defined
        "An ECG is an Electrocardiogram.",  # the long form is there, whatever its case
        "heart tracing (ECG); the ECG shows",  # defined in the author's own words
    ],
)
def test_what_a_text_explains_is_not_explained_again(text):
    assert expand(text, ENTRIES, "first") == []


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("ECG and an ECG", "electrocardiogram and an electrocardiogram"),
        (
            "A heavy drug load (HDL): HDL hurts.",
            "A heavy drug load (HDL): heavy drug load hurts.",
        ),  # its own meaning
        ("renal cell (RC) and RC", "renal cell (RC) and renal cell"),  # that nobody else gave
        (
            "every HDL card (EHC): EHC",
            "every HDL card (EHC): every HDL card",
        ),  # its own long form holds another short one
        ("red cat (RC), real cod (RC): RC", "red cat (RC), real cod (RC): RC"),  # two meanings
    ],
)
def test_all_bare_mentions_are_replaced_by_what_they_mean(text, expanded):
    assert apply(text, expand(text, ENTRIES, "all")) == expanded


def test_offsets_of_each_edit_hold_in_the_text_as_given():
    text = "Low ECG on an HDL and an HDL-C"
    assert [text[edit.start : edit.end] for edit in expand(text, ENTRIES, "first")] == [
        "HDL-C",
        "an HDL",
        "ECG",
    ]


PIECES = [
    "ECG",
    "HDL",
    "HDL-C",
    "IT",
    "As",
    "a",
    "an",
    "(ECG)",
    "[HDL]",
    "electrocardiogram",
    "high-density",
    "low",
]
PIECES += [
    "cholesterol",
    "DO",
    "NOT",
    ".",
    ",",
    "`",
    "```",
    "\n",
    "(",
    ")",
    "-",
    "St. John",
    "ECGs",
    "https://x.y/",
]


@given(
    st.lists(st.sampled_from(PIECES), max_size=14),
    st.sampled_from([" ", ""]),
    st.sampled_from(["first", "all"]),
)
@examples(400)
def test_expanding_twice_is_expanding_once_and_can_be_undone(pieces, glue, mode):
    text = glue.join(pieces)
    edits = expand(text, ENTRIES, mode)
    after = apply(text, edits)
    assert expand(after, ENTRIES, mode) == []
    for edit in reversed(edits):
        assert after[edit.start : edit.start + len(edit.after)] == edit.after
        after = after[: edit.start] + edit.before + after[edit.start + len(edit.after) :]
    assert after == text
