"""The word for a difference, on numbers that a reader can check; and how often chance alone gets one."""

import numpy as np
import pandas as pd
import pytest

from stages.commands.compare.verdicts import difference, judge, judge_all
from stages.lib.statistics import holm, sign_flip


def made(differences, per_component=1, name="ndcg_at_10", seed_sd=0.0):
    """Test queries whose results differ so, with so many of them in each component."""
    ids = [f"q{at}" for at in range(len(differences))]
    before = pd.Series(0.5, index=ids)
    components = pd.Series([f"c{at // per_component}" for at in range(len(ids))], index=ids)
    after = before + pd.Series(differences, index=ids)
    return difference(name, before, after, components, seed=0, seed_sd=seed_sd)


@pytest.mark.parametrize(
    ("differences", "word"),
    [
        ([0.1, 0.1, 0.1, 0.0] * 25, "better"),
        ([-0.1, -0.1, -0.1, 0.0] * 25, "worse"),
        ([0.01, -0.01] * 50, "equivalent"),
        ([0.5, -0.5] * 50, "no evidence"),
        ([0.0] * 100, "equivalent"),
        ([0.005] * 100, "equivalent"),  # certain, and certainly too small to matter
        ([0.1] * 49, "no evidence"),  # too few components for a verdict
        ([0.1] * 50, "better"),
    ],
)
def test_each_difference_has_its_word(differences, word):
    assert judge(made(differences), delta=0.02).word == word


def test_many_queries_of_few_components_give_no_verdict():
    found = judge(made([0.1] * 490, per_component=10), delta=0.02)
    assert (found.word, found.queries, found.components) == ("no evidence", 490, 49)
    assert found.effect is None, "an interval would say more than they do"


def test_one_component_has_no_interval():
    found = judge(made([0.1, 0.2], per_component=2), delta=0.02)
    assert (found.word, found.effect) == ("no evidence", None)
    assert (found.before, found.after) == (0.5, pytest.approx(0.65))


def test_a_verdict_names_means_interval_and_the_least_that_would_show():
    found = judge(made([0.3, 0.1] * 50), delta=0.02)
    assert (found.before, found.after) == (0.5, pytest.approx(0.7))
    assert found.effect.mean == pytest.approx(0.2)
    assert found.effect.low == pytest.approx(0.18, abs=0.002)  # 0.2 - 1.96 * 0.1 / sqrt(100)
    assert found.effect.mde == pytest.approx(0.028, abs=0.001)  # 2.8 * 0.1 / sqrt(100)


def test_another_seed_of_training_widens_every_interval():
    # 0.02 with a standard error of 0.002; two trainings of 0.01 add 0.01 * sqrt(2) to it.
    alone, trained = made([0.04, 0.0] * 50), made([0.04, 0.0] * 50, seed_sd=0.01)
    assert (trained.effect.high - 0.02) == pytest.approx(
        1.96 * (0.002**2 + 2 * 0.01**2) ** 0.5, abs=2e-4
    )
    assert (trained.narrow[1] - 0.02) == pytest.approx(
        1.645 * (0.002**2 + 2 * 0.01**2) ** 0.5, abs=2e-4
    )
    assert (judge(alone, delta=0.01).word, judge(trained, delta=0.01).word) == (
        "better",
        "no evidence",
    )


def test_several_differences_are_harder_to_prove_than_one():
    # Alone p is about 0.02; as one of three it is 0.06.
    differences = [0.5] * 36 + [-0.5] * 20
    alone, together = (
        made(differences),
        [made(differences), made([0.5, -0.5] * 50), made([0.5, -0.5] * 50)],
    )
    assert judge(alone, delta=0.02).word == "better"
    assert judge_all(together, delta=0.02)[0].word == "no evidence"


def test_holm_corrects_by_the_number_that_are_left():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_signs_are_flipped_by_component():
    # Ten equal differences: 2 of 1,024 ways to sign them are as far from 0. In two components it is 2 of 4.
    apart, together = np.array([f"c{at}" for at in range(10)]), np.array(["a"] * 5 + ["b"] * 5)
    assert sign_flip(np.ones(10), apart, seed=1) == pytest.approx(2 / 1024, abs=0.001)
    assert sign_flip(np.ones(10), together, seed=1) == pytest.approx(0.5, abs=0.02)
    assert sign_flip(np.zeros(10), apart, seed=1) == 1.0


@pytest.mark.slow
def test_two_versions_that_do_not_differ_are_hardly_ever_told_apart():
    """Components of 1 to 20 queries that share much of their fate, as on real data."""
    chance = np.random.default_rng(3)
    sizes = np.minimum(chance.geometric(0.35, 120), 20)
    components = np.repeat([f"c{at}" for at in range(120)], sizes)
    index = [f"q{at}" for at in range(len(components))]
    words = []
    for _ in range(300):
        shared = np.repeat(chance.normal(0.0, 0.15, 120), sizes)
        differences = shared + chance.normal(0.0, 0.2, len(components)) * (
            chance.random(len(components)) < 0.4
        )
        before = pd.Series(0.5, index=index)
        after = before + pd.Series(differences, index=index)
        words.append(
            judge(
                difference("ndcg_at_10", before, after, pd.Series(components, index=index), 0), 0.01
            ).word
        )
    assert (
        words.count("better") + words.count("worse") <= 0.08 * 300
    )  # 5 % and what 300 draws may add to it
