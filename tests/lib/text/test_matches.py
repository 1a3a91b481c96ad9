"""Matches are those of all texts compared with each other, with little memory too."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.core import database
from stages.lib.text import matches as matches_module
from stages.lib.text.crowds import JoinRun
from stages.lib.text.matches import equal_groups, match_texts
from stages.lib.text.normal_form import normal_form, similarity
from stages.lib.text.text_file import StoredVersions
from tests.properties import examples

WORDS = st.lists(st.sampled_from(["reset", "the", "Router", "router!", "陽性", "now"]), max_size=6)
VERSIONS = st.lists(WORDS.map(" ".join), max_size=3, unique=True)


def near_by_brute_force(kinds, threshold):
    """Return each two groups of ids that have near forms, sorted."""
    ids_of_form = {}
    for versions in kinds:
        for row_id, texts in versions.items():
            for text in texts:
                ids_of_form.setdefault(normal_form(text), set()).add(row_id)
    near = set()
    for left, right in combinations(sorted(ids_of_form), 2):
        groups = sorted([sorted(ids_of_form[left]), sorted(ids_of_form[right])])
        if left and right and groups[0] != groups[1] and similarity(left, right) >= threshold:
            near.add((tuple(groups[0]), tuple(groups[1])))
    return [(list(left), list(right)) for left, right in sorted(near)]


@given(
    st.dictionaries(st.sampled_from(["p1", "p2", "p3"]), VERSIONS),
    st.dictionaries(st.sampled_from(["d1", "d2", "d3"]), VERSIONS),
    st.sampled_from([0.4, 0.8]),
)
@examples(25)
def test_equal_and_near_texts_are_those_of_brute_force(anchors, texts, threshold):
    actual = match_texts([anchors, texts], threshold)
    assert actual.near == near_by_brute_force([anchors, texts], threshold)
    assert actual.equal == equal_groups(anchors, texts)


def documents(count):
    """Return texts of sixty words: each third one is near the one before, a tenth are equal."""
    rows = {}
    for index in range(count):
        origin = index - 1 if index % 3 == 1 else index - index % 10 // 9
        words = [f"w{origin}x{place}" for place in range(60)]
        if index % 3 == 1:
            words[5] = "other"
        rows[f"d{index:04}"] = [" ".join(words)]
    return rows


def test_texts_in_a_file_match_as_texts_in_memory_do():
    rows = documents(60)
    stored = StoredVersions((row_id, text) for row_id, texts in rows.items() for text in texts)
    assert match_texts([stored], 0.8)[:3] == match_texts([rows], 0.8)[:3]


def test_each_form_is_shingled_once_in_the_order_of_its_rows(monkeypatch):
    forms = []
    hashed_shingles = matches_module.hashed_shingles
    monkeypatch.setattr(
        matches_module,
        "hashed_shingles",
        lambda block: forms.extend(block) or hashed_shingles(block),
    )
    match_texts([{"p1": ["Reset it!", "No."]}, {"d1": ["RESET it", "A fuse"], "d2": ["no"]}], 0.8)
    # Rows: d1 alone, d1 and p1, d2 and p1.
    assert forms == ["a fuse", "reset it", "no"]


def test_near_texts_of_one_row_are_no_match():
    passages = ["hold the red button for ten seconds", "hold the red button for ten seconds now"]
    assert match_texts([{"d1": passages}], 0.5).near == []
    assert match_texts([{"d1": passages[:1], "d2": passages[1:]}], 0.5).near == [(["d1"], ["d2"])]


@pytest.mark.slow
def test_little_memory_gives_the_same_matches_and_writes_to_disk(monkeypatch):
    rows = documents(6_000)
    monkeypatch.setenv("PAIRSMITH_WORKERS", "1")
    monkeypatch.setenv("PAIRSMITH_MEMORY", "1GB")
    expected = match_texts([rows], 0.8)
    assert len(expected.near) >= 1_800
    assert len(expected.equal) == 200
    assert expected.overlapping

    # Note after each statement how much was written to disk.
    written_bytes = []
    execute = JoinRun.execute

    def execute_and_look(run, query, **values):
        execute(run, query, **values)
        with database.connect() as connection:
            files = connection.execute("SELECT size FROM duckdb_temporary_files()").fetchall()
        written_bytes.append(sum(size for (size,) in files))

    monkeypatch.setattr(JoinRun, "execute", execute_and_look)
    monkeypatch.setenv("PAIRSMITH_MEMORY", "24MB")
    assert match_texts([rows], 0.8)[:3] == expected[:3]
    assert max(written_bytes) > 0


def test_the_forms_of_one_group_of_rows_come_in_the_order_of_the_forms(monkeypatch):
    forms = []
    hashed_shingles = matches_module.hashed_shingles
    monkeypatch.setattr(
        matches_module,
        "hashed_shingles",
        lambda block: forms.extend(block) or hashed_shingles(block),
    )
    match_texts([{"d1": ["Reset it", "A fuse"], "d2": ["A fuse", "Reset it"]}], 0.8)
    match_texts([{"d2": ["A fuse", "Reset it"], "d1": ["Reset it", "A fuse"]}], 0.8)
    assert forms == ["a fuse", "reset it", "a fuse", "reset it"]
