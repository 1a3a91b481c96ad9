"""Two versions are scored as a search of their common documents would score them."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.commands.compare import alignment
from stages.commands.compare.alignment import (
    SystemRun,
    restrict_to_common,
    seen_in_training,
)
from stages.commands.compare.versions import METRICS, merge_aliases
from stages.commands.verdict.differences import measure_difference
from stages.lib.core.ids import hash_hex
from stages.lib.evaluation.ranking_metrics import per_query_metrics
from stages.lib.retrieval.search import Hits
from stages.lib.schemas.evaluation_set import Qrels
from stages.lib.schemas.runs import Runs
from tests.properties import examples

QUERIES = ["qa", "qb", "qc", "qd"]


def system_run(ranking_of_query, relevant, corpus=None, aliases=None):
    """Make a run: the documents that each query finds, in order, and its relevant documents."""
    hits = []
    for query, ranking in ranking_of_query.items():
        for rank, doc_id in enumerate(ranking, 1):
            hits.append(("validation", "finetuned", query, rank, doc_id, 1.0 / rank))
    qrels = [(query, doc_id, 1.0) for query, doc_ids in relevant.items() for doc_id in doc_ids]
    every_document = {doc_id for ranking in ranking_of_query.values() for doc_id in ranking}
    return SystemRun(
        pd.DataFrame(hits, columns=list(Runs.empty().columns)),
        pd.DataFrame(qrels, columns=list(Qrels.empty().columns)),
        frozenset(corpus or every_document),
        aliases or {},
    )


def results(run):
    """Make the QueryResults of a run; only queries and components matter here."""
    query_ids = sorted(set(run.qrels["query_id"]))
    components = [f"c-{query}" for query in query_ids]
    return pd.DataFrame({"component_id": components}, index=pd.Index(query_ids, name="query_id"))


def paired(before, after):
    return restrict_to_common(
        before, after, before_results=results(before), after_results=results(after)
    )


def test_a_document_that_one_version_lacks_counts_for_neither():
    before = system_run({"qa": ["d1", "d2", "d3"]}, {"qa": ["d3"]})
    after = system_run({"qa": ["d2", "d3"]}, {"qa": ["d3"]})
    common = paired(before, after)
    assert common.before.loc["qa", "mrr_at_10"] == common.after.loc["qa", "mrr_at_10"] == 1 / 2
    assert (common.documents_removed, common.documents_added) == (1, 0)
    assert common.same_benchmark is False


def test_a_version_misses_a_relevant_document_it_dropped():
    before = system_run({"qa": ["d1", "d2"]}, {"qa": ["d1"]})
    after = system_run({"qa": ["d2"]}, {"qa": ["d1"]}, corpus={"d2"})
    common = paired(before, after)
    assert common.before.loc["qa", "mrr_at_10"] == 1.0
    assert common.after.loc["qa", "mrr_at_10"] == 0.0


def test_copies_that_one_version_merged_are_one_document():
    # d2 is a copy of d1. In the older version it ranked above its own original.
    before = system_run({"qa": ["d2", "d1", "d3"]}, {"qa": ["d1"]})
    after = system_run({"qa": ["d1", "d3"]}, {"qa": ["d1"]}, aliases={"d2": "d1"})
    common = paired(before, after)
    assert common.before.loc["qa", "mrr_at_10"] == common.after.loc["qa", "mrr_at_10"] == 1.0
    assert (common.documents_removed, common.share_in_common) == (0, 1.0)
    merged = merge_aliases([{"d2": "d1"}, {"d3": "d2"}])
    assert merged == {"d1": "d1", "d2": "d1", "d3": "d1"}


def test_queries_with_the_same_relevant_documents_are_the_same():
    ranking_of_query = {query: ["d1", "d2"] for query in QUERIES}
    before = system_run(ranking_of_query, {"qa": ["d1"], "qb": ["d1"], "qc": ["d1"]})
    after = system_run(ranking_of_query, {"qa": ["d1"], "qb": ["d1", "d2"], "qd": ["d1"]})
    common = paired(before, after)
    assert list(common.after.index) == ["qa"]
    assert (common.queries_removed, common.queries_added) == (2, 2)
    assert common.share_in_common == pytest.approx(1 / 3)
    assert not common.comparable


ALL_FOUR = ["d1", "d2", "d3", "d4"]


@pytest.mark.parametrize(
    ("queries_before", "queries_after", "documents_before", "documents_after", "share"),
    [
        (1, 1, 4, 4, 1.0),
        (4, 4, 4, 4, 1.0),
        (4, 1, 4, 4, 1 / 4),
        (1, 4, 4, 4, 1 / 4),
        (1, 1, 4, 2, 1 / 2),
        (1, 1, 2, 4, 1 / 2),
        (2, 1, 4, 1, 1 / 4),
    ],
)
def test_the_smallest_share_decides_whether_versions_compare(
    queries_before, queries_after, documents_before, documents_after, share
):
    runs = [
        system_run(
            {query: ALL_FOUR[:documents] for query in asked}, {query: ["d1"] for query in asked}
        )
        for asked, documents in (
            (QUERIES[:queries_before], documents_before),
            (QUERIES[:queries_after], documents_after),
        )
    ]
    common = paired(*runs)
    assert list(common.after.index) == sorted(common.after.index)
    assert common.share_in_common == pytest.approx(share)
    assert common.comparable == (share == 1.0)


def test_without_a_common_query_nothing_is_compared():
    before = system_run({"qa": ["d1"]}, {"qa": ["d1"]})
    after = system_run({"qb": ["d1"]}, {"qb": ["d1"]})
    common = paired(before, after)
    assert (len(common.before), len(common.after)) == (0, 0)
    assert (common.share_in_common, common.comparable) == (0.0, False)
    difference = measure_difference(
        "ndcg_at_10",
        common.before["ndcg_at_10"],
        common.after["ndcg_at_10"],
        components=common.after["component_id"],
        component_weight=10,
        seed=0,
    )
    assert (difference.queries, difference.components, difference.effect) == (0, 0, None)


def test_components_that_trained_the_older_model_are_found():
    before = pd.DataFrame(
        {
            "id": ["pa", "da", "pb", "db", "pc"],
            "split": ["train", "train", "test", "corpus", "train"],
        }
    )
    component_of_id = {
        "pa": "c1",
        "da": "c1",
        "pb": "c2",
        "db": "c2",
        "pc": "c3",
        "pd": "c3",
        "pe": "c4",
    }
    # pd and pe are new. pd is in one component with pc, which was trained on.
    after = pd.DataFrame(list(component_of_id.items()), columns=["id", "component_id"])
    assert seen_in_training(before, after) == {"c1", "c3"}


class StoredVersion:
    """A version whose tables are given by name."""

    def __init__(self, splits, scored):
        self.splits = splits
        self.scored = scored

    def details(self, stage):
        return {}

    def results(self, split, system):
        assert (split, system) == ("test", "finetuned")
        return self.scored

    def table(self, path, *columns):
        assert path == "data/split/splits.parquet"
        return self.splits[list(columns)]


def test_queries_that_trained_the_older_model_are_counted_and_left_out(monkeypatch):
    """The older model has learned from the components of qb and qc; qa, qd and qe are left."""
    run = system_run({query: ["d1", "d2"] for query in (*QUERIES, "qe")}, {})
    rows = [("qa", "c1"), ("qb", "c2"), ("qc", "c3"), ("qd", "c4"), ("qe", "c5")]
    scored = pd.DataFrame(
        {"component_id": [component for _, component in rows]},
        index=pd.Index([query for query, _ in rows], name="query_id"),
    )
    older = pd.DataFrame({"id": ["p2", "p3", "p4"], "split": ["train", "train", "test"]})
    newer = pd.DataFrame({"id": ["p2", "p3", "p4"], "component_id": ["c2", "c3", "c4"]})
    benchmark = SimpleNamespace(
        corpus=SimpleNamespace(doc_ids=np.array(["d1", "d2"])),
        qrels={query: {"d1": 1.0} for query, _ in rows},
    )
    monkeypatch.setattr(alignment, "read_benchmark", lambda version, split: benchmark)
    monkeypatch.setattr(alignment, "_hits_of_older_model", lambda version, benchmark: run.hits)
    common = alignment.rescore(
        StoredVersion(older, None), StoredVersion(newer, scored), "test", system="finetuned"
    )
    assert list(common.before.index) == list(common.after.index) == ["qa", "qd", "qe"]
    assert common.seen_in_training == 2
    assert common.same_benchmark is True


@pytest.mark.parametrize(("kept", "comparable"), [(8, True), (7, False)])
def test_four_fifths_must_be_in_common(kept, comparable):
    documents = [f"d{index}" for index in range(10)]
    before = system_run({"qa": documents}, {"qa": ["d0"]})
    after = system_run({"qa": documents[:kept]}, {"qa": ["d0"]})
    assert paired(before, after).comparable == comparable


@examples(60)
@given(st.data())
def test_deleting_documents_equals_ranking_the_common_ones(data):
    documents = [f"d{index:02}" for index in range(30)]
    one_to_three = st.lists(st.sampled_from(documents), min_size=1, max_size=3)
    relevant = {query: data.draw(one_to_three) for query in QUERIES}
    all_relevant = {doc_id for doc_ids in relevant.values() for doc_id in doc_ids}
    most = st.sets(st.sampled_from(documents), min_size=25)
    corpora = [data.draw(most) | all_relevant for _ in range(2)]

    def rank(model, query, corpus):
        return sorted(corpus, key=lambda doc_id: -int(hash_hex(model, query, doc_id), 16))

    runs = []
    for model, corpus in zip("ab", corpora, strict=True):
        ranking_of_query = {query: rank(model, query, corpus) for query in QUERIES}
        runs.append(system_run(ranking_of_query, relevant, corpus))
    common = paired(*runs)

    shared = sorted(corpora[0] & corpora[1])
    qrels = {query: dict.fromkeys(relevant[query], 1.0) for query in QUERIES}
    for model, scores in zip("ab", (common.before, common.after), strict=True):
        rankings = [rank(model, query, shared) for query in QUERIES]
        positions = np.array([[shared.index(doc_id) for doc_id in row] for row in rankings])
        hits = Hits(positions, np.zeros(positions.shape, dtype=np.float32))
        expected = per_query_metrics(QUERIES, hits, np.array(shared), qrels).set_index("query_id")
        pd.testing.assert_frame_equal(scores[list(METRICS)], expected[list(METRICS)])
