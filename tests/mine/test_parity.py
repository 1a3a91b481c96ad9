"""Beside mine_hard_negatives of sentence-transformers: the same on clean data, and none of its traps.

Each trap is shown on theirs first, so that a release of theirs that closes it is noticed here.
"""

import random
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from datasets import Dataset
from sentence_transformers.util import mine_hard_negatives, pairwise_cos_sim

from stages.lib.ledger import Ledger
from stages.mine.answers import known_positives
from stages.mine.corpus import build
from stages.mine.mining import mine
from stages.mine.rules import World
from tests.mine.cases import name, settings_of

pytestmark = pytest.mark.slow  # importing the peer and its data sets takes seconds


class Given:
    """A model of theirs that gives each text the vector it is told to."""

    device = torch.device("cpu")

    model_card_data = SimpleNamespace(base_model=None)

    def __init__(self, vectors):
        self.vectors = vectors

    def encode_query(self, texts, **_):
        return np.stack([self.vectors[text] for text in texts])

    encode_document = encode_query

    def similarity(self, left, right):
        return torch.as_tensor(left) @ torch.as_tensor(right).T

    def similarity_pairwise(self, left, right):
        return pairwise_cos_sim(torch.as_tensor(left), torch.as_tensor(right))


def unit(vector):
    return (np.asarray(vector) / np.linalg.norm(vector)).astype(np.float32)


def theirs(vectors, asked, corpus, **changed):
    """Return their rows for (anchor, positive) pairs over the texts of a corpus."""
    data = Dataset.from_dict({"anchor": [a for a, _ in asked], "positive": [p for _, p in asked]})
    settings = {"num_negatives": 2, "output_format": "triplet", "verbose": False, **changed}
    return mine_hard_negatives(data, Given(vectors), corpus=corpus, **settings).to_pandas()


def ours(vectors, asked, corpus, seed=13, **changed):
    """Return anchor to our negatives, in order."""
    ids = {text: name("d", at) for at, text in enumerate(corpus)}
    rows = [(name("p", at), anchor, ids[positive]) for at, (anchor, positive) in enumerate(asked)]
    pairs = pd.DataFrame(rows, columns=["pair_id", "anchor", "doc_id"])
    stacked = np.stack([vectors[text] for text in corpus])
    whole = {doc_id: text for text, doc_id in ids.items()}
    built = build(list(ids.values()), len(ids), [[text] for text in corpus], whole, stacked)
    anchors = np.stack([vectors[anchor] for anchor, _ in asked])
    world = World(known_positives(pairs, {}), {}, {}, {})
    params = settings_of(**{"miners": ["dense"], "candidates": 50, **changed})
    return mine(pairs, anchors, built, world, params, seed, Ledger()).rows


def by_anchor(frame):
    found = {}
    for anchor, negative in zip(frame["anchor"], frame["negative"], strict=True):
        found.setdefault(anchor, []).append(negative)
    return found


@pytest.fixture(scope="module")
def clean():
    """Make 300 documents in 30 clusters and 80 anchors, some with two answers, all texts different."""
    chance = np.random.default_rng(5)
    centres = chance.normal(size=(30, 24))
    corpus = [f"document {at}" for at in range(300)]
    vectors = {
        text: unit(centres[at % 30] + 0.7 * chance.normal(size=24))
        for at, text in enumerate(corpus)
    }
    asked = []
    for at in range(80):
        vectors[f"anchor {at}"] = unit(vectors[corpus[at]] + 0.25 * chance.normal(size=24))
        asked += [(f"anchor {at}", corpus[at])] + (
            [(f"anchor {at}", corpus[at + 30])] if at % 4 == 0 else []
        )
    return vectors, asked, corpus


@pytest.mark.parametrize(
    "margins", [{}, {"relative_margin": 0.05}, {"absolute_margin": 0.1}, {"relative_margin": 0.3}]
)
@pytest.mark.parametrize("skipped", [0, 3])
def test_on_clean_data_the_same_rules_give_the_same_negatives(clean, margins, skipped):
    mined = ours(*clean, negatives=4, candidates=300, skip_first=skipped, **margins)
    expected = by_anchor(
        theirs(*clean, num_negatives=4, range_min=skipped, range_max=298, **margins)
    )
    found = {row.anchor: row.negatives for row in mined.itertuples() if row.negatives}
    # Theirs repeats an anchor's negatives for each of its positives.
    assert found == {
        anchor: list(dict.fromkeys(negatives)) for anchor, negatives in expected.items()
    }
    assert len(found) > 50


def test_scores_below_zero_are_judged_alike():
    chance = np.random.default_rng(9)
    corpus = [f"document {at}" for at in range(60)]
    vectors = {text: unit(chance.normal(size=6)) for text in corpus}
    vectors |= {
        f"anchor {at}": unit(-vectors[corpus[at]] + 0.5 * chance.normal(size=6)) for at in range(20)
    }
    asked = [(f"anchor {at}", corpus[at]) for at in range(20)]
    mined = ours(vectors, asked, corpus, candidates=60, relative_margin=0.1)
    expected = by_anchor(theirs(vectors, asked, corpus, relative_margin=0.1, range_max=59))
    assert {row.anchor: row.negatives for row in mined.itertuples() if row.negatives} == expected
    assert (mined["positive_score"] < 0).all()


