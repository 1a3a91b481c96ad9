"""Errors on the first rank: of validation only, in a stable order, and the share that are none."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.evaluate.diagnostics import label_error, sample_errors
from stages.lib.evaluation.evaluation_set import EvaluationSet
from stages.lib.schemas.reviews import Judgement
from stages.lib.schemas.runs import Runs


def name(letter, number):
    return f"{letter}{number:016x}"


def runs(firsts, split="validation", system="finetuned"):
    """Make Runs of queries 1, 2, ... that find these documents first, and document 99 second."""
    rows = [
        (split, system, name("q", number), rank, name("d", doc), 0.5)
        for number, first in enumerate(firsts, 1)
        for rank, doc in ((1, first), (2, 99))
    ]
    return pd.DataFrame(rows, columns=list(Runs.empty().columns))


def held(count):
    """Make `count` queries. The document of its number is relevant; two are a component."""
    ids = [name("q", number) for number in range(1, count + 1)]
    queries = pd.DataFrame(
        {"query_id": ids, "component_id": [f"c{number // 2}" for number in range(count)]}
    )
    return EvaluationSet(
        queries,
        {query_id: {name("d", number): 1.0} for number, query_id in enumerate(ids, 1)},
        pd.DataFrame(),
    )


def test_an_error_is_a_first_hit_that_is_not_relevant():
    all_runs = runs([1, 7, 3, 8])
    others = [runs([9] * 4, split="test"), runs([9] * 4, system="base")]
    errors = sample_errors(pd.concat([all_runs, *others]), held(4), 50, 13).sort_values("query_id")
    assert errors.to_numpy().tolist() == [
        [name("q", 2), "c0", name("d", 7)],
        [name("q", 4), "c1", name("d", 8)],
    ]


def test_a_document_graded_zero_is_an_error():
    evaluation_set = held(1)
    evaluation_set.qrels[name("q", 1)][name("d", 5)] = 0.0
    assert sample_errors(runs([5]), evaluation_set, 50, 13)["doc_id"].tolist() == [name("d", 5)]


@given(st.randoms(use_true_random=False), st.integers(2, 30))
def test_a_smaller_sample_begins_a_larger_one(random, limit):
    all_runs, evaluation_set = runs(range(2, 32)), held(30)
    order = list(range(len(all_runs)))
    random.shuffle(order)
    all_errors = sample_errors(all_runs, evaluation_set, 100, 13)
    assert len(all_errors) == 30
    assert sample_errors(all_runs.iloc[order], evaluation_set, limit, 13).equals(
        all_errors.head(limit)
    )
    assert (
        sample_errors(all_runs, evaluation_set, 30, 14)["query_id"].tolist()
        != all_errors["query_id"].tolist()
    )


def test_a_query_keeps_its_place_in_the_sample():
    before, after = (
        list(sample_errors(runs(firsts), held(4), 50, 13)["query_id"])
        for firsts in ([9] * 4, [9, 2, 9, 9])
    )
    assert after == [query_id for query_id in before if query_id != name("q", 2)]


@pytest.mark.slow
def test_the_label_error_counts_labels_of_current_errors():
    errors = sample_errors(runs([9] * 8), held(8), 50, 13)
    assert label_error(errors, []) == {}
    label_of_query = {1: "yes", 3: "no", 5: "no", 7: "no"}
    lines = [
        Judgement(name("q", number), name("d", 9), word) for number, word in label_of_query.items()
    ]
    metrics = label_error(errors, [*lines, Judgement(name("q", 2), name("d", 8), "yes")])
    assert (metrics["label_error.judged"], metrics["label_error.rate"]) == (4, 0.25)
    # Four judged in as many components: Wilson's interval, with the t of three degrees of freedom.
    assert 0.0 < metrics["label_error.low"] < 0.05 and 0.75 < metrics["label_error.high"] < 0.9
