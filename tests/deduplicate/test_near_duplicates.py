"""No edge is wrong, none is missed, and neither order nor shards nor workers change anything."""

import random

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.deduplicate.near_duplicates import find_duplicates, hash_texts, near_table
from stages.lib.core import tables
from stages.lib.core.ids import hash_hex
from stages.lib.core.interface import TableFile
from stages.lib.core.tables import check_table
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.duplicates import NearDuplicates
from stages.lib.text.hashed_shingles import hashed_shingles
from stages.lib.text.normal_form import normal_form, shingles
from stages.lib.text.similarity_join import similarity_join
from tests.properties import examples

# Few words, so that many texts come out alike: short ones (character shingles) and long ones (word shingles).
TEXTS = st.lists(
    st.one_of(
        st.lists(
            st.sampled_from(["reset", "Reset", "the", "router", "a", "+"]), min_size=1, max_size=4
        ),
        st.lists(st.sampled_from(["reset", "the", "router"]), min_size=8, max_size=12),
    ).map(" ".join),
    max_size=10,
)
FAQ = [
    "How do I reset my password?",
    "How do I reset my router?",
    "How do I change my password?",
    "Where can I see my bill?",
    "Where can I see my orders?",
    "How do I close my account?",
]
LONG = "hold the small button on the back of the router for about ten seconds until it blinks"  # 15 word shingles
RESET = frozenset({"res", "ese", "set"})
SEVEN = "bullet shaped outermost bone of the toe"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("joining")


def edges(folder, texts, threshold=0.8, measure="jaccard"):
    """Return the Near rows of `texts`, numbered."""
    names = [f"d{at:016x}" for at in range(len(texts))]
    frame = pd.DataFrame({"doc_id": names, "text": texts}).assign(
        source="faq", title="", topic="", group=""
    )
    tables.write(
        frame.astype(Documents.empty().dtypes.to_dict()), folder / "documents.parquet", Documents
    )
    groups = find_duplicates(
        TableFile(folder / "documents.parquet", Documents),
        "doc_id",
        "text",
        threshold=threshold,
        measure=measure,
        scratch=folder / "scratch",
    )
    rows = near_table(groups)
    check_table(rows, NearDuplicates, "edges")
    columns = zip(rows["left_id"], rows["right_id"], rows["similarity"], rows["rule"], strict=True)
    return sorted(
        (int(left[1:], 16), int(right[1:], 16), similarity, rule)
        for left, right, similarity, rule in columns
    )


@pytest.mark.slow
@examples(40)
@given(TEXTS.map(lambda texts: texts or ["a"]), st.sampled_from([0.5, 0.8, 1.0]))
def test_every_edge_is_true_and_equal_texts_are_a_star(folder, texts, threshold):
    sets = {f"{at:02}": shingles(text) for at, text in enumerate(texts)}
    near = {
        (int(left), int(right)): similarity
        for left, right, similarity in similarity_join(sets, sets, threshold)
    }
    first = {}
    for at, text in enumerate(texts):
        first.setdefault(normal_form(text), at)
    linked = edges(folder, texts, threshold)
    for left, right, score, rule in linked:
        assert left == first[normal_form(texts[left])]
        if rule == "near":
            assert near[left, right] == score
            assert right == first[normal_form(texts[right])]
    stars = {(first[normal_form(text)], at) for at, text in enumerate(texts)}
    assert {(left, right) for left, right, _, rule in linked if rule == "equal"} == {
        (left, right) for left, right in stars if left != right
    }


def test_very_similar_texts_are_found(folder):
    chance = random.Random(3)
    texts = []
    for _ in range(200):
        words = [f"word{chance.randrange(5000)}" for _ in range(60)]
        texts += [" ".join(words), " ".join([*words, "indeed"])]
    assert edges(folder, texts, 0.9) == [(at, at + 1, 58 / 59, "near") for at in range(0, 400, 2)]


