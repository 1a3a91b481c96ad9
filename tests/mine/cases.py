"""Small mining problems, in which a test chooses the cosine of each document to the anchor."""

import numpy as np
import pandas as pd

from stages.lib.schemas.pairs import Pairs
from stages.lib.text.normal_form import hash_of_form, normal_form
from stages.mine.corpus import MiningCorpus
from stages.mine.interface import MineParams
from stages.mine.mining import mine
from stages.mine.relations import NO_LABELS, KnownRelations, known_positives

PARAMS = {
    "negatives": 2,
    "miners": ["bm25", "dense"],
    "candidates": 10,
    "index": "exact",
    "relative_margin": None,
    "absolute_margin": None,
    "cross_encoder": None,
    "cross_encoder_sha256": "",
    "cross_encoder_rule": "refuse",
    "near_positives": "keep",
    "exclude_relatives": "off",
    "skip_first": 0,
    "sampling": "hardest",
    "judged_negatives": 20,
}

# Document 1 is the answer; its cosine of 0.8 puts the threshold of a 5 % margin at 0.76.
DOCUMENTS = [
    (1, "Fever that lasts.", 0.8),
    (2, "A short fever.", 0.79),
    (3, "Chills with fever.", 0.7),
    (4, "Rash.", 0.5),
    (5, "Cough.", 0.6),
]


TOPICS = {"fevers": (1, 2, 3)}


def settings_of(**changed):
    """Return parameters without any optional rule, but for what is `changed`."""
    return MineParams.model_validate({**PARAMS, **changed})


def name(letter, number):
    """Return an id such as d000000000000000a."""
    return f"{letter}{number:016x}"


def numbers(row):
    """Return the numbers of the documents that a row has as negatives."""
    return [int(doc_id[1:], 16) for doc_id in row["negative_ids"]]


def unit_vector(cosine):
    """Return the unit vector whose cosine to (1, 0) is `cosine`."""
    return np.array([cosine, np.sqrt(1.0 - cosine**2)], dtype=np.float32)


def corpus(*documents, held=()):
    """Return a corpus of (number, text or passages, cosine or cosines to (1, 0)); `held` is not searched."""
    rows = [*sorted(documents), *sorted(held)]
    passages = [[text] if isinstance(text, str) else list(text) for _, text, _ in rows]
    cosines = [[cosine] if isinstance(cosine, float) else list(cosine) for _, _, cosine in rows]
    ids = [name("d", number) for number, _, _ in rows]
    hash_of_document = {
        doc_id: hash_of_form(normal_form(" ".join(texts)))
        for doc_id, texts in zip(ids, passages, strict=True)
    }
    vectors = np.stack([unit_vector(cosine) for cosines_of in cosines for cosine in cosines_of])
    return MiningCorpus.from_passages(
        ids, passages, vectors, hash_of_document=hash_of_document, searched=len(documents)
    )


def pairs(*rows):
    """Return Pairs of (number, anchor, number of the document)."""
    rows = [
        (name("p", number), anchor, name("d", doc), "exact", 1.0, "s")
        for number, anchor, doc in rows
    ]
    return pd.DataFrame(rows, columns=list(Pairs.empty().columns)).astype(
        Pairs.empty().dtypes.to_dict()
    )


def neighbours_of(*edges):
    """Return neighbours: each edge is the numbers of two documents."""
    neighbours = {}
    for left, right in edges:
        neighbours.setdefault(name("d", left), set()).add(name("d", right))
        neighbours.setdefault(name("d", right), set()).add(name("d", left))
    return {doc_id: frozenset(others) for doc_id, others in neighbours.items()}


def run(
    pair_table,
    documents,
    params,
    held=(),
    every_pair=None,
    near=(),
    hierarchy=(),
    family=(),
    seed=13,
    cross_encoder=None,
    labels=NO_LABELS,
):
    """Mine for pairs whose anchors all have the vector (1, 0); return the result and the ledger."""
    positives = known_positives(pair_table if every_pair is None else every_pair, {})
    groups = {
        name("d", number): f"group {index}"
        for index, members in enumerate(family)
        for number in members
    }
    text_vectors = {text: unit_vector(0.9) for text in labels.text_of_pair.values()}
    documents_of_topic = {
        topic: frozenset(name("d", one) for one in TOPICS.get(topic, ()))
        for topic in labels.topic_of_pair.values()
    }
    relations = KnownRelations(
        positives,
        neighbours_of(*near),
        neighbours_of(*hierarchy),
        groups,
        labels,
        text_vectors,
        documents_of_topic,
    )
    anchors = np.stack([unit_vector(1.0)] * len(pair_table))
    mined = mine(
        pair_table,
        anchors,
        corpus(*documents, held=held),
        relations,
        params=params,
        seed=seed,
        cross_encoder=cross_encoder,
    )
    return mined, mined.ledger.frame()
