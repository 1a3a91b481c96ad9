"""Few components: the questions trained on are asked too, each under a probe that never saw its fold."""

import numpy as np
import pandas as pd
import pytest

from stages.lib import benchmark
from stages.lib.benchmark import Corpus, HeldOut
from stages.lib.probe import Rows
from stages.lib.training_rows import answers
from stages.validate.exam import FOLDS, Exam, fold_of, pooled, with_asked

DIMENSION, COUNT = 12, 60


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def ids(letter, count):
    return [f"{letter}{at:016x}" for at in range(count)]


def build(folds, anchors=None, negatives=True, seed=3):
    """Return an exam in which every training row is a question too; document 0 is of component 0 and so on."""
    random = np.random.default_rng(seed)
    searched = unit(random.normal(size=(COUNT, DIMENSION)))
    asked = unit(searched + 0.6 * random.normal(size=(COUNT, DIMENSION)))
    components = np.array(ids("d", COUNT))
    corpus = Corpus(components, ["text"] * COUNT)
    questions = pd.DataFrame({"query_id": ids("q", COUNT), "component_id": components})
    grades = {
        query: {doc: 1.0} for query, doc in zip(ids("q", COUNT), ids("d", COUNT), strict=True)
    }
    other = np.roll(np.arange(COUNT), 7)
    rows = Rows(
        asked if anchors is None else anchors(asked),
        searched,
        components,
        components,
        searched[other] if negatives else searched[:0],
        np.arange(COUNT) if negatives else np.empty(0, dtype=np.int64),
        components[other] if negatives else components[:0],
    )
    return Exam(HeldOut(questions, grades, pd.DataFrame()), asked, corpus, searched, rows, folds)


def folds_of(exam):
    return np.array([fold_of(component) for component in exam.components])


def test_a_component_keeps_its_fold():
    assert [fold_of(name) for name in ids("d", 6)] == [4, 4, 1, 1, 1, 0]
    assert set(folds_of(build(FOLDS))) == set(range(FOLDS))


@pytest.mark.parametrize("negatives", [True, False])
def test_a_question_is_scored_by_what_was_learned_from_other_folds(negatives):
    exam = build(FOLDS, negatives=negatives)
    inside = folds_of(exam) == 2
    scores = exam.scored(exam.rows, seed=1)
    # Whatever the rows of a fold say, their negatives included, its own questions are ranked the same.
    spoilt = unit(np.random.default_rng(8).normal(size=(COUNT, DIMENSION)))
    rows = exam.rows._replace(
        anchors=np.where(inside[:, None], spoilt, exam.rows.anchors),
        positives=np.where(inside[:, None], spoilt[::-1], exam.rows.positives),
    )
    again = exam.scored(rows, seed=1)
    assert again[inside].tobytes() == scores[inside].tobytes()
    assert again[~inside].tobytes() != scores[~inside].tobytes()


def test_a_document_of_the_fold_is_no_negative_of_other_folds_either():
    exam = build(FOLDS)
    inside = folds_of(exam) == 2
    of_fold = np.array([fold_of(name) == 2 for name in exam.rows.negative_components])
    assert of_fold.any()
    spoilt = unit(np.random.default_rng(8).normal(size=(COUNT, DIMENSION)))
    rows = exam.rows._replace(negatives=np.where(of_fold[:, None], spoilt, exam.rows.negatives))
    assert exam.scored(rows, 1)[inside].tobytes() == exam.scored(exam.rows, 1)[inside].tobytes()


def test_validation_alone_is_asked_of_a_probe_of_all_rows():
    exam = build(1)
    spoilt = exam.rows._replace(anchors=exam.rows.anchors[::-1].copy())
    assert exam.scored(exam.rows, 1).shape == (COUNT,)
    assert exam.scored(exam.rows, 1).tobytes() != exam.scored(spoilt, 1).tobytes()


def test_without_rows_the_base_model_ranks():
    exam = build(FOLDS)
    nothing = exam.rows.take(np.zeros(COUNT, dtype=bool))
    ranked = (exam.asked @ exam.searched.T).argmax(axis=1) == np.arange(COUNT)
    assert (exam.scored(nothing, 1) == 1.0).tolist() == ranked.tolist()


TRIPLETS = pd.DataFrame(
    [
        ("p1", "c1", "stiff knee", "d1", "s"),
        ("p2", "c1", "Stiff knee!", "d2", "s"),
        ("p3", "c2", "cough", "d3", "s"),
        ("p4", "c2", "tussis", "d3", "s"),
        ("p5", "c2", "a title", "d3", "pair.title"),
    ],
    columns=["pair_id", "component_id", "anchor", "doc_id", "source"],
)


def validation(source="s"):
    pairs = pd.DataFrame(
        [("p9", "c9", "fever", "fever", "exact", "d9", 1.0, source)],
        columns=[
            "pair_id",
            "component_id",
            "raw",
            "anchor",
            "relation",
            "doc_id",
            "score",
            "source",
        ],
    )
    queries, qrels = benchmark.held_out(pairs)
    return HeldOut(queries, benchmark.grades(qrels, {"d9": "d8"}), qrels)


def test_training_questions_join_those_of_validation_and_made_ones_do_not():
    both = pooled(validation(), TRIPLETS, made=["p4"])
    assert sorted(both.queries["text"]) == ["cough", "fever", "stiff knee"]
    by_text = {
        text: both.qrels[query]
        for text, query in zip(both.queries["text"], both.queries["query_id"], strict=True)
    }
    assert by_text == {
        "cough": {"d3": 1.0},
        "fever": {"d8": 1.0},
        "stiff knee": {"d1": 1.0, "d2": 1.0},
    }
    assert len(both.raw_qrels) == 4
    assert both.queries["query_id"].is_monotonic_increasing
    made = pooled(validation("pair.title"), TRIPLETS, made=["p4"])
    assert sorted(made.queries["text"]) == ["a title", "cough", "fever", "stiff knee"], (
        "recipes are all there is"
    )


def test_a_pair_that_is_no_answer_teaches_none():
    pairs = TRIPLETS.assign(score=[1.0, 0.5, 0.49, 0.0, 1.0], source=list("abcde"))
    right = answers(TRIPLETS.drop(columns="source").iloc[::-1], pairs, 0.5)
    assert list(zip(right["pair_id"], right["source"], strict=True)) == [
        ("p5", "e"),
        ("p2", "b"),
        ("p1", "a"),
    ]


def test_the_questions_of_validation_are_learned_from_with_the_nearest_passage_of_each_answer_there_is():
    asked = unit(np.array([[1.0, 0.0]]))
    searched = unit(np.array([[0.0, 1.0], [0.9, 0.1], [0.5, 0.5]]))
    corpus = Corpus(np.array(["d7", "d8"]), ["a", "b", "c"], np.array([0, 1]))
    none = Rows(
        *(np.empty((0, 2), dtype=np.float32),) * 2,
        *(np.empty(0, dtype=str),) * 2,
        *build(1).rows[4:],
    )
    rows = with_asked(none, validation(), asked, corpus, searched)
    assert rows.positives.tolist() == [searched[1].tolist()]
    assert rows.components.tolist() == rows.positive_components.tolist() == ["c9"]
    gone = with_asked(none, validation(), asked, Corpus(np.array(["d6"]), ["a"]), searched[:1])
    assert len(gone.anchors) == 0
