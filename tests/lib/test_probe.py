"""The probe learns what the rows say, to the same bits each time, and takes no answer for a negative."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.lib.passes import side_by_side
from stages.lib.probe import Rows, fit, identity, shuffled

DIMENSION = 16


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def own(count, letter="c"):
    return np.array([f"{letter}{at:05}" for at in range(count)])


def rows_of(anchors, positives, components=None, negatives=None, owners=(), negative_components=()):
    components = own(len(anchors)) if components is None else np.array(components)
    negatives = (
        np.empty((0, anchors.shape[1]), dtype=np.float32) if negatives is None else negatives
    )
    others = np.array(negative_components, dtype=str)
    return Rows(
        anchors,
        positives,
        components,
        components,
        negatives,
        np.array(owners, dtype=np.int64),
        others,
    )


def turned(count, seed=3):
    """Return documents and questions that are the same vectors with half of the numbers swapped."""
    documents = unit(np.random.default_rng(seed).normal(size=(count, DIMENSION)))
    swapped = documents.copy()
    swapped[:, [0, 1, 2, 3, 4, 5, 6, 7]] = documents[:, [1, 0, 3, 2, 5, 4, 7, 6]]
    return unit(swapped), documents


def first(queries, documents):
    """Return the share of queries that rank their own document first."""
    return float(((queries @ documents.T).argmax(axis=1) == np.arange(len(queries))).mean())


def test_what_the_rows_teach_holds_for_others():
    anchors, positives = turned(4000)
    asked, searched = turned(200, seed=4)
    adapter = fit(rows_of(anchors, positives), seed=1)
    assert (
        first(adapter.queries(asked), adapter.documents(searched)) > first(asked, searched) + 0.03
    )


def test_adapted_vectors_have_unit_length_and_the_identity_changes_nothing():
    anchors, positives = turned(50)
    adapter = fit(rows_of(anchors, positives), seed=1)
    assert np.linalg.norm(adapter.queries(anchors), axis=1) == pytest.approx(1.0, abs=1e-6)
    assert np.linalg.norm(adapter.documents(positives), axis=1) == pytest.approx(1.0, abs=1e-6)
    assert identity(DIMENSION).queries(anchors) == pytest.approx(anchors, abs=1e-6)


def bits(adapter):
    return adapter.query.tobytes() + adapter.document.tobytes()


def test_the_same_seed_gives_the_same_bits_however_many_run_at_once(monkeypatch):
    rows = rows_of(*turned(300))
    alone = [bits(fit(rows, seed)) for seed in (1, 2, 1, 2)]
    for workers in ("1", "3"):
        monkeypatch.setenv("PAIRSMITH_WORKERS", workers)
        assert side_by_side(lambda seed: bits(fit(rows, seed)), [1, 2, 1, 2], "probe") == alone
    assert alone[0] != alone[1]


def test_documents_of_one_component_are_no_negatives_of_each_other():
    # Nothing is left to tell apart, so nothing moves.
    assert bits(fit(rows_of(*turned(20), components=["same"] * 20), seed=1)) == bits(
        identity(DIMENSION)
    )
    assert bits(fit(rows_of(*turned(20), components=["same"] * 19 + ["other"]), seed=1)) != bits(
        identity(DIMENSION)
    )


def test_a_negative_counts_for_its_owner_whatever_its_component_and_for_no_relative():
    anchors, positives = turned(2)
    wrong = unit(np.random.default_rng(9).normal(size=(1, DIMENSION)))
    with_negative = rows_of(anchors, positives, ["same", "same"], wrong, [0], ["same"])
    assert bits(fit(with_negative, seed=1)) != bits(identity(DIMENSION))
    # For the other row it is of its own component. Had it counted there, the second anchor would matter.
    other = with_negative._replace(anchors=np.stack([anchors[0], wrong[0]]), positives=positives)
    assert fit(other, 1).document == pytest.approx(fit(with_negative, 1).document, abs=1e-6)


def test_the_order_of_the_negatives_changes_nothing():
    anchors, positives = turned(30)
    wrong = unit(np.random.default_rng(9).normal(size=(10, DIMENSION)))
    owners, names = np.arange(0, 30, 3), own(10, "n")
    one = rows_of(anchors, positives, None, wrong, owners, names)
    back = rows_of(
        anchors, positives, None, wrong[::-1].copy(), owners[::-1].copy(), names[::-1].copy()
    )
    assert bits(fit(one, 1)) == bits(fit(back, 1))


def test_no_rows_teach_nothing():
    anchors, positives = turned(2)
    with pytest.raises(ValueError, match="no rows"):
        fit(rows_of(anchors[:0], positives[:0]), seed=1)


def test_taking_rows_takes_their_negatives_along():
    anchors, positives = turned(4)
    wrong = unit(np.random.default_rng(9).normal(size=(4, DIMENSION)))
    rows = rows_of(anchors, positives, None, wrong, [0, 2, 2, 3], ["a", "b", "c", "d"])
    taken = rows.take(np.array([False, True, True, True]))
    assert taken.components.tolist() == ["c00001", "c00002", "c00003"]
    assert taken.owners.tolist() == [1, 1, 2]
    assert taken.negative_components.tolist() == ["b", "c", "d"]
    fewer = rows.take(np.array([False, True, True, True]), np.array([True, True, False, True]))
    assert fewer.owners.tolist() == [1, 2]
    assert fewer.negatives.tobytes() == wrong[[1, 3]].tobytes()


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 40), st.integers(0, 5))
def test_a_placebo_has_the_same_texts_and_no_pair_of_the_data(count, seed):
    anchors, positives = turned(count)
    rows = rows_of(anchors, positives)
    placebo = shuffled(rows, seed)
    assert sorted(placebo.components) == sorted(rows.components)
    assert (placebo.components != placebo.positive_components).all()
    assert placebo.positives.tobytes() == rows.positives.tobytes()
    at = {name: row for row, name in enumerate(rows.components)}
    assert placebo.anchors.tobytes() == anchors[[at[name] for name in placebo.components]].tobytes()


def test_a_placebo_teaches_nothing():
    anchors, positives = turned(4000)
    asked, searched = turned(200, seed=4)
    adapter = fit(shuffled(rows_of(anchors, positives), seed=1), seed=1)
    assert first(adapter.queries(asked), adapter.documents(searched)) <= first(asked, searched)
