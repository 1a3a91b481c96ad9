"""The dictionary: which writings are one meaning, and which short forms teach nothing."""

import itertools

import pytest

from stages.clean.abbreviations.dictionary import (
    build_dictionary,
    is_common,
    is_variant,
    meaning_key,
)
from stages.lib.preprocessing.word_lists import Abbreviations

NONE = Abbreviations({}, {})


@pytest.mark.parametrize(
    ("writing", "other"),
    [
        ("tumour necrosis factor", "Tumor-necrosis factors"),
        ("research & development", "research and development"),
        ("electro- cardiogram", "electrocardiogram"),
        ("electro-\ncardiogram", "electro-cardiogram"),
        ('"electrocardiogram"', "electrocardiogram"),
        ("lower oesophageal sphincter (muscle)", "lower esophageal sphincter muscle"),
        ("haemolytic anaemia", "hemolytic anemia"),
        ("randomised controlled trial", "randomized controlled trials"),
        ("centre of mass", "center of mass"),
        ("fibre optics", "fiber optics"),
        ("travelling salesman", "traveling salesman"),
        ("behavioural therapy", "behavioral therapies"),
        ("sulphur dioxide", "sulfur dioxide"),
        ("paediatric leukaemia", "pediatric leukemia"),
        ("colourisation", "colorization"),
        ("programme licence", "program license"),
        ("factor analysis", "factor analyses"),
        ("Women\u2019s Health Initiative", "Women's Health Initiative"),
        ("catalogue of defence", "catalog of defense"),
        ("aluminium oxide", "aluminum oxide"),
    ],
)
def test_writings_of_one_meaning_share_a_key(writing, other):
    assert meaning_key(writing) == meaning_key(other)
    counts = {("ABC", writing): 1, ("ABC", other): 1}
    assert build_dictionary(counts, NONE, 2).ambiguous == {}


@pytest.mark.parametrize(
    ("long", "other"),
    [
        ("multiple sclerosis", "mitral stenosis"),
        ("right atrium", "rheumatoid arthritis"),
        ("four wheel drive", "for wheel drive"),
        ("hour meter", "her meter"),
        ("computed tomography", "computer tomography"),
        ("hypertension", "hypotension"),
        ("interleukin 1", "interleukin 2"),
        ("nitric oxide", "nitrous oxide"),
        ("sphere", "spher ox"),
        ("vitamin A", "vitamin B"),
    ],
)
def test_other_meanings_have_other_keys(long, other):
    assert meaning_key(long) != meaning_key(other)


COMMON = """
US UK EU DE CA NY OR IN IT ALL WHO mg kg mM Hz No Fig Sec Abs IV Dr PhD PM IBM BMW GmbH TV PC U.S.
"""


@pytest.mark.parametrize("short", COMMON.split())
def test_common_short_forms_teach_nothing(short):
    assert is_common(short)
    assert build_dictionary({(short, "some long form"): 9}, NONE, 2) == NONE


def test_the_word_list_may_hold_a_common_short_form():
    words = Abbreviations({"US": "ultrasound"}, {})
    assert build_dictionary({("US", "ultrasounds"): 3}, words, 2).known == {"US": "ultrasound"}


@pytest.mark.parametrize("short", ["ECG", "HDL", "TNF-alpha", "VPC", "NASH", "LSTM"])
def test_other_short_forms_are_not_common(short):
    assert not is_common(short)


@pytest.mark.parametrize(
    ("short", "long", "expected"),
    [
        ("mECG", "mobile ECG", True),
        ("PTB", "pulmonary TB", True),
        ("BLEUa", "Augmented BLEU", True),
        ("AMatrix", "augmented matrix", True),
        ("sICAM-1", "soluble ICAM-1", True),
        ("ECG", "electrocardiogram", False),
        ("TNF-alpha", "tumor necrosis factor-alpha", False),
        ("NF-kappa B", "nuclear factor-kappa B", False),
        ("PI 3-kinase", "phosphatidylinositol 3-kinase", False),
        ("ZIC4", "Zic family member 4", False),
        ("IL-2R", "interleukin-2 receptor", False),
    ],
)
def test_a_variant_of_another_short_form_is_no_abbreviation(short, long, expected):
    assert is_variant(short, long) is expected
    known = build_dictionary({(short, long): 5}, NONE, 2).known
    assert bool(known) is not expected


def test_writings_of_one_meaning_become_the_commonest_one():
    counts = {
        ("HDL", "high density lipoprotein"): 1,
        ("HDL", "high-density lipoprotein"): 3,
        ("HDLs", "High-density lipoproteins"): 1,
        ("OUs", "organizational units"): 2,
    }
    expected = Abbreviations({"HDL": "high-density lipoprotein", "OU": "organizational unit"}, {})
    for order in itertools.permutations(counts.items()):
        assert build_dictionary(dict(order), NONE, 2) == expected


def test_of_equally_common_writings_the_one_in_lower_case_stands():
    assert build_dictionary(
        {("FTT", "Failure to thrive"): 1, ("FTT", "failure to thrive"): 1}, NONE, 2
    ).known == {"FTT": "failure to thrive"}


def test_too_few_documents_teach_nothing():
    assert build_dictionary({("ECG", "electrocardiogram"): 1}, NONE, 2) == NONE
    assert build_dictionary({("ECG", "electrocardiogram"): 9}, NONE, None) == NONE


def test_several_meanings_are_listed_and_never_known():
    glossary = Abbreviations(
        {"MS": "multiple sclerosis", "ECG": "electrocardiogram"},
        {"PT": ["patient", "physical therapy"]},
    )
    counts = {
        ("MS", "mitral stenosis"): 1,  # against the glossary
        ("ECG", "Electrocardiograms"): 1,  # agrees with it
        ("PT", "prothrombin time"): 5,  # a third meaning
        ("RA", "right atrium"): 7,
        ("RA", "rheumatoid arthritis"): 1,  # within the corpus
    }
    assert build_dictionary(counts, glossary, 2) == Abbreviations(
        {"ECG": "electrocardiogram"},
        {
            "MS": ["mitral stenosis", "multiple sclerosis"],
            "PT": ["patient", "physical therapy", "prothrombin time"],
            "RA": ["rheumatoid arthritis", "right atrium"],
        },
    )
