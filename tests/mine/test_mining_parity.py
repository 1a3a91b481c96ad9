"""Beside mine_hard_negatives of sentence-transformers: the same on clean data, and none of its traps.

Each trap is shown on theirs first, so that a release of theirs that closes it is noticed here.
"""

import random
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from stages.lib.text.normal_form import hash_of_form, normal_form
from stages.mine.corpus import MiningCorpus
from stages.mine.mining import mine
from stages.mine.relations import KnownRelations, known_positives
from tests.mine.cases import name, settings_of

pytestmark = pytest.mark.slow  # importing the peer and its data sets takes seconds


class FakeModel:
    """A model of theirs that gives each text a known vector."""

    model_card_data = SimpleNamespace(base_model=None)

    def __init__(self, vectors):
        import torch

        self.device = torch.device("cpu")
        self.vectors = vectors

    def encode_query(self, texts, **_):
        return np.stack([self.vectors[text] for text in texts])

    encode_document = encode_query

    def similarity(self, left, right):
        import torch

        return torch.as_tensor(left) @ torch.as_tensor(right).T

    def similarity_pairwise(self, left, right):
        import torch
        from sentence_transformers.util import pairwise_cos_sim

        return pairwise_cos_sim(torch.as_tensor(left), torch.as_tensor(right))


def unit(vector):
    return (np.asarray(vector) / np.linalg.norm(vector)).astype(np.float32)


def theirs(vectors, pair_rows, corpus, **changed):
    """Return their rows for (anchor, positive) pairs over the texts of a corpus."""
    from datasets import Dataset
    from sentence_transformers.util import mine_hard_negatives

    data = Dataset.from_dict(
        {"anchor": [a for a, _ in pair_rows], "positive": [p for _, p in pair_rows]}
    )
    settings = {"num_negatives": 2, "output_format": "triplet", "verbose": False, **changed}
    return mine_hard_negatives(data, FakeModel(vectors), corpus=corpus, **settings).to_pandas()


def ours(vectors, pair_rows, corpus, seed=13, **changed):
    """Return anchor to our negatives, in order."""
    ids = {text: name("d", index) for index, text in enumerate(corpus)}
    rows = [
        (name("p", index), anchor, ids[positive])
        for index, (anchor, positive) in enumerate(pair_rows)
    ]
    pairs = pd.DataFrame(rows, columns=["pair_id", "anchor", "doc_id"])
    stacked = np.stack([vectors[text] for text in corpus])
    hash_of_document = {doc_id: hash_of_form(normal_form(text)) for text, doc_id in ids.items()}
    mining_corpus = MiningCorpus.from_passages(
        list(ids.values()),
        [[text] for text in corpus],
        stacked,
        hash_of_document=hash_of_document,
        searched=len(ids),
    )
    anchors = np.stack([vectors[anchor] for anchor, _ in pair_rows])
    relations = KnownRelations(known_positives(pairs, {}), {}, {}, {})
    params = settings_of(**{"miners": ["dense"], "candidates": 50, **changed})
    return mine(pairs, anchors, mining_corpus, relations, params=params, seed=seed).rows


def by_anchor(frame):
    actual = {}
    for anchor, negative in zip(frame["anchor"], frame["negative"], strict=True):
        actual.setdefault(anchor, []).append(negative)
    return actual


@pytest.fixture(scope="module")
def clean():
    """Make 300 documents in 30 clusters and 80 anchors, some with two answers, all texts different."""
    random = np.random.default_rng(5)
    centres = random.normal(size=(30, 24))
    corpus = [f"document {index}" for index in range(300)]
    vectors = {
        text: unit(centres[index % 30] + 0.7 * random.normal(size=24))
        for index, text in enumerate(corpus)
    }
    pair_rows = []
    for index in range(80):
        vectors[f"anchor {index}"] = unit(vectors[corpus[index]] + 0.25 * random.normal(size=24))
        pair_rows += [(f"anchor {index}", corpus[index])] + (
            [(f"anchor {index}", corpus[index + 30])] if index % 4 == 0 else []
        )
    return vectors, pair_rows, corpus


@pytest.mark.parametrize(
    "margins", [{}, {"relative_margin": 0.05}, {"absolute_margin": 0.1}, {"relative_margin": 0.3}]
)
@pytest.mark.parametrize("skipped", [0, 3])
def test_on_clean_data_the_same_filters_give_the_same_negatives(clean, margins, skipped):
    mined = ours(*clean, negatives=4, candidates=300, skip_first=skipped, **margins)
    expected = by_anchor(
        theirs(*clean, num_negatives=4, range_min=skipped, range_max=298, **margins)
    )
    actual = {row.anchor: row.negatives for row in mined.itertuples() if row.negatives}
    # Theirs repeats an anchor's negatives for each of its positives.
    assert actual == {
        anchor: list(dict.fromkeys(negatives)) for anchor, negatives in expected.items()
    }
    assert len(actual) > 50


