"""Each filter excludes what it names, is counted once, and is off where the parameters say so."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from stages.mine.filters import FILTERS, active_filters
from stages.mine.relations import group_of, hierarchy_relatives, near_duplicates_of
from tests.mine.cases import DOCUMENTS, name, neighbours_of, numbers, pairs, run, settings_of

PAIRS = pairs((1, "fever", 1))


def mine_one(documents=DOCUMENTS, pair_table=PAIRS, **changed):
    relations = {
        key: changed.pop(key) for key in ("near", "hierarchy", "family", "seed") if key in changed
    }
    mined, _ = run(pair_table, documents, settings_of(**{"negatives": 10, **changed}), **relations)
    return numbers(mined.rows.iloc[0]), {
        rule: count for rule, count in mined.excluded.items() if count
    }


@pytest.mark.parametrize(
    ("weakest", "relative", "absolute", "threshold"),
    [
        (0.8, 0.05, None, 0.76),
        (-0.4, 0.05, None, -0.42),  # below the answer, where a product would lie above it
        (0.0, 0.05, None, 0.0),
        (0.8, None, 0.1, 0.7),
        (-0.4, None, 0.1, -0.5),
        (0.8, 0.05, 0.1, 0.7),  # the wider of the two
        (0.8, 0.25, 0.1, 0.6),
        (0.8, None, None, float("inf")),
    ],
)
def test_the_margin_is_below_the_weakest_positive_of_any_sign(
    weakest, relative, absolute, threshold
):
    params = settings_of(relative_margin=relative, absolute_margin=absolute)
    assert params.threshold(weakest) == pytest.approx(threshold)


@given(st.floats(-1, 1), st.floats(0, 1) | st.none(), st.floats(0, 2) | st.none())
def test_no_margin_lies_above_the_answer(weakest, relative, absolute):
    params = settings_of(relative_margin=relative, absolute_margin=absolute)
    assert not params.has_margin or params.threshold(weakest) <= weakest


def test_an_absolute_margin_refuses_by_difference():
    assert mine_one(absolute_margin=0.15) == ([5, 4], {"known_positive": 1, "margin": 2})


def test_near_duplicates_of_a_positive_are_counted_both_ways():
    edges = [(1, 2), (1, 4), (3, 5)]
    kept, _ = run(PAIRS, DOCUMENTS, settings_of(negatives=10), near=edges)
    refused, _ = run(
        PAIRS, DOCUMENTS, settings_of(negatives=10, near_positives="refuse"), near=edges
    )
    assert numbers(kept.rows.iloc[0]) == [2, 3, 5, 4]
    assert numbers(refused.rows.iloc[0]) == [3, 5]
    assert (kept.excluded["near_positive"], refused.excluded["near_positive"]) == (0, 2)
    for mined in (kept, refused):
        assert (mined.near_positives, mined.negatives_if_kept, mined.negatives_if_excluded) == (
            2,
            4,
            2,
        )


def test_near_duplicates_count_that_no_other_filter_excludes():
    mined, _ = run(PAIRS, DOCUMENTS, settings_of(relative_margin=0.05), near=[(1, 2), (1, 4)])
    assert (mined.near_positives, mined.negatives_if_kept, mined.negatives_if_excluded) == (
        1,
        2,
        2,
    )  # 2 lies within the margin; two of 3, 5, 4 stay


@pytest.mark.parametrize(
    ("value", "expected"),
    [("off", [2, 3, 5, 4]), ("hierarchy", [3, 5, 4]), ("family", [2, 3, 4]), ("both", [3, 4])],
)
def test_relatives_are_excluded_as_the_parameter_says(value, expected):
    actual, refused = mine_one(exclude_relatives=value, hierarchy=[(1, 2)], family=[(1, 5), (2, 3)])
    assert actual == expected
    assert refused.get("relative", 0) == 4 - len(expected)


def test_a_relative_of_one_anchor_may_be_a_negative_of_another():
    mined, _ = run(
        pairs((1, "fever", 1), (2, "rash", 4)),
        DOCUMENTS,
        settings_of(negatives=10, exclude_relatives="family"),
        family=[(1, 5), (4, 2)],
    )
    assert [numbers(row) for _, row in mined.rows.iterrows()] == [[2, 3, 4], [1, 3, 5]]


def test_relatives_of_any_positive_are_excluded():
    pair_table = pairs((1, "fever", 1), (2, "Fever", 3))
    assert mine_one(pair_table=pair_table, exclude_relatives="hierarchy", hierarchy=[(3, 4)])[
        0
    ] == [2, 5]


def test_the_first_that_pass_may_be_skipped():
    assert mine_one(skip_first=2) == ([5, 4], {"known_positive": 1, "skipped": 2})
    assert mine_one(skip_first=9)[0] == []


def test_a_random_sample_follows_from_the_seed_and_the_ids_alone():
    actual = {tuple(mine_one(negatives=2, sampling="random", seed=seed)[0]) for seed in range(30)}
    assert len(actual) > 3
    assert all(len(ids) == 2 and set(ids) <= {2, 3, 4, 5} for ids in actual)
    hardest = [2, 3, 5, 4]
    assert all(
        [hardest.index(document) for document in ids]
        == sorted(hardest.index(document) for document in ids)
        for ids in actual
    )
    for seed in range(5):
        alone = mine_one(negatives=2, sampling="random", seed=seed)
        among_others = mine_one(
            pair_table=pairs((1, "fever", 1), (2, "rash", 4)),
            negatives=2,
            sampling="random",
            seed=seed,
        )
        assert alone[0] == among_others[0]


def test_a_candidate_counts_for_the_first_filter_that_fails():
    _, refused = mine_one(
        relative_margin=0.05,
        near_positives="refuse",
        exclude_relatives="both",
        near=[(1, 2)],
        hierarchy=[(1, 2), (1, 3)],
    )
    assert refused == {"known_positive": 1, "near_positive": 1, "relative": 1}


def test_the_active_filters_are_those_of_the_parameters():
    assert active_filters(settings_of()) == ["known_positive", "equal_to_anchor"]
    everything = settings_of(
        near_positives="refuse",
        exclude_relatives="family",
        relative_margin=0.05,
        cross_encoder="model",
        skip_first=1,
    )
    assert active_filters(everything) == [rule for rule in FILTERS if rule != "margin"]
    assert "margin" in active_filters(settings_of(absolute_margin=0.0))


def test_a_missing_margin_and_a_repeated_miner_are_errors():
    with pytest.raises(ValidationError, match="refuses by the margins"):
        settings_of(cross_encoder="model")
    with pytest.raises(ValidationError, match="stands here twice"):
        settings_of(miners=["dense", "dense"])
    with pytest.raises(ValidationError):
        settings_of(miners=[])


def edge_table(left, right, *edges):
    return pd.DataFrame(
        [(name("d", document), name("d", other)) for document, other in edges],
        columns=[left, right],
    )


def test_relatives_are_all_ancestors_and_descendants():
    #     1
    #    2 3
    #   4 5 6     4 stands below both 2 and 3
    edges = edge_table("doc_id", "parent_id", (2, 1), (3, 1), (4, 2), (4, 3), (5, 2), (6, 3))
    actual = hierarchy_relatives(edges, {}, [name("d", number) for number in (1, 2, 4, 9)])
    assert actual == {
        name("d", 1): frozenset(name("d", number) for number in (2, 3, 4, 5, 6)),
        name("d", 2): frozenset(name("d", number) for number in (1, 4, 5)),
        name("d", 4): frozenset(name("d", number) for number in (1, 2, 3)),
    }


def test_relatives_pass_through_representatives_and_circles_end():
    edges = edge_table("doc_id", "parent_id", (2, 1), (3, 8), (1, 3))
    actual = hierarchy_relatives(edges, {name("d", 8): name("d", 2)}, [name("d", 1)])
    assert actual == {name("d", 1): frozenset({name("d", 2), name("d", 3)})}


def test_near_duplicates_have_the_ids_of_representatives():
    edges = edge_table("left_id", "right_id", (1, 2), (2, 8), (3, 8))
    assert near_duplicates_of(edges, {name("d", 8): name("d", 3)}) == neighbours_of((1, 2), (2, 3))


def test_a_group_belongs_to_a_source():
    rows = [
        (1, "shop", "boots"),
        (2, "shop", "boots"),
        (3, "other", "boots"),
        (4, "shop", ""),
        (5, "shop", ""),
    ]
    documents = pd.DataFrame(
        [(name("d", n), s, g) for n, s, g in rows], columns=["doc_id", "source", "group"]
    )
    actual = group_of(documents)
    assert set(actual) == {name("d", 1), name("d", 2), name("d", 3)}
    assert actual[name("d", 1)] == actual[name("d", 2)] != actual[name("d", 3)]
