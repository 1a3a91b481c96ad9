"""Abbreviations are written out once, and only where nobody else did."""

import pytest

from stages.clean.edits import apply
from stages.clean.glossary import expand

ENTRIES = (("ECG", "electrocardiogram"), ("HDL", "high-density lipoprotein"), ("HDL-C", "HDL cholesterol"))


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("Abnormal ECG", "Abnormal electrocardiogram (ECG)"),
        ("ECG, then another ECG.", "electrocardiogram (ECG), then another ECG."),  # the first alone
        ("Low HDL on ECG", "Low high-density lipoprotein (HDL) on electrocardiogram (ECG)"),
        ("G-HDL and HDL", "G-HDL and high-density lipoprotein (HDL)"),  # the first that stands alone
        ("Low HDL-C", "Low HDL cholesterol (HDL-C)"),  # the longest that fits
    ],
)
def test_the_first_bare_mention_is_written_out(text, expanded):
    assert apply(text, expand(text, ENTRIES)) == expanded


@pytest.mark.parametrize(
    "text",
    [
        "electrocardiogram (ECG) and ECG",  # defined
        "An ECG is an Electrocardiogram.",  # the long form is there, whatever its case
        "heart tracing (ECG); the ECG shows",  # defined in the author's own words
        "ecg Ecg ECGs xECG ECG2",  # another case, another word
        "ECG-guided, non-ECG, ECG/EEG, the ECG's",  # part of a larger word
        "ECG.pdf",  # one token for spaCy
        "",
    ],
)
def test_everything_else_is_left_alone(text):
    assert expand(text, ENTRIES) == []


def test_offsets_of_each_edit_hold_in_the_text_as_given():
    text = "Low HDL on ECG"
    assert [text[edit.start : edit.end] for edit in expand(text, ENTRIES)] == ["ECG", "HDL"]