def test_scores_below_zero_are_compared_alike():
    random = np.random.default_rng(9)
    corpus = [f"document {index}" for index in range(60)]
    vectors = {text: unit(random.normal(size=6)) for text in corpus}
    vectors |= {
        f"anchor {index}": unit(-vectors[corpus[index]] + 0.5 * random.normal(size=6))
        for index in range(20)
    }
    pair_rows = [(f"anchor {index}", corpus[index]) for index in range(20)]
    mined = ours(vectors, pair_rows, corpus, candidates=60, relative_margin=0.1)
    expected = by_anchor(theirs(vectors, pair_rows, corpus, relative_margin=0.1, range_max=59))
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
PAIRS = [("fever", "A high temperature.")]


def test_the_anchor_itself_is_no_negative():
    corpus = [*TEXTS, "fever"]
    assert "fever" in by_anchor(theirs(SMALL, PAIRS, corpus))["fever"]  # with a score of 1
    assert "fever" not in ours(SMALL, PAIRS, corpus, negatives=10)["negatives"].iloc[0]


def test_the_positive_in_other_case_and_spacing_is_no_negative():
    assert by_anchor(theirs(SMALL, PAIRS, TEXTS))["fever"][0] == "A HIGH  temperature"
    assert ours(SMALL, PAIRS, TEXTS, negatives=10)["negatives"].iloc[0] == ["Rash.", "Cough."]


def test_other_weights_give_other_negatives(tmp_path):
    other = {**SMALL, "Rash.": SMALL["Cough."], "Cough.": SMALL["Rash."]}
    corpus = [text for text in TEXTS if not text.startswith("A HIGH")]
    first = by_anchor(theirs(SMALL, PAIRS, corpus, cache_folder=str(tmp_path)))
    assert (
        by_anchor(theirs(other, PAIRS, corpus, cache_folder=str(tmp_path))) == first
    )  # those of the old weights
    actual = [ours(vectors, PAIRS, corpus)["negatives"].iloc[0] for vectors in (SMALL, other)]
    assert actual == [["Rash.", "Cough."], ["Cough.", "Rash."]]
    # Our cache is keyed by the weights: tests/lib/test_embed.py.


def test_a_random_sample_is_seeded_and_leaves_the_global_state(clean):
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
    actual = [
        ours(*clean, sampling="random", seed=seed)["negatives"].tolist() for seed in (1, 1, 2)
    ]
    assert actual[0] == actual[1] != actual[2]
    assert random.getstate() == before


def test_ids_and_the_order_of_rows_stay(clean):
    from datasets import Dataset
    from sentence_transformers.util import mine_hard_negatives

    vectors, pair_rows, corpus = clean
    data = Dataset.from_dict(
        {
            "anchor": [a for a, _ in pair_rows],
            "positive": [p for _, p in pair_rows],
            "id": pair_rows,
        }
    )
    lost = mine_hard_negatives(
        data, FakeModel(vectors), corpus=corpus, num_negatives=2, verbose=False
    )
    assert "id" not in lost.column_names
    mined = ours(*clean)
    assert list(zip(mined["anchor"], mined["positive"], strict=True)) == pair_rows
    assert list(mined["pair_id"]) == [name("p", index) for index in range(len(pair_rows))]


def test_rows_with_too_few_negatives_stay(clean):
    settings = {"relative_margin": 0.5, "num_negatives": 5, "range_max": 18}
    assert len(theirs(*clean, output_format="n-tuple", **settings)) < len(clean[1])
    mined = ours(*clean, relative_margin=0.5, negatives=5, candidates=20)
    assert len(mined) == len(clean[1])
    assert {len(actual) for actual in mined["negatives"]} > {5}


def test_held_out_documents_are_neither_searched_nor_taken(clean):
    vectors, pair_rows, corpus = clean
    held_out = set(corpus[100:])  # theirs takes any document; ours knows which may be searched
    ids = {text: name("d", index) for index, text in enumerate(corpus)}
    rows = [
        (name("p", index), anchor, ids[positive])
        for index, (anchor, positive) in enumerate(pair_rows)
    ]
    pairs = pd.DataFrame(rows, columns=["pair_id", "anchor", "doc_id"])
    ordered = [text for text in corpus if text not in held_out] + sorted(held_out)
    hash_of_document = {doc_id: hash_of_form(normal_form(text)) for text, doc_id in ids.items()}
    stacked = np.stack([vectors[text] for text in ordered])
    mining_corpus = MiningCorpus.from_passages(
        [ids[text] for text in ordered],
        [[text] for text in ordered],
        stacked,
        hash_of_document=hash_of_document,
        searched=100,
    )
    anchors = np.stack([vectors[anchor] for anchor, _ in pair_rows])
    params = settings_of(negatives=16, candidates=100)
    relations = KnownRelations(known_positives(pairs, {}), {}, {}, {})
    mined = mine(pairs, anchors, mining_corpus, relations, params=params, seed=13).rows
    assert held_out.isdisjoint(text for actual in mined["negatives"] for text in actual)
    assert (mined["negatives"].map(len) == 16).all()
