"""What single pairs say: documents that a person found dissimilar, texts that are trained on, documents of a topic."""

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from stages.mine.judged import Judged, judged
from tests.mine.cases import DOCUMENTS, name, numbers, pairs, run, settings_of

ASKED = pairs((1, "fever", 1))


def dissimilar(*documents):
    return Judged({}, {}, {"fever": tuple(name("d", number) for number in documents)})


def test_what_a_person_found_dissimilar_comes_first_whatever_it_scores_and_however_near_it_is():
    settings = settings_of(
        relative_margin=0.05, near_positives="refuse", exclude_relatives="family", negatives=3
    )
    said = {"near": [(1, 2)], "family": [(1, 4)], "judged": dissimilar(4, 2)}
    mined, _ = run(ASKED, DOCUMENTS, settings, **said)
    row = mined.rows.iloc[0]
    assert numbers(row) == [2, 4, 3]
    assert row["negative_miners"] == ["bm25+dense+labelled", "dense+labelled", "bm25+dense"]
    certain, guessed = (
        "known_positive+equal_to_anchor",
        "known_positive+equal_to_anchor+near_positive+relative+margin",
    )
    assert row["negative_rules"] == [certain, certain, guessed]


def test_it_is_neither_skipped_nor_left_to_chance_nor_a_positive():
    for settings in (
        settings_of(skip_first=1, negatives=1),
        settings_of(sampling="random", negatives=1),
    ):
        mined, _ = run(ASKED, DOCUMENTS, settings, judged=dissimilar(4))
        assert numbers(mined.rows.iloc[0]) == [4]
    mined, _ = run(ASKED, DOCUMENTS, settings_of(negatives=4), judged=dissimilar(1, 77))
    assert 1 not in numbers(mined.rows.iloc[0])


@given(
    st.lists(st.sampled_from([2, 3, 4, 5]), unique=True),
    st.integers(1, 4),
    st.sampled_from([None, 0.0, 0.3]),
)
def test_people_are_asked_before_miners(found, negatives, margin):
    settings = settings_of(negatives=negatives, relative_margin=margin)
    mined, _ = run(ASKED, DOCUMENTS, settings, judged=dissimilar(*found))
    chosen = numbers(mined.rows.iloc[0])
    wanted = min(len(found), negatives)
    assert set(chosen[:wanted]) <= set(found)
    assert all(
        ("labelled" in miners) == (at < wanted)
        for at, miners in enumerate(mined.rows.iloc[0]["negative_miners"])
    )


def test_a_pair_is_trained_on_its_own_text_and_what_says_that_is_no_negative():
    said = Judged({name("p", 1): "rash"}, {}, {})
    mined, ledger = run(ASKED, DOCUMENTS, settings_of(negatives=4), judged=said)
    row = mined.rows.iloc[0]
    assert (row["positive"], round(row["positive_score"], 2)) == ("rash", 0.9)
    assert numbers(row) == [2, 3, 5]
    assert list(ledger["reason"]) == ["too_few_negatives"]


def test_where_a_topic_is_asked_for_none_of_its_documents_is_a_negative():
    mined, _ = run(
        ASKED, DOCUMENTS, settings_of(negatives=4), judged=Judged({}, {name("p", 1): "fevers"}, {})
    )
    assert numbers(mined.rows.iloc[0]) == [5, 4]
    assert mined.refused["known_positive"] == 3


TRAINING = pd.DataFrame(
    {
        "pair_id": ["given", "cut", "variant", "ring", "plain"],
        "anchor": "a",
        "doc_id": ["d1", "d2", "d2", "d3", "d4"],
        "relation": ["same_label", "first_sentence", "first_sentence", "same_label", "title"],
    }
)
MADE = pd.DataFrame(
    {
        "pair_id": ["cut", "ring", "plain"],
        "origin_id": ["d2", "d9", "d4"],
        "positive": ["rest", "", ""],
    }
)
DISSIMILAR = pd.DataFrame({"anchor": ["Fever?", "fever", "rash"], "doc_id": ["d2", "d1", "d1"]})


def test_texts_topics_and_documents_that_are_no_answer():
    topics = {"d1": "x", "d2": "y", "d3": "z", "d4": ""}
    found = judged(TRAINING, MADE, DISSIMILAR, topics, {"variant": "cut"})
    assert found.trained == {"cut": "rest", "variant": "rest"}
    assert found.topics == {"ring": "z"}, (
        "a given pair whose relation happens to be called same_label is none"
    )
    assert found.dissimilar == {"fever": ("d1", "d2"), "rash": ("d1",)}
