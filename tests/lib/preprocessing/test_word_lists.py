"""The word lists: their content, and errors with the line that is wrong."""

from pathlib import Path

import pytest

from stages.lib.core.errors import UserError
from stages.lib.preprocessing.word_lists import Abbreviations, read_abbreviations, read_spelling

GLOSSARY = Path(__file__).parents[3] / "data" / "glossary"


def test_the_committed_word_lists_are_valid():
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
def test_an_error_names_the_wrong_line(tmp_path, rows, fact):
    path = tmp_path / "spelling.csv"
    path.write_text(rows)
    with pytest.raises(UserError) as caught:
        read_spelling(path)
    assert fact in caught.value.fact


def test_an_error_names_a_missing_or_undecodable_file(tmp_path):
    path = tmp_path / "abbreviations.csv"
    with pytest.raises(UserError, match="does not exist"):
        read_abbreviations(path)

    path.write_bytes(b"short,long\nECG,\xff\n")
    with pytest.raises(UserError, match="is not UTF-8"):
        read_abbreviations(path)


def test_two_meanings_are_ambiguous_and_two_writings_are_not(tmp_path):
    path = tmp_path / "abbreviations.csv"
    lines = [
        "short,long",
        "MS,multiple sclerosis",
        "ECG,electrocardiogram",
        "MS,mitral stenosis",
        "ECG,Electrocardiogram",
    ]
    path.write_text("\n".join(lines) + "\n")
    assert read_abbreviations(path) == Abbreviations(
        {"ECG": "electrocardiogram"}, {"MS": ["mitral stenosis", "multiple sclerosis"]}
    )
