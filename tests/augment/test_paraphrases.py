"""Each check rejects its own fault at its limit, and the first reason that applies counts."""

import math

import pytest

from stages.augment.content_words import word_changes
from stages.augment.interface import AugmentParams
from stages.augment.paraphrases import (
    REASONS,
    ParaphraseScores,
    chrf_scores,
    rejection_reasons,
    wording_reasons,
)

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
FINE = ParaphraseScores(wording_reasons=(), word_cosine=0.4, chrf=0.5, cosine=0.7, rank_loss=10)


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
    assert rejection_reasons(FINE, PARAMS) == {}
    assert rejection_reasons(FINE._replace(**change), PARAMS) == {reason: score}


def test_known_synonyms_may_share_few_letters():
    assert rejection_reasons(FINE._replace(chrf=0.1, word_cosine=1.0), PARAMS) == {}


def test_all_reasons_are_given_in_their_order():
    bad = ParaphraseScores(
        ("number", "negation"), word_cosine=-1.0, chrf=1.0, cosine=0.1, rank_loss=500
    )
    reasons = rejection_reasons(bad, PARAMS)
    assert list(reasons) == ["copied", "number", "negation", "word", "cosine", "rank"]
    assert list(reasons) == sorted(reasons, key=REASONS.index)
    assert math.isnan(reasons["number"])


@pytest.mark.parametrize(
    ("parent", "text", "expected"),
    [
        ("Loss of hair", "Hair loss", ()),
        ("Loss of hair", "loss of hair!", ("copied",)),
        ("Cyst of the liver", "Cyst", ("truncated",)),
        ("third finger", "fourth finger", ("number",)),
        ("5 mg of iron", "5 g of iron", ("unit",)),
        ("left arm", "right arm", ("side",)),
        ("fever", "no fever", ("negation",)),
        ("keys may expire", "keys must expire", ("strength",)),
        ("CSF leak", "CFS leak", ("name",)),
        ("Open a ticket with Contoso today", "Open a ticket today with Fabrikam", ("name",)),
        (
            "Swelling of the legs in the evening after a long day",
            "Inchaço das pernas à noite depois de um longo dia",
            ("language",),
        ),
    ],
)
def test_reasons_that_follow_from_words_alone(parent, text, expected):
    reasons = wording_reasons(parent, text, word_changes(parent, text, set()))
    assert set(expected) <= set(reasons)
    if len(expected) != 1 or expected[0] != "language":
        assert reasons == expected


def test_chrf_is_one_for_the_same_letters_and_none_for_others():
    same, other, near = chrf_scores(
        ["Hair loss", "abc", "hair loss"], ["hair LOSS", "xyz", "loss of hair"]
    )
    assert (same, other) == (1.0, 0.0)
    assert 0.3 < near < 0.9
