"""Labels of people joined with those of a judge: unbiased, covered, and narrower with a good judge."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from stages.commands.verdict.judge import judge
from stages.commands.verdict.prediction_powered import join_labels, t_quantile, t_tail
from stages.commands.verdict.text import verdict_lines
from stages.lib.core.errors import UserError
from tests.commands.verdict.made_runs import ranked, simulated, verdict
from tests.properties import examples

COMPONENT_WEIGHT = 10


def simulate(trials, correctness, labelled=30, per_group=1, bias=0.0, seed=1):
    """Return (estimate of each trial, true mean) of 1,200 queries with a known difference.

    Half of the queries have no difference. The judge is right for a share `correctness` of them, and
    for the others it says what another query has, plus `bias`.
    """
    source = np.random.default_rng(seed)
    groups = np.arange(1200) // per_group
    estimates = []
    for _ in range(trials):
        # Queries of a group have half of their variance in common.
        of_group = source.normal(0.05, 0.25, 1200 // per_group)
        truth = of_group[groups] + source.normal(0, 0.25, 1200)
        truth = np.where(source.random(1200) < 0.5, 0.0, truth)
        by_judge = np.where(
            source.random(1200) < correctness, truth, source.permutation(truth) + bias
        )
        is_labelled = np.zeros(1200, dtype=bool)
        is_labelled[source.choice(1200, labelled, replace=False)] = True
        names = groups.astype(str)
        estimates.append(join_labels(truth, by_judge, is_labelled, names, COMPONENT_WEIGHT))
    return estimates, 0.025


def coverage(estimates, truth):
    intervals = [estimate.interval(0.95) for estimate in estimates]
    return np.mean([low <= truth <= high for low, high in intervals])


@pytest.mark.slow
@pytest.mark.parametrize("per_group", [1, 5])
@pytest.mark.parametrize(("correctness", "bias"), [(0.0, 0.3), (0.8, 0.0)])
def test_intervals_hold_the_truth_with_a_good_judge_and_a_bad_one(correctness, bias, per_group):
    estimates, truth = simulate(400, correctness, per_group=per_group, bias=bias)
    # 400 trials of 95 %: the standard error is 1.1 points.
    assert 0.92 <= coverage(estimates, truth) <= 0.985
    mean = np.mean([estimate.mean for estimate in estimates])
    assert mean == pytest.approx(truth, abs=0.008)


def test_with_30_queries_a_good_judge_makes_the_error_a_fifth_smaller():
    estimates, truth = simulate(400, correctness=0.8)
    told = np.median([estimate.standard_error / estimate.people_error for estimate in estimates])
    assert told <= 0.8
    errors = np.std([estimate.mean - truth for estimate in estimates])
    people_errors = np.std([estimate.people_mean - truth for estimate in estimates])
    assert errors <= 0.8 * people_errors


def test_a_judge_that_knows_nothing_counts_little_and_costs_little():
    estimates, truth = simulate(300, correctness=0.0)
    assert np.mean([estimate.judge_weight for estimate in estimates]) < 0.15
    errors = np.std([estimate.mean - truth for estimate in estimates])
    people_errors = np.std([estimate.people_mean - truth for estimate in estimates])
    assert errors <= 1.05 * people_errors


def test_resampling_by_query_would_be_too_narrow():
    # The same data as groups of five and as queries that stand alone.
    source = np.random.default_rng(1)
    groups = np.arange(600) // 5
    truth = source.normal(0, 0.3, 120)[groups]
    is_labelled = np.isin(groups, source.choice(120, 25, replace=False))
    alone = np.arange(600).astype(str)
    errors = [
        join_labels(truth, truth * 0, is_labelled, names, COMPONENT_WEIGHT).standard_error
        for names in (groups.astype(str), alone)
    ]
    # Five equal values are one observation: the error is the root of five times as large.
    assert errors[0] == pytest.approx(errors[1] * 5**0.5, rel=0.03)


def test_a_perfect_judge_gives_the_mean_of_all_queries():
    values = np.tile([0.2, 0.0, -0.1, 0.3], 50)
    is_labelled = np.arange(200) < 24
    names = np.arange(200).astype(str)
    joined = join_labels(values, values, is_labelled, names, COMPONENT_WEIGHT)
    assert joined.mean == pytest.approx(values.mean())
    assert joined.judge_weight == pytest.approx(1.0)


@examples(40)
@given(st.integers(1, 60), st.floats(0.501, 0.999))
def test_students_t_is_that_of_scipy(freedom, share):
    value = stats.t.ppf(share, freedom)
    assert t_quantile(share, freedom) == pytest.approx(value, rel=2e-3, abs=2e-3)
    assert t_tail(value, freedom) == pytest.approx(1 - share, abs=1e-4)


def labels_of_judge(qrels, first, second, mistakes, seed=2):
    """Return labels of all hits, of which a share `mistakes` is wrong."""
    source = random.Random(seed)
    labels = {}
    for query in qrels:
        docs = sorted({*first[query], *second[query]})
        labels[query] = {
            doc: int((doc in qrels[query]) != (source.random() < mistakes)) for doc in docs
        }
    return labels


def drawn(qrels, count, seed=3):
    chosen = random.Random(seed).sample(sorted(qrels), count)
    return {query: qrels[query] for query in chosen}


def test_runs_are_judged_by_people_and_a_judge():
    qrels, first, second = simulated(400, gain=0.5)
    people = drawn(qrels, 30)
    judge_labels = labels_of_judge(qrels, first, second, mistakes=0.05)
    result = judge({"base": first, "new": second}, people, judge_labels=judge_labels)
    (pair,) = result.pairs
    truth = judge({"base": first, "new": second}, qrels).pairs[0].comparison.effect.mean
    assert pair.comparison.outcome == "better"
    assert pair.comparison.effect.low <= truth <= pair.comparison.effect.high
    assert (pair.joined.labelled, pair.joined.labelled_groups) == (30, 30)
    assert pair.joined.standard_error < 0.8 * pair.joined.people_error
    assert result.means["new"] - result.means["base"] == pytest.approx(pair.comparison.effect.mean)
    assert (result.queries, pair.queries_to_decide) == (400, None)


def test_people_must_have_labelled_enough():
    qrels, first, second = simulated(100, gain=0.5)
    labels = labels_of_judge(qrels, first, second, mistakes=0.05)
    runs = {"base": first, "new": second}
    with pytest.raises(UserError, match="people labelled queries of 19 groups, and 20 are needed"):
        judge(runs, drawn(qrels, 19), judge_labels=labels)
    with pytest.raises(UserError, match="the judge has no labels for 1 of 30 queries"):
        judge(runs, {**drawn(qrels, 29), "q100": {"a": 1}}, judge_labels=labels)


def test_a_judge_that_is_wrong_in_one_slice_is_corrected_there():
    # For people nothing changes in slice b. The judge says for 4 of 5 queries that it got worse.
    qrels, first, second = simulated(600, gain=0.5)
    names = {query: "a" if int(query[1:]) < 300 else "b" for query in qrels}
    labels = {query: {"right": 1, "w0": 0} for query in qrels}
    for number in range(300, 600):
        query = f"q{number}"
        first[query] = ranked(["w4", "right", "w0", "w2", "w3", "w1"])
        second[query] = ranked(["w1", "right", "w0", "w2", "w3", "w4"])
        if number % 5:
            labels[query] = {"w4": 1}
    people = drawn(qrels, 120)
    result = judge(
        {"base": first, "new": second},
        people,
        judge_labels=labels,
        slice_names={"kind": names, "rare": dict.fromkeys(list(people)[:19], "x")},
    )
    by_name = {item.name: item for item in result.slices.comparisons}
    assert {name: item.outcome for name, item in by_name.items()} == {
        "kind=a": "better",
        "kind=b": "equivalent",
    }
    # The judge alone would say -0.5 for slice b.
    of_judge = judge({"base": first, "new": second}, labels, slice_names={"kind": names})
    alone = {item.name: item.after - item.before for item in of_judge.slices.comparisons}
    assert alone["kind=b"] < -0.4
    assert result.slices.too_small == 1
    assert "  1 slices have fewer than 20 groups that people labelled, and no verdict." in (
        verdict_lines(result)
    )


def test_the_command_tells_what_the_judge_is_worth(files):
    qrels, first, second = simulated(120, gain=0.4)
    labels = labels_of_judge(qrels, first, second, mistakes=0.05)
    Path("judge.json").write_text(json.dumps(labels), "utf-8")
    people = "".join(f"{query} 0 right 1\n" for query in drawn(qrels, 40))
    Path("qrels.txt").write_text(people, "utf-8")
    arguments = ("base.run", "new.run", "--judge-labels", "judge.json")
    result = verdict(*arguments)
    assert result.exit_code == 0, result.output
    assert "People labelled 40 queries in 40 groups. The judge counts 0." in result.output
    assert "By people alone: +0." in result.output
    assert "% smaller: " in result.output
    (pair,) = json.loads(verdict(*arguments, "--format", "json").stdout)["pairs"]
    assert pair["people_and_judge"]["labelled"] == 40

    refused = verdict(*arguments, "--judge", "5", "--sheet", "sheet.csv")
    assert refused.exit_code == 1
    assert "leave out --judge or --judge-labels" in refused.stderr
