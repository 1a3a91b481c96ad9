"""No edge is wrong, the exact join misses none, and the order of the texts changes nothing."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.lib.contracts.near import Near
from stages.lib.contracts.table import check
from stages.lib.near import edges, exact_edges, frame
from stages.lib.text import hash_shingles, jaccard, normal_form, shingles

# Few words, so that many texts come out alike: short ones (character shingles) and long ones (word shingles).
TEXTS = st.lists(
    st.one_of(
        st.lists(st.sampled_from(["reset", "Reset", "the", "router", "a", "+"]), min_size=1, max_size=4),
        st.lists(st.sampled_from(["reset", "the", "router"]), min_size=8, max_size=12),
    ).map(" ".join),
    max_size=10,
)
SETS = st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.frozensets(st.integers(0, 12), min_size=1))
THRESHOLDS = [0.1, 0.3, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9, 1.0]

FAQ = [
    "How do I reset my password?",
    "How do I reset my router?",
    "How do I change my password?",
    "Where can I see my bill?",
    "Where can I see my orders?",
    "How do I close my account?",
]


def numbered(texts):
    return {f"d{at:016x}": text for at, text in enumerate(texts)}


def rows(table):
    return list(table.itertuples(index=False, name=None))


def brute_force(sets, others, threshold):
    same = sets is others
    return [
        (left, right, jaccard(sets[left], others[right]))
        for left in sorted(sets)
        for right in sorted(others)
        if (left < right or not same) and jaccard(sets[left], others[right]) >= threshold
    ]


@settings(deadline=None)
@given(SETS, st.sampled_from(THRESHOLDS))
def test_the_exact_self_join_is_brute_force(sets, threshold):
    assert list(exact_edges(sets, sets, threshold)) == brute_force(sets, sets, threshold)


@settings(deadline=None)
@given(SETS, SETS, st.sampled_from(THRESHOLDS))
def test_the_exact_join_of_two_tables_is_brute_force(sets, others, threshold):
    assert list(exact_edges(sets, others, threshold)) == brute_force(sets, others, threshold)


@pytest.mark.parametrize("hundredths", range(1, 101))
def test_the_exact_join_keeps_what_is_exactly_at_the_threshold(hundredths):
    # As floats, 0.55 * 20 and 0.07 * 100 are a little more than 11 and 7.
    sets = {"a": frozenset(range(100)), "b": frozenset(range(hundredths))}
    threshold = hundredths / 100
    assert list(exact_edges(sets, sets, threshold)) == [("a", "b", threshold)]


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_the_exact_join_is_brute_force_on_sets_of_realistic_size(threshold):
    chance = random.Random(5)
    sets = {}
    for at in range(150):
        items = set(chance.sample(range(400), chance.randint(1, 60)))
        sets[f"a{at:03}"] = frozenset(items)
        sets[f"b{at:03}"] = frozenset(item for item in items if chance.random() > 0.15) or frozenset([-1])
    assert list(exact_edges(sets, sets, threshold)) == brute_force(sets, sets, threshold)


def test_the_exact_join_takes_hashes_for_shingles():
    texts = numbered(["reset the router", "reset the routers", "call us"])
    sets = {identity: frozenset(hash_shingles(shingles(text))) for identity, text in texts.items()}
    found = list(exact_edges(sets, sets, 0.5))
    assert [(left[-1], right[-1]) for left, right, _ in found] == [("0", "1")]
    assert found[0][2] == jaccard(shingles("reset the router"), shingles("reset the routers"))


@settings(deadline=None)
@given(TEXTS, st.sampled_from([0.3, 0.5, 0.8, 1.0]))
def test_every_edge_is_true_and_equal_texts_are_a_star(texts, threshold):
    texts = numbered(texts)
    found = edges(texts, threshold)
    check(found, Near, "edges")
    sets = {identity: shingles(text) for identity, text in texts.items()}
    smallest = {}
    for identity in sorted(texts):
        smallest.setdefault(normal_form(texts[identity]), identity)
    near = {(left, right): similarity for left, right, similarity in exact_edges(sets, sets, threshold)}
    for left, right, similarity, rule in rows(found):
        assert left == smallest[normal_form(texts[left])]
        if rule == "near":
            assert near[left, right] == similarity
            assert normal_form(texts[left]) != normal_form(texts[right])
    stars = {(smallest[normal_form(text)], identity) for identity, text in texts.items()}
    expected = {(left, right) for left, right in stars if left != right}
    assert {(left, right) for left, right, _, rule in rows(found) if rule == "equal"} == expected


@settings(deadline=None)
@given(TEXTS, st.randoms(use_true_random=False))
def test_the_order_of_the_texts_changes_nothing(texts, chance):
    texts = numbered(texts)
    shuffled = list(texts.items())
    chance.shuffle(shuffled)
    assert rows(edges(dict(shuffled), 0.5)) == rows(edges(texts, 0.5))


def test_very_similar_texts_are_found():
    # Similarity 0.9 and more: the chance to miss even one of these 200 is below one in a million.
    chance = random.Random(3)
    texts = []
    for _ in range(200):
        words = [f"word{chance.randrange(5000)}" for _ in range(60)]
        texts += [" ".join(words), " ".join([*words, "indeed"])]
    found = edges(numbered(texts), 0.9)
    assert list(found["left_id"].map(lambda identity: int(identity[1:], 16))) == list(range(0, 400, 2))
    assert list(found["right_id"].map(lambda identity: int(identity[1:], 16))) == list(range(1, 400, 2))
    assert set(found["similarity"]) == {58 / 59}


@pytest.mark.parametrize(("threshold", "found"), [(11 / 12, 1), (0.92, 0)])
def test_the_threshold_itself_is_near_enough_and_less_is_not(threshold, found):
    long = "hold the small button on the back of the router for ten seconds"  # 11 shingles
    assert len(edges(numbered([long, long + " please"]), threshold)) == found


def test_short_questions_that_differ_in_one_word_stay_apart():
    assert rows(edges(numbered(FAQ), 0.8)) == []


def test_equal_texts_form_a_star_around_the_smallest_id():
    ids = [f"d{at:016x}" for at in range(4)]
    texts = dict(zip(ids, ["call us", "Reset it!", "reset   it", "RESET IT"], strict=True))
    assert rows(edges(texts, 0.8)) == [(ids[1], ids[2], 1.0, "equal"), (ids[1], ids[3], 1.0, "equal")]


def test_signs_that_carry_meaning_keep_texts_apart():
    texts = ["CD4+ T cells", "CD4- T cells", "p < 0.05", "p > 0.05", "co-operate", "Co operate!"]
    assert [(left[-1], right[-1], rule) for left, right, _, rule in rows(edges(numbered(texts), 1.0))] == [
        ("4", "5", "equal")
    ]


def test_near_edges_join_the_smallest_ids_of_equal_texts():
    long = "hold the small button on the back of the router for ten seconds"
    ids = [f"d{at:016x}" for at in range(4)]
    texts = dict(zip(ids, [long, long.upper(), long + " please", long + " please!"], strict=True))
    assert rows(edges(texts, 0.8)) == [
        (ids[0], ids[1], 1.0, "equal"),
        (ids[0], ids[2], 11 / 12, "near"),
        (ids[2], ids[3], 1.0, "equal"),
    ]


@pytest.mark.parametrize("texts", [[], ["alone"], ["one", "other"]])
def test_without_edges_the_table_is_empty_and_typed(texts):
    found = edges(numbered(texts), 0.8)
    assert len(check(found, Near, "edges")) == 0


def test_frame_turns_sorts_and_drops_loops():
    ids = [f"d{at:016x}" for at in range(3)]
    found = frame([(ids[2], ids[0], 0.8, "near"), (ids[1], ids[0], 0.9, "near"), (ids[1], ids[1], 1.0, "equal")])
    assert rows(found) == [(ids[0], ids[1], 0.9, "near"), (ids[0], ids[2], 0.8, "near")]
