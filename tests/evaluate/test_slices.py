"""Every query is in one slice of each kind; small slices have means only; p is corrected."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.evaluate.results import IntervalSettings, paired_scores
from stages.evaluate.slices import (
    SLICE_COLUMNS,
    length_slice,
    query_slices,
    slice_counts,
    slice_gains,
    without_labels,
)
from stages.lib.analysis.intervals import holm_correction
from stages.lib.core.git_texts import label_id
from stages.lib.evaluation.evaluation_set import EvaluationSet
from stages.lib.evaluation.ranking_metrics import METRICS
from stages.lib.schemas.evaluation_set import Queries
from tests.evaluate.test_results_gains import results
from tests.properties import examples

SETTINGS = IntervalSettings(13, None, component_weight=10)


def held(relations, texts=None, sources=None):
    """Make queries with these relations; the document of its number is relevant for each."""
    count = len(relations)
    rows = pd.DataFrame(
        {
            "query_id": [f"q{index:016x}" for index in range(count)],
            "component_id": [f"c{index}" for index in range(count)],
            "raw": texts or ["fever"] * count,
            "text": texts or ["fever"] * count,
            "relation": relations,
            "source": sources or ["hpo"] * count,
        }
    )[list(Queries.empty().columns)]
    return EvaluationSet(
        rows,
        {query_id: {f"d{index}": 1.0} for index, query_id in enumerate(rows["query_id"])},
        pd.DataFrame(),
    )


@pytest.mark.parametrize(
    ("text", "slice_"),
    [
        ("fever", "1 word"),
        ("high  fever", "2 words"),
        ("a b c", "3 words"),
        ("a b c d", "4 to 5 words"),
        ("a b c d e", "4 to 5 words"),
        ("a b c d e f", "6 to 9 words"),
        ("a b c d e f g h i j", "10 words or more"),
    ],
)
def test_the_length_of_a_query_is_its_words(text, slice_):
    assert length_slice(text) == slice_


def test_slices_come_from_the_query_and_its_best_document():
    evaluation_set = held(
        ["exact", "lay", ""], ["fever", "high fever", "rash"], ["hpo", "pair.title", "hpo"]
    )
    evaluation_set.qrels["q" + "0" * 16].update(
        {"d9": 1.0, "d8": 0.5}
    )  # of the equals d0 and d9 the smaller id counts
    slices_by_kind = query_slices(
        evaluation_set, {"d0": "heat", "d1": "skin", "d8": "bone", "d9": "bone"}
    )
    assert {kind: list(slices) for kind, slices in slices_by_kind.items()} == {
        "relation": ["exact", "lay", "(none)"],
        "topic": ["heat", "skin", "(none)"],
        "length": ["1 word", "2 words", "1 word"],
        "source": ["hpo", "pair.title", "hpo"],
        "origin": ["real", "made by a recipe", "real"],
    }


def test_a_kind_with_one_slice_is_left_out():
    assert list(query_slices(held(["exact", "lay"]), {})) == ["relation"]


def case():
    """Return results of 130 queries: 60 of a relation gain, 60 stay, 10 are too few."""
    relations = ["gains"] * 60 + ["stays"] * 60 + ["few"] * 10
    change = [0.2, 0.4] * 30 + [0.1, -0.1] * 30 + [0.5] * 10
    base = np.full(130, 0.4)
    return results(base, base + change, [f"c{index:03}" for index in range(130)]), held(relations)


def test_a_slice_on_literals():
    frame = slice_gains(*case(), {}, SETTINGS)
    assert list(frame.columns) == list(SLICE_COLUMNS)
    assert frame["kind"].tolist() == ["measure"] * (len(METRICS) - 1) + ["relation"] * 3
    rows = frame[frame["kind"] == "relation"].set_index("slice")
    assert rows.index.tolist() == ["gains", "stays", "few"]
    assert rows["queries"].tolist() == rows["components"].tolist() == [60, 60, 10]
    assert rows["base"].tolist() == pytest.approx([0.4] * 3)
    assert rows["gain"].tolist() == pytest.approx([0.3, 0.0, 0.5])
    assert rows["finding"].tolist() == ["better", "no evidence", "too few components"]
    assert rows.loc["few", ["low", "high", "p"]].isna().all()
    assert 0.2 < rows.loc["gains", "low"] < 0.3 < rows.loc["gains", "high"] < 0.4
    assert slice_counts(frame, "validation") == {
        "validation.slices.judged": 2,
        "validation.slices.better": 1,
        "validation.slices.worse": 0,
    }


def test_a_slice_has_weights_of_its_own():
    # Of the large component 20 queries are in each relation, so it counts as ten in each.
    components = ["large"] * 40 + [f"c{index:02}" for index in range(20)]
    relations = ["left"] * 20 + ["right"] * 20 + ["left"] * 10 + ["right"] * 10
    tuned = [0.8] * 20 + [0.4] * 20 + [0.4] * 10 + [0.2] * 10
    rows = slice_gains(results([0.0] * 60, tuned, components), held(relations), {}, SETTINGS)
    rows = rows.set_index("slice")
    assert rows.loc["left", ["queries", "components"]].tolist() == [30, 11]
    assert rows.loc["left", "finetuned"] == rows.loc["left", "gain"] == 0.6
    assert rows.loc["right", "finetuned"] == rows.loc["right", "gain"] == 0.3


def test_p_values_are_corrected_for_their_number():
    query_rows, evaluation_set = case()
    frame = slice_gains(query_rows, evaluation_set, {}, SETTINGS)
    tested_rows = frame[frame["p"].notna()]
    single = [
        paired_scores(query_rows, name).gain(SETTINGS).p
        for name in tested_rows.loc[tested_rows["kind"] == "measure", "slice"]
    ]
    relations_of_queries = evaluation_set.queries["relation"].to_numpy(dtype=str)
    single += [
        paired_scores(query_rows, "ndcg_at_10")
        .select(relations_of_queries == name)
        .gain(SETTINGS)
        .p
        for name in ("gains", "stays")
    ]
    assert tested_rows["p"].tolist() == pytest.approx(holm_correction(single), abs=5e-5)


def test_the_smallest_of_many_slices_are_one():
    relations = [f"r{index:02}" for index in range(55) for _ in range(1 + (index < 49))]
    scores = np.full(len(relations), 0.5)
    frame = slice_gains(
        results(scores, scores, [f"c{index:03}" for index in range(len(relations))]),
        held(relations),
        {},
        SETTINGS,
    )
    rows = frame[frame["kind"] == "relation"]
    assert rows["slice"].tolist() == [*(f"r{index:02}" for index in range(50)), "(others)"]
    assert rows["queries"].tolist() == [2] * 49 + [1, 5]


@pytest.mark.slow
@examples(10)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(random):
    query_rows, evaluation_set = case()
    order, other = list(range(len(query_rows))), list(range(len(evaluation_set.queries)))
    random.shuffle(order)
    random.shuffle(other)
    mixed = slice_gains(
        query_rows.iloc[order],
        evaluation_set._replace(queries=evaluation_set.queries.iloc[other]),
        {},
        SETTINGS,
    )
    pd.testing.assert_frame_equal(mixed, slice_gains(query_rows, evaluation_set, {}, SETTINGS))


@pytest.mark.slow
@examples(20)
@given(st.lists(st.sampled_from(["exact", "lay", "", "broad"]), min_size=2, max_size=30))
def test_every_query_is_in_one_slice_of_each_kind(relations):
    scores = np.linspace(0.0, 1.0, len(relations))
    components = [f"c{index:03}" for index in range(len(relations))]
    frame = slice_gains(results(scores, scores[::-1], components), held(relations), {}, SETTINGS)
    rows_by_kind = frame[frame["kind"] != "measure"].groupby("kind")
    assert set(rows_by_kind["queries"].sum()) <= {len(relations)}
    for _, rows in rows_by_kind:
        assert (rows["gain"] * rows["queries"]).sum() / len(relations) == pytest.approx(
            0.0, abs=5e-5
        )


def test_without_labels_an_id_stands_for_each_name_of_the_data():
    frame = pd.DataFrame(
        {
            "kind": ["topic", "topic", "topic", "relation", "length", "source", "measure"],
            "slice": ["Refunds", "(none)", "(others)", "lay", "1 word", "faq", "mrr_at_10"],
        }
    )
    assert without_labels(frame)["slice"].tolist() == [
        "t8c1be3c5591d6a06",
        "(none)",
        "(others)",
        label_id("lay"),
        "1 word",
        "faq",
        "mrr_at_10",
    ]
