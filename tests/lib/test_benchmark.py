"""Which questions make the benchmark, what answers them, and when two benchmarks are one."""

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.lib import benchmark, tables
from stages.lib.benchmark import grades, held_out, identity
from stages.lib.contracts.passages import Passages
from stages.lib.contracts.qrels import Qrels
from stages.lib.contracts.queries import Queries
from stages.lib.contracts.table import check
from stages.lib.text import hash_hex, normal_form


def d(name) -> str:
    return "d" + hash_hex(str(name))


def q(text: str) -> str:
    return "q" + hash_hex("query", normal_form(text))


def pairs(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
    """Make pairs of one split, of (raw anchor, cleaned anchor, name of the document, score); ids ascend."""
    made = [
        (f"p{at:016x}", anchor, d(about), f"relation {at}", score, "faq", raw, d("component"))
        for at, (raw, anchor, about, score) in enumerate(rows)
    ]
    names = ["pair_id", "anchor", "doc_id", "relation", "score", "source", "raw", "component_id"]
    return pd.DataFrame(made, columns=names)


def exam(*rows):
    """Return what `held_out` makes of the rows: query id to (raw, text, relation), and the judgements."""
    queries, qrels = held_out(pairs(*rows))
    check(queries.sort_values("query_id"), Queries, "queries")
    check(qrels, Qrels, "qrels")
    asked = {row.query_id: (row.raw, row.text, row.relation) for row in queries.itertuples()}
    return asked, sorted((row.query_id, row.doc_id, row.grade) for row in qrels.itertuples())


def test_a_dropped_copy_is_answered_by_the_document_that_was_kept():
    qrels = pd.DataFrame(
        {"query_id": ["q1", "q1", "q2"], "doc_id": ["d1", "d2", "d2"], "grade": [0.5, 1.0, 1.0]}
    )
    assert grades(qrels, {}) == {"q1": {"d1": 0.5, "d2": 1.0}, "q2": {"d2": 1.0}}
    # Both answers of q1 are one document now, with the better of its grades.
    assert grades(qrels, {"d2": "d1"}) == {"q1": {"d1": 1.0}, "q2": {"d1": 1.0}}
    assert grades(qrels, {"d1": "d2"}) == {"q1": {"d2": 1.0}, "q2": {"d2": 1.0}}


def test_a_question_has_all_documents_that_answer_it():
    asked, judged = exam(
        ("No signal", "No signal", "a", 1.0), ("no signal?", "no signal?", "b", 0.5)
    )
    assert asked == {q("no signal"): ("No signal", "No signal", "relation 0")}
    assert judged == sorted([(q("no signal"), d("a"), 1.0), (q("no signal"), d("b"), 0.5)])


def test_of_two_judgements_of_one_document_the_better_counts():
    _, judged = exam(("No signal", "No signal", "a", 0.5), ("no signal?", "no signal?", "a", 1.0))
    assert judged == [(q("no signal"), d("a"), 1.0)]


def test_a_question_is_told_apart_by_its_raw_anchor_and_scored_as_cleaned():
    asked, _ = exam(
        ("Abnormal ECG", "Abnormal electrocardiogram (ECG)", "a", 1.0), ("C++", "C++", "b", 1.0)
    )
    assert asked[q("abnormal ecg")][:2] == ("Abnormal ECG", "Abnormal electrocardiogram (ECG)")
    assert q("C++") != q("C#")


def test_a_question_that_cleaning_dropped_is_scored_raw():
    # `split` gives such a pair its raw string as anchor: the query stays, and so does its answer.
    asked, judged = exam(("??", "??", "a", 1.0))
    assert asked == {q("??"): ("??", "??", "relation 0")}
    assert judged == [(q("??"), d("a"), 1.0)]


def test_what_is_not_relevant_is_no_answer_and_no_question():
    asked, judged = exam(
        ("no signal", "no signal", "a", 0.0), ("dark", "dark", "a", 0.0), ("dark", "dark", "b", 1.0)
    )
    assert list(asked) == [q("dark")]
    assert judged == [(q("dark"), d("b"), 1.0)]


@pytest.mark.parametrize("rows", [[], [("no signal", "no signal", "a", 0.0)]])
def test_without_relevant_pairs_the_tables_are_empty_and_typed(rows):
    assert exam(*rows) == ({}, [])


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["No signal", "no signal?", "dark", "DARK", "C++", "C#"]),
        st.sampled_from("abc"),
        st.sampled_from([0.0, 0.5, 1.0]),
    ),
    max_size=8,
)


