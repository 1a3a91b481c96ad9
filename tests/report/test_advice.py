import pandas as pd
import pytest

from stages.lib.measured import Metrics
from stages.report.advice import advise, promises
from stages.report.inputs import Book, funnel

GAIN = "validation.gain.over_base.ndcg_at_10"


NO_SLICES = pd.DataFrame(columns=["kind", "slice", "finding"])


def said(values, slices=NO_SLICES, books=()):
    return advise(Metrics(values), slices, books)


def test_nothing_is_said_when_nothing_stands_out(values, metrics):
    assert said(values, NO_SLICES, funnel(metrics)) == []


@pytest.mark.parametrize(
    ("stage", "changed", "names", "tells"),
    [
        ("split", {"leaked_texts": 3}, "`split.leaked_texts` is 3", "must be 0"),
        (
            "validate",
            {"gates.mispaired": "fail"},
            "`collect.sources`",
            "gate `mispaired` said fail",
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
            "no gain and would likely have shown one of 0.055",
        ),
        (
            "evaluate",
            {f"{GAIN}.low": -0.1, f"{GAIN}.high": -0.02},
            "`mine.relative_margin`",
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
            "`pair.max_pairs_per_document`",
            "3.4 components of equal weight would, though there are 751",
        ),
        ("mine", {"short_anchors_share": 0.25}, "`mine.relative_margin`", "25.0%"),
        ("tokenize", {"unknown_share": 0.05}, "`clean`", "5.0%"),
        ("evaluate", {"synthetic_exam": True}, "`pair.recipes`", "No source gives questions"),
        ("split", {"largest_component_share": 0.5}, "`split.near_threshold`", "50%"),
    ],
)
def test_each_finding_names_its_parameter(values, stage, changed, names, tells):
    values[stage].update(changed)
    pieces = said(values)
    assert len(pieces) == 1
    assert names in pieces[0] and tells in pieces[0]


def test_a_slice_that_lost_is_named_and_one_that_may_not_have_lost_is_not(values, slices):
    (piece,) = said(values, slices[slices["split"] == "validation"])
    assert "relation “lay” worse: -0.100 nDCG@10 on 90" in piece


def test_a_stage_that_drops_much_is_named_and_sampling_is_not(values):
    heavy = Book("clean: pairs", 10, 0, 4, 6, "\u22124 too short")
    sampled = Book("split", 10, 0, 9, 1, "\u22129 not sampled")
    (piece,) = said(values, books=[heavy, sampled])
    assert "`clean: pairs` drops 40% of its rows (\u22124 too short)" in piece
    assert "section `clean` of params.yaml" in piece


def test_a_gate_that_passed_or_was_not_measured_is_not_told(values):
    values["validate"].update(
        {"gates.leaked_rows": "pass", "gates.false_negatives": "not measured"}
    )
    assert said(values) == []


def test_what_breaks_trust_comes_first(values):
    values["mine"].update(known_positives_as_negatives=1, short_anchors_share=0.5)
    assert "`mine.known_positives_as_negatives` is 1" in said(values)[0]


def test_six_promises_are_kept(metrics):
    assert [check.broken for check in promises(metrics)] == [0] * 6
