"""Each rule refuses what it names, is counted once, and is off where the parameters say so."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from stages.mine.answers import families, lines, neighbours
from stages.mine.rules import RULES, rules_on
from tests.mine.cases import DOCUMENTS, beside, name, numbers, pairs, run, settings_of

ASKED = pairs((1, "fever", 1))


def chosen(documents=DOCUMENTS, asked=ASKED, **changed):
    known = {
        key: changed.pop(key) for key in ("near", "lineage", "family", "seed") if key in changed
    }
    mined, _ = run(asked, documents, settings_of(**{"negatives": 10, **changed}), **known)
    return numbers(mined.rows.iloc[0]), {
        rule: count for rule, count in mined.refused.items() if count
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
def test_the_margin_lies_below_the_weakest_answer_whatever_its_sign(
    weakest, relative, absolute, threshold
):
    params = settings_of(relative_margin=relative, absolute_margin=absolute)
    assert params.threshold(weakest) == pytest.approx(threshold)


@given(st.floats(-1, 1), st.floats(0, 1) | st.none(), st.floats(0, 2) | st.none())
def test_no_margin_lies_above_the_answer(weakest, relative, absolute):
    params = settings_of(relative_margin=relative, absolute_margin=absolute)
    assert not params.has_margin or params.threshold(weakest) <= weakest


def test_an_absolute_margin_refuses_by_difference():
    assert chosen(absolute_margin=0.15) == ([5, 4], {"known_positive": 1, "margin": 2})


def test_near_duplicates_of_a_positive_are_kept_or_refused_and_counted_both_ways():
    edges = [(1, 2), (1, 4), (3, 5)]
    kept, _ = run(ASKED, DOCUMENTS, settings_of(negatives=10), near=edges)
    refused, _ = run(
        ASKED, DOCUMENTS, settings_of(negatives=10, near_positives="refuse"), near=edges
    )
    assert numbers(kept.rows.iloc[0]) == [2, 3, 5, 4]
    assert numbers(refused.rows.iloc[0]) == [3, 5]
    assert (kept.refused["near_positive"], refused.refused["near_positive"]) == (0, 2)
    for mined in (kept, refused):
        assert (mined.near, mined.if_kept, mined.if_refused) == (2, 4, 2)


def test_of_near_duplicates_only_those_count_that_nothing_else_refuses():
    mined, _ = run(ASKED, DOCUMENTS, settings_of(relative_margin=0.05), near=[(1, 2), (1, 4)])
    assert (mined.near, mined.if_kept, mined.if_refused) == (
        1,
        2,
        2,
    )  # 2 lies within the margin; two of 3, 5, 4 stay


@pytest.mark.parametrize(
    ("value", "expected"),
    [("off", [2, 3, 5, 4]), ("hierarchy", [3, 5, 4]), ("family", [2, 3, 4]), ("both", [3, 4])],
)
def test_relatives_are_excluded_as_the_parameter_says(value, expected):
    found, refused = chosen(exclude_relatives=value, lineage=[(1, 2)], family=[(1, 5), (2, 3)])
    assert found == expected
    assert refused.get("relative", 0) == 4 - len(expected)


def test_relatives_of_any_answer_are_excluded():
    asked = pairs((1, "fever", 1), (2, "Fever", 3))
    assert chosen(asked=asked, exclude_relatives="hierarchy", lineage=[(3, 4)])[0] == [2, 5]


def test_the_first_that_pass_may_be_passed_over():
    assert chosen(skip_first=2) == ([5, 4], {"known_positive": 1, "skipped": 2})
    assert chosen(skip_first=9)[0] == []


def test_a_random_sample_follows_from_the_seed_and_the_ids_alone():
    found = {tuple(chosen(negatives=2, sampling="random", seed=seed)[0]) for seed in range(30)}
    assert len(found) > 3
    assert all(len(ids) == 2 and set(ids) <= {2, 3, 4, 5} for ids in found)
    hardest = [2, 3, 5, 4]
    assert all(
        [hardest.index(one) for one in ids] == sorted(hardest.index(one) for one in ids)
        for ids in found
    )
    for seed in range(5):
        alone = chosen(negatives=2, sampling="random", seed=seed)
        among_others = chosen(
            asked=pairs((1, "fever", 1), (2, "rash", 4)), negatives=2, sampling="random", seed=seed
        )
        assert alone[0] == among_others[0]


def test_a_candidate_is_counted_under_the_first_rule_that_refuses_it():
    _, refused = chosen(
        relative_margin=0.05,
        near_positives="refuse",
        exclude_relatives="both",
        near=[(1, 2)],
        lineage=[(1, 2), (1, 3)],
    )
    assert refused == {"known_positive": 1, "near_positive": 1, "relative": 1}


def test_the_rules_in_force_are_those_of_the_parameters():
    assert rules_on(settings_of()) == ["known_positive", "equal_to_anchor"]
    everything = settings_of(
        near_positives="refuse",
        exclude_relatives="family",
        relative_margin=0.05,
        cross_encoder="model",
        skip_first=1,
    )
    assert rules_on(everything) == [rule for rule in RULES if rule != "margin"]
    assert "margin" in rules_on(settings_of(absolute_margin=0.0))


def test_a_cross_encoder_without_a_margin_and_a_miner_twice_are_refused():
    with pytest.raises(ValidationError, match="refuses by the margins"):
        settings_of(cross_encoder="model")
    with pytest.raises(ValidationError, match="stands here twice"):
        settings_of(miners=["dense", "dense"])
    with pytest.raises(ValidationError):
        settings_of(miners=[])


def frame(left, right, *edges):
    return pd.DataFrame(
        [(name("d", one), name("d", other)) for one, other in edges], columns=[left, right]
    )


def test_lines_are_all_ancestors_and_descendants_and_neither_siblings_nor_oneself():
    #     1
    #    2 3
    #   4 5 6     4 stands below both 2 and 3
    edges = frame("doc_id", "parent_id", (2, 1), (3, 1), (4, 2), (4, 3), (5, 2), (6, 3))
    found = lines(edges, {}, [name("d", number) for number in (1, 2, 4, 9)])
    assert found == {
        name("d", 1): frozenset(name("d", number) for number in (2, 3, 4, 5, 6)),
        name("d", 2): frozenset(name("d", number) for number in (1, 4, 5)),
        name("d", 4): frozenset(name("d", number) for number in (1, 2, 3)),
    }


def test_lines_pass_through_what_stands_for_a_dropped_document_and_circles_end():
    edges = frame("doc_id", "parent_id", (2, 1), (3, 8), (1, 3))
    found = lines(edges, {name("d", 8): name("d", 2)}, [name("d", 1)])
    assert found == {name("d", 1): frozenset({name("d", 2), name("d", 3)})}


def test_near_duplicates_stand_beside_each_other_under_the_ids_that_stay():
    edges = frame("left_id", "right_id", (1, 2), (2, 8), (3, 8))
    assert neighbours(edges, {name("d", 8): name("d", 3)}) == beside((1, 2), (2, 3))


def test_a_family_is_the_group_of_a_source():
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
    found = families(documents)
    assert set(found) == {name("d", 1), name("d", 2), name("d", 3)}
    assert found[name("d", 1)] == found[name("d", 2)] != found[name("d", 3)]