@settings(max_examples=50, deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_every_relevant_pair_is_judged_whatever_the_order(rows, chance):
    frame = pairs(*((raw, raw, about, score) for raw, about, score in rows))
    shuffled = frame.sample(frac=1.0, random_state=chance.randrange(2**32))
    (queries, qrels), (queries_again, qrels_again) = held_out(frame), held_out(shuffled)
    best: dict[tuple[str, str], float] = {}
    for raw, about, score in rows:
        if score > 0:
            best[q(raw), d(about)] = max(score, best.get((q(raw), d(about)), 0.0))
    assert (
        dict(zip(zip(qrels["query_id"], qrels["doc_id"], strict=True), qrels["grade"], strict=True))
        == best
    )
    assert len(qrels) == len(best)
    assert sorted(queries["query_id"]) == sorted({query_id for query_id, _ in best})
    for one, other in ((queries, queries_again), (qrels, qrels_again)):
        key = ["query_id", "doc_id"] if "doc_id" in one else ["query_id"]
        pd.testing.assert_frame_equal(
            one.sort_values(key, ignore_index=True), other.sort_values(key, ignore_index=True)
        )


VALIDATION = [
    ("No signal", "No signal", "a", 1.0),
    ("no signal", "no signal", "b", 0.5),
    ("dark", "dark", "b", 1.0),
]
TEST = [("C++", "C++", "c", 1.0), ("C#", "C#", "d", 1.0)]
CANDIDATES = [d(name) for name in "abcde"]


def stamp(folder, validation=VALIDATION, test=TEST, candidates=CANDIDATES, chance=None, text=None):
    """Return the identity of a benchmark that went over disk, its rows in an order of `chance`."""
    sets = []
    for name, rows in (("validation", validation), ("test", test)):
        made = dict(zip(("queries", "qrels"), held_out(pairs(*rows)), strict=True))
        if text:
            made["queries"] = made["queries"].assign(text=text)
        for kind, table in (("queries", Queries), ("qrels", Qrels)):
            frame = (
                made[kind].sample(frac=1.0, random_state=chance.randrange(2**32))
                if chance
                else made[kind]
            )
            tables.write(frame, folder / name / f"{kind}.parquet", table)
        sets.append(
            benchmark.read(folder / name / "queries.parquet", folder / name / "qrels.parquet", {})
        )
    if chance:
        candidates = chance.sample(candidates, len(candidates))
    return identity(sets, candidates)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.randoms(use_true_random=False))
def test_a_benchmark_is_the_same_in_any_order_of_its_rows(tmp_path, chance):
    assert stamp(tmp_path, chance=chance) == stamp(tmp_path)


def test_a_benchmark_does_not_depend_on_how_questions_were_cleaned(tmp_path):
    assert stamp(tmp_path, text="cleaned in another way") == stamp(tmp_path)


@pytest.mark.parametrize(
    "changed",
    [
        {
            "test": [("C++ ", "C++", "c", 1.0), TEST[1]]
        },  # another raw string, though of equal normal form
        {"test": [("C++", "C++", "e", 1.0), TEST[1]]},  # another answer
        {"test": [("C++", "C++", "c", 0.5), TEST[1]]},  # another grade
        {"test": [*TEST, ("C++", "C++", "e", 1.0)]},  # one more answer
        {"test": TEST[:1]},  # a query less
        {"test": [*TEST, VALIDATION[2]], "validation": VALIDATION[:2]},  # a query moved
        {"test": VALIDATION, "validation": TEST},
        {"candidates": CANDIDATES[:-1]},
        {"candidates": [*CANDIDATES[:-1], d("f")]},
    ],
)
def test_whatever_decides_a_score_makes_another_benchmark(tmp_path, changed):
    assert stamp(tmp_path, **changed) != stamp(tmp_path)


def test_a_corpus_has_its_documents_in_order_and_where_their_passages_begin(tmp_path):
    ids = [f"d{at:016x}" for at in (1, 2, 3)]
    rows = [(2, 1, "c"), (0, 0, "a"), (2, 0, "b2"), (1, 0, "b"), (0, 1, "a2"), (0, 2, "a3")]
    frame = pd.DataFrame(
        [(f"{ids[doc]}-{at:04d}", ids[doc], at, text) for doc, at, text in rows],
        columns=list(Passages.empty().columns),
    )
    tables.write(frame, tmp_path / "passages.parquet", Passages)
    corpus = benchmark.read_corpus(tmp_path / "passages.parquet")
    assert corpus.doc_ids.tolist() == ids
    assert corpus.texts == ["a", "a2", "a3", "b", "b2", "c"]
    assert corpus.passage_starts.tolist() == [0, 3, 4]


def test_an_empty_corpus_is_one(tmp_path):
    tables.write(Passages.empty(), tmp_path / "passages.parquet", Passages)
    corpus = benchmark.read_corpus(tmp_path / "passages.parquet")
    assert (len(corpus.doc_ids), corpus.texts, len(corpus.passage_starts)) == (0, [], 0)


def test_the_scoring_rule_is_part_of_the_benchmark(tmp_path, monkeypatch):
    before = stamp(tmp_path)
    monkeypatch.setattr(benchmark, "RULE", benchmark.RULE + "; exponential gains")
    assert stamp(tmp_path) != before
