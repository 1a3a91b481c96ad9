import pandas as pd
import pytest

from stages.lib.reporting.details import StageDetails
from stages.report.advice import _TIES, advise, check_invariants
from stages.report.measurements import RowCounts, row_counts
from stages.split.component_size import EDGE_KINDS

GAIN = "validation.gain.over_base.ndcg_at_10"


NO_SLICES = pd.DataFrame(columns=["kind", "slice", "finding"])


def advice(values, slices=NO_SLICES, counts=()):
    return advise(StageDetails(values), slices, counts)


def test_every_kind_of_edge_has_advice():
    assert set(_TIES) == set(EDGE_KINDS)


def test_there_is_no_advice_when_nothing_is_wrong(values, metrics):
    assert advice(values, NO_SLICES, row_counts(metrics)) == []


@pytest.mark.parametrize(
    ("stage", "changed", "parameter", "fact"),
    [
        ("split", {"leaked_texts": 3}, "`split.leaked_texts` is 3", "must be 0"),
        (
            "validate",
            {"gates.mispaired": "fail"},
            "`collect.sources`",
            "the status of gate `mispaired` was fail",
        ),
        (
            "validate",
            {"gates.truncation": "warn"},
            "`tokenize.max_tokens`",
            "data/validate/index.html",
        ),
        (
            "evaluate",
            {f"{GAIN}.low": -0.01},
            "`split.max_train_pairs`",
            "no gain. It would likely show a gain of 0.055",
        ),
        (
            "evaluate",
            {f"{GAIN}.low": -0.1, f"{GAIN}.high": -0.02},
            "`finetune.learning_rate`",
            "made the model worse",
        ),
        ("evaluate", {"validation.bm25.ndcg_at_10": 0.55}, "`model.base`", "BM25 (0.550)"),
        (
            "evaluate",
            {"out_of_domain.harmless": False, "out_of_domain.drop.high": 0.031},
            "`finetune.learning_rate`",
            "by up to 0.031",
        ),
        (
            "evaluate",
            {"validation.effective_components": 3.37, "validation.components": 751},
            "`split.near_threshold`",
            "There are 751 components, but the gain varies like that of 3.4 equal ones",
        ),
        ("mine", {"short_anchors_share": 0.25}, "`mine.relative_margin`", "25.0%"),
        ("tokenize", {"unknown_share": 0.05}, "`clean`", "5.0%"),
        ("evaluate", {"synthetic_exam": True}, "`pair.recipes`", "No source gives queries"),
        ("split", {"largest_component_share": 0.5}, "`split.near_threshold`", "50%"),
    ],
)
def test_each_finding_names_its_parameter(values, stage, changed, parameter, fact):
    values[stage].update(changed)
    pieces = advice(values)
    assert len(pieces) == 1
    assert parameter in pieces[0] and fact in pieces[0]


def test_only_a_slice_that_surely_lost_is_named(values, slices):
    (piece,) = advice(values, slices[slices["split"] == "validation"])
    assert "relation “lay” worse: -0.100 nDCG@10 on 90" in piece


def test_a_stage_that_drops_much_is_named_and_sampling_is_not(values):
    heavy = RowCounts("clean: pairs", 10, 0, 4, 6, "\u22124 too short")
    sampled = RowCounts("split", 10, 0, 9, 1, "\u22129 not sampled")
    (piece,) = advice(values, counts=[heavy, sampled])
    assert "`clean: pairs` drops 40% of its rows (\u22124 too short)" in piece
    assert "section `clean` of params.yaml" in piece


def test_a_gate_that_passed_or_was_not_measured_is_left_out(values):
    values["validate"].update(
        {"gates.leaked_rows": "pass", "gates.false_negatives": "not measured"}
    )
    assert advice(values) == []


def test_a_broken_invariant_comes_first(values):
    values["mine"].update(known_positives_as_negatives=1, short_anchors_share=0.5)
    assert "`mine.known_positives_as_negatives` is 1" in advice(values)[0]


def test_seven_invariants_hold(metrics):
    assert [check.broken for check in check_invariants(metrics)] == [0] * 7


@pytest.mark.parametrize("rule", ["no gain", "probe", "gate"])
def test_a_sample_is_named_only_where_it_left_pairs_out(values, rule):
    if rule == "no gain":
        values["evaluate"].update({f"{GAIN}.low": -0.01})
    elif rule == "probe":
        values["evaluate"]["validation.gain.over_probe.ndcg_at_10.low"] = -0.01
    else:
        values["validate"]["gates.probe_gain"] = "warn"

    (piece,) = advice(values)
    assert "`split.max_train_pairs` left out 5 pairs" in piece
    values["split"]["dropped.not_sampled"] = 0
    (piece,) = advice(values)
    assert "`split.max_train_pairs`" not in piece
    assert "`collect.sources`" in piece


@pytest.mark.parametrize(
    ("without", "cause"),
    [
        ({"near_text": 8, "shared_document": 2}, "`split.near_threshold`"),
        ({"near_text": 39, "shared_document": 2}, "`pair.max_pairs_per_document`"),
        ({"equal_anchor": 15, "shared_document": 1}, "`split.unit` to `anchor`"),
        ({"topic": 3, "shared_document": 1}, "`split.topic_levels`"),
        ({"group": 20, "shared_document": 1}, "`group` under `collect.sources`"),
        ({"recipe": 1}, "`pair.recipes`"),
        ({}, "`python -m stages explain ID`"),
    ],
)
def test_what_ties_the_largest_component_is_what_takes_it_apart(values, without, cause):
    split = {key: value for key, value in values["split"].items() if ".without." not in key}
    ties = {f"largest_component.without.{kind}": size for kind, size in without.items()}
    values["split"] = {**split, **ties, "largest_component_share": 0.5}
    (piece,) = advice(values)
    assert cause in piece
    others = {"near_threshold", "topic_levels", "max_pairs_per_document"} - set(cause.split("."))
    assert not any(f"{other}`" in piece.replace(cause, "") for other in others)


@pytest.mark.parametrize(
    ("refused", "parameter"),
    [
        ({"margin": 9, "relative": 4}, "`mine.relative_margin`"),
        ({"margin": 1, "relative": 4}, "`mine.exclude_relatives`"),
        ({"near_positive": 4}, "`mine.near_positives`"),
        ({"known_positive": 4}, "`mine.candidates`"),
        ({}, "`mine.candidates`"),
    ],
)
def test_short_anchors_name_the_filter_that_excluded_most(values, refused, parameter):
    mine = {key: value for key, value in values["mine"].items() if "refused" not in key}
    values["mine"] = {**mine, **{f"refused.{name}": count for name, count in refused.items()}}
    values["mine"]["short_anchors_share"] = 0.25
    (piece,) = advice(values)
    assert parameter in piece
    assert ("`mine.relative_margin`" in piece) == (parameter == "`mine.relative_margin`")


def test_hidden_positives_are_a_cause_only_where_there_are_some(values):
    values["evaluate"].update({f"{GAIN}.low": -0.1, f"{GAIN}.high": -0.02})
    assert "hard negatives" not in advice(values)[0]
    values["validate"]["negatives.hidden_positives_share"] = 0.03
    assert "3.0% of the hard negatives look like positives" in advice(values)[0]
