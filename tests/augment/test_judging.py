"""Each check refuses what it is for, at its limit, and the first that applies is told."""

import math

import pytest

from stages.augment.judging import REASONS, Evidence, chrf_scores, faults, told
from stages.augment.params import AugmentParams
from stages.augment.wording import changes

PARAMS = AugmentParams(
    abbreviations=True,
    spelling=True,
    keyboard=False,
    back_translation="bergamot",
    marian_models=None,
    min_cosine=0.5,
    max_cosine=0.99,
    min_chrf=0.2,
    max_chrf=0.9,
    min_word_cosine=0.4,
    max_rank_loss=10,
    near_threshold=0.8,
    max_share=0.1,
)
FINE = Evidence(told=(), word_cosine=0.4, chrf=0.5, cosine=0.7, rank_loss=10)


@pytest.mark.parametrize(
    ("change", "reason", "score"),
    [
        ({"word_cosine": 0.39}, "word", 0.39),
        ({"chrf": 0.19}, "chrf", 0.19),
        ({"chrf": 0.91}, "copied", 0.91),
        ({"cosine": 0.49}, "cosine", 0.49),
        ({"cosine": 0.991}, "copied", 0.991),
        ({"rank_loss": 11}, "rank", 11.0),
    ],
)
def test_limits_are_inside_the_window(change, reason, score):
    assert faults(FINE, PARAMS) == {}
    assert faults(FINE._replace(**change), PARAMS) == {reason: score}


def test_all_faults_are_found_in_the_order_in_which_they_are_told():
    bad = Evidence(("number", "negation"), word_cosine=-1.0, chrf=1.0, cosine=0.1, rank_loss=500)
    found = faults(bad, PARAMS)
    assert list(found) == ["copied", "number", "negation", "word", "cosine", "rank"]
    assert list(found) == sorted(found, key=REASONS.index)
    assert math.isnan(found["number"])


@pytest.mark.parametrize(
    ("parent", "text", "reasons"),
    [
        ("Loss of hair", "Hair loss", ()),
        ("Loss of hair", "loss of hair!", ("copied",)),
        ("Cyst of the liver", "Cyst", ("truncated",)),
        ("third finger", "fourth finger", ("number",)),
        ("5 mg of iron", "5 g of iron", ("unit",)),
        ("left arm", "right arm", ("side",)),
        ("fever", "no fever", ("negation",)),
        ("CSF leak", "CFS leak", ("name",)),
        ("Open a ticket with Contoso today", "Open a ticket today with Fabrikam", ("name",)),
        (
            "Swelling of the legs in the evening after a long day",
            "Inchaço das pernas à noite depois de um longo dia",
            ("language",),
        ),
    ],
)
def test_what_words_alone_tell(parent, text, reasons):
    found = told(parent, text, changes(parent, text, set()))
    assert set(reasons) <= set(found)
    if len(reasons) != 1 or reasons[0] != "language":
        assert found == reasons


def test_chrf_is_one_for_the_same_letters_and_none_for_others():
    same, other, near = chrf_scores(
        ["Hair loss", "abc", "hair loss"], ["hair LOSS", "xyz", "loss of hair"]
    )
    assert (same, other) == (1.0, 0.0)
    assert 0.3 < near < 0.9
