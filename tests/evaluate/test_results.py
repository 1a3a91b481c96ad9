"""Metrics are means that can be checked by hand, and nothing is rounded away."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.evaluate.results import list_hits, list_measures, summarize, tell, write_results
from stages.lib import benchmark
from stages.lib.benchmark import Corpus
from stages.lib.contracts.query_results import QueryResults
from stages.lib.contracts.runs import Runs
from stages.lib.contracts.table import check
from stages.lib.measures import METRICS
from stages.lib.topk import Hits
from tests.evaluate.inputs import name

THREE = ("bm25", "base", "finetuned")


def results(*rows, split="test"):
    """Make QueryResults of (number, component, nDCG of bm25, base, fine-tuned); recall is 1, MRR half the nDCG."""
    made = [
        (name("q", number), split, system, name("d", component), ndcg, ndcg / 2, 1.0, 1.0, 1, 0.5)
        for number, component, *scores in rows
        for system, ndcg in zip(THREE, scores, strict=True)
    ]
    frame = pd.DataFrame(made, columns=list(QueryResults.empty().columns))
    return frame.sort_values(["split", "system", "query_id"], ignore_index=True)


LITERAL = results(
    (1, 1, 0.0, 0.5, 1.0), (2, 1, 0.25, 0.5, 0.5), (3, 2, 0.5, 0.75, 0.25), (4, 3, 0.25, 0.25, 0.75)
)


def test_the_means_of_each_system():
    told = summarize(LITERAL, "test")
    assert told["test.bm25.ndcg_at_10"] == 0.25
    assert told["test.base.ndcg_at_10"] == 0.5
    assert told["test.finetuned.ndcg_at_10"] == 0.625
    assert told["test.finetuned.mrr_at_10"] == 0.3125
    assert told["test.base.recall_at_100"] == 1.0
    assert told.keys() == {f"test.{system}.{metric}" for system in THREE for metric in METRICS}


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(len(LITERAL))))
def test_the_order_of_the_rows_changes_nothing(order):
    assert summarize(LITERAL.iloc[list(order)], "test") == pytest.approx(
        summarize(LITERAL, "test"), abs=1e-12
    )


# Four documents, and what two queries find: the first its answer second, the other nothing among its first two.
DOC_IDS = np.array([name("d", number) for number in range(1, 5)])
HITS = Hits(
    np.array([[2, 0, 1, 3], [3, 2, 1, 0]]), np.array([[0.9, 0.8, 0.7, 0.6]] * 2, dtype=np.float32)
)
ASKED = [name("q", 1), name("q", 2)]
GRADES = {ASKED[0]: {name("d", 1): 1.0}, ASKED[1]: {name("d", 1): 1.0, name("d", 2): 0.5}}


@pytest.mark.parametrize(("k", "recall"), [(1, 0.0), (2, 0.5), (3, 0.75), (4, 1.0), (100, 1.0)])
def test_measures_are_listed_by_system_and_depth(k, recall):
    listed = list_measures(
        {"base": HITS}, Corpus(DOC_IDS, [""] * 4), made_of(GRADES), "test", [k, 10]
    )
    assert list(listed.columns) == ["split", "system", "measure", "k", "mean"]
    row = listed[(listed["measure"] == "recall") & (listed["k"] == k)].iloc[0]
    assert (row["split"], row["system"], row["mean"]) == ("test", "base", recall)


def made_of(grades):
    queries = pd.DataFrame({"query_id": ASKED, "component_id": [name("d", 1), name("d", 2)]})
    return benchmark.HeldOut(queries, grades, pd.DataFrame())


def of(frame, query, system):
    return frame[(frame["query_id"] == query) & (frame["system"] == system)].iloc[0]


def test_results_hold_a_row_per_query_and_system_and_obey_their_contract():
    corpus = Corpus(DOC_IDS, ["", "", "", ""])
    frame = tell({"base": HITS, "bm25": HITS}, corpus, made_of(GRADES), "validation")
    check(frame, QueryResults, "results")
    assert frame[["split", "query_id", "system"]].to_numpy().tolist() == [
        ["validation", query, system] for query in ASKED for system in ("base", "bm25")
    ]
    first, second = (of(frame, query, "base") for query in ASKED)
    assert (first["first_rank"], first["mrr_at_10"], first["component_id"]) == (
        2,
        0.5,
        name("d", 1),
    )
    assert first["first_score"] == pytest.approx(0.8)
    assert first["ndcg_at_10"] == pytest.approx(1 / np.log2(3))
    assert second["first_rank"] == 3
    # Gains are linear: 0.5 at rank 3 and 1 at rank 4, against 1 and 0.5 at the top.
    wanted = (0.5 / np.log2(4) + 1 / np.log2(5)) / (1 + 0.5 / np.log2(3))
    assert second["ndcg_at_10"] == pytest.approx(wanted)


def test_a_run_lists_every_hit_with_its_rank_and_score():
    found = Hits(np.array([[1, 0], [0, 1]]), np.array([[0.9, 0.1], [0.5, 0.5]], dtype=np.float32))
    searched = Corpus(np.array([name("d", 1), name("d", 2)]), ["one", "two"])
    queries = pd.DataFrame({"query_id": [name("q", 1), name("q", 2)]})
    runs = list_hits(
        {"base": found}, searched, benchmark.HeldOut(queries, {}, pd.DataFrame()), "test"
    )
    check(runs, Runs, "runs")
    assert runs[["query_id", "rank", "doc_id", "score"]].to_numpy().tolist() == [
        [name("q", 1), 1, name("d", 2), 0.9],
        [name("q", 1), 2, name("d", 1), 0.1],
        [name("q", 2), 1, name("d", 1), 0.5],
        [name("q", 2), 2, name("d", 2), 0.5],
    ]


def test_an_answer_that_was_dropped_is_a_miss_and_a_copy_counts_through_its_kept_document():
    qrels = pd.DataFrame(
        {"query_id": ASKED, "doc_id": [name("d", 99), name("d", 98)], "grade": [1.0, 1.0]}
    )
    resolved = benchmark.grades(
        qrels, {name("d", 98): name("d", 4)}
    )  # 98 was a copy of 4; 99 was dropped
    frame = tell({"base": HITS}, Corpus(DOC_IDS, [""] * 4), made_of(resolved), "test")
    missed, hit = (of(frame, query, "base") for query in ASKED)
    assert missed[[*METRICS, "first_rank"]].tolist() == [0.0, 0.0, 0.0, 0.0, 0]
    assert np.isnan(missed["first_score"])
    assert hit[[*METRICS, "first_rank"]].tolist() == [1.0, 1.0, 1.0, 1.0, 1]


SHARES = st.floats(0.0, 1.0)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(SHARES, SHARES, SHARES), min_size=1, max_size=4))
def test_results_are_written_to_the_last_bit(tmp_path_factory, scores):
    path = tmp_path_factory.mktemp("results") / "test.tsv"
    frame = results(*((number, number, *three) for number, three in enumerate(scores)))
    frame.loc[0, ["first_rank", "first_score"]] = [0, np.nan]
    frame["first_rank"] = frame["first_rank"].astype("int64")
    write_results(frame, path)
    read = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    assert list(read.columns) == list(frame.columns)
    for column in frame:
        if frame[column].dtype == "float64":
            numbers = [float(value) if value else np.nan for value in read[column]]
            np.testing.assert_array_equal(numbers, frame[column].to_numpy())
        else:
            assert list(read[column]) == list(frame[column].astype(str))


def test_no_results_are_a_header(tmp_path):
    write_results(QueryResults.empty(), tmp_path / "out_of_domain.tsv")
    assert (tmp_path / "out_of_domain.tsv").read_text() == "\t".join(
        QueryResults.empty().columns
    ) + "\n"
