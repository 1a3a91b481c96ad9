"""The page shows documents of training, validation and the corpus, and nothing of test."""

import numpy as np
import pandas as pd

from stages.explore.clusters import regions
from stages.explore.shown import (
    choose_documents,
    near_links,
    numbers_of,
    queries_of_documents,
    training_rows,
)

IDS = [f"d{number:016x}" for number in range(6)]
DOCUMENTS = pd.DataFrame(
    {
        "doc_id": IDS,
        "source": "faq",
        "title": [f"title {number}" for number in range(6)],
        "text": "text",
        "topic": "",
        "group": "",
    }
)
SPLITS = pd.DataFrame(
    {
        "id": [*IDS, "p0", "p1", "p2", "p3"],
        "split": [
            *("train", "validation", "test", "corpus", "protected", "not_in_sample"),
            *("validation", "test", "train", "validation"),
        ],
    }
)
# Words without digits, thirty of them.
WORDS = [f"part{first}{second}" for first in "abcdef" for second in "abcde"]
NUMBERS = {IDS[0]: 0, IDS[1]: 1, IDS[3]: 2}


def test_documents_of_three_splits_are_shown():
    shown = choose_documents(DOCUMENTS, SPLITS, 100)
    assert list(zip(shown["doc_id"], shown["split"], strict=True)) == [
        (IDS[0], "train"),
        (IDS[1], "validation"),
        (IDS[3], "corpus"),
    ]
    assert numbers_of(list(shown["doc_id"])) == NUMBERS


def test_a_smaller_page_is_a_part_of_a_larger_one():
    many = pd.DataFrame({"doc_id": [f"d{number:016x}" for number in range(300)]})
    splits = pd.DataFrame({"id": many["doc_id"], "split": "corpus"})
    small = choose_documents(many, splits, 20)["doc_id"]
    large = choose_documents(many, splits, 100)["doc_id"]
    assert len(small) == 20
    assert len(large) == 100
    assert set(small) < set(large)
    assert list(large) == sorted(large)


def test_queries_are_those_of_validation():
    pairs = pd.DataFrame(
        {
            "pair_id": ["p0", "p1", "p2", "p3"],
            "anchor": ["b?", "of test?", "trained?", "a?"],
            "doc_id": [IDS[1], IDS[1], IDS[1], IDS[1]],
        }
    )
    assert queries_of_documents(pairs, SPLITS, NUMBERS) == {1: ["a?", "b?"]}


def test_training_rows_come_with_their_margin_and_shown_negatives():
    triplets = pd.DataFrame(
        {
            "anchor": ["easy", "hard", "alone", "hidden"],
            "doc_id": [IDS[0], IDS[0], IDS[0], IDS[4]],
            "positive_score": [0.9, 0.8, 0.7, 0.9],
            "negative_ids": [[IDS[1], IDS[2]], [IDS[3]], [], [IDS[1]]],
            "negative_scores": [
                np.array([0.2, 0.5]),
                np.array([0.75]),
                np.array([]),
                np.array([0]),
            ],
        }
    )
    assert training_rows(triplets, NUMBERS) == {
        0: [("hard", 0.05, [2]), ("easy", 0.4, [1]), ("alone", None, [])]
    }


def test_near_duplicates_link_both_ways_and_never_to_test():
    edges = pd.DataFrame(
        {
            "left_id": [IDS[0], IDS[0], IDS[1]],
            "right_id": [IDS[1], IDS[2], IDS[3]],
            "similarity": [0.81234, 1.0, 0.9],
        }
    )
    assert near_links(edges, NUMBERS) == {
        0: [(1, 0.812)],
        1: [(2, 0.9), (0, 0.812)],
        2: [(1, 0.9)],
    }


def test_regions_are_named_by_the_words_that_tell_them_apart():
    places = np.array([[0.0, 0.0], [50.0, 0.0]])
    titles = ["the kidney stone", "the heart valve"]
    which = np.arange(100) % 2
    titles = [titles[number] for number in which]
    named = regions(places[which], titles, titles)
    assert [tuple(region) for region in named] == []

    # Words that stand in more than one of twenty documents name nothing. Here each has its place.
    places = np.array([[30.0 * number, 0.0] for number in range(30)])
    which = np.arange(1200) % 30
    titles = [f"The pain of the {WORDS[number]} 7" for number in which]
    named = regions(places[which], titles, titles)
    assert len(named) == 30
    assert (0.0, 0.0, "partaa", 40) in [tuple(region) for region in named]


def test_a_word_of_many_texts_names_no_region():
    places = np.array([[30.0 * number, 0.0] for number in range(30)])
    which = np.arange(1200) % 30
    titles = [f"{WORDS[number]} {'with' if number == 1 else 'of'}" for number in which]
    texts = ["A pain with fever." if number % 2 else "A pain." for number in which]
    assert "partab with" in [region.name for region in regions(places[which], titles, titles)]
    assert "partab" in [region.name for region in regions(places[which], titles, texts)]
