"""The systems: what ranks the corpus, and how well the models agree with the scores that people gave."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from stages.evaluate.scored import agreement, cosines
from stages.lib.benchmark import Corpus, HeldOut
from stages.lib.embed import Encoder
from stages.lib.lexical import Lexical
from stages.lib.params import Model
from stages.lib.retrieval import DEPTH, Hits, dense

SYSTEMS = ("bm25", "base", "finetuned")


class Systems(NamedTuple):
    """What ranks: the two models and the prompts that both were given."""

    base: Encoder
    finetuned: Encoder
    model: Model


def rank(systems: Systems, corpus: Corpus, held: HeldOut) -> dict[str, Hits]:
    """Return each system's first DEPTH hits on every query."""
    asked = list(held.queries["text"])
    hits = {"bm25": Lexical(corpus.texts, corpus.starts).search(asked, DEPTH)}
    for name, encoder in (("base", systems.base), ("finetuned", systems.finetuned)):
        documents = encoder.encode(corpus.texts, systems.model.document_prompt, f"documents, {name}")
        queries = encoder.encode(asked, systems.model.anchor_prompt, f"queries, {name}")
        hits[name] = dense(queries, documents, DEPTH, corpus.starts)
    return hits


def agree(scored: pd.DataFrame, systems: Systems, corpus: Corpus, positive_from: float, seed: int) -> dict[str, float]:
    """Return how well each model's cosines agree with the scores of `scored`, which `scored_in` returned."""
    found = {}
    for name, encoder in (("base", systems.base), ("finetuned", systems.finetuned)):
        anchors = encoder.encode(list(scored["anchor"]), systems.model.anchor_prompt, f"scored pairs, {name}")
        passages = encoder.encode(corpus.texts, systems.model.document_prompt, f"documents, {name}")
        found[name] = cosines(scored, anchors, passages, corpus)
    return agreement(scored, found, positive_from, seed)
