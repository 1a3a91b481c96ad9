"""Definitions of abbreviations: which are found in a text, and where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.clean.abbreviations.definitions import find_definitions


@pytest.mark.parametrize(
    ("text", "short", "long"),
    [
        ("An electrocardiogram (ECG) was made.", "ECG", "electrocardiogram"),
        ("An electrocardiogram [ECG] was made.", "ECG", "electrocardiogram"),
        ("An ECG (electrocardiogram) was made.", "ECG", "electrocardiogram"),
        ("two organizational units (OUs)", "OUs", "organizational units"),
        ("the amine 5-hydroxytryptamine (5-HT)", "5-HT", "5-hydroxytryptamine"),
        ("cluster of differentiation 4 (CD4)", "CD4", "cluster of differentiation 4"),
        ("blood carbon dioxide (CO2) level", "CO2", "carbon dioxide"),  # the digit stands for "di"
        ("fibrosis and tubular atrophy (FTA)", "FTA", "fibrosis and tubular atrophy"),
        ("periodic acid-Schiff (PAS)-positive", "PAS", "periodic acid-Schiff"),
        ("Systems Manager document (SSM document)", "SSM", "Systems Manager"),
        ("Amazon Virtual Private Clouds (Amazon VPCs)", "VPCs", "Virtual Private Clouds"),
        ('probability mass function ("PMF")', "PMF", "probability mass function"),
        ("growth hormone (GH, somatotropin)", "GH", "growth hormone"),
    ],
)
def test_a_definition_is_found_with_its_place(text, short, long):
    (definition,) = find_definitions(text)
    assert (definition.short, definition.long) == (short, long)
    assert long in text[definition.start : definition.end]
    assert short in text[definition.start : definition.end]


@pytest.mark.parametrize(
    "text",
    [
        "a simple building (see below)",
        "two thousand and three (2003)",
        "the first answer (A)",
        "items in a list (ii)",
        "many grams (mg)",
        "as Miller said (Miller, 2003)",
        "shown before [1], [12] and [B3]",
        "electro cardio gram f(ECG)",  # no blank before: a call
        "run `electrocardiogram (ECG)` now",  # code
        "An electrocardiogram.\n(ECG)",  # another line
        "An electrocardiogram was made. Nothing (ECG)",  # another sentence
        "job identifier (JobId)",  # a name in a program
        "imports a certificate into Certificate Manager (ACM)",  # "a certificate into ..." is no name
        "这是心电图 (心电图) 和 [图]",
        "one matrix (R+) of rows",  # a single letter
        "( ( [ ) ] (",
        "",
    ],
)
def test_other_brackets_define_nothing(text):
    assert find_definitions(text) == []


def test_several_definitions_do_not_share_words():
    text = "tuberculosis (TB), pulmonary TB (PTB) and follicle-stimulating hormone (FSH)"
    assert [(definition.short, definition.long) for definition in find_definitions(text)] == [
        ("TB", "tuberculosis"),
        ("PTB", "pulmonary TB"),
        ("FSH", "follicle-stimulating hormone"),
    ]


@pytest.mark.slow
@pytest.mark.timeout(40)
@pytest.mark.parametrize(
    "piece", ["(", "[", "(A1) ", "a (AA)", " (aaaa", "a", "`", "A ( b) ", "``` (A1)"]
)
def test_hostile_texts_take_linear_time(piece):
    find_definitions(piece * 50_000)


@given(st.text(alphabet="aAbB1 ()[]-,.\n`", max_size=60))
def test_every_definition_stands_where_it_says(text):
    for definition in find_definitions(text):
        inside = " ".join(text[definition.start : definition.end].split())
        assert definition.short in inside
        assert definition.long in inside