SMALL = {
    "fever": unit([1.0, 0.0, 0.0]),
    "A high temperature.": unit([0.9, 0.4, 0.0]),
    "A HIGH  temperature": unit([0.9, 0.4, 0.01]),
    "Rash.": unit([0.5, 0.0, 0.8]),
    "Cough.": unit([0.4, 0.9, 0.0]),
}
TEXTS = [text for text in SMALL if text != "fever"]
ASKED = [("fever", "A high temperature.")]


def test_the_anchor_itself_is_no_negative():
    corpus = [*TEXTS, "fever"]
    assert "fever" in by_anchor(theirs(SMALL, ASKED, corpus))["fever"]  # with a score of 1
    assert "fever" not in ours(SMALL, ASKED, corpus, negatives=10)["negatives"].iloc[0]


def test_the_positive_in_other_case_and_spacing_is_no_negative():
    assert by_anchor(theirs(SMALL, ASKED, TEXTS))["fever"][0] == "A HIGH  temperature"
    assert ours(SMALL, ASKED, TEXTS, negatives=10)["negatives"].iloc[0] == ["Rash.", "Cough."]


def test_other_weights_give_other_negatives(tmp_path):
    other = {**SMALL, "Rash.": SMALL["Cough."], "Cough.": SMALL["Rash."]}
    corpus = [text for text in TEXTS if not text.startswith("A HIGH")]
    first = by_anchor(theirs(SMALL, ASKED, corpus, cache_folder=str(tmp_path)))
    assert (
        by_anchor(theirs(other, ASKED, corpus, cache_folder=str(tmp_path))) == first
    )  # those of the old weights
    found = [ours(vectors, ASKED, corpus)["negatives"].iloc[0] for vectors in (SMALL, other)]
    assert found == [["Rash.", "Cough."], ["Cough.", "Rash."]]
    # Our cache is keyed by the weights: tests/lib/test_embed.py.


def test_a_random_sample_is_seeded_and_leaves_the_global_state_alone(clean):
    random.seed(1)
    before = random.getstate()
    draws = [
        theirs(*clean, num_negatives=2, range_max=20, sampling_strategy="random")[
            "negative"
        ].tolist()
    ]
    assert random.getstate() != before
    draws.append(
        theirs(*clean, num_negatives=2, range_max=20, sampling_strategy="random")[
            "negative"
        ].tolist()
    )
    assert draws[0] != draws[1]
    random.seed(1)
    found = [ours(*clean, sampling="random", seed=seed)["negatives"].tolist() for seed in (1, 1, 2)]
    assert found[0] == found[1] != found[2]
    assert random.getstate() == before


def test_ids_and_the_order_of_rows_stay(clean):
    vectors, asked, corpus = clean
    data = Dataset.from_dict(
        {"anchor": [a for a, _ in asked], "positive": [p for _, p in asked], "id": asked}
    )
    lost = mine_hard_negatives(data, Given(vectors), corpus=corpus, num_negatives=2, verbose=False)
    assert "id" not in lost.column_names
    mined = ours(*clean)
    assert list(zip(mined["anchor"], mined["positive"], strict=True)) == asked
    assert list(mined["pair_id"]) == [name("p", at) for at in range(len(asked))]


def test_rows_with_too_few_negatives_stay(clean):
    settings = {"relative_margin": 0.5, "num_negatives": 5, "range_max": 18}
    assert len(theirs(*clean, output_format="n-tuple", **settings)) < len(clean[1])
    mined = ours(*clean, relative_margin=0.5, negatives=5, candidates=20)
    assert len(mined) == len(clean[1])
    assert {len(found) for found in mined["negatives"]} > {5}


def test_documents_of_the_exam_are_neither_searched_nor_taken(clean):
    vectors, asked, corpus = clean
    held = set(corpus[100:])  # theirs takes whatever it is given; ours is told what may be searched
    ids = {text: name("d", at) for at, text in enumerate(corpus)}
    rows = [(name("p", at), anchor, ids[positive]) for at, (anchor, positive) in enumerate(asked)]
    pairs = pd.DataFrame(rows, columns=["pair_id", "anchor", "doc_id"])
    ordered = [text for text in corpus if text not in held] + sorted(held)
    whole = {doc_id: text for text, doc_id in ids.items()}
    stacked = np.stack([vectors[text] for text in ordered])
    built = build(
        [ids[text] for text in ordered], 100, [[text] for text in ordered], whole, stacked
    )
    anchors = np.stack([vectors[anchor] for anchor, _ in asked])
    params = settings_of(negatives=16, candidates=100)
    mined = mine(
        pairs, anchors, built, World(known_positives(pairs, {}), {}, {}, {}), params, 13, Ledger()
    ).rows
    assert held.isdisjoint(text for found in mined["negatives"] for text in found)
    assert (mined["negatives"].map(len) == 16).all()
