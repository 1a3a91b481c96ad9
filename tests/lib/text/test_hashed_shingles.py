"""Hashed shingles are the shingles of the rule, and no two different ones have one hash."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.text import hashed_shingles as module
from stages.lib.text.hashed_shingles import hashed_shingles
from stages.lib.text.normal_form import normal_form, shingles_of_form

WORDS = [
    "fever",
    "of",
    "the",
    "left",
    "arm",
    "no",
    "5",
    "mg",
    "陽性",
    "दिन",
    "ok",
    "-",
    "🙂",
    "\ud800",
]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=24).map(" ".join) | st.text(max_size=40)

OTHERS = [
    "",
    "a",
    "ab",
    "abc",
    "reset the router and wait until the light is green",
    "reset the router and wait until the light is green again after a minute or so",
    "発熱が三日続く患者",
    "तीन दिन से बुखार है और सिर में दर्द है",
    "температура держится третий день и болит голова у ребенка",
    "pain 🙂 in \ud800 arm",
    "no fever no fever no fever no fever no fever",
]


def as_sets(forms):
    return [[set(hashes.tolist()) for hashes in sets] for sets in hashed_shingles(forms)]


def same_as_strings(forms):
    """Compare each two sets: the hashes that they share are as many as the shingles."""
    strings = [shingle_set for form in forms for shingle_set in shingles_of_form(form)]
    hashes = [hash_set for sets in as_sets(forms) for hash_set in sets]
    sizes_are_same = list(map(len, hashes)) == list(map(len, strings))
    return sizes_are_same and all(
        len(hashes[left] & hashes[right]) == len(strings[left] & strings[right])
        for left, right in combinations(range(len(strings)), 2)
    )


def test_hashes_are_pinned_since_tables_hold_them():
    sets = hashed_shingles(["abcd", "ab", "a b c d e f g h"])
    assert [hashes.tolist() for hashes in sets[0]] == [[2574074266296446589, 11469276482662033542]]
    assert [hashes.tolist() for hashes in sets[1]] == [[9804581064242713102]]
    assert sets[2][0].tolist()[:2] == [3288777840494691651, 5573434518057209211]


def test_texts_of_many_scripts_share_hashes_where_they_share_shingles():
    assert same_as_strings(OTHERS)


@given(st.lists(TEXTS.map(normal_form), max_size=6))
def test_texts_share_hashes_where_they_share_shingles(forms):
    assert same_as_strings(forms)


@given(st.lists(TEXTS.map(normal_form), max_size=6))
def test_each_set_is_sorted_and_has_each_hash_once(forms):
    for sets in hashed_shingles(forms):
        for hashes in sets:
            assert hashes.tolist() == sorted(set(hashes.tolist()))


@pytest.mark.parametrize("block", [1, 2, 5, 1000])
def test_the_size_of_a_block_changes_no_hash(monkeypatch, block):
    whole = as_sets(OTHERS)
    monkeypatch.setattr(module, "_BLOCK_TEXTS", block)
    assert as_sets(OTHERS) == whole


def test_few_kept_words_change_no_hash(monkeypatch):
    whole = as_sets(OTHERS)
    monkeypatch.setattr(module, "_MOST_WORDS", 2)
    module._HASH_OF_WORD.clear()
    assert as_sets(OTHERS) == whole


def test_the_comparison_notices_an_order_that_is_lost(monkeypatch):
    forms = ["a b c d e f g h", "c b a h g f e d"]
    assert same_as_strings(forms)
    monkeypatch.setattr(module, "_mixed", lambda values: values)
    assert not same_as_strings(forms)
