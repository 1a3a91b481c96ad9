"""Each gate fails on its own number and its advice names a parameter; a missing number fails none."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from stages.lib.reporting.gates import GATES, gate_advice
from stages.validate.gates import Gate, judge_gates
from stages.validate.interface import ValidateParams
from stages.validate.row_quality import Suspects

# What advice looks at.
FACTS = (
    "split.dropped.not_sampled",
    "mine.refused.margin",
    "mine.refused.cross_encoder",
    "mine.near_positives.count",
    "negatives.hidden_positives_share",
    "tokenize.max_tokens",
    "tokenize.model_max_tokens",
    "facts.titles_in_documents",
    "labels.documents",
    "labels.anchors_per_document",
    "folds",
)
ROOT = Path(__file__).parents[2]
VALUES = YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text("utf-8"))
PARAMS = ValidateParams(**VALUES["validate"])
NO_SUSPECTS = Suspects([], [], [], [], [])
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
    "negatives.labelled_positives_share": 0.0,
    "labels.documents": 0,
    "labels.anchors_per_document": 2.2,
    "labels.untrained_share": 0.0,
    "split.dropped.not_sampled": 12724,
    "mine.refused.margin": 69643,
    "tokenize.max_tokens": 128,
    "tokenize.model_max_tokens": 256,
    "folds": 1,
    "rows.duplicates_share": 0.0,
    "split.held_out_of_requested": 1.03,
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
        ("mispaired", {"separation__random__roc_auc": 0.74}, "fail", "collect.sources"),
        ("mispaired", {"separation__random__roc_auc": 0.75}, "warn", "validate.min_random_auc"),
        ("mispaired", {"separation__random__roc_auc": 0.89}, "warn", "model.base"),
        ("mispaired_training", {"separation__training__roc_auc": 0.74}, "fail", "collect.sources"),
        ("mispaired_training", {"separation__training__roc_auc": 0.89}, "warn", "collect.sources"),
        (
            "unrepresentative",
            {"split__held_out_of_requested": 0.33},
            "fail",
            "split.train",
        ),
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
        ("duplicates", {"rows__duplicates_share": 0.02}, "warn", "deduplicate.near"),
        ("easy_anchors", {"pair__anchor_in_positive_share": 0.6}, "warn", "pair.recipes"),
        ("labelled_positives", {"negatives__labelled_positives_share": 0.1}, "warn", "mine"),
        ("labels", {"labels__untrained_share": 1.0}, "warn", "split.unit"),
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
    ("name", "changed", "is_named", "parameter"),
    [
        # A sample is named only where it left pairs out.
        ("probe_gain", {"probe__gain_low": -0.01}, True, "split.max_train_pairs"),
        (
            "probe_gain",
            {"probe__gain_low": -0.01, "split__dropped__not_sampled": 0},
            False,
            "split.max_train_pairs",
        ),
        # The title is named only where it is embedded.
        ("easy_anchors", {"pair__anchor_in_positive_share": 0.6}, False, "pair.document_text"),
        (
            "easy_anchors",
            {"pair__anchor_in_positive_share": 0.6, "facts__titles_in_documents": True},
            True,
            "pair.document_text",
        ),
        # More tokens are named only where the model reads more.
        ("truncation", {"tokenize__truncated_share": 0.1}, True, "tokenize.max_tokens"),
        (
            "truncation",
            {"tokenize__truncated_share": 0.1, "tokenize__max_tokens": 256},
            False,
            "tokenize.max_tokens",
        ),
        # A larger validation split brings no queries where the training queries are ranked too.
        ("too_few_queries", {"probe__gain_mde": 0.06}, True, "split.validation"),
        ("too_few_queries", {"probe__gain_mde": 0.06, "folds": 5}, False, "split.validation"),
        # The hierarchy says relative, and the margin knows nothing of it.
        (
            "false_negatives",
            {"mine__false_negatives__structure__low": 0.2},
            False,
            "mine.relative_margin",
        ),
        (
            "false_negatives",
            {"mine__false_negatives__structure__low": 0.2},
            True,
            "mine.exclude_relatives",
        ),
        (
            "false_negatives",
            {"mine__false_negatives__review__low": 0.2},
            True,
            "mine.relative_margin",
        ),
        # Labelled negatives do not go through the margin.
        (
            "labelled_positives",
            {"negatives__labelled_positives_share": 0.1},
            False,
            "mine.relative_margin",
        ),
        # Without hidden positives they are no cause of harm.
        (
            "probe_harm",
            {
                "probe__gain_low": -0.1,
                "probe__gain_high": -0.01,
                "negatives__hidden_positives_share": 0.0,
            },
            False,
            "mine.relative_margin",
        ),
        (
            "hidden_positives",
            {"negatives__hidden_positives_share": 0.1},
            False,
            "mine.near_positives: refuse",
        ),
        (
            "hidden_positives",
            {"negatives__hidden_positives_share": 0.1, "mine__near_positives__count": 3},
            True,
            "mine.near_positives: refuse",
        ),
    ],
)
def test_advice_names_only_what_helps_in_this_run(name, changed, is_named, parameter):
    gate = gates(**changed)[name]
    assert gate.status in ("fail", "warn")
    assert (f"`{parameter}`" in gate.advice) == is_named


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


def test_few_pairs_change_no_other_limit():
    many = gates()
    few = gates(pair__rows_out=40)
    assert few["unbalanced"].limit == 0.5
    assert [name for name in GATES if few[name].limit != many[name].limit] == ["unbalanced"]
    assert few["leaked_rows"].limit == 0.0


def test_advice_names_the_rows_to_read():
    suspects = Suspects([f"p{at}" for at in range(20)], [], [], [], [])
    advice = gates(suspects, leaked_rows=20)["leaked_rows"].advice
    assert "Rows to read first: `p0`, `p1`" in advice
    assert "`p9`" in advice and "`p10`" not in advice


@pytest.mark.parametrize(
    ("name", "list_name", "changed"),
    [
        ("leaked_rows", "leaked", {"leaked_rows": 1}),
        ("mispaired_training", "far_apart", {"separation__training__roc_auc": 0.74}),
        ("hidden_positives", "hidden_positives", {"negatives__hidden_positives_share": 0.1}),
        ("labelled_positives", "labelled_positives", {"negatives__labelled_positives_share": 0.1}),
        ("duplicates", "duplicates", {"rows__duplicates_share": 0.02}),
    ],
)
def test_each_gate_names_the_rows_of_its_own_list(name, list_name, changed):
    lists = {field: [f"pair-of-{field}"] for field in Suspects._fields}
    advice = gates(Suspects(**lists), **changed)[name].advice
    assert f"Rows to read first: `pair-of-{list_name}`" in advice
    assert advice.count("`pair-of-") == 1


def test_dense_negatives_are_reported_and_never_gated():
    assert not any("dense" in gate.metric for gate in gates().values())


def test_every_parameter_that_advice_names_exists():
    facts = [
        {},
        {key: 1 for key in FACTS},
        {key: 1 for key in FACTS if "margin" not in key},
        {**dict.fromkeys(FACTS, 1), "folds": 5, "tokenize.max_tokens": 256},
    ]
    metrics = ("mine.false_negatives.structure.low", "mine.false_negatives.review.low")
    texts = [
        gate_advice(name, metric, known) for name in GATES for metric in metrics for known in facts
    ]
    named = [word for text in texts for word in text.split("`")[1::2]]
    assert "anchor" in named
    for key in sorted(set(named) - {"anchor"}):
        section, _, field = key.partition(":")[0].partition(".")
        assert section in VALUES, key
        assert not field or field in VALUES[section], key


def test_the_gate_of_too_few_held_out_pairs_names_their_share_and_the_unit():
    changed = {
        "split__held_out_of_requested": 0.2,
        "split__never_held_out_share": 0.8,
        "split__giants__other_unit": "anchor",
    }
    gate = gates(**changed)["unrepresentative"]
    assert (gate.status, round(gate.limit, 4)) == ("fail", 0.3333)
    assert "No rule can hold out 80.0% of the pairs" in gate.advice
    assert gate.advice.endswith("set `split.unit` to anchor.")
    other = gates(split__held_out_of_requested=0.2)["unrepresentative"]
    assert other.advice.endswith("Lower `split.train`, or bring more data.")


def test_a_gate_with_two_limits_names_the_one_that_was_lost():
    failed = gates(separation__random__roc_auc=0.5)["mispaired"]
    doubtful = gates(separation__random__roc_auc=0.8)["mispaired"]
    assert failed.requirement == doubtful.requirement == "at least 0.75; warns below 0.9"
    assert "is 0.5, and must be at least 0.75)" in failed.advice
    assert "is 0.8, and should be at least 0.9)" in doubtful.advice
    assert (failed.passed, doubtful.passed) == (False, True)
