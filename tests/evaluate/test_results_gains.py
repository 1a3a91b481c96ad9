"""A gain is paired, resampled by component, and has no interval where components are few."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.evaluate.results import IntervalSettings, gains, harm, paired_scores
from stages.lib.analysis.intervals import add_seed_variance, mean_interval, sign_flip
from stages.lib.schemas.runs import QueryResults
from tests.properties import examples

GAIN = "validation.gain.over_base.ndcg_at_10"
SETTINGS = IntervalSettings(13, None, component_weight=10)


def results(base, tuned, components, split="validation"):
    """Make QueryResults of both models, with these nDCG@10; other measures are half of it."""
    rows = [
        (f"q{index:016x}", split, system, component, score, score / 2, score / 2, score / 2, 1, 0.5)
        for system, scores in (("base", base), ("finetuned", tuned))
        for index, (score, component) in enumerate(zip(scores, components, strict=True))
    ]
    return pd.DataFrame(rows, columns=list(QueryResults.empty().columns))


def many(count, gain=0.25):
    """Return results of `count` components of two queries, with gains and losses in turn."""
    base = np.full(2 * count, 0.5)
    tuned = base + np.tile([gain, gain, gain, -gain], (count + 1) // 2)[: 2 * count]
    return results(base, tuned, np.repeat([f"c{index:03}" for index in range(count)], 2))


def test_a_gain_is_paired_and_resampled_by_component():
    metrics = gains(many(60), "validation", SETTINGS)
    differences, names = (
        np.tile([0.25, 0.25, 0.25, -0.25], 30),
        np.repeat([f"c{index:03}" for index in range(60)], 2),
    )
    expected = mean_interval(differences, names, 13, component_weight=10)
    assert {
        end: metrics[f"{GAIN}.{end}"] for end in ("mean", "low", "high", "mde")
    } == expected._asdict()
    assert metrics[f"{GAIN}.mean"] == 0.125
    assert metrics[f"{GAIN}.p"] == sign_flip(differences, names, 13, component_weight=10)
    assert metrics["validation.components"] == 60
    # Every component deviates by 0.25 from its share of the mean, half of them up, half down.
    assert metrics["validation.effective_components"] == pytest.approx(60.0)


@pytest.mark.parametrize("count", [2, 49])
def test_few_components_give_means_and_no_interval(count):
    metrics = gains(many(count), "validation", SETTINGS)
    assert metrics.keys() == {
        f"{GAIN}.mean",
        f"{GAIN}.plain",
        "validation.components",
        "validation.effective_components",
    }


def test_every_system_is_compared_and_only_base_is_tested():
    frame = many(60)
    lexical = frame[frame["system"] == "base"].assign(system="bm25", ndcg_at_10=0.0)
    metrics = gains(pd.concat([frame, lexical], ignore_index=True), "validation", SETTINGS)
    assert metrics["validation.gain.over_bm25.ndcg_at_10.mean"] == 0.625
    assert metrics["validation.gain.over_bm25.ndcg_at_10.low"] > 0.5
    assert {key for key in metrics if key.endswith(".p")} == {f"{GAIN}.p"}


def test_a_single_component_has_a_mean_alone():
    metrics = gains(results([0.5, 0.5], [1.0, 0.5], ["c", "c"]), "validation", SETTINGS)
    assert metrics == {
        f"{GAIN}.mean": 0.25,
        f"{GAIN}.plain": 0.25,
        "validation.components": 1,
    }


def test_a_large_component_counts_as_ten_queries():
    # 40 queries of one component gain 1, one query each of 60 components gains nothing.
    components = ["large"] * 40 + [f"c{index:02}" for index in range(60)]
    frame = results([0.0] * 100, [1.0] * 40 + [0.0] * 60, components)
    metrics = gains(frame, "validation", SETTINGS)
    assert metrics[f"{GAIN}.plain"] == 0.4
    assert metrics[f"{GAIN}.mean"] == pytest.approx(10 / 70)
    assert metrics["validation.components"] == 61

    # The mean of a half: the large component is in it, or it is not.
    plain = gains(frame, "validation", IntervalSettings(13, None, component_weight=100))
    assert plain[f"{GAIN}.mean"] == 0.4
    assert metrics[f"{GAIN}.mde"] < 0.5 * plain[f"{GAIN}.mde"]


def test_seeds_of_training_widen_the_interval_only():
    before, after = (
        gains(many(60), "validation", SETTINGS),
        gains(many(60), "validation", IntervalSettings(13, 0.05, component_weight=10)),
    )
    plain = mean_interval(*_of(many(60)), 13, component_weight=10)
    assert (
        after[f"{GAIN}.low"]
        == add_seed_variance(plain, 0.05, trainings=1).low
        < before[f"{GAIN}.low"]
    )
    assert after[f"{GAIN}.mde"] > before[f"{GAIN}.mde"]
    assert after[f"{GAIN}.p"] == before[f"{GAIN}.p"]


def _of(frame):
    scores = paired_scores(frame, "ndcg_at_10")
    return scores.tuned - scores.other, scores.components


@examples(10)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(random):
    frame = many(60)
    order = list(range(len(frame)))
    random.shuffle(order)
    assert gains(frame.iloc[order], "validation", SETTINGS) == gains(frame, "validation", SETTINGS)


@pytest.mark.parametrize(("low", "harmless"), [(-0.02, True), (-0.0201, False), (0.01, True)])
def test_harmless_means_a_bounded_drop(low, harmless):
    gained = {
        f"out_of_domain.gain.over_base.ndcg_at_10.{end}": value
        for end, value in (("mean", 0.03), ("low", low))
    }
    metrics = harm(gained, 0.02)
    assert metrics == {
        "out_of_domain.drop.mean": -0.03,
        "out_of_domain.drop.high": -low,
        "out_of_domain.harmless": harmless,
    }


def test_without_an_interval_there_is_no_verdict_on_harm():
    assert harm({"out_of_domain.gain.over_base.ndcg_at_10.mean": 0.1}, 0.02) == {
        "out_of_domain.drop.mean": -0.1
    }
    assert harm({f"{GAIN}.mean": 0.1, f"{GAIN}.low": 0.0}, 0.02) == {}
