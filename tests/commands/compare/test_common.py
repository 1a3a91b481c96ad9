"""What two versions have in common is judged as a search of that alone would have it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.commands.compare.common import World, common, merged
from stages.commands.compare.rescore import practised
from stages.commands.compare.sides import METRICS
from stages.commands.compare.verdicts import difference
from stages.lib.contracts.qrels import Qrels
from stages.lib.contracts.runs import Runs
from stages.lib.measures import measure
from stages.lib.text import hash_hex
from stages.lib.topk import Hits

QUERIES = ["qa", "qb", "qc", "qd"]


def world(ranked, answers, corpus=None, aliases=None):
    """Make a side: the documents that each query finds, in order, and the answers of each."""
    rows = [
        ("validation", "finetuned", query, place, doc_id, 1.0 / place)
        for query, found in ranked.items()
        for place, doc_id in enumerate(found, 1)
    ]
    hits = pd.DataFrame(rows, columns=list(Runs.empty().columns))
    judged = [(query, doc_id, 1.0) for query, found in answers.items() for doc_id in found]
    everything = corpus or {doc_id for found in ranked.values() for doc_id in found}
    return World(
        hits,
        pd.DataFrame(judged, columns=list(Qrels.empty().columns)),
        frozenset(everything),
        aliases or {},
    )


def results(world):
    """Make the QueryResults of a side, of which `common` needs queries and components alone."""
    ids = sorted(set(world.qrels["query_id"]))
    return pd.DataFrame(
        {"component_id": [f"c-{query}" for query in ids]}, index=pd.Index(ids, name="query_id")
    )


def ground(one, other):
    return common(one, other, results(one), results(other))


def test_a_document_that_one_side_lacks_counts_for_neither():
    one = world({"qa": ["d1", "d2", "d3"]}, {"qa": ["d3"]})
    other = world({"qa": ["d2", "d3"]}, {"qa": ["d3"]})
    found = ground(one, other)
    assert found.before.loc["qa", "mrr_at_10"] == found.after.loc["qa", "mrr_at_10"] == 1 / 2
    assert (found.documents_left, found.documents_entered, found.same) == (1, 0, False)


def test_an_answer_that_one_side_dropped_is_a_miss_of_that_side():
    one = world({"qa": ["d1", "d2"]}, {"qa": ["d1"]})
    other = world({"qa": ["d2"]}, {"qa": ["d1"]}, corpus={"d2"})
    found = ground(one, other)
    assert (found.before.loc["qa", "mrr_at_10"], found.after.loc["qa", "mrr_at_10"]) == (1.0, 0.0)


def test_copies_that_one_side_merged_are_one_document_on_both():
    # d2 is a copy of d1. Before, it stood in the way of its own answer.
    one = world({"qa": ["d2", "d1", "d3"]}, {"qa": ["d1"]})
    other = world({"qa": ["d1", "d3"]}, {"qa": ["d1"]}, aliases={"d2": "d1"})
    found = ground(one, other)
    assert found.before.loc["qa", "mrr_at_10"] == found.after.loc["qa", "mrr_at_10"] == 1.0
    assert (found.documents_left, found.share) == (0, 1.0)
    assert merged([{"d2": "d1"}, {"d3": "d2"}]) == {"d1": "d1", "d2": "d1", "d3": "d1"}


def test_queries_are_the_same_where_the_same_documents_answer_them():
    ranked = {query: ["d1", "d2"] for query in QUERIES}
    one = world(ranked, {"qa": ["d1"], "qb": ["d1"], "qc": ["d1"]})
    other = world(ranked, {"qa": ["d1"], "qb": ["d1", "d2"], "qd": ["d1"]})
    found = ground(one, other)
    assert list(found.after.index) == ["qa"]
    assert (found.queries_left, found.queries_entered) == (2, 2)
    assert found.share == pytest.approx(1 / 3)
    assert not found.comparable


def test_without_a_common_query_there_is_nothing_to_judge():
    one = world({"qa": ["d1"]}, {"qa": ["d1"]})
    other = world({"qb": ["d1"]}, {"qb": ["d1"]})
    found = ground(one, other)
    assert (len(found.before), len(found.after), found.share, found.comparable) == (
        0,
        0,
        0.0,
        False,
    )
    before, after = found.before["ndcg_at_10"], found.after["ndcg_at_10"]
    nothing = difference("ndcg_at_10", before, after, found.after["component_id"], 0)
    assert (nothing.queries, nothing.components, nothing.effect) == (0, 0, None)


def test_what_the_older_model_practised_is_a_component_of_today():
    old = pd.DataFrame(
        {
            "id": ["pa", "da", "pb", "db", "pc"],
            "split": ["train", "train", "test", "corpus", "train"],
        }
    )
    rows = [
        ("pa", "c1"),
        ("da", "c1"),
        ("pb", "c2"),
        ("db", "c2"),
        ("pc", "c3"),
        ("pd", "c3"),
        ("pe", "c4"),
    ]
    # pd and pe are new; pd has been tied to pc, which was trained on.
    assert practised(old, pd.DataFrame(rows, columns=["id", "component_id"])) == {"c1", "c3"}


@pytest.mark.parametrize(("kept", "comparable"), [(8, True), (7, False)])
def test_four_fifths_must_be_in_common(kept, comparable):
    documents = [f"d{at}" for at in range(10)]
    one = world({"qa": documents}, {"qa": ["d0"]})
    other = world({"qa": documents[:kept]}, {"qa": ["d0"]})
    assert ground(one, other).comparable == comparable


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_deleting_from_both_runs_is_ranking_the_common_documents_anew(data):
    documents = [f"d{at:02}" for at in range(30)]
    answers = {
        query: data.draw(st.lists(st.sampled_from(documents), min_size=1, max_size=3))
        for query in QUERIES
    }
    golds = {doc_id for found in answers.values() for doc_id in found}
    corpora = [
        set(data.draw(st.sets(st.sampled_from(documents), min_size=25))) | golds for _ in range(2)
    ]

    def score(side, query, doc_id):
        return int(hash_hex(side, query, doc_id), 16)

    def rank(side, query, corpus):
        return sorted(corpus, key=lambda doc_id: -score(side, query, doc_id))

    sides = [
        world({query: rank(side, query, corpus) for query in QUERIES}, answers, corpus)
        for side, corpus in zip("ab", corpora, strict=True)
    ]
    found = ground(*sides)
    shared = np.array(sorted(corpora[0] & corpora[1]))
    for side, told in zip("ab", (found.before, found.after), strict=True):
        positions = np.array(
            [
                [shared.tolist().index(d) for d in rank(side, query, shared.tolist())]
                for query in QUERIES
            ]
        )
        hits = Hits(positions, np.zeros(positions.shape, dtype=np.float32))
        anew = measure(
            QUERIES, hits, shared, {query: dict.fromkeys(answers[query], 1.0) for query in QUERIES}
        )
        pd.testing.assert_frame_equal(
            told[list(METRICS)], anew.set_index("query_id")[list(METRICS)]
        )
