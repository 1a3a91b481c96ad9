"""Hard negatives are hard, never a hidden positive, and name their miners."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.retrieval.search import Hits
from stages.lib.text.normal_form import hash_of_form, normal_form
from stages.mine.candidates import merge_candidates
from stages.mine.corpus import MiningCorpus
from stages.mine.false_negatives import count_known_positives
from stages.mine.mining import best_passage
from stages.mine.relations import known_positives
from tests.mine.cases import DOCUMENTS, corpus, name, numbers, pairs, run, settings_of, unit_vector
from tests.properties import examples

BY_MARGIN = settings_of(relative_margin=0.05)
ANYTHING = settings_of(negatives=10)


def exclusion_counts(mined):
    """Return the rules that refused a candidate, with how many."""
    return {rule: count for rule, count in mined.excluded.items() if count}


def first(mined):
    return mined.rows.iloc[0]


def test_pairs_that_a_cap_left_out_are_positives():
    given = pairs((1, "fever", 1), (2, "Fever", 2))
    assert known_positives(given, {})[normal_form("fever")] == frozenset(given["doc_id"])


def test_a_variant_has_the_positives_of_the_anchor_it_varies():
    every_pair = pairs((1, "tumor", 1), (2, "tumor", 2), (3, "tumour", 1))
    positives = known_positives(every_pair, {every_pair["pair_id"][2]: every_pair["pair_id"][0]})
    assert positives[normal_form("tumour")] == frozenset(every_pair["doc_id"][:2])


def test_only_anchors_that_are_trained_on_have_positives():
    every_pair = pairs((1, "fever", 1), (2, "Fever", 2), (3, "rash", 3), (4, "feverish", 4))
    first_id, _, _, variant_id = every_pair["pair_id"]
    documents = list(every_pair["doc_id"])
    assert known_positives(every_pair, {}, {first_id}) == {"fever": frozenset(documents[:2])}

    # The pair that a variant varies need not be trained on.
    positives = known_positives(every_pair, {variant_id: first_id}, {variant_id})
    assert positives == {
        "fever": frozenset(documents[:2]),
        "feverish": frozenset([*documents[:2], documents[3]]),
    }


def test_a_corpus_is_read_in_parts_and_its_passages_in_their_order():
    ids = [name("d", number) for number in (1, 2, 3)]
    texts = pd.DataFrame({"doc_id": ids, "text": ["Fever. Chills.", "Rash.", "Held out."]})
    passages = pd.DataFrame(
        {
            "doc_id": [ids[0], ids[1], ids[2], ids[0]],
            "position": [1, 0, 0, 0],
            "text": ["Chills.", "Rash.", "Held out.", "Fever."],
        }
    )
    splits = pd.DataFrame({"id": ids, "split": ["train", "corpus", "test"]})
    read = MiningCorpus.from_tables(
        documents=[texts.iloc[:1], texts.iloc[1:]],
        passages=[passages.iloc[:2], passages.iloc[2:]],
        splits=splits,
        positive_ids=[ids[2]],
        encode=lambda texts: np.ones((len(texts), 2), dtype=np.float32),
    )
    assert (read.ids, read.searched) == (ids, 2)
    assert list(read.texts) == ["Fever.", "Chills.", "Rash.", "Held out."]
    assert read.starts.tolist() == [0, 2, 3, 4]

    # A document is known by its whole text and by each passage, in normal form.
    forms = [["fever chills", "fever", "chills"], ["rash"], ["held out"]]
    assert read.hashes == [tuple(map(hash_of_form, group)) for group in forms]


def test_negatives_below_the_margin_are_taken_hardest_first():
    mined, _ = run(pairs((1, "fever", 1)), DOCUMENTS, BY_MARGIN)
    row = first(mined)
    assert numbers(row) == [3, 5]
    assert row["negatives"] == ["Chills with fever.", "Cough."]
    assert row["negative_scores"] == pytest.approx([0.7, 0.6], abs=1e-5)
    assert np.isnan(row["negative_cross_scores"]).all()
    assert row["positive"] == "Fever that lasts."
    assert row["positive_score"] == pytest.approx(0.8, abs=1e-5)
    assert exclusion_counts(mined) == {"known_positive": 1, "margin": 1}


def test_without_a_margin_only_positives_are_excluded():
    mined, _ = run(pairs((1, "fever", 1)), DOCUMENTS, ANYTHING)
    assert numbers(first(mined)) == [2, 3, 5, 4]
    assert exclusion_counts(mined) == {"known_positive": 1}


def test_each_negative_names_its_miners_rank_and_filters():
    pair_table = pairs((1, "chills with fever or so", 1))
    row = first(run(pair_table, DOCUMENTS, BY_MARGIN)[0])
    # BM25 puts document 3 first (three shared words) and gives document 5 nothing; by cosine they are third and fourth.
    assert numbers(row) == [3, 5]
    assert row["negative_miners"] == ["bm25+dense", "dense"]
    assert row["negative_ranks"] == [1, 4]
    assert row["negative_rules"] == ["known_positive+equal_to_anchor+margin"] * 2
    row = first(
        run(pair_table, DOCUMENTS, settings_of(miners=["bm25"], near_positives="refuse"))[0]
    )
    assert numbers(row) == [2, 3]
    assert row["negative_miners"] == ["bm25", "bm25"]
    assert row["negative_rules"] == ["known_positive+equal_to_anchor+near_positive"] * 2


@pytest.mark.parametrize(
    "copy", ["Fever that lasts.", "FEVER THAT LASTS.", "Fever  that\tlasts", "fever, that lasts!"]
)
def test_a_positive_under_another_id_is_excluded(copy):
    mined, _ = run(pairs((1, "fever", 1)), [*DOCUMENTS, (6, copy, 0.1)], ANYTHING)
    assert 6 not in numbers(first(mined))
    assert exclusion_counts(mined) == {"known_positive": 2}


@pytest.mark.parametrize("anchor", ["fever", "FEVER", " Fever "])
def test_positives_of_pairs_with_an_equal_anchor_are_excluded(anchor):
    mined, _ = run(pairs((1, "fever", 1), (2, anchor, 3)), DOCUMENTS, ANYTHING)
    assert [numbers(row) for _, row in mined.rows.iterrows()] == [[2, 5, 4], [2, 5, 4]]


def test_positives_of_pairs_that_are_not_trained_on_are_excluded():
    mined, _ = run(
        pairs((1, "fever", 1)),
        DOCUMENTS,
        ANYTHING,
        every_pair=pairs((1, "fever", 1), (2, "Fever", 4)),
    )
    assert numbers(first(mined)) == [2, 3, 5]


def test_the_margin_counts_positives_that_are_not_searched():
    every_pair = pairs((1, "fever", 1), (2, "fever", 9))
    mined, _ = run(
        pairs((1, "fever", 1)),
        DOCUMENTS,
        BY_MARGIN,
        held=[(9, "Heat.", 0.6)],
        every_pair=every_pair,
    )
    assert numbers(first(mined)) == [4]  # below 0.57
    assert exclusion_counts(mined) == {"known_positive": 1, "margin": 3}


@pytest.mark.parametrize("text", ["Fever", "fever!", "FEVER"])
def test_the_text_of_the_anchor_itself_is_no_negative(text):
    mined, _ = run(pairs((1, "fever", 1)), [*DOCUMENTS, (6, text, 0.3)], ANYTHING)
    assert 6 not in numbers(first(mined))
    assert exclusion_counts(mined) == {"known_positive": 1, "equal_to_anchor": 1}


def test_equal_cosines_are_ordered_by_id():
    documents = [(number, f"Text {number}.", 0.5) for number in range(1, 7)]
    assert numbers(first(run(pairs((1, "fever", 4)), documents, ANYTHING)[0])) == [1, 2, 3, 5, 6]


def test_a_short_anchor_stays_unpadded_and_is_noted():
    documents = [(1, "Fever that lasts.", 0.8), (2, "A short fever.", 0.79), (3, "Chills.", 0.7)]
    mined, ledger = run(pairs((1, "fever", 1), (2, "heat", 3)), documents, BY_MARGIN)
    assert [numbers(row) for _, row in mined.rows.iterrows()] == [[3], []]
    notes = ledger[["row_id", "action", "reason", "score"]].to_numpy().tolist()
    assert notes == [
        [name("p", 1), "note", "too_few_negatives", 1.0],
        [name("p", 2), "note", "too_few_negatives", 0.0],
    ]


def test_an_anchor_with_all_its_negatives_is_not_noted():
    documents = [(1, "Fever that lasts.", 0.8), (3, "Chills.", 0.7), (4, "Rash.", 0.5)]
    mined, ledger = run(pairs((1, "fever", 1)), documents, BY_MARGIN)
    assert numbers(first(mined)) == [3, 4]
    assert len(ledger) == 0


def test_miners_are_merged_with_the_best_rank():
    mining_corpus = corpus(*DOCUMENTS)
    anchors = np.stack([unit_vector(1.0)] * 2)
    missing = -np.inf
    bm25 = Hits(
        np.array([[2, 0, 4], [3, 0, 1]]),
        np.array([[1.5, 0.5, missing], [missing] * 3], dtype=np.float32),
    )
    dense = Hits(
        np.array([[0, 1, 2]] * 2),
        np.array([[0.8, 0.79, 0.7], [0.8, 0.79, missing]], dtype=np.float32),
    )
    candidates = merge_candidates(
        {"bm25": bm25, "dense": dense}, 0, 2, anchor_vectors=anchors, corpus=mining_corpus
    )
    assert list(
        zip(
            candidates.anchors,
            candidates.documents,
            candidates.miners,
            candidates.ranks,
            strict=True,
        )
    ) == [
        (0, 0, 3, 1),
        (0, 1, 2, 2),
        (0, 2, 3, 1),
        (1, 0, 2, 1),
        (1, 1, 2, 2),
    ]
    assert candidates.cosines == pytest.approx([0.8, 0.79, 0.7, 0.8, 0.79])
    only = merge_candidates({"bm25": bm25}, 0, 2, anchor_vectors=anchors, corpus=mining_corpus)
    assert only.cosines == pytest.approx(
        [0.8, 0.7], abs=1e-5
    )  # what no cosine was told for is computed
    assert (
        len(
            merge_candidates(
                {"bm25": bm25}, 1, 2, anchor_vectors=anchors, corpus=mining_corpus
            ).anchors
        )
        == 0
    )


def test_a_bm25_score_of_zero_is_no_hit_and_a_negative_cosine_is():
    documents = [(1, "One.", 0.9), (2, "Two.", -0.5), (3, "One more.", 0.2)]
    pair_table = pairs((1, "one", 1))
    assert numbers(first(run(pair_table, documents, settings_of(miners=["bm25"]))[0])) == [3]
    assert numbers(first(run(pair_table, documents, settings_of(miners=["dense"]))[0])) == [3, 2]


def test_a_planted_positive_is_counted_by_id_and_by_text():
    mining_corpus = corpus((1, "Fever that lasts.", 0.8), (2, "Heat.", 0.5), (3, "Rash.", 0.2))
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
        count_known_positives(triplets.iloc[[row]], positives, mining_corpus) for row in range(4)
    ] == [0, 1, 1, 1]
    assert count_known_positives(triplets, positives, mining_corpus) == 3


# Document 1 comes in three passages.
LONG = ("Doses for adults.", "Fever that lasts for weeks.", "Tables and figures.")


def test_the_passage_that_bm25_ranks_best_is_the_positive():
    documents = [(1, LONG, (0.2, 0.8, 0.9)), (2, "Rash.", 0.5)]
    mined, ledger = run(pairs((1, "lasting fever that lasts", 1)), documents, ANYTHING)
    row = first(mined)
    assert row["positive"] == "Fever that lasts for weeks."
    assert row["positive_score"] == pytest.approx(0.8, abs=1e-5)
    assert row["negatives"] == ["Rash."]
    notes = ledger[["reason", "partner_id", "score"]].to_numpy().tolist()
    assert ["best_passage", f"{name('d', 1)}-0001", 1.0] in notes


@pytest.mark.parametrize("miner", ["bm25", "dense"])
def test_the_passage_closest_to_the_anchor_is_the_negative(miner):
    documents = [(1, LONG, (0.2, 0.8, 0.9)), (2, "Rash.", 0.95)]
    row = first(run(pairs((1, "lasting fever", 2)), documents, settings_of(miners=[miner]))[0])
    assert row["negatives"] == ["Tables and figures."]
    assert row["negative_scores"] == pytest.approx([0.9], abs=1e-5)


def test_a_document_with_a_passage_of_a_positive_is_excluded():
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


def test_an_approximate_index_reports_its_recall():
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
    pair_table = [
        (number, draw(WORDS), draw(st.integers(1, len(documents))))
        for number in range(1, draw(st.integers(1, 6)) + 1)
    ]
    return documents, pair_table


@examples(60)
@given(
    problems(),
    st.sampled_from([None, 0.0, 0.05, 1.0]),
    st.sampled_from(["hardest", "random"]),
    st.integers(0, 2),
    st.randoms(use_true_random=False),
)
def test_no_negative_is_a_positive_in_any_order_of_pairs(
    problem, margin, sampling, skipped, random
):
    documents, pair_table = problem
    params = settings_of(
        candidates=5, relative_margin=margin, sampling=sampling, skip_first=skipped
    )
    mined, ledger = run(pairs(*pair_table), documents, params)
    texts = {name("d", number): text for number, text, _ in documents}
    assert len(mined.rows) == len(pair_table)
    for _, row in mined.rows.iterrows():
        positives = [
            doc
            for _, anchor, doc in pair_table
            if normal_form(anchor) == normal_form(row["anchor"])
        ]
        forms = {normal_form(texts[name("d", doc)]) for doc in positives} | {
            normal_form(row["anchor"])
        }
        assert forms.isdisjoint(normal_form(text) for text in row["negatives"])
        assert row["negatives"] == [texts[doc_id] for doc_id in row["negative_ids"]]
        assert len(set(row["negative_ids"])) == len(row["negative_ids"]) <= 2
        assert row["negative_scores"] == sorted(row["negative_scores"], reverse=True)
        assert margin is None or all(
            score <= row["positive_score"] + 1e-6 for score in row["negative_scores"]
        )

    again, ledger_again = run(pairs(*random.sample(pair_table, len(pair_table))), documents, params)

    def records(rows):
        ordered = rows.drop(columns="negative_cross_scores").sort_values("pair_id")
        return ordered.to_dict("records")

    assert records(again.rows) == records(mined.rows)
    assert again.excluded == mined.excluded
    assert again.margin_sweep.equals(mined.margin_sweep)
    assert sorted(ledger_again["row_id"]) == sorted(ledger["row_id"])
