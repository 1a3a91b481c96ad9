"""Small problems of mining: documents whose cosine to the anchor is chosen, and what comes of them."""

import numpy as np
import pandas as pd

from stages.lib.contracts.pairs import Pairs
from stages.lib.ledger import Ledger
from stages.mine.answers import known_positives
from stages.mine.corpus import build
from stages.mine.judged import NOTHING
from stages.mine.mining import mine
from stages.mine.params import MineParams
from stages.mine.rules import World

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


LABELS = {"fevers": (1, 2, 3)}


def settings_of(**changed):
    """Return parameters without any optional rule, but for what is `changed`."""
    return MineParams.model_validate({**PARAMS, **changed})


def name(letter, number):
    """Return an id such as d000000000000000a."""
    return f"{letter}{number:016x}"


def numbers(row):
    """Return the numbers of the documents that a row has as negatives."""
    return [int(doc_id[1:], 16) for doc_id in row["negative_ids"]]


def at(cosine):
    """Return the unit vector whose cosine to (1, 0) is `cosine`."""
    return np.array([cosine, np.sqrt(1.0 - cosine**2)], dtype=np.float32)


def corpus(*documents, held=()):
    """Make a corpus of (number, text or passages, cosine or cosines to an anchor at (1, 0)); `held` is not searched."""
    rows = [*sorted(documents), *sorted(held)]
    passages = [[text] if isinstance(text, str) else list(text) for _, text, _ in rows]
    cosines = [[cosine] if isinstance(cosine, float) else list(cosine) for _, _, cosine in rows]
    ids = [name("d", number) for number, _, _ in rows]
    whole = {doc_id: " ".join(texts) for doc_id, texts in zip(ids, passages, strict=True)}
    vectors = np.stack([at(cosine) for found in cosines for cosine in found])
    return build(ids, len(documents), passages, whole, vectors)


def pairs(*rows):
    """Make pairs of (number, anchor, number of the document)."""
    made = [
        (name("p", number), anchor, name("d", doc), "exact", 1.0, "s")
        for number, anchor, doc in rows
    ]
    return pd.DataFrame(made, columns=list(Pairs.empty().columns)).astype(
        Pairs.empty().dtypes.to_dict()
    )


def beside(*edges):
    """Return neighbours: each edge is the numbers of two documents."""
    found = {}
    for one, other in edges:
        found.setdefault(name("d", one), set()).add(name("d", other))
        found.setdefault(name("d", other), set()).add(name("d", one))
    return {doc_id: frozenset(others) for doc_id, others in found.items()}


def run(
    asked,
    documents,
    params,
    held=(),
    every=None,
    near=(),
    lineage=(),
    family=(),
    seed=13,
    cross=None,
    judged=NOTHING,
):
    """Mine for pairs whose anchors all stand at (1, 0); return what was mined and the ledger."""
    ledger = Ledger()
    positives = known_positives(asked if every is None else every, {})
    groups = {
        name("d", number): f"group {at}" for at, members in enumerate(family) for number in members
    }
    trained = {text: at(0.9) for text in judged.trained.values()}
    labels = {
        topic: frozenset(name("d", one) for one in LABELS.get(topic, ()))
        for topic in judged.topics.values()
    }
    world = World(positives, beside(*near), beside(*lineage), groups, judged, trained, labels)
    anchors = np.stack([at(1.0)] * len(asked))
    return mine(
        asked, anchors, corpus(*documents, held=held), world, params, seed, ledger, cross
    ), ledger.frame()
