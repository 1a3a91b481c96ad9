"""Sets that are compared by parts have the edges of brute force, and few candidates."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.corpus import questions
from stages.lib.text import part_join
from stages.lib.text.crowds import JoinRun
from stages.lib.text.normal_form import shingles
from stages.lib.text.part_join import parts_of_size
from stages.lib.text.similarity_join import join_sets, similarity_join
from tests.lib.text.test_similarity_join import (
    ALIKE_SETS,
    SETS,
    THRESHOLDS,
    brute_force,
    numbered,
    set_table,
    template,
)
from tests.properties import examples


@pytest.fixture
def by_parts(monkeypatch):
    """Compare all sets by parts, also those that meet no other set in a list."""
    monkeypatch.setattr(part_join, "MOST_MET", 0)


@pytest.mark.slow
@pytest.mark.usefixtures("by_parts")
@examples(60)
@given(SETS | ALIKE_SETS, st.sampled_from(THRESHOLDS))
def test_the_self_join_by_parts_is_brute_force(sets, threshold):
    assert list(similarity_join(sets, sets, threshold)) == brute_force(sets, sets, threshold)


@pytest.mark.slow
@pytest.mark.usefixtures("by_parts")
@examples(60)
@given(SETS | ALIKE_SETS, SETS | ALIKE_SETS, st.sampled_from(THRESHOLDS))
def test_the_join_of_two_tables_by_parts_is_brute_force(sets, others, threshold):
    assert list(similarity_join(sets, others, threshold)) == brute_force(sets, others, threshold)


@pytest.mark.slow
@pytest.mark.usefixtures("by_parts")
@pytest.mark.parametrize("threshold", [0.6, 0.8, 0.9, 1.0])
def test_sets_of_all_sizes_by_parts_are_brute_force(threshold):
    # Of each set a copy that lost as many shingles as it may, one that lost one more, and others.
    chance = random.Random(7)
    sets = {}
    for size in [*range(1, 40), 60, 90, 140, 300]:
        items = [chance.randrange(10**6) for _ in range(size)]
        kept = -int(-size * threshold // 1)
        for name, count in (("a", size), ("b", kept), ("c", kept - 1), ("d", size - 1)):
            sets[f"{size:03}{name}"] = [frozenset(chance.sample(items, max(0, count)))]
        changed = [
            item + 10**6 if chance.random() < (1 - threshold) / 2 else item for item in items
        ]
        sets[f"{size:03}e"] = [frozenset(changed)]
    edges = list(similarity_join(sets, sets, threshold))
    assert edges == brute_force(sets, sets, threshold)
    assert len(edges) > 40


@pytest.mark.slow
@pytest.mark.parametrize("most_met", [0, 30, 10**9])
def test_any_division_into_frequent_sets_and_others_has_the_same_edges(monkeypatch, most_met):
    texts = questions(400, seed=1)
    sets = {row_id: shingles(text) for row_id, text in numbered(texts).items()}
    monkeypatch.setattr(part_join, "MOST_MET", most_met)
    edges = list(similarity_join(sets, sets, 0.8))
    assert edges == brute_force(sets, sets, 0.8)
    assert len(edges) >= 40


@pytest.mark.slow
@pytest.mark.usefixtures("by_parts")
def test_a_crowd_stays_a_tree_beside_sets_in_parts():
    rows = template(1_000) + template(100, first=50_000)
    edges = join_sets(set_table(rows), None, 0.8)
    assert (edges.left < 1_000).sum() == 999
    assert (edges.left >= 1_000).sum() == 100 * 99 // 2


@pytest.mark.slow
@pytest.mark.usefixtures("by_parts")
def test_the_test_notices_too_few_parts(monkeypatch):
    texts = questions(200, seed=2)
    sets = {row_id: shingles(text) for row_id, text in numbered(texts).items()}
    monkeypatch.setattr(part_join, "parts_of_size", lambda *_: 2)
    assert list(similarity_join(sets, sets, 0.8)) != brute_force(sets, sets, 0.8)


@pytest.mark.slow
def test_short_texts_of_few_words_have_few_candidates(monkeypatch):
    texts = questions(3_000, seed=3)
    sets = {row_id: shingles(text) for row_id, text in numbered(texts).items()}

    # How many pairs are verified, and how many of them are near.
    def counts(most_met):
        compared = []
        verify = JoinRun.verify

        def look(run):
            compared.append(run.fetch("SELECT count(*) AS n FROM pairs")["n"].item())
            verify(run)

        with monkeypatch.context() as patch:
            patch.setattr(part_join, "MOST_MET", most_met)
            patch.setattr(JoinRun, "verify", look)
            edges = list(similarity_join(sets, sets, 0.8))
        return compared[-1], edges

    candidates_of_lists, edges = counts(10**9)
    candidates_of_parts, same_edges = counts(0)
    assert edges == same_edges
    assert len(edges) >= 300
    assert candidates_of_lists > 20 * candidates_of_parts


@pytest.mark.parametrize(
    ("size", "parts"),
    [
        # At 0.8 a set of 50 and one of 62 differ by 12 at most, of which six parts are two each.
        (50, 8),
        # A set of 1 equals its partners.
        (1, 2),
        (9, 3),
        (100, 15),
    ],
)
def test_the_number_of_parts_leaves_two_that_differ_by_one(size, parts):
    assert parts_of_size(size, share=0.8 / 1.8, reach=1.25) == parts
