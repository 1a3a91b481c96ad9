"""What is known of single pairs reaches the miner, for variants too."""

import pandas as pd

from stages.lib.positives import judged

TRAINING = pd.DataFrame(
    {
        "pair_id": ["given", "cut", "variant", "ring", "plain"],
        "anchor": "a",
        "doc_id": ["d1", "d2", "d2", "d3", "d4"],
        "relation": ["same_label", "first_sentence", "first_sentence", "same_label", "title"],
    }
)
MADE = pd.DataFrame(
    {"pair_id": ["cut", "ring", "plain"], "origin_id": ["d2", "d9", "d4"], "positive": ["rest", "", ""]}
)
DISSIMILAR = pd.DataFrame({"anchor": ["Fever?", "fever", "rash"], "doc_id": ["d2", "d1", "d1"]})


def test_texts_topics_and_documents_that_are_no_answer():
    topics = {"d1": "x", "d2": "y", "d3": "z", "d4": ""}
    found = judged(TRAINING, MADE, DISSIMILAR, topics, {"variant": "cut"})
    assert found.trained == {"cut": "rest", "variant": "rest"}
    assert found.topics == {"ring": "z"}, "a given pair whose relation happens to be called same_label is none"
    assert found.dissimilar == {"fever": ("d1", "d2"), "rash": ("d1",)}
