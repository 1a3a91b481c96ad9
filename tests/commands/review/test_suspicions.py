"""Queues of suspicious rows: their order, what they show, and that nothing of test is in them."""

import numpy as np
import pandas as pd

from stages.commands.review.session import ReviewSession
from stages.commands.review.suspicions import (
    _shown_edges,
    mispaired_queue,
    near_edges_queue,
    text_of_ids,
    variants_queue,
)
from stages.lib.schemas.reviews import VARIANTS, Judgement, write_judgements
from tests.mine.cases import name


def texts(queue):
    return [item.texts for item in queue.items]


def test_the_smallest_margin_to_another_document_comes_first(tmp_path):
    rows = [
        (name("p", 1), name("d", 1), "fever", "hot body", 0.9, ["cold", "warm"], [0.2, 0.5]),
        (name("p", 2), name("d", 2), "rash", "red skin", 0.4, ["pale skin"], [0.35]),
        (name("p", 3), name("d", 3), "cough", "no negatives", 0.1, [], []),
    ]
    columns = [
        *("pair_id", "doc_id", "anchor", "positive", "positive_score"),
        *("negatives", "negative_scores"),
    ]
    triplets = pd.DataFrame(rows, columns=columns)
    triplets["negative_ids"] = triplets["negatives"]
    queue = mispaired_queue(triplets, tmp_path)
    assert texts(queue) == [("rash", "pale skin", "red skin"), ("fever", "warm", "hot body")]
    assert queue.items[0].ids == (name("p", 2), name("d", 2))
    assert queue.items[0].evidence[1] == "margin 0.050"


def test_near_duplicates_of_the_test_split_are_not_shown(tmp_path):
    edges = pd.DataFrame(
        [
            (name("d", 1), name("d", 2), 0.95, "near"),
            (name("d", 1), name("d", 3), 0.8, "near"),
            (name("d", 2), name("d", 4), 0.8, "near"),
            (name("d", 1), name("d", 5), 0.85, "near"),
            (name("d", 2), name("d", 3), 1.0, "equal"),
            (name("p", 1), name("p", 2), 0.81, "near"),
        ],
        columns=["left_id", "right_id", "similarity", "rule"],
    )
    splits = [("d", 1, "train"), ("d", 2, "train"), ("d", 3, "corpus"), ("d", 4, "test")]
    splits += [("p", 1, "train"), ("p", 2, "validation")]
    frame = pd.DataFrame(
        [(name(kind, number), split) for kind, number, split in splits], columns=["id", "split"]
    )
    documents = pd.DataFrame(
        [(name("d", number), "Title" * (number == 1), f"text {number}") for number in (1, 2, 3, 4)],
        columns=["doc_id", "title", "text"],
    )
    pairs = pd.DataFrame(
        [(name("p", 1), "query 1"), (name("p", 2), "query 2")], columns=["pair_id", "anchor"]
    )
    shown = _shown_edges(edges, frame)
    queue = near_edges_queue(shown, text_of_ids(documents, pairs), tmp_path)
    assert texts(queue) == [
        ("Two documents", "Title: text 1", "text 3"),
        ("Two queries", "query 1", "query 2"),
        ("Two documents", "Title: text 1", "text 2"),
    ]


def test_variants_with_the_lowest_score_come_first(tmp_path):
    pairs = pd.DataFrame(
        [
            (name("p", 1), "kidney stone", name("d", 1), "faq"),
            (name("p", 2), "stone of the kidney", name("d", 1), "augment.back_translation"),
            (name("p", 3), "kidny stone", name("d", 1), "augment.spelling"),
            (name("p", 4), "rock in a child", name("d", 1), "augment.back_translation"),
        ],
        columns=["pair_id", "anchor", "doc_id", "source"],
    )
    ledger = pd.DataFrame(
        [
            (name("p", 2), "add", name("p", 1), 0.9),
            (name("p", 3), "add", name("p", 1), np.nan),
            (name("p", 4), "add", name("p", 1), 0.4),
        ],
        columns=["row_id", "action", "partner_id", "score"],
    )
    text_of_id = {name("p", 1): "kidney stone", name("d", 1): "a hard deposit"}
    queue = variants_queue(pairs, ledger, text_of_id, tmp_path)
    assert [item.texts[2] for item in queue.items] == [
        "rock in a child",
        "stone of the kidney",
        "kidny stone",
    ]
    assert queue.items[0].texts[:2] == ("a hard deposit", "kidney stone")
    assert queue.items[0].evidence == ("made by back_translation", "score 0.400")

    # Its verdicts have a file of their own, and no rate.
    write_judgements([], queue.path, VARIANTS)
    session = ReviewSession(queue, "")
    first = queue.items[0].ids
    session.say(first, "no", "", Judgement(*first, ""))
    session.say(queue.items[1].ids, "yes", "", Judgement(*queue.items[1].ids, ""))
    assert session.progress().share is None
    assert (tmp_path / "variants.csv").read_text("utf-8").splitlines() == [
        "parent_id,pair_id,verdict,judge,note",
        f"{name('p', 1)},{name('p', 2)},yes,,",
        f"{name('p', 1)},{name('p', 4)},no,,",
    ]
