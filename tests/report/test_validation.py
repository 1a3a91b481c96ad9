import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.errors import Problem
from stages.report.validation import change_bins, side_by_side, worst

from .conftest import name


def test_models_stand_side_by_side(validation):
    both = side_by_side(validation)
    assert list(both["change"]) == [0.5, 0.0, -1.0, 0.0]
    assert list(both["tuned_rank"]) == [1, 3, 0, 40]


def test_models_must_have_answered_the_same_queries(validation):
    lost = (validation["system"] == "finetuned") & (validation["query_id"] == name("q", 2))
    with pytest.raises(Problem, match="not scored on the same queries"):
        side_by_side(validation[~lost])


def test_worst_queries_leave_out_what_is_perfect_and_start_with_what_is_lost(validation, held):
    rows = worst(side_by_side(validation), held, 20)
    assert list(rows["Query"]) == ["wobbly & weak", "lost", "ataxic"]
    assert rows["Base rank"].tolist() == [1, pd.NA, 3]
    assert rows["Fine-tuned rank"].tolist() == [pd.NA, 40, 3]


def test_no_more_worst_queries_are_shown_than_asked_for(validation, held):
    assert list(worst(side_by_side(validation), held, 1)["Query"]) == ["wobbly & weak"]


def test_answers_are_shown_by_the_copy_that_stands_for_them_or_said_to_be_gone(validation, held):
    answers = worst(side_by_side(validation), held, 20)["What answers it"].tolist()
    assert answers == [
        "Ataxia: Lack of <b>coordination</b>. (and 1 more)",
        f"{name('d', 7)}, which is no longer in the corpus",
        "Ataxia: Lack of <b>coordination</b>.",
    ]


def test_what_was_found_instead_is_shown_unless_it_is_an_answer(validation, held):
    rows = worst(side_by_side(validation), held, 20)
    assert dict(zip(rows["Query"], rows["Found instead"], strict=True)) == {
        "wobbly & weak": "",  # document 2 answers it, with a lower grade
        "lost": name("d", 8),
        "ataxic": "",
    }
    elsewhere = held._replace(first=held.first.assign(doc_id=name("d", 2)))
    assert (
        worst(side_by_side(validation), elsewhere, 20)["Found instead"].tolist()[2]
        == "x" * 120 + "…"
    )


def test_long_answers_are_cut_at_120_characters(validation, held):
    held = held._replace(qrels=held.qrels.assign(doc_id=name("d", 2)).drop_duplicates("query_id"))
    assert worst(side_by_side(validation), held, 1)["What answers it"].tolist() == ["x" * 120 + "…"]


def test_results_of_unknown_queries_are_refused(validation, held):
    with pytest.raises(Problem, match="which is no query"):
        worst(side_by_side(validation), held._replace(queries=held.queries.iloc[:2]), 20)


def test_changes_are_counted_away_from_zero():
    bins = change_bins(pd.DataFrame({"change": [0.0, 0.05, 0.1, 0.101, -0.3, -1.0, 1.0]}))
    assert bins.to_dict("split")["data"] == [
        [-0.9, -1.0, 1, "worse"],
        [-0.2, -0.3, 1, "worse"],
        [0.0, 0.1, 2, "better"],
        [0.1, 0.2, 1, "better"],
        [0.9, 1.0, 1, "better"],
    ]


@given(st.lists(st.floats(-1, 1)))
def test_every_changed_query_is_in_one_bin(changes):
    bins = change_bins(pd.DataFrame({"change": changes}, dtype="float64"))
    assert bins["queries"].sum() == sum(abs(change) > 1e-9 for change in changes)


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
    assert side_by_side(frame.iloc[list(order)]).equals(side_by_side(frame))
