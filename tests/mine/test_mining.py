"""Hard negatives are hard, never a hidden positive, and come with who proposed them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.lib.text import normal_form
from stages.lib.topk import Hits
from stages.mine.answers import known_positives
from stages.mine.candidates import merge
from stages.mine.faults import count_known_positives
from stages.mine.mining import best_passage
from tests.mine.cases import DOCUMENTS, at, corpus, name, numbers, pairs, run, settings_of

BY_MARGIN = settings_of(relative_margin=0.05)
ANYTHING = settings_of(negatives=10)


def refused(mined):
    """Return the rules that refused a candidate, with how many."""
    return {rule: count for rule, count in mined.refused.items() if count}


def first(mined):
    return mined.rows.iloc[0]


def test_what_a_cap_left_out_is_a_positive_all_the_same():
    given = pairs((1, "fever", 1), (2, "Fever", 2))
    assert known_positives(given, {})[normal_form("fever")] == frozenset(given["doc_id"])


def test_a_variant_has_the_positives_of_the_anchor_it_varies():
    every = pairs((1, "tumor", 1), (2, "tumor", 2), (3, "tumour", 1))
    positives = known_positives(every, {every["pair_id"][2]: every["pair_id"][0]})
    assert positives[normal_form("tumour")] == frozenset(every["doc_id"][:2])


def test_negatives_below_the_margin_are_taken_hardest_first():
    mined, _ = run(pairs((1, "fever", 1)), DOCUMENTS, BY_MARGIN)
    row = first(mined)
    assert numbers(row) == [3, 5]
    assert row["negatives"] == ["Chills with fever.", "Cough."]
    assert row["negative_scores"] == pytest.approx([0.7, 0.6], abs=1e-5)
    assert np.isnan(row["negative_cross_scores"]).all()
    assert row["positive"] == "Fever that lasts."
    assert row["positive_score"] == pytest.approx(0.8, abs=1e-5)
    assert refused(mined) == {"known_positive": 1, "margin": 1}


def test_without_a_margin_only_what_answers_is_refused():
    mined, _ = run(pairs((1, "fever", 1)), DOCUMENTS, ANYTHING)
    assert numbers(first(mined)) == [2, 3, 5, 4]
    assert refused(mined) == {"known_positive": 1}


def test_each_negative_names_its_miners_its_best_rank_and_the_rules_it_passed():
    asked = pairs((1, "chills with fever or so", 1))
    row = first(run(asked, DOCUMENTS, BY_MARGIN)[0])
    # BM25 puts document 3 first (three shared words) and gives document 5 nothing; by cosine they are third and fourth.
    assert numbers(row) == [3, 5]
    assert row["negative_miners"] == ["bm25+dense", "dense"]
    assert row["negative_ranks"] == [1, 4]
    assert row["negative_rules"] == ["known_positive+equal_to_anchor+margin"] * 2
    row = first(run(asked, DOCUMENTS, settings_of(miners=["bm25"], near_positives="refuse"))[0])
    assert numbers(row) == [2, 3]
    assert row["negative_miners"] == ["bm25", "bm25"]
    assert row["negative_rules"] == ["known_positive+equal_to_anchor+near_positive"] * 2


@pytest.mark.parametrize(
    "copy", ["Fever that lasts.", "FEVER THAT LASTS.", "Fever  that\tlasts", "fever, that lasts!"]
)
def test_the_answer_under_another_id_is_refused(copy):
    mined, _ = run(pairs((1, "fever", 1)), [*DOCUMENTS, (6, copy, 0.1)], ANYTHING)
    assert 6 not in numbers(first(mined))
    assert refused(mined) == {"known_positive": 2}


@pytest.mark.parametrize("anchor", ["fever", "FEVER", " Fever "])
def test_the_answer_of_another_pair_with_the_same_anchor_is_refused(anchor):
    mined, _ = run(pairs((1, "fever", 1), (2, anchor, 3)), DOCUMENTS, ANYTHING)
    assert [numbers(row) for _, row in mined.rows.iterrows()] == [[2, 5, 4], [2, 5, 4]]


def test_an_answer_known_from_a_pair_that_is_not_trained_on_is_refused():
    mined, _ = run(
        pairs((1, "fever", 1)), DOCUMENTS, ANYTHING, every=pairs((1, "fever", 1), (2, "Fever", 4))
    )
    assert numbers(first(mined)) == [2, 3, 5]


def test_the_margin_is_taken_from_the_weakest_answer_even_outside_the_corpus():
    every = pairs((1, "fever", 1), (2, "fever", 9))
    mined, _ = run(
        pairs((1, "fever", 1)), DOCUMENTS, BY_MARGIN, held=[(9, "Heat.", 0.6)], every=every
    )
    assert numbers(first(mined)) == [4]  # below 0.57
    assert refused(mined) == {"known_positive": 1, "margin": 3}


@pytest.mark.parametrize("text", ["Fever", "fever!", "FEVER"])
def test_the_text_of_the_anchor_itself_is_no_negative(text):
    mined, _ = run(pairs((1, "fever", 1)), [*DOCUMENTS, (6, text, 0.3)], ANYTHING)
    assert 6 not in numbers(first(mined))
    assert refused(mined) == {"known_positive": 1, "equal_to_anchor": 1}


def test_equal_cosines_are_ordered_by_id():
    documents = [(number, f"Text {number}.", 0.5) for number in range(1, 7)]
    assert numbers(first(run(pairs((1, "fever", 4)), documents, ANYTHING)[0])) == [1, 2, 3, 5, 6]


def test_a_short_anchor_stays_unpadded_and_is_noted():
    documents = [(1, "Fever that lasts.", 0.8), (2, "A short fever.", 0.79), (3, "Chills.", 0.7)]
    mined, ledger = run(pairs((1, "fever", 1), (2, "heat", 3)), documents, BY_MARGIN)
    assert [numbers(row) for _, row in mined.rows.iterrows()] == [[3], []]
    noted = ledger[["row_id", "action", "reason", "score"]].to_numpy().tolist()
    assert noted == [
        [name("p", 1), "note", "too_few_negatives", 1.0],
        [name("p", 2), "note", "too_few_negatives", 0.0],
    ]


def test_miners_are_merged_with_the_best_rank_and_minus_infinity_is_nobody():
    searched, anchors = corpus(*DOCUMENTS), np.stack([at(1.0)] * 2)
    nobody = -np.inf
    bm25 = Hits(
        np.array([[2, 0, 4], [3, 0, 1]]),
        np.array([[1.5, 0.5, nobody], [nobody] * 3], dtype=np.float32),
    )
    dense = Hits(
        np.array([[0, 1, 2]] * 2),
        np.array([[0.8, 0.79, 0.7], [0.8, 0.79, nobody]], dtype=np.float32),
    )
    found = merge({"bm25": bm25, "dense": dense}, 0, 2, anchors, searched)
    assert list(zip(found.rows, found.documents, found.miners, found.ranks, strict=True)) == [
        (0, 0, 3, 1),
        (0, 1, 2, 2),
        (0, 2, 3, 1),
        (1, 0, 2, 1),
        (1, 1, 2, 2),
    ]
    assert found.cosines == pytest.approx([0.8, 0.79, 0.7, 0.8, 0.79])
    only = merge({"bm25": bm25}, 0, 2, anchors, searched)
    assert only.cosines == pytest.approx(
        [0.8, 0.7], abs=1e-5
    )  # what no cosine was told for is computed
    assert len(merge({"bm25": bm25}, 1, 2, anchors, searched).rows) == 0


def test_what_bm25_scores_zero_is_no_candidate_and_a_negative_cosine_is_one():
    documents = [(1, "One.", 0.9), (2, "Two.", -0.5), (3, "One more.", 0.2)]
    asked = pairs((1, "one", 1))
    assert numbers(first(run(asked, documents, settings_of(miners=["bm25"]))[0])) == [3]
    assert numbers(first(run(asked, documents, settings_of(miners=["dense"]))[0])) == [3, 2]


def test_a_planted_positive_is_counted_by_id_and_by_text():
    searched = corpus((1, "Fever that lasts.", 0.8), (2, "Heat.", 0.5), (3, "Rash.", 0.2))
    positives = known_positives(pairs((1, "fever", 1), (2, "Fever", 2)), {})
    triplets = pd.DataFrame(
        {
            "anchor": ["fever"] * 4,
            "negative_ids": [
                [name("d", 3)],
                [name("d", 2)],
                [name("d", 8)],
                [name("d", 3), name("d", 1)],
            ],
            "negatives": [
                ["Rash."],
                ["Some other text."],
                ["FEVER THAT  LASTS"],
                ["Rash.", "Fever that lasts."],
            ],
        }
    )
    assert [
        count_known_positives(triplets.iloc[[row]], positives, searched) for row in range(4)
    ] == [0, 1, 1, 1]
    assert count_known_positives(triplets, positives, searched) == 3


# Document 1 comes in three passages.
LONG = ("Doses for adults.", "Fever that lasts for weeks.", "Tables and figures.")


def test_of_a_long_answer_the_passage_that_bm25_ranks_best_is_the_positive_and_is_noted():
    documents = [(1, LONG, (0.2, 0.8, 0.9)), (2, "Rash.", 0.5)]
    mined, ledger = run(pairs((1, "lasting fever that lasts", 1)), documents, ANYTHING)
    row = first(mined)
    assert row["positive"] == "Fever that lasts for weeks."
    assert row["positive_score"] == pytest.approx(0.8, abs=1e-5)
    assert row["negatives"] == ["Rash."]
    noted = ledger[["reason", "partner_id", "score"]].to_numpy().tolist()
    assert ["best_passage", f"{name('d', 1)}-0001", 1.0] in noted


@pytest.mark.parametrize("miner", ["bm25", "dense"])
def test_of_a_long_negative_the_passage_closest_to_the_anchor_stands_and_scores(miner):
    documents = [(1, LONG, (0.2, 0.8, 0.9)), (2, "Rash.", 0.95)]
    row = first(run(pairs((1, "lasting fever", 2)), documents, settings_of(miners=[miner]))[0])
    assert row["negatives"] == ["Tables and figures."]
    assert row["negative_scores"] == pytest.approx([0.9], abs=1e-5)


def test_a_document_any_of_whose_passages_says_what_the_answer_says_is_refused():
    documents = [
        (1, LONG, (0.1, 0.1, 0.1)),
        (2, "Tables and figures!", 0.9),
        (3, "doses for adults", 0.3),
    ]
    assert numbers(first(run(pairs((1, "cough", 2)), documents, ANYTHING)[0])) == [3]
    assert numbers(first(run(pairs((1, "Doses, for adults", 3)), documents, ANYTHING)[0])) == [2]


def test_the_first_of_equal_passages_is_the_best():
    assert best_passage("fever", ["Rash.", "Fever.", "Fever."]) == 1
    assert best_passage("cough", ["Rash.", "Fever."]) == 0


def test_an_approximate_index_says_what_it_misses():
    def recall(**changed):
        return run(pairs((1, "fever", 1)), DOCUMENTS, settings_of(**changed))[0].index_recall

    assert 0.0 < recall(index="clusters") <= 1.0
    assert recall(index="clusters", miners=["bm25"]) is None
    assert recall() is None


WORDS = st.sampled_from(["fever", "Fever", "rash", "RASH!", "cough", "fever rash", "cough  fever"])


@st.composite
def problems(draw):
    """Return documents and pairs in which equal texts and equal anchors are common."""
    documents = [
        (number, draw(WORDS), draw(st.sampled_from([-0.5, 0.0, 0.3, 0.31, 0.6, 0.9])))
        for number in range(1, draw(st.integers(2, 8)) + 1)
    ]
    asked = [
        (number, draw(WORDS), draw(st.integers(1, len(documents))))
        for number in range(1, draw(st.integers(1, 6)) + 1)
    ]
    return documents, asked


@settings(max_examples=60, deadline=None)
@given(
    problems(),
    st.sampled_from([None, 0.0, 0.05, 1.0]),
    st.sampled_from(["hardest", "random"]),
    st.integers(0, 2),
    st.randoms(use_true_random=False),
)
def test_no_negative_is_a_positive_and_the_order_of_pairs_changes_nothing(
    problem, margin, sampling, skipped, chance
):
    documents, asked = problem
    params = settings_of(
        candidates=5, relative_margin=margin, sampling=sampling, skip_first=skipped
    )
    mined, ledger = run(pairs(*asked), documents, params)
    texts = {name("d", number): text for number, text, _ in documents}
    assert len(mined.rows) == len(asked)
    for _, row in mined.rows.iterrows():
        answers = [
            doc for _, anchor, doc in asked if normal_form(anchor) == normal_form(row["anchor"])
        ]
        said = {normal_form(texts[name("d", doc)]) for doc in answers} | {
            normal_form(row["anchor"])
        }
        assert said.isdisjoint(normal_form(text) for text in row["negatives"])
        assert row["negatives"] == [texts[doc_id] for doc_id in row["negative_ids"]]
        assert len(set(row["negative_ids"])) == len(row["negative_ids"]) <= 2
        assert row["negative_scores"] == sorted(row["negative_scores"], reverse=True)
        assert margin is None or all(
            score <= row["positive_score"] + 1e-6 for score in row["negative_scores"]
        )

    again, ledger_again = run(pairs(*chance.sample(asked, len(asked))), documents, params)

    def told(rows):
        ordered = rows.drop(columns="negative_cross_scores").sort_values("pair_id")
        return ordered.to_dict("records")

    assert told(again.rows) == told(mined.rows)
    assert again.refused == mined.refused
    assert again.curve.equals(mined.curve)
    assert sorted(ledger_again["row_id"]) == sorted(ledger["row_id"])
