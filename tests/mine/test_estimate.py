"""The share of false negatives: a sample that stays, judges that may be missing, and an interval that covers."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.lib.reviewed import Verdict
from stages.mine.estimate import by_cross_encoder, by_review, by_structure, estimate, sample
from tests.mine.cases import beside, name


def triplets(*rows):
    """Make triplets of (number, anchor, numbers of the negatives)."""
    return pd.DataFrame(
        {
            "pair_id": [name("p", number) for number, _, _ in rows],
            "anchor": [anchor for _, anchor, _ in rows],
            "positive": "right",
            "negative_ids": [[name("d", one) for one in found] for _, _, found in rows],
            "negatives": [[f"text {one}" for one in found] for _, _, found in rows],
        }
    )


ROWS = triplets(
    (1, "fever", [7, 8]),
    (2, "rash", []),
    (3, "cough", [9]),
    (4, "Fever", [7, 6]),
    (5, "chills", [1, 2]),
)


def keys(drawn):
    return list(zip(drawn["pair_id"], drawn["negative_id"], strict=True))


def test_the_sample_takes_anchors_with_all_their_negatives_until_there_are_enough():
    everything = sample(ROWS, 100, 13)
    assert len(everything) == 7
    assert everything["form"].nunique() == 3  # "fever" and "Fever" are one; "rash" has no negative
    for wanted in range(1, 8):
        drawn = sample(ROWS, wanted, 13)
        assert len(drawn) >= min(wanted, 7)
        assert keys(everything)[: len(drawn)] == keys(drawn)
        assert set(drawn["form"]).isdisjoint(everything["form"].iloc[len(drawn) :])


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(5)))
def test_the_sample_depends_on_no_order(order):
    assert keys(sample(ROWS.iloc[order], 3, 13)) == keys(sample(ROWS, 3, 13))


def test_an_anchor_that_is_mined_again_keeps_its_place():
    again = sample(pd.concat([ROWS, triplets((6, "swelling", [3]), (7, "pain", [4]))]), 100, 13)
    assert [
        form for form in again["form"].unique() if form in set(sample(ROWS, 100, 13)["form"])
    ] == list(sample(ROWS, 100, 13)["form"].unique())
    assert len({tuple(sample(ROWS, 100, seed)["form"].unique()) for seed in range(20)}) > 1


def test_structure_judges_where_an_answer_stands_in_the_hierarchy():
    drawn = sample(ROWS, 100, 13)
    positives = {
        "fever": frozenset([name("d", 20), name("d", 21)]),
        "cough": frozenset([name("d", 22)]),
    }
    positives["chills"] = frozenset([name("d", 23)])
    found = by_structure(drawn, positives, beside((21, 7), (22, 1)))
    assert dict(zip(keys(drawn), found, strict=True)) == {
        (name("p", 1), name("d", 7)): True,
        (name("p", 1), name("d", 8)): False,
        (name("p", 4), name("d", 7)): True,
        (name("p", 4), name("d", 6)): False,
        (name("p", 3), name("d", 9)): False,
        (name("p", 5), name("d", 1)): None,
        (name("p", 5), name("d", 2)): None,
    }


def test_people_are_believed_on_what_is_drawn_today_alone():
    drawn = sample(ROWS, 100, 13)
    lines = [
        Verdict(name("p", 1), name("d", 7), "", "", "", "yes"),
        Verdict(name("p", 3), name("d", 9), "", "", "", " No "),
        Verdict(name("p", 3), name("d", 8), "", "", "", "yes"),
        Verdict(name("p", 5), name("d", 1), "", "", "", ""),
    ]
    judged = {
        key: said
        for key, said in zip(keys(drawn), by_review(drawn, lines), strict=True)
        if said is not None
    }
    assert judged == {(name("p", 1), name("d", 7)): True, (name("p", 3), name("d", 9)): False}


def test_a_judge_that_does_not_exist_has_no_figure():
    drawn = sample(ROWS, 100, 13)
    nobody = {"structure": by_structure(drawn, {form: frozenset() for form in drawn["form"]}, {})}
    nobody["cross_encoder"] = by_cross_encoder(drawn, None)
    nobody["review"] = by_review(
        drawn, [Verdict(name("p", 1), name("d", 7), "", "", "", "yes")]
    )  # one anchor: too few
    assert estimate(drawn, nobody) == {}
    assert estimate(sample(triplets((1, "fever", [])), 100, 13), {"review": []}) == {}


def test_the_figures_stand_under_the_name_of_their_judge():
    drawn = sample(ROWS, 100, 13)
    told = estimate(drawn, {"review": [at == 0 for at in range(7)]})
    assert list(told) == [
        f"false_negatives.review.{key}" for key in ("judged", "rate", "low", "high")
    ]
    assert told["false_negatives.review.judged"] == 7
    assert told["false_negatives.review.rate"] == pytest.approx(1 / 7)