@pytest.mark.parametrize(("threshold", "count"), [(15 / 16, 1), (0.94, 0)])
def test_the_threshold_itself_is_near_enough_and_less_is_not(folder, threshold, count):
    assert len(edges(folder, [LONG, LONG + " please"], threshold)) == count


def test_one_word_does_not_part_texts_of_medium_length(folder):
    # 7 and 8 words: 37 and 41 character 3-grams, of which 36 are common.
    assert edges(folder, [SEVEN, "bullet shaped outermost bone of the 3rd toe"]) == [
        (0, 1, 36 / 42, "near")
    ]
    question = "how do i reset my password on the mobile app today"
    assert [row[:2] for row in edges(folder, [question, question.replace(" my ", " the ")])] == [
        (0, 1)
    ]


def test_short_questions_that_differ_in_one_word_stay_apart(folder):
    assert edges(folder, FAQ) == []


def test_near_edges_join_the_first_of_equal_texts(folder):
    assert edges(folder, [LONG, LONG.upper(), LONG + " please", LONG + " please!"]) == [
        (0, 1, 1.0, "equal"),
        (0, 2, 15 / 16, "near"),
        (2, 3, 1.0, "equal"),
    ]


def test_signs_that_carry_meaning_keep_texts_apart(folder):
    texts = ["CD4+ T cells", "CD4- T cells", "p < 0.05", "p > 0.05", "co-operate", "Co operate!"]
    assert edges(folder, texts, 1.0) == [(4, 5, 1.0, "equal")]


def test_a_text_that_holds_another_is_near_by_containment_alone(folder):
    texts = [LONG, f"Turn it off first. {LONG} and wait until the light is green"]
    assert edges(folder, texts, 0.9) == []
    assert edges(folder, texts, 0.9, "containment") == [(0, 1, 1.0, "near")]


@pytest.mark.parametrize("texts", [["alone"], ["one", "other"]])
def test_without_edges_the_table_is_empty(folder, texts):
    assert edges(folder, texts) == []


def test_chinese_texts_are_compared_by_characters(folder):
    one = "如何重新设置路由器的密码以及网络连接请按住背面的按钮十秒钟"
    assert [row[:2] for row in edges(folder, [one, one + "吧", "退货政策是什么"])] == [(0, 1)]


# Each of these texts shares with the others all but its number: 40 of 44 word 3-grams.
TEMPLATE = " ".join(f"word{number}" for number in range(40))
CROWD = [f"{TEMPLATE} in case {number} alone" for number in range(600)]


@pytest.mark.slow
def test_a_crowd_is_linked_by_a_tree(folder):
    linked = edges(folder, CROWD)
    assert len(linked) == 599
    assert {end for left, right, *_ in linked for end in (left, right)} == set(range(600))
    assert {similarity for _, _, similarity, _ in linked} == {40 / 44}


def test_the_hashed_shingles_are_those_of_the_rule():
    frame = pd.DataFrame({"doc_id": ["d1", "d2"], "text": [LONG.upper(), "Reset!"]})
    rows = hash_texts(frame, "doc_id", "text")[0]
    hashed = [[hashes.tolist() for hashes in sets] for sets in rows["shingles"]]
    assert hashed == [
        [hashes.tolist() for hashes in sets] for sets in hashed_shingles([LONG, "reset"])
    ]
    assert list(map(len, hashed[0])) == list(map(len, shingles(LONG)))
    assert rows["form_hash"].tolist() == [hash_hex(LONG), hash_hex("reset")]


@pytest.mark.slow
def test_shards_and_workers_change_nothing(folder, monkeypatch):
    chance = random.Random(2)
    base = [" ".join(f"word{chance.randrange(900)}" for _ in range(20)) for _ in range(75)]
    base += [f"{text} {chance.choice(['of', 'indeed'])}" for text in base]
    results = []
    for rows, workers in ((4096, 1), (40, 2), (7, 3)):
        monkeypatch.setattr(tables, "SHARD_ROWS", rows)
        monkeypatch.setenv("PAIRSMITH_WORKERS", str(workers))
        results.append(edges(folder, base, 0.5))
    assert results[0] == results[1] == results[2] != []
