"""The word lists: what is read from them, and which line is to blame when they are wrong."""

from pathlib import Path

import pytest

from stages.lib.errors import Problem
from stages.lib.glossary import Abbreviations, read_abbreviations, read_spelling

GLOSSARY = Path(__file__).parents[2] / "data" / "glossary"


def test_the_committed_word_lists_are_valid_and_mean_one_thing_each():
    assert not read_abbreviations(GLOSSARY / "abbreviations.csv").ambiguous
    assert len(read_spelling(GLOSSARY / "spelling.csv")) > 200


@pytest.mark.parametrize(
    ("rows", "fact"),
    [
        ("us,uk\ntumor\n", "spelling.csv:2: 'tumor' is not 'us,uk'"),
        ("us,uk\ntumor, tumour\n", "spelling.csv:2: 'tumor, tumour' is not 'us,uk'"),
        ("us,uk\nTumor,tumour\n", "spelling.csv:2: 'Tumor' is not one word in lower case"),
        (
            "us,uk\ntumor,tumour\nmeter,metre\nmeter,metrum\n",
            "spelling.csv:4: 'meter' stands in line 3 already",
        ),
        ("tumor,tumour\n", "spelling.csv does not begin with the columns us,uk"),
        ("", "spelling.csv does not begin with the columns us,uk"),
    ],
)
def test_a_bad_line_of_a_word_list_is_named(tmp_path, rows, fact):
    path = tmp_path / "spelling.csv"
    path.write_text(rows)
    with pytest.raises(Problem) as caught:
        read_spelling(path)
    assert fact in caught.value.fact


def test_a_missing_or_undecodable_word_list_is_named(tmp_path):
    with pytest.raises(Problem, match="does not exist"):
        read_abbreviations(tmp_path / "abbreviations.csv")
    (tmp_path / "abbreviations.csv").write_bytes(b"short,long\nECG,\xff\n")
    with pytest.raises(Problem, match="is not UTF-8"):
        read_abbreviations(tmp_path / "abbreviations.csv")


def test_two_meanings_make_a_short_form_ambiguous_and_two_writings_of_one_do_not(tmp_path):
    path = tmp_path / "abbreviations.csv"
    path.write_text(
        "short,long\nMS,multiple sclerosis\nECG,electrocardiogram\nMS,mitral stenosis\nECG,Electrocardiogram\n"
    )
    assert read_abbreviations(path) == Abbreviations(
        {"ECG": "electrocardiogram"}, {"MS": ["mitral stenosis", "multiple sclerosis"]}
    )
