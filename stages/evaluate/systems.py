"""The systems, a ladder: what ranks the corpus, and how well the models agree with the scores that people gave.

Each rung costs more than the one before: words alone (BM25), a static model if there is one, the base model, both
fused by their scores, the base model with the probe's adapter (trained in seconds), the fine-tuned model. Fine-tuning
is worth its cost where it beats them all.
"""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from stages.evaluate.fusion import fuse
from stages.evaluate.scored import agreement, cosines
from stages.evaluate.static import StaticModel
from stages.lib.embed import Encoder
from stages.lib.heldout import Corpus, HeldOut
from stages.lib.lexical import Lexical
from stages.lib.measures import DEPTH
from stages.lib.params import Model
from stages.lib.probe import Adapter
from stages.lib.retrieval import dense
from stages.lib.topk import Hits


class Systems(NamedTuple):
    """What ranks: the two models with the prompts that both are given, and what may be missing.

    That is a static model, which is asked without prompts, and what the probe learned.
    """

    base: Encoder
    finetuned: Encoder
    model: Model
    static: StaticModel | None = None
    adapter: Adapter | None = None


def rank(systems: Systems, corpus: Corpus, held: HeldOut) -> dict[str, Hits]:
    """Return each system's first DEPTH hits on every query."""
    asked, model = list(held.queries["text"]), systems.model
    hits = {"bm25": Lexical(corpus.texts, corpus.passage_starts).search(asked, DEPTH)}
    if systems.static is not None:
        hits["static"] = dense(
            systems.static.encode(asked),
            systems.static.encode(corpus.texts),
            DEPTH,
            corpus.passage_starts,
        )
    for name, encoder in (("base", systems.base), ("finetuned", systems.finetuned)):
        documents = encoder.encode(corpus.texts, model.document_prompt, f"documents, {name}")
        queries = encoder.encode(asked, model.anchor_prompt, f"queries, {name}")
        hits[name] = dense(queries, documents, DEPTH, corpus.passage_starts)
        if name == "base" and (learned := systems.adapter) is not None:
            hits["probe"] = dense(
                learned.queries(queries), learned.documents(documents), DEPTH, corpus.passage_starts
            )
    hits["fusion"] = fuse(hits["bm25"], hits["base"])
    return hits


def agree(
    scored: pd.DataFrame, systems: Systems, corpus: Corpus, positive_from: float, seed: int
) -> dict[str, float]:
    """Return how well each model's cosines agree with the scores of `scored`, which `scored_in` returned."""
    found = {}
    for name, encoder in (("base", systems.base), ("finetuned", systems.finetuned)):
        anchors = encoder.encode(
            list(scored["anchor"]), systems.model.anchor_prompt, f"scored pairs, {name}"
        )
        passages = encoder.encode(corpus.texts, systems.model.document_prompt, f"documents, {name}")
        found[name] = cosines(scored, anchors, passages, corpus)
    return agreement(scored, found, positive_from, seed)
