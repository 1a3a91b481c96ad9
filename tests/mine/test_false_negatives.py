"""The share of false negatives: a stable sample, and a rate per source of labels."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.schemas.reviews import Judgement
from stages.mine.false_negatives import (
    false_negative_rates,
    labels_by_cross_encoder,
    labels_by_review,
    labels_by_structure,
    sample_negatives,
)
from tests.mine.cases import name, neighbours_of
from tests.properties import examples


def triplets(*rows):
    """Return triplets of (number, anchor, numbers of the negatives)."""
    return pd.DataFrame(
        {
            "pair_id": [name("p", number) for number, _, _ in rows],
            "anchor": [anchor for _, anchor, _ in rows],
            "positive": "right",
            "negative_ids": [[name("d", number) for number in numbers] for _, _, numbers in rows],
            "negatives": [[f"text {number}" for number in numbers] for _, _, numbers in rows],
            "negative_miners": [["dense"] * len(numbers) for _, _, numbers in rows],
        }
    )


ROWS = triplets(
    (1, "fever", [7, 8]),
    (2, "rash", []),
    (3, "cough", [9]),
    (4, "Fever", [7, 6]),
    (5, "chills", [1, 2]),
)


def keys(sample):
    return list(zip(sample["pair_id"], sample["negative_id"], strict=True))


def test_the_sample_has_anchors_with_all_their_negatives():
    everything = sample_negatives(ROWS, 100, 13)
    assert len(everything) == 7
    assert everything["form"].nunique() == 3  # "fever" and "Fever" are one; "rash" has no negative
    for wanted in range(1, 8):
        sample = sample_negatives(ROWS, wanted, 13)
        assert len(sample) >= min(wanted, 7)
        assert keys(everything)[: len(sample)] == keys(sample)
        assert set(sample["form"]).isdisjoint(everything["form"].iloc[len(sample) :])


def test_negatives_that_a_person_labelled_are_not_in_the_sample():
    rows = ROWS.assign(
        negative_miners=[
            ["bm25+labelled", "dense"],
            [],
            ["labelled"],
            ["dense", "dense"],
            ["bm25"] * 2,
        ]
    )
    assert (name("p", 1), name("d", 7)) not in keys(sample_negatives(rows, 100, 13))
    assert (name("p", 1), name("d", 8)) in keys(sample_negatives(rows, 100, 13))
    assert len(sample_negatives(rows, 100, 13)) == 5
    only = ROWS.iloc[:1].assign(negative_miners=[["labelled", "labelled"]])
    assert len(sample_negatives(only, 100, 13)) == 0


@examples(20)
@given(st.permutations(range(5)))
def test_the_sample_depends_on_no_order(order):
    assert keys(sample_negatives(ROWS.iloc[order], 3, 13)) == keys(sample_negatives(ROWS, 3, 13))


def test_an_anchor_that_is_mined_again_keeps_its_place():
    again = sample_negatives(
        pd.concat([ROWS, triplets((6, "swelling", [3]), (7, "pain", [4]))]), 100, 13
    )
    assert [
        form
        for form in again["form"].unique()
        if form in set(sample_negatives(ROWS, 100, 13)["form"])
    ] == list(sample_negatives(ROWS, 100, 13)["form"].unique())
    assert (
        len({tuple(sample_negatives(ROWS, 100, seed)["form"].unique()) for seed in range(20)}) > 1
    )


def test_structure_labels_need_a_positive_in_the_hierarchy():
    sample = sample_negatives(ROWS, 100, 13)
    positives = {
        "fever": frozenset([name("d", 20), name("d", 21)]),
        "cough": frozenset([name("d", 22)]),
    }
    positives["chills"] = frozenset([name("d", 23)])
    actual = labels_by_structure(sample, positives, neighbours_of((21, 7), (22, 1)))
    assert dict(zip(keys(sample), actual, strict=True)) == {
        (name("p", 1), name("d", 7)): True,
        (name("p", 1), name("d", 8)): False,
        (name("p", 4), name("d", 7)): True,
        (name("p", 4), name("d", 6)): False,
        (name("p", 3), name("d", 9)): False,
        (name("p", 5), name("d", 1)): None,
        (name("p", 5), name("d", 2)): None,
    }


def test_labels_of_people_count_for_the_sample_alone():
    sample = sample_negatives(ROWS, 100, 13)
    lines = [
        Judgement(name("p", 1), name("d", 7), "yes"),
        Judgement(name("p", 3), name("d", 9), "no"),
        Judgement(name("p", 3), name("d", 8), "yes"),
        Judgement(name("p", 5), name("d", 1), ""),
    ]
    labels = {
        key: label
        for key, label in zip(keys(sample), labels_by_review(sample, lines), strict=True)
        if label is not None
    }
    assert labels == {(name("p", 1), name("d", 7)): True, (name("p", 3), name("d", 9)): False}


def test_a_source_without_labels_has_no_rate():
    sample = sample_negatives(ROWS, 100, 13)
    labels = {
        "structure": labels_by_structure(sample, {form: frozenset() for form in sample["form"]}, {})
    }
    labels["cross_encoder"] = labels_by_cross_encoder(sample, None)
    labels["review"] = labels_by_review(
        sample, [Judgement(name("p", 1), name("d", 7), "yes")]
    )  # one anchor: too few
    assert false_negative_rates(sample, labels) == {}
    assert (
        false_negative_rates(sample_negatives(triplets((1, "fever", [])), 100, 13), {"review": []})
        == {}
    )


def test_rates_have_the_name_of_their_source():
    sample = sample_negatives(ROWS, 100, 13)
    rates = false_negative_rates(sample, {"review": [index == 0 for index in range(7)]})
    assert list(rates) == [
        f"false_negatives.review.{key}" for key in ("judged", "rate", "low", "high")
    ]
    assert rates["false_negatives.review.judged"] == 7
    assert rates["false_negatives.review.rate"] == pytest.approx(1 / 7)
