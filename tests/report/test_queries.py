import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.core.errors import UserError
from stages.lib.reporting.difference_charts import change_bins
from stages.report.queries import paired_results, worst_queries

from .conftest import name


def test_results_of_two_models_are_paired(validation):
    paired = paired_results(validation)
    assert list(paired["change"]) == [0.5, 0.0, -1.0, 0.0]
    assert list(paired["tuned_rank"]) == [1, 3, 0, 40]


def test_models_must_have_answered_the_same_queries(validation):
    lost = (validation["system"] == "finetuned") & (validation["query_id"] == name("q", 2))
    with pytest.raises(UserError, match="not scored on the same queries"):
        paired_results(validation[~lost])


def test_worst_queries_start_with_lost_ones(validation, texts):
    rows = worst_queries(paired_results(validation), texts, 20)
    assert list(rows["Query"]) == ["wobbly & weak", "lost", "ataxic"]
    assert rows["Base rank"].tolist() == [1, pd.NA, 3]
    assert rows["Fine-tuned rank"].tolist() == [pd.NA, 40, 3]


def test_the_number_of_worst_queries_is_limited(validation, texts):
    assert list(worst_queries(paired_results(validation), texts, 1)["Query"]) == ["wobbly & weak"]


def test_a_dropped_document_is_shown_by_its_kept_copy(validation, texts):
    relevant = worst_queries(paired_results(validation), texts, 20)["Relevant document"].tolist()
    assert relevant == [
        "Ataxia: Lack of <b>coordination</b>. (and 1 more)",
        f"{name('d', 7)}, which is no longer in the corpus",
        "Ataxia: Lack of <b>coordination</b>.",
    ]


def test_the_first_hit_is_shown_unless_it_is_relevant(validation, texts):
    rows = worst_queries(paired_results(validation), texts, 20)
    assert dict(zip(rows["Query"], rows["Found instead"], strict=True)) == {
        "wobbly & weak": "",  # document 2 answers it, with a lower grade
        "lost": name("d", 8),
        "ataxic": "",
    }
    elsewhere = texts._replace(first_hits=texts.first_hits.assign(doc_id=name("d", 2)))
    assert (
        worst_queries(paired_results(validation), elsewhere, 20)["Found instead"].tolist()[2]
        == "x" * 120 + "…"
    )


def test_long_answers_are_cut_at_120_characters(validation, texts):
    texts = texts._replace(
        qrels=texts.qrels.assign(doc_id=name("d", 2)).drop_duplicates("query_id")
    )
    assert worst_queries(paired_results(validation), texts, 1)["Relevant document"].tolist() == [
        "x" * 120 + "…"
    ]


def test_results_of_unknown_queries_are_refused(validation, texts):
    with pytest.raises(UserError, match="which is no query"):
        worst_queries(
            paired_results(validation), texts._replace(queries=texts.queries.iloc[:2]), 20
        )


def test_changes_are_counted_away_from_zero():
    bins = change_bins([0.0, 0.05, 0.1, 0.101, -0.3, -1.0, 1.0])
    assert bins.to_dict("split")["data"] == [
        [-0.9, -1.0, 1, "worse"],
        [-0.2, -0.3, 1, "worse"],
        [0.0, 0.1, 2, "better"],
        [0.1, 0.2, 1, "better"],
        [0.9, 1.0, 1, "better"],
    ]


@given(st.lists(st.floats(-1, 1)))
def test_every_changed_query_is_in_one_bin(changes):
    bins = change_bins(changes)
    assert bins["queries"].sum() == sum(abs(change) > 1e-9 for change in changes)


@pytest.mark.slow
@given(st.permutations(range(12)))
def test_the_order_of_the_results_changes_nothing(order):
    from .conftest import results

    frame = results(
        "validation",
        [
            (1, 1, 0.5, 3, 1.0, 1),
            (2, 1, 0.5, 3, 0.5, 3),
            (3, 2, 1.0, 1, 0.0, 0),
            (4, 3, 0, 0, 0, 9),
        ],
    )
    assert paired_results(frame.iloc[list(order)]).equals(paired_results(frame))
