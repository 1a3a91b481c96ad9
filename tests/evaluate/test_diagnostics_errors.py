"""Errors on the first rank: of validation only, in a stable order, and the share that are none."""

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from stages.evaluate.diagnostics import label_error, sample_errors
from stages.lib.contracts.runs import Runs
from stages.lib.heldout import HeldOut
from stages.lib.reviewed import Verdict


def name(letter, number):
    return f"{letter}{number:016x}"


def runs(firsts, split="validation", system="finetuned"):
    """Make Runs of queries 1, 2, ... that find these documents first, and document 99 second."""
    rows = [
        (split, system, name("q", at), rank, name("d", doc), 0.5)
        for at, first in enumerate(firsts, 1)
        for rank, doc in ((1, first), (2, 99))
    ]
    return pd.DataFrame(rows, columns=list(Runs.empty().columns))


def held(count):
    """Make `count` queries, each answered by the document of its number, two of them a component."""
    ids = [name("q", at) for at in range(1, count + 1)]
    queries = pd.DataFrame(
        {"query_id": ids, "component_id": [f"c{at // 2}" for at in range(count)]}
    )
    return HeldOut(
        queries,
        {query_id: {name("d", at): 1.0} for at, query_id in enumerate(ids, 1)},
        pd.DataFrame(),
    )


def test_an_error_is_a_first_hit_that_is_not_relevant():
    found = runs([1, 7, 3, 8])
    others = [runs([9] * 4, split="test"), runs([9] * 4, system="base")]
    errors = sample_errors(pd.concat([found, *others]), held(4), 50, 13).sort_values("query_id")
    assert errors.to_numpy().tolist() == [
        [name("q", 2), "c0", name("d", 7)],
        [name("q", 4), "c1", name("d", 8)],
    ]


def test_a_document_graded_zero_is_an_error():
    asked = held(1)
    asked.grades[name("q", 1)][name("d", 5)] = 0.0
    assert sample_errors(runs([5]), asked, 50, 13)["doc_id"].tolist() == [name("d", 5)]


@given(st.randoms(use_true_random=False), st.integers(2, 30))
def test_a_smaller_sample_begins_a_larger_one(random, wanted):
    found, asked = runs(range(2, 32)), held(30)
    order = list(range(len(found)))
    random.shuffle(order)
    every = sample_errors(found, asked, 100, 13)
    assert len(every) == 30
    assert sample_errors(found.iloc[order], asked, wanted, 13).equals(every.head(wanted))
    assert sample_errors(found, asked, 30, 14)["query_id"].tolist() != every["query_id"].tolist()


def test_a_query_keeps_its_place_in_the_sample():
    before, after = (
        list(sample_errors(runs(firsts), held(4), 50, 13)["query_id"])
        for firsts in ([9] * 4, [9, 2, 9, 9])
    )
    assert after == [query_id for query_id in before if query_id != name("q", 2)]


def test_the_label_error_counts_labels_of_current_errors():
    errors = sample_errors(runs([9] * 8), held(8), 50, 13)
    assert label_error(errors, []) == {}
    said = {1: "yes", 3: "no", 5: "no", 7: "no"}
    lines = [Verdict(name("q", at), name("d", 9), "", "", "", word) for at, word in said.items()]
    told = label_error(errors, [*lines, Verdict(name("q", 2), name("d", 8), "", "", "", "yes")])
    assert (told["label_error.judged"], told["label_error.rate"]) == (4, 0.25)
    # Four judged in as many components: Wilson's interval, with the t of three degrees of freedom.
    assert 0.0 < told["label_error.low"] < 0.05 and 0.75 < told["label_error.high"] < 0.9
