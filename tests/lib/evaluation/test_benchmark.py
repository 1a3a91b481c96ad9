"""The queries and qrels of a benchmark, and when two benchmarks are equal."""

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.lib.core import tables
from stages.lib.core.ids import hash_hex
from stages.lib.core.tables import check_table
from stages.lib.evaluation import evaluation_set
from stages.lib.evaluation.evaluation_set import (
    SCORING_RULE,
    benchmark_id,
    read_evaluation_set,
    resolve_qrels,
)
from stages.lib.retrieval.corpus import read_corpus
from stages.lib.schemas.documents import Passages
from stages.lib.schemas.evaluation_set import Qrels, Queries
from stages.lib.schemas.queries_from_pairs import queries_and_qrels
from stages.lib.text.normal_form import normal_form
from tests.properties import examples


def d(name) -> str:
    return "d" + hash_hex(str(name))


def q(text: str) -> str:
    return "q" + hash_hex("query", normal_form(text))


def pairs(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
    """Return pairs of one split, from (raw anchor, cleaned anchor, name of the document, score).

    Their ids ascend.
    """
    records = [
        {
            "pair_id": f"p{index:016x}",
            "anchor": anchor,
            "doc_id": d(document),
            "relation": f"relation {index}",
            "score": score,
            "source": "faq",
            "raw": raw,
            "component_id": d("component"),
        }
        for index, (raw, anchor, document, score) in enumerate(rows)
    ]
    names = ["pair_id", "anchor", "doc_id", "relation", "score", "source", "raw", "component_id"]
    return pd.DataFrame(records, columns=names)


def queries_and_qrels_of(*rows):
    """Return a dict from query id to (raw, text, relation), and the sorted qrels of `rows`."""
    queries, qrels = queries_and_qrels(pairs(*rows))

    check_table(queries.sort_values("query_id"), Queries, "queries")
    check_table(qrels, Qrels, "qrels")
    query_of_id = {row.query_id: (row.raw, row.text, row.relation) for row in queries.itertuples()}
    return query_of_id, sorted((row.query_id, row.doc_id, row.grade) for row in qrels.itertuples())


def test_a_kept_document_stands_for_its_dropped_copies():
    qrels = pd.DataFrame(
        {"query_id": ["q1", "q1", "q2"], "doc_id": ["d1", "d2", "d2"], "grade": [0.5, 1.0, 1.0]}
    )
    assert resolve_qrels(qrels, {}) == {"q1": {"d1": 0.5, "d2": 1.0}, "q2": {"d2": 1.0}}
    # Both documents of q1 are one document now, with the better grade.
    assert resolve_qrels(qrels, {"d2": "d1"}) == {"q1": {"d1": 1.0}, "q2": {"d1": 1.0}}
    assert resolve_qrels(qrels, {"d1": "d2"}) == {"q1": {"d2": 1.0}, "q2": {"d2": 1.0}}

    # In whichever order the copies stand.
    assert resolve_qrels(qrels[::-1], {"d2": "d1"})["q1"] == {"d1": 1.0}
    assert resolve_qrels(qrels[::-1], {"d1": "d2"})["q1"] == {"d2": 1.0}


@pytest.mark.parametrize("scores", [(1.0, 0.5), (0.5, 1.0)])
def test_of_two_pairs_of_a_query_and_a_document_the_best_score_is_the_grade(scores):
    _, qrels = queries_and_qrels_of(
        ("No signal", "no signal", "a", scores[0]), ("no signal?", "no signal", "a", scores[1])
    )
    assert [row[-1] for row in qrels] == [1.0]


def test_a_query_has_all_its_relevant_documents():
    queries, qrels = queries_and_qrels_of(
        ("No signal", "No signal", "a", 1.0), ("no signal?", "no signal?", "b", 0.5)
    )
    assert queries == {q("no signal"): ("No signal", "No signal", "relation 0")}
    assert qrels == sorted([(q("no signal"), d("a"), 1.0), (q("no signal"), d("b"), 0.5)])


def test_of_two_grades_of_a_document_the_better_counts():
    _, qrels = queries_and_qrels_of(
        ("No signal", "No signal", "a", 0.5), ("no signal?", "no signal?", "a", 1.0)
    )
    assert qrels == [(q("no signal"), d("a"), 1.0)]


def test_a_query_has_a_raw_id_and_a_cleaned_text():
    queries, _ = queries_and_qrels_of(
        ("Abnormal ECG", "Abnormal electrocardiogram (ECG)", "a", 1.0), ("C++", "C++", "b", 1.0)
    )
    assert queries[q("abnormal ecg")][:2] == ("Abnormal ECG", "Abnormal electrocardiogram (ECG)")
    assert q("C++") != q("C#")


def test_a_query_that_cleaning_dropped_is_scored_raw():
    # `split` gives such a pair its raw string as anchor: the query stays, and so does its answer.
    queries, qrels = queries_and_qrels_of(("??", "??", "a", 1.0))
    assert queries == {q("??"): ("??", "??", "relation 0")}
    assert qrels == [(q("??"), d("a"), 1.0)]


def test_pairs_with_score_0_give_no_query_and_no_qrel():
    queries, qrels = queries_and_qrels_of(
        ("no signal", "no signal", "a", 0.0), ("dark", "dark", "a", 0.0), ("dark", "dark", "b", 1.0)
    )
    assert list(queries) == [q("dark")]
    assert qrels == [(q("dark"), d("b"), 1.0)]


@pytest.mark.parametrize("rows", [[], [("no signal", "no signal", "a", 0.0)]])
def test_without_relevant_pairs_the_tables_are_empty_and_typed(rows):
    assert queries_and_qrels_of(*rows) == ({}, [])


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["No signal", "no signal?", "dark", "DARK", "C++", "C#"]),
        st.sampled_from("abc"),
        st.sampled_from([0.0, 0.5, 1.0]),
    ),
    max_size=8,
)


