"""Metrics are means that can be checked by hand, and nothing is rounded away."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from stages.evaluate.__main__ import query_tables
from stages.evaluate.diagnostics import RankedSet
from stages.evaluate.interface import EvaluateParams, QueryTables
from stages.evaluate.results import means_by_system, metrics_by_depth, query_results, run_rows
from stages.lib.core.interface import _write_outputs, outputs_of
from stages.lib.core.tables import check_table
from stages.lib.evaluation.evaluation_set import EvaluationSet, resolve_qrels
from stages.lib.evaluation.ranking_metrics import METRICS
from stages.lib.retrieval.corpus import Corpus
from stages.lib.retrieval.search import Hits
from stages.lib.schemas.runs import QueryResults, Runs
from tests.evaluate.inputs import name
from tests.properties import examples

THREE = ("bm25", "base", "finetuned")


def results(*rows, split="test"):
    """Make QueryResults of (number, component, nDCG of bm25, base, fine-tuned).

    Recall is 1, and MRR is half the nDCG.
    """
    rows_of_systems = [
        (name("q", number), split, system, name("d", component), ndcg, ndcg / 2, 1.0, 1.0, 1, 0.5)
        for number, component, *scores in rows
        for system, ndcg in zip(THREE, scores, strict=True)
    ]
    frame = pd.DataFrame(rows_of_systems, columns=list(QueryResults.empty().columns))
    return frame.sort_values(["split", "system", "query_id"], ignore_index=True)


LITERAL = results(
    (1, 1, 0.0, 0.5, 1.0), (2, 1, 0.25, 0.5, 0.5), (3, 2, 0.5, 0.75, 0.25), (4, 3, 0.25, 0.25, 0.75)
)


def test_the_means_of_each_system():
    metrics = means_by_system(LITERAL, "test", component_weight=10)
    assert metrics["test.bm25.ndcg_at_10"] == 0.25
    assert metrics["test.base.ndcg_at_10"] == 0.5
    assert metrics["test.finetuned.ndcg_at_10"] == 0.625
    assert metrics["test.finetuned.mrr_at_10"] == 0.3125
    assert metrics["test.base.recall_at_100"] == 1.0
    assert metrics.keys() == {
        *(f"test.{system}.{metric}" for system in THREE for metric in METRICS),
        *(f"test.plain.{system}.ndcg_at_10" for system in THREE),
    }


def test_a_component_counts_as_so_many_queries_in_every_mean():
    # Queries 1 and 2 are of one component, which counts as one query.
    metrics = means_by_system(LITERAL, "test", component_weight=1)
    assert metrics["test.base.ndcg_at_10"] == 0.5
    assert metrics["test.finetuned.ndcg_at_10"] == pytest.approx((0.75 + 0.25 + 0.75) / 3)
    assert metrics["test.finetuned.mrr_at_10"] == pytest.approx((0.75 + 0.25 + 0.75) / 6)
    assert metrics["test.plain.finetuned.ndcg_at_10"] == 0.625


@examples(20)
@given(st.permutations(range(len(LITERAL))))
def test_the_order_of_the_rows_changes_nothing(order):
    assert means_by_system(LITERAL.iloc[list(order)], "test", 1) == pytest.approx(
        means_by_system(LITERAL, "test", 1), abs=1e-12
    )


# Four documents, and the hits of two queries: the first has a relevant one on rank 2, the other
# none on its first two ranks.
DOC_IDS = np.array([name("d", number) for number in range(1, 5)])
HITS = Hits(
    np.array([[2, 0, 1, 3], [3, 2, 1, 0]]), np.array([[0.9, 0.8, 0.7, 0.6]] * 2, dtype=np.float32)
)
QUERY_IDS = [name("q", 1), name("q", 2)]
GRADES = {QUERY_IDS[0]: {name("d", 1): 1.0}, QUERY_IDS[1]: {name("d", 1): 1.0, name("d", 2): 0.5}}


@pytest.mark.parametrize(("k", "recall"), [(1, 0.0), (2, 0.5), (3, 0.75), (4, 1.0), (100, 1.0)])
def test_metrics_are_listed_by_system_and_depth(k, recall):
    listed = metrics_by_depth(
        {"base": HITS},
        Corpus(DOC_IDS, [""] * 4),
        evaluation_set_of(GRADES),
        split="test",
        params=parameters(depths=[k, 10]),
    )
    assert list(listed.columns) == ["split", "system", "measure", "k", "mean", "plain"]
    row = listed[(listed["measure"] == "recall") & (listed["k"] == k)].iloc[0]
    assert (row["split"], row["system"], row["mean"]) == ("test", "base", recall)


def test_means_by_depth_are_weighted_and_plain():
    evaluation_set = evaluation_set_of({**GRADES, "q3": {name("d", 1): 1.0}})
    three = pd.DataFrame({"query_id": [*QUERY_IDS, "q3"], "component_id": ["d1", "d2", "d2"]})
    positions = np.concatenate([HITS.positions, HITS.positions[1:]])
    hits = Hits(positions, np.concatenate([HITS.scores, HITS.scores[1:]]))
    listed = metrics_by_depth(
        {"base": hits},
        Corpus(DOC_IDS, [""] * 4),
        evaluation_set._replace(queries=three),
        split="test",
        params=parameters(depths=[2], component_weight=1),
    )
    # The first query has its document in two hits, the two of the other component have none.
    row = listed[listed["measure"] == "hit"].iloc[0]
    assert (row["mean"], row["plain"]) == (0.5, pytest.approx(1 / 3, abs=1e-6))


def test_systems_are_listed_in_their_order_each_row_with_a_number():
    listed = metrics_by_depth(
        {"finetuned": HITS, "base": HITS},
        Corpus(DOC_IDS, [""] * 4),
        evaluation_set_of(GRADES),
        split="test",
        params=parameters(depths=[1, 2]),
    )
    assert list(dict.fromkeys(listed["system"])) == ["base", "finetuned"]
    assert listed.index.tolist() == list(range(len(listed)))


def parameters(**changed):
    """Return the section `evaluate` of params.yaml with other values."""
    values = YAML(typ="safe").load(Path("params.yaml").read_text("utf-8"))["evaluate"]
    return EvaluateParams.model_validate({**values, **changed})


def evaluation_set_of(grades):
    queries = pd.DataFrame({"query_id": QUERY_IDS, "component_id": [name("d", 1), name("d", 2)]})
    return EvaluationSet(queries, grades, pd.DataFrame())


def row_of(frame, query, system):
    return frame[(frame["query_id"] == query) & (frame["system"] == system)].iloc[0]


def test_results_hold_a_row_per_query_and_system():
    corpus = Corpus(DOC_IDS, ["", "", "", ""])
    frame = query_results(
        {"base": HITS, "bm25": HITS}, corpus, evaluation_set_of(GRADES), "validation"
    )
    check_table(frame, QueryResults, "results")
    assert frame[["split", "query_id", "system"]].to_numpy().tolist() == [
        ["validation", query, system] for query in QUERY_IDS for system in ("base", "bm25")
    ]
    first, second = (row_of(frame, query, "base") for query in QUERY_IDS)
    assert (first["first_rank"], first["mrr_at_10"], first["component_id"]) == (
        2,
        0.5,
        name("d", 1),
    )
    assert first["first_score"] == pytest.approx(0.8)
    assert first["ndcg_at_10"] == pytest.approx(1 / np.log2(3))
    assert second["first_rank"] == 3
    # Gains are linear: 0.5 at rank 3 and 1 at rank 4, against 1 and 0.5 at the top.
    expected = (0.5 / np.log2(4) + 1 / np.log2(5)) / (1 + 0.5 / np.log2(3))
    assert second["ndcg_at_10"] == pytest.approx(expected)


def test_a_run_lists_every_hit_with_its_rank_and_score():
    hits = Hits(np.array([[1, 0], [0, 1]]), np.array([[0.9, 0.1], [0.5, 0.5]], dtype=np.float32))
    corpus = Corpus(np.array([name("d", 1), name("d", 2)]), ["one", "two"])
    queries = pd.DataFrame({"query_id": [name("q", 1), name("q", 2)]})
    runs = run_rows({"base": hits}, corpus, EvaluationSet(queries, {}, pd.DataFrame()), "test")
    check_table(runs, Runs, "runs")
    assert runs[["query_id", "rank", "doc_id", "score"]].to_numpy().tolist() == [
        [name("q", 1), 1, name("d", 2), 0.9],
        [name("q", 1), 2, name("d", 1), 0.1],
        [name("q", 2), 1, name("d", 1), 0.5],
        [name("q", 2), 2, name("d", 2), 0.5],
    ]


def test_a_dropped_document_is_a_miss_and_a_copy_counts():
    qrels = pd.DataFrame(
        {"query_id": QUERY_IDS, "doc_id": [name("d", 99), name("d", 98)], "grade": [1.0, 1.0]}
    )
    # 98 was a copy of 4, and 99 was dropped.
    resolved = resolve_qrels(qrels, {name("d", 98): name("d", 4)})
    frame = query_results(
        {"base": HITS}, Corpus(DOC_IDS, [""] * 4), evaluation_set_of(resolved), "test"
    )
    missed, hit = (row_of(frame, query, "base") for query in QUERY_IDS)
    assert missed[[*METRICS, "first_rank"]].tolist() == [0.0, 0.0, 0.0, 0.0, 0]
    assert np.isnan(missed["first_score"])
    assert hit[[*METRICS, "first_rank"]].tolist() == [1.0, 1.0, 1.0, 1.0, 1]


def write_results(frame, folder):
    """Write QueryResults of test as the stage does, and return the folder's file."""
    corpus = Corpus(DOC_IDS, [""] * 4)
    ranked = RankedSet(
        corpus=corpus,
        evaluation_set=evaluation_set_of(GRADES),
        hits={},
        results=frame,
        runs=Runs.empty(),
        measures=pd.DataFrame(),
    )
    tables = query_tables({"test": ranked} if len(frame) else {})
    paths = {item.name: folder / item.path for item in outputs_of(QueryTables)}
    _write_outputs(tables, "", paths)
    return folder / "test.tsv"


SHARES = st.floats(0.0, 1.0)


@examples(30)
@given(st.lists(st.tuples(SHARES, SHARES, SHARES), min_size=1, max_size=4))
def test_results_are_written_to_the_last_bit(tmp_path_factory, scores):
    frame = results(*((number, number, *three) for number, three in enumerate(scores)))
    frame.loc[0, ["first_rank", "first_score"]] = [0, np.nan]
    frame["first_rank"] = frame["first_rank"].astype("int64")
    path = write_results(frame, tmp_path_factory.mktemp("results"))
    texts = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    assert list(texts.columns) == list(frame.columns)
    for column in frame:
        if frame[column].dtype == "float64":
            numbers = [float(value) if value else np.nan for value in texts[column]]
            np.testing.assert_array_equal(numbers, frame[column].to_numpy())
        else:
            assert list(texts[column]) == list(frame[column].astype(str))


def test_no_results_are_a_header(tmp_path):
    path = write_results(QueryResults.empty(), tmp_path)
    assert path.read_text() == "\t".join(QueryResults.empty().columns) + "\n"
