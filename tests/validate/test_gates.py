"""Each gate fails on its own number and its advice names a parameter; a missing number fails none."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from stages.lib.reporting.gates import GATES
from stages.validate.gates import Gate, judge_gates
from stages.validate.interface import ValidateParams
from stages.validate.row_quality import Suspects

ROOT = Path(__file__).parents[2]
VALUES = YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text("utf-8"))
PARAMS = ValidateParams(**VALUES["validate"])
NO_SUSPECTS = Suspects([], [], [], [])
GOOD = {
    "leaked_rows": 0,
    "separation.random.roc_auc": 0.98,
    "separation.training.roc_auc": 0.98,
    "separation.bm25.roc_auc": 0.67,
    "separation.dense.roc_auc": 0.0,
    "geometry.effective_rank_share": 0.72,
    "geometry.mean_cosine": 0.15,
    "probe.gain_low": 0.05,
    "probe.gain_high": 0.12,
    "probe.gain_mde": 0.04,
    "probe.placebo_gain_low": -0.17,
    "negatives.hidden_positives_share": 0.01,
    "rows.duplicates_share": 0.0,
    "pair.rows_out": 21068,
    "pair.anchor_in_positive_share": 0.03,
    "pair.no_common_word_share": 0.2,
    "pair.balance.after.document.largest_share": 0.001,
    "tokenize.truncated_share": 0.0,
    "clean.private_left": 0,
    "mine.false_negatives.structure.rate": 0.0,
    "mine.false_negatives.structure.low": 0.0,
}


def gates(suspects=NO_SUSPECTS, **changed):
    values = {key.replace("__", "."): value for key, value in changed.items()}
    judged = judge_gates({**GOOD, **values}, suspects, PARAMS)
    return {gate.name: gate for gate in judged}


def test_good_data_passes_every_gate():
    gate_of_name = gates()
    assert list(gate_of_name) == list(GATES)
    assert {gate.status for gate in gate_of_name.values()} == {"pass"}


@pytest.mark.parametrize(
    ("name", "changed", "status", "advice"),
    [
        ("leaked_rows", {"leaked_rows": 1}, "fail", "split.near_threshold"),
        ("mispaired", {"separation__random__roc_auc": 0.88}, "fail", "collect.sources"),
        ("mispaired_training", {"separation__training__roc_auc": 0.88}, "fail", "collect.sources"),
        ("collapse", {"geometry__effective_rank_share": 0.05}, "fail", "model.base"),
        ("crowding", {"geometry__mean_cosine": 0.9}, "fail", "model.base"),
        ("placebo", {"probe__placebo_gain_low": 0.01}, "fail", "split.unit"),
        (
            "probe_harm",
            {"probe__gain_low": -0.1, "probe__gain_high": -0.01},
            "fail",
            "mine.relative_margin",
        ),
        (
            "hidden_positives",
            {"negatives__hidden_positives_share": 0.1},
            "fail",
            "mine.relative_margin",
        ),
        (
            "false_negatives",
            {"mine__false_negatives__review__low": 0.06},
            "fail",
            "mine.relative_margin",
        ),
        ("truncation", {"tokenize__truncated_share": 0.1}, "warn", "tokenize.max_tokens"),
        ("bm25_hard", {"separation__bm25__roc_auc": 0.45}, "fail", "deduplicate.near_threshold"),
        ("probe_gain", {"probe__gain_low": -0.01}, "warn", "split.max_train_pairs"),
        ("duplicates", {"rows__duplicates_share": 0.02}, "warn", "pair.max_pairs_per_document"),
        ("easy_anchors", {"pair__anchor_in_positive_share": 0.6}, "warn", "pair.document_text"),
        ("unlike_anchors", {"pair__no_common_word_share": 0.6}, "warn", "collect.sources"),
        (
            "unbalanced",
            {"pair__balance__after__document__largest_share": 0.06},
            "warn",
            "pair.max_pairs_per_document",
        ),
        ("private_data", {"clean__private_left": 1}, "warn", "clean.private_data"),
        ("too_few_queries", {"probe__gain_mde": 0.06}, "warn", "validate.hoped_gain"),
    ],
)
def test_one_bad_value_fails_its_own_gate(name, changed, status, advice):
    gate_of_name = gates(**changed)
    tripped = {gate.name: gate.status for gate in gate_of_name.values() if gate.status != "pass"}
    tripped.pop(
        "probe_gain", None
    ) if name == "probe_harm" else None  # what harms gains nothing either
    assert tripped == {name: status}
    assert f"`{advice}" in gate_of_name[name].advice
    assert gate_of_name[name].metric in gate_of_name[name].advice


@pytest.mark.parametrize(
    ("value", "limit", "at_least", "status"),
    [
        (0.9, 0.9, True, "pass"),
        (0.89, 0.9, True, "fail"),
        (0, 0, False, "pass"),
        (1, 0, False, "fail"),
    ],
)
def test_a_gate_passes_at_its_limit(value, limit, at_least, status):
    assert Gate("leaked_rows", "g", value, limit, at_least).status == status
    assert Gate("leaked_rows", "g", value, limit, at_least).passed is (status == "pass")


def test_a_warning_lets_training_start():
    assert gates(clean__private_left=3)["private_data"].passed


def test_a_missing_value_neither_passes_nor_fails():
    judged = judge_gates({"leaked_rows": 0}, NO_SUSPECTS, PARAMS)
    assert {gate.status for gate in judged if gate.name != "leaked_rows"} == {"not measured"}
    assert all(gate.passed for gate in judged)


def test_the_worst_estimate_of_false_negatives_decides():
    gate = gates(mine__false_negatives__review__low=0.2)["false_negatives"]
    assert (gate.metric, gate.value) == ("mine.false_negatives.review.low", 0.2)


def test_a_document_may_always_have_twenty_questions():
    few = {"pair__rows_out": 100, "pair__balance__after__document__largest_share": 0.2}
    assert gates(**few)["unbalanced"].status == "pass"
    assert (
        gates(**{**few, "pair__balance__after__document__largest_share": 0.21})["unbalanced"].status
        == "warn"
    )


def test_advice_names_the_rows_to_read():
    suspects = Suspects([f"p{at}" for at in range(20)], [], [], [])
    advice = gates(suspects, leaked_rows=20)["leaked_rows"].advice
    assert "Rows to read first: `p0`, `p1`" in advice
    assert "`p9`" in advice and "`p10`" not in advice


def test_dense_negatives_are_reported_and_never_gated():
    assert not any("dense" in gate.metric for gate in gates().values())


def test_every_parameter_that_advice_names_exists():
    named = [word for meaning in GATES.values() for word in meaning.advice.split("`")[1::2]]
    assert named
    for key in named:
        section, _, field = key.partition(".")
        assert section in VALUES, key
        assert not field or field in VALUES[section], key