@examples(50)
@given(ROWS, st.randoms(use_true_random=False))
def test_every_relevant_pair_is_graded_in_any_order(rows, chance):
    frame = pairs(*((raw, raw, document, score) for raw, document, score in rows))
    shuffled = frame.sample(frac=1.0, random_state=chance.randrange(2**32))
    queries, qrels = queries_and_qrels(frame)
    shuffled_queries, shuffled_qrels = queries_and_qrels(shuffled)

    # Each relevant pair is graded, with the best of its scores.
    best: dict[tuple[str, str], float] = {}
    for raw, document, score in rows:
        if score > 0:
            key = (q(raw), d(document))
            best[key] = max(score, best.get(key, 0.0))
    keys = zip(qrels["query_id"], qrels["doc_id"], strict=True)
    assert dict(zip(keys, qrels["grade"], strict=True)) == best
    assert len(qrels) == len(best)
    assert sorted(queries["query_id"]) == sorted({query_id for query_id, _ in best})

    # The order of the pairs does not matter.
    for frame, other, key in (
        (queries, shuffled_queries, ["query_id"]),
        (qrels, shuffled_qrels, ["query_id", "doc_id"]),
    ):
        pd.testing.assert_frame_equal(
            frame.sort_values(key, ignore_index=True),
            other.sort_values(key, ignore_index=True),
        )


VALIDATION = [
    ("No signal", "No signal", "a", 1.0),
    ("no signal", "no signal", "b", 0.5),
    ("dark", "dark", "b", 1.0),
]
TEST = [("C++", "C++", "c", 1.0), ("C#", "C#", "d", 1.0)]
CANDIDATES = [d(name) for name in "abcde"]


def stamp(folder, validation=VALIDATION, test=TEST, candidates=CANDIDATES, chance=None, text=None):
    """Return the identity of a benchmark from files, with rows shuffled by `chance` if given."""
    sets = []
    for name, rows in (("validation", validation), ("test", test)):
        queries, qrels = queries_and_qrels(pairs(*rows))
        if text:
            queries = queries.assign(text=text)
        for kind, frame, table in (("queries", queries, Queries), ("qrels", qrels, Qrels)):
            if chance:
                frame = frame.sample(frac=1.0, random_state=chance.randrange(2**32))
            tables.write(frame, folder / name / f"{kind}.parquet", table)

        sets.append(
            read_evaluation_set(
                folder / name / "queries.parquet", folder / name / "qrels.parquet", {}
            )
        )
    if chance:
        candidates = chance.sample(candidates, len(candidates))
    return benchmark_id(sets, candidates)


@pytest.mark.slow
@settings(examples(10), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False))
def test_a_benchmark_is_the_same_in_any_order_of_its_rows(tmp_path, chance):
    assert stamp(tmp_path, chance=chance) == stamp(tmp_path)


def test_a_benchmark_does_not_depend_on_cleaning(tmp_path):
    assert stamp(tmp_path, text="cleaned in another way") == stamp(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "changed",
    [
        {
            "test": [("C++ ", "C++", "c", 1.0), TEST[1]]
        },  # another raw string, though of equal normal form
        {"test": [("C++", "C++", "e", 1.0), TEST[1]]},  # another relevant document
        {"test": [("C++", "C++", "c", 0.5), TEST[1]]},  # another grade
        {"test": [*TEST, ("C++", "C++", "e", 1.0)]},  # one more relevant document
        {"test": TEST[:1]},  # a query less
        {"test": [*TEST, VALIDATION[2]], "validation": VALIDATION[:2]},  # a query moved
        {"test": VALIDATION, "validation": TEST},
        {"candidates": CANDIDATES[:-1]},
        {"candidates": [*CANDIDATES[:-1], d("f")]},
    ],
)
def test_another_input_of_a_score_gives_another_benchmark(tmp_path, changed):
    assert stamp(tmp_path, **changed) != stamp(tmp_path)


def test_a_corpus_has_sorted_documents_and_passage_starts(tmp_path):
    ids = [f"d{number:016x}" for number in (1, 2, 3)]
    rows = [(2, 1, "c"), (0, 0, "a"), (2, 0, "b2"), (1, 0, "b"), (0, 1, "a2"), (0, 2, "a3")]
    frame = pd.DataFrame(
        [
            (f"{ids[document]}-{position:04d}", ids[document], position, text)
            for document, position, text in rows
        ],
        columns=list(Passages.empty().columns),
    )
    tables.write(frame, tmp_path / "passages.parquet", Passages)
    corpus = read_corpus(tmp_path / "passages.parquet")
    assert corpus.doc_ids.tolist() == ids
    assert corpus.texts == ["a", "a2", "a3", "b", "b2", "c"]
    assert corpus.passage_starts.tolist() == [0, 3, 4]


def test_an_empty_corpus_is_one(tmp_path):
    tables.write(Passages.empty(), tmp_path / "passages.parquet", Passages)
    corpus = read_corpus(tmp_path / "passages.parquet")
    assert (len(corpus.doc_ids), corpus.texts, len(corpus.passage_starts)) == (0, [], 0)


def test_the_scoring_rule_is_part_of_the_benchmark(tmp_path, monkeypatch):
    before = stamp(tmp_path)
    monkeypatch.setattr(evaluation_set, "SCORING_RULE", SCORING_RULE + "; exponential gains")
    assert stamp(tmp_path) != before
