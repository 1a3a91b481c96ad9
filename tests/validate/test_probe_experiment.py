"""With few components training queries are ranked too, by a probe that did not see their fold."""

import numpy as np
import pandas as pd
import pytest

from stages.lib.analysis.probe import TrainingVectors, positive_triplets
from stages.lib.evaluation.evaluation_set import EvaluationSet, resolve_qrels
from stages.lib.retrieval.corpus import Corpus
from stages.lib.schemas.queries_from_pairs import queries_and_qrels
from stages.validate.learning_curve import (
    FOLDS,
    ProbeExperiment,
    add_training_queries,
    add_validation_rows,
    fold_of,
)

DIMENSION, COUNT = 12, 60


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def ids(letter, count):
    return [f"{letter}{at:016x}" for at in range(count)]


def build(folds, anchors=None, negatives=True, seed=3):
    """Return an experiment in which each training row is a query too; document i is of component i."""
    random = np.random.default_rng(seed)
    passages = unit(random.normal(size=(COUNT, DIMENSION)))
    queries = unit(passages + 0.6 * random.normal(size=(COUNT, DIMENSION)))
    components = np.array(ids("d", COUNT))
    corpus = Corpus(components, ["text"] * COUNT)
    query_frame = pd.DataFrame({"query_id": ids("q", COUNT), "component_id": components})
    grades = {
        query: {doc: 1.0} for query, doc in zip(ids("q", COUNT), ids("d", COUNT), strict=True)
    }
    other = np.roll(np.arange(COUNT), 7)
    rows = TrainingVectors(
        queries if anchors is None else anchors(queries),
        passages,
        components,
        components,
        passages[other] if negatives else passages[:0],
        np.arange(COUNT) if negatives else np.empty(0, dtype=np.int64),
        components[other] if negatives else components[:0],
    )
    evaluation_set = EvaluationSet(query_frame, grades, pd.DataFrame())
    return ProbeExperiment(
        evaluation_set, queries, corpus, passages, rows, folds, component_weight=10
    )


def folds_of(experiment):
    return np.array([fold_of(component) for component in experiment.components])


def test_a_component_keeps_its_fold():
    assert [fold_of(name) for name in ids("d", 6)] == [4, 4, 1, 1, 1, 0]
    assert set(folds_of(build(FOLDS))) == set(range(FOLDS))


@pytest.mark.parametrize("negatives", [True, False])
def test_a_query_is_ranked_by_a_probe_of_other_folds(negatives):
    experiment = build(FOLDS, negatives=negatives)
    inside = folds_of(experiment) == 2
    scores = experiment.scores(experiment.training, seed=1)
    # The rows of a fold, their negatives included, do not change how its own queries are ranked.
    other_vectors = unit(np.random.default_rng(8).normal(size=(COUNT, DIMENSION)))
    rows = experiment.training._replace(
        anchors=np.where(inside[:, None], other_vectors, experiment.training.anchors),
        positives=np.where(inside[:, None], other_vectors[::-1], experiment.training.positives),
    )
    again = experiment.scores(rows, seed=1)
    assert again[inside].tobytes() == scores[inside].tobytes()
    assert again[~inside].tobytes() != scores[~inside].tobytes()


def test_a_document_of_the_fold_is_no_negative_elsewhere():
    experiment = build(FOLDS)
    inside = folds_of(experiment) == 2
    of_fold = np.array([fold_of(name) == 2 for name in experiment.training.negative_components])
    assert of_fold.any()
    other_vectors = unit(np.random.default_rng(8).normal(size=(COUNT, DIMENSION)))
    rows = experiment.training._replace(
        negatives=np.where(of_fold[:, None], other_vectors, experiment.training.negatives)
    )
    assert (
        experiment.scores(rows, 1)[inside].tobytes()
        == experiment.scores(experiment.training, 1)[inside].tobytes()
    )


def test_validation_alone_is_ranked_by_a_probe_of_all_rows():
    experiment = build(1)
    spoilt = experiment.training._replace(anchors=experiment.training.anchors[::-1].copy())
    assert experiment.scores(experiment.training, 1).shape == (COUNT,)
    assert (
        experiment.scores(experiment.training, 1).tobytes()
        != experiment.scores(spoilt, 1).tobytes()
    )


def test_without_rows_the_base_model_ranks():
    experiment = build(FOLDS)
    nothing = experiment.training.take(np.zeros(COUNT, dtype=bool))
    ranked = (experiment.query_vectors @ experiment.passage_vectors.T).argmax(axis=1) == np.arange(
        COUNT
    )
    assert (experiment.scores(nothing, 1) == 1.0).tolist() == ranked.tolist()


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
    queries, qrels = queries_and_qrels(pairs)
    return EvaluationSet(queries, resolve_qrels(qrels, {"d9": "d8"}), qrels)


def test_training_queries_join_validation_without_variants():
    both = add_training_queries(validation(), TRIPLETS, ["p4"])
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
    synthetic = add_training_queries(validation("pair.title"), TRIPLETS, ["p4"])
    assert sorted(synthetic.queries["text"]) == ["a title", "cough", "fever", "stiff knee"], (
        "recipes are all there is"
    )


def test_a_pair_with_a_low_score_is_left_out():
    pairs = TRIPLETS.assign(score=[1.0, 0.5, 0.49, 0.0, 1.0], source=list("abcde"))
    right = positive_triplets(TRIPLETS.drop(columns="source").iloc[::-1], pairs, 0.5)
    assert list(zip(right["pair_id"], right["source"], strict=True)) == [
        ("p5", "e"),
        ("p2", "b"),
        ("p1", "a"),
    ]


def test_validation_rows_have_the_nearest_passage_as_positive():
    queries = unit(np.array([[1.0, 0.0]]))
    passages = unit(np.array([[0.0, 1.0], [0.9, 0.1], [0.5, 0.5]]))
    corpus = Corpus(np.array(["d7", "d8"]), ["a", "b", "c"], np.array([0, 1]))
    no_rows = TrainingVectors(
        *(np.empty((0, 2), dtype=np.float32),) * 2,
        *(np.empty(0, dtype=str),) * 2,
        *build(1).training[4:],
    )
    experiment = ProbeExperiment(validation(), queries, corpus, passages, no_rows, 1, 10)
    rows = add_validation_rows(experiment)
    assert rows.positives.tolist() == [passages[1].tolist()]
    assert rows.components.tolist() == rows.positive_components.tolist() == ["c9"]
    other_corpus = Corpus(np.array(["d6"]), ["a"])
    dropped = experiment._replace(corpus=other_corpus, passage_vectors=passages[:1])
    assert len(add_validation_rows(dropped).anchors) == 0
