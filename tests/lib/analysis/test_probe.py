"""The probe: it learns from its rows, gives the same bits each time, and ignores related texts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.analysis import probe
from stages.lib.analysis.probe import TrainingVectors, fit_probe, identity_adapter, placebo_vectors
from stages.lib.retrieval.torch_threads import map_in_threads
from tests.properties import examples

DIMENSION = 16


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def component_names(count, letter="c"):
    return np.array([f"{letter}{number:05}" for number in range(count)])


def rows_of(anchors, positives, components=None, negatives=None, owners=(), negative_components=()):
    """Return rows whose anchor and positive share a component: by default, one for each row."""
    if components is None:
        components = component_names(len(anchors))
    if negatives is None:
        negatives = np.empty((0, anchors.shape[1]), dtype=np.float32)
    return TrainingVectors(
        anchors=anchors,
        positives=positives,
        components=np.array(components),
        positive_components=np.array(components),
        negatives=negatives,
        owners=np.array(owners, dtype=np.int64),
        negative_components=np.array(negative_components, dtype=str),
    )


def swapped_pairs(count, seed=3):
    """Return queries and their documents: the same vectors, with half of the numbers swapped."""
    documents = unit(np.random.default_rng(seed).normal(size=(count, DIMENSION)))
    queries = documents.copy()
    queries[:, [0, 1, 2, 3, 4, 5, 6, 7]] = documents[:, [1, 0, 3, 2, 5, 4, 7, 6]]
    return unit(queries), documents


def random_negatives(count):
    return unit(np.random.default_rng(9).normal(size=(count, DIMENSION)))


def top_1_share(queries, documents):
    """Return the share of queries that rank their own document first."""
    first_documents = (queries @ documents.T).argmax(axis=1)
    return float((first_documents == np.arange(len(queries))).mean())


def bits(adapter):
    return adapter.query.tobytes() + adapter.document.tobytes()


@pytest.mark.slow
def test_probe_generalizes_to_other_queries():
    adapter = fit_probe(rows_of(*swapped_pairs(4000)), seed=1)
    queries, documents = swapped_pairs(200, seed=4)
    adapted_share = top_1_share(adapter.queries(queries), adapter.documents(documents))
    assert adapted_share > top_1_share(queries, documents) + 0.03


def test_adapted_vectors_have_unit_length():
    anchors, positives = swapped_pairs(50)
    adapter = fit_probe(rows_of(anchors, positives), seed=1)
    assert np.linalg.norm(adapter.queries(anchors), axis=1) == pytest.approx(1.0, abs=1e-6)
    assert np.linalg.norm(adapter.documents(positives), axis=1) == pytest.approx(1.0, abs=1e-6)


def test_identity_changes_nothing():
    anchors, _ = swapped_pairs(50)
    assert identity_adapter(DIMENSION).queries(anchors) == pytest.approx(anchors, abs=1e-6)


@pytest.mark.slow
def test_a_seed_gives_the_same_bits_with_any_number_of_threads(monkeypatch):
    rows = rows_of(*swapped_pairs(300))
    expected = [bits(fit_probe(rows, seed)) for seed in (1, 2, 1, 2)]
    for workers in ("1", "3"):
        monkeypatch.setenv("PAIRSMITH_WORKERS", workers)
        parallel = map_in_threads(lambda seed: bits(fit_probe(rows, seed)), [1, 2, 1, 2], "probe")
        assert parallel == expected
    assert expected[0] != expected[1]


def test_documents_of_one_component_are_no_negatives():
    # With all rows in one component nothing can be learned. One row of another changes that.
    same = rows_of(*swapped_pairs(20), components=["same"] * 20)
    mixed = rows_of(*swapped_pairs(20), components=["same"] * 19 + ["other"])
    assert bits(fit_probe(same, seed=1)) == bits(identity_adapter(DIMENSION))
    assert bits(fit_probe(mixed, seed=1)) != bits(identity_adapter(DIMENSION))


@pytest.mark.parametrize(
    ("anchor_components", "positive_components", "learns"),
    [
        # Each document is of the component of the other anchor, or of its positive.
        (["a", "b"], ["b", "a"], False),
        (["a", "b"], ["c", "c"], False),
        (["a", "b"], ["c", "d"], True),
        (["a", "a"], ["c", "d"], True),
    ],
)
def test_a_document_of_either_component_is_no_negative(
    anchor_components, positive_components, learns
):
    anchors, positives = swapped_pairs(2)
    rows = rows_of(anchors, positives)._replace(
        components=np.array(anchor_components), positive_components=np.array(positive_components)
    )
    is_trained = bits(fit_probe(rows, seed=1)) != bits(identity_adapter(DIMENSION))
    assert is_trained == learns


def test_the_loss_is_a_softmax_of_cosines_over_the_temperature():
    import torch

    anchors = unit(np.array([[1.0, 0.0], [0.0, 1.0]]))
    positives = unit(np.array([[4.0, 3.0], [3.0, 4.0]]))
    data = probe._TrainingTensors(rows_of(anchors, positives))
    loss = data.loss(np.array([0, 1]), torch.zeros(2, 2), torch.zeros(2, 2))
    # Cosines of 0.8 and 0.6: 16 and 12 over a temperature of 0.05.
    assert float(loss) == pytest.approx(np.log(1 + np.exp(12 - 16)), abs=1e-6)


def test_a_hard_negative_counts_for_its_owner_alone():
    anchors, positives = swapped_pairs(2)
    negative = random_negatives(1)
    rows = rows_of(anchors, positives, ["same", "same"], negative, [0], ["same"])
    assert bits(fit_probe(rows, seed=1)) != bits(identity_adapter(DIMENSION))

    # The negative is of the component of the other row too. If it counted there, the second
    # anchor would matter.
    other = rows._replace(anchors=np.stack([anchors[0], negative[0]]), positives=positives)
    assert fit_probe(other, 1).document == pytest.approx(fit_probe(rows, 1).document, abs=1e-6)


def test_order_of_the_negatives_does_not_matter():
    anchors, positives = swapped_pairs(30)
    negatives = random_negatives(10)
    owners = np.arange(0, 30, 3)
    names = component_names(10, "n")
    forward = rows_of(anchors, positives, None, negatives, owners, names)
    backward = forward._replace(
        negatives=negatives[::-1].copy(),
        owners=owners[::-1].copy(),
        negative_components=names[::-1].copy(),
    )
    assert bits(fit_probe(forward, 1)) == bits(fit_probe(backward, 1))


def test_a_probe_needs_rows():
    anchors, positives = swapped_pairs(2)
    with pytest.raises(ValueError, match="no rows"):
        fit_probe(rows_of(anchors[:0], positives[:0]), seed=1)


def test_take_selects_rows_with_their_negatives():
    anchors, positives = swapped_pairs(4)
    negatives = random_negatives(4)
    rows = rows_of(anchors, positives, None, negatives, [0, 2, 2, 3], ["a", "b", "c", "d"])

    without_first = np.array([False, True, True, True])
    taken = rows.take(without_first)
    assert taken.components.tolist() == ["c00001", "c00002", "c00003"]
    assert taken.owners.tolist() == [1, 1, 2]
    assert taken.negative_components.tolist() == ["b", "c", "d"]

    fewer = rows.take(without_first, np.array([True, True, False, True]))
    assert fewer.owners.tolist() == [1, 2]
    assert fewer.negatives.tobytes() == negatives[[1, 3]].tobytes()


@examples(30)
@given(st.integers(2, 40), st.integers(0, 5))
def test_placebo_has_the_same_texts_and_no_right_pair(count, seed):
    anchors, positives = swapped_pairs(count)
    rows = rows_of(anchors, positives)
    placebo = placebo_vectors(rows, seed)
    assert sorted(placebo.components) == sorted(rows.components)
    assert (placebo.components != placebo.positive_components).all()
    assert placebo.positives.tobytes() == rows.positives.tobytes()

    row_of_component = {name: row for row, name in enumerate(rows.components)}
    source_rows = [row_of_component[name] for name in placebo.components]
    assert placebo.anchors.tobytes() == anchors[source_rows].tobytes()


@pytest.mark.slow
def test_placebo_teaches_nothing():
    adapter = fit_probe(placebo_vectors(rows_of(*swapped_pairs(4000)), seed=1), seed=1)
    queries, documents = swapped_pairs(200, seed=4)
    adapted_share = top_1_share(adapter.queries(queries), adapter.documents(documents))
    assert adapted_share <= top_1_share(queries, documents)


def test_an_epoch_has_ten_rows_of_a_large_component_and_each_draws_others():
    components = np.array(["large"] * 200 + ["small"] * 3 + ["single"])
    epochs = list(probe._batches(components, seed=1))

    # 14 rows make one batch, so an epoch is a batch.
    assert len(epochs) == 8
    for rows in epochs:
        assert (rows < 200).sum() == 10
        assert set(rows) > {200, 201, 202, 203}
    assert len(set(np.concatenate(epochs))) > 60
