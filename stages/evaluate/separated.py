"""How far positives stand from negatives before and after fine-tuning, on the same panels of validation.

A panel that a model mined is biased against that model: what it ranks wrongly high is what it took. So the negatives
that the base model finds hardest (`dense`) flatter the fine-tuned one, those that the fine-tuned model finds hardest
(`remined`) flatter the base, and the truth lies between; `bm25` and `random` were chosen by neither.
"""

from __future__ import annotations

from collections.abc import Mapping

from stages.evaluate.systems import Systems
from stages.lib.heldout import Corpus, HeldOut
from stages.lib.separation import at_random, gap, panels, roc_auc, standardised_gap
from stages.lib.topk import Hits

MEASURES = {"gap": gap, "standardised_gap": standardised_gap, "roc_auc": roc_auc}


def separated(
    systems: Systems, hits: Mapping[str, Hits], corpus: Corpus, held: HeldOut
) -> dict[str, float]:
    """Return separation.<panel>.<before|after>.<measure>; `hits` are those of every system on the queries of `held`."""
    proposed = {
        "random": at_random(len(held.queries), len(corpus.doc_ids)),
        "bm25": hits["bm25"].positions,
        "dense": hits["base"].positions,
        "remined": hits["finetuned"].positions,
    }
    told: dict[str, float] = {}
    for when, encoder in (("before", systems.base), ("after", systems.finetuned)):
        queries = encoder.encode(
            list(held.queries["text"]), systems.model.anchor_prompt, f"queries, {when}"
        )
        passages = encoder.encode(corpus.texts, systems.model.document_prompt, f"documents, {when}")
        for name, panel in panels(queries, passages, corpus, held, proposed).items():
            told |= {
                f"separation.{name}.{when}.{key}": measure(panel)
                for key, measure in MEASURES.items()
            }
    return told
