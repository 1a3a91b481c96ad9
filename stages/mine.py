"""Mine hard negatives that are not hidden positives.

Reads the training pairs, the documents and the splits; writes triplets. Candidates come from BM25 and
from the base model, over documents of the training split and documents that no question asks for, never
over held-out ones. A candidate is refused when it is a known positive of the anchor under any id, says
the same as the anchor or as a positive, or scores within the margin of the weakest positive. An anchor
with too few negatives stays, and its missing negatives stay missing: padding would lie.

Source: Moreira et al. 2024, NV-Retriever (arXiv 2407.15831), positive-aware mining.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field

from stages.lib import tables
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.ledger import Ledger as LedgerTable
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.splits import Splits
from stages.lib.contracts.triplets import Triplets
from stages.lib.embed import Encoder
from stages.lib.errors import Problem
from stages.lib.ledger import Ledger, balance
from stages.lib.models import find_model
from stages.lib.params import Model, Section, load
from stages.lib.retrieval import Hits, Lexical, Vectors, dense
from stages.lib.stage import command, write_metrics
from stages.lib.text import normal_form

RULES = ("known_positive", "equal_to_anchor", "margin")


class MineParams(Section):
    """How many negatives, out of how many candidates, and how close to the positive they may come."""

    section: ClassVar[str] = "mine"
    negatives: int = Field(ge=1, le=16)
    candidates: int = Field(ge=1, le=1000)
    relative_margin: float | None = Field(ge=0.0, le=1.0)


class Candidate(NamedTuple):
    """A document proposed as a negative: its position, its cosine to the anchor, by whom and how high."""

    position: int
    cosine: float
    miner: str
    rank: int


class Corpus(NamedTuple):
    """What may become a negative, in ascending order of id; `vectors` has shape (documents, dimension)."""

    ids: list[str]
    texts: list[str]
    forms: list[str]
    vectors: Vectors


def propose(anchor: Vectors, found: Sequence[tuple[str, Hits, int]], corpus: Corpus) -> list[Candidate]:
    """Return the candidates of one anchor, hardest first (by cosine, then by id).

    `found` names each miner with its hits and the anchor's row in them; a document that several miners
    propose comes once, with its best rank and all their names.
    """
    ranks: dict[int, dict[str, int]] = defaultdict(dict)
    for miner, hits, row in found:
        for rank, position in enumerate(hits.positions[row].tolist(), start=1):
            if hits.scores[row, rank - 1] > 0.0 or miner == "dense":  # BM25 gives 0 to what shares no word
                ranks[position][miner] = rank
    positions = sorted(ranks)
    cosines = np.round(corpus.vectors[positions] @ anchor, 6).tolist() if positions else []
    proposed = [
        Candidate(position, cosine, "+".join(sorted(ranks[position])), min(ranks[position].values()))
        for position, cosine in zip(positions, cosines, strict=True)
    ]
    return sorted(proposed, key=lambda candidate: (-candidate.cosine, candidate.position))


def refusal(
    candidate: Candidate,
    corpus: Corpus,
    anchor_form: str,
    positive_forms: frozenset[str],
    weakest: float,
    margin: float | None,
) -> str | None:
    """Return the rule that refuses `candidate`, or None.

    Positives are compared by their text in normal form, so that one under another id is caught too.
    `weakest` is the cosine of the anchor's weakest positive; the threshold `weakest - |weakest| * margin`
    is right for negative scores as well.
    """
    form = corpus.forms[candidate.position]
    if form in positive_forms:
        return "known_positive"
    if form == anchor_form:
        return "equal_to_anchor"
    if margin is not None and candidate.cosine > weakest - abs(weakest) * margin:
        return "margin"
    return None


def mine(
    pairs: pd.DataFrame,
    texts: Mapping[str, str],
    positives: Mapping[str, frozenset[str]],
    corpus: Corpus,
    anchors: Vectors,
    answers: Mapping[str, Vectors],
    params: MineParams,
    ledger: Ledger,
) -> tuple[list[dict[str, object]], Counter[str]]:
    """Return a row per pair with its negatives, and how often each rule refused a candidate.

    `positives` maps an anchor's normal form to the ids of all its documents, `answers` a document's id to
    its vector, `anchors` has shape (pairs, dimension). A short anchor gets a ledger note.
    """
    k = params.candidates
    miners = [
        ("bm25", Lexical(corpus.texts).search(list(pairs["anchor"]), k)),
        ("dense", dense(anchors, corpus.vectors, k)),
    ]
    rules = "+".join(rule for rule in RULES if rule != "margin" or params.relative_margin is not None)
    refused: Counter[str] = Counter()
    rows: list[dict[str, object]] = []
    for row, pair in enumerate(pairs.itertuples(index=False)):
        form = normal_form(str(pair.anchor))
        ids = positives[form]
        positive_forms = frozenset(normal_form(texts[doc_id]) for doc_id in ids)
        weakest = min(float(answers[doc_id] @ anchors[row]) for doc_id in sorted(ids))
        chosen: list[Candidate] = []
        for candidate in propose(anchors[row], [(name, hits, row) for name, hits in miners], corpus):
            reason = refusal(candidate, corpus, form, positive_forms, weakest, params.relative_margin)
            if reason:
                refused[reason] += 1
            elif len(chosen) < params.negatives:
                chosen.append(candidate)
        if len(chosen) < params.negatives:
            ledger.note(str(pair.pair_id), "too_few_negatives", score=float(len(chosen)))
        rows.append(
            {
                "pair_id": pair.pair_id,
                "anchor": pair.anchor,
                "doc_id": pair.doc_id,
                "positive": texts[str(pair.doc_id)],
                "positive_score": round(float(answers[str(pair.doc_id)] @ anchors[row]), 6),
                "negative_ids": [corpus.ids[candidate.position] for candidate in chosen],
                "negatives": [corpus.texts[candidate.position] for candidate in chosen],
                "negative_scores": [candidate.cosine for candidate in chosen],
                "negative_miners": [candidate.miner for candidate in chosen],
                "negative_ranks": [candidate.rank for candidate in chosen],
                "negative_rules": [rules] * len(chosen),
            }
        )
    return rows, refused


def known_positives(pairs: pd.DataFrame, parents: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Return normal form of an anchor to the ids of every document that any pair gives it.

    `parents` maps a made pair to the pair whose anchor it varies: what answers that one answers it too.
    """
    by_form: dict[str, set[str]] = defaultdict(set)
    form_of = dict(zip(pairs["pair_id"], pairs["anchor"].map(normal_form), strict=True))
    for pair_id, doc_id in zip(pairs["pair_id"], pairs["doc_id"], strict=True):
        by_form[form_of[pair_id]].add(doc_id)
    for pair_id, parent_id in parents.items():
        if pair_id in form_of:
            by_form[form_of[pair_id]] |= by_form[form_of[parent_id]]
    return {form: frozenset(ids) for form, ids in by_form.items()}


def count_known_positives(
    triplets: pd.DataFrame, positives: Mapping[str, frozenset[str]], texts: Mapping[str, str]
) -> int:
    """Return how many negatives are a positive of their anchor, by id or by text: must be 0, counted anew."""
    count = 0
    for anchor, ids, negatives in zip(triplets["anchor"], triplets["negative_ids"], triplets["negatives"], strict=True):
        known = positives[normal_form(anchor)]
        forms = {normal_form(texts[doc_id]) for doc_id in known}
        count += sum(i in known or normal_form(text) in forms for i, text in zip(ids, negatives, strict=True))
    return count


def main(
    pairs: Path = Path("data/augment/pairs.parquet"),
    lineage: Path = Path("data/augment/ledger.parquet"),
    built_pairs: Path = Path("data/pair/pairs.parquet"),
    given_pairs: Path = Path("data/deduplicate/pairs.parquet"),
    documents: Path = Path("data/pair/documents.parquet"),
    splits: Path = Path("data/split/splits.parquet"),
    out_triplets: Path = Path("data/mine/triplets.parquet"),
    out_ledger: Path = Path("data/mine/ledger.parquet"),
    metrics: Path = Path("metrics/mine.json"),
) -> None:
    """Mine hard negatives that are not hidden positives."""
    params, model = load(MineParams), load(Model)
    training, built, given = (tables.read(path, Pairs) for path in (pairs, built_pairs, given_pairs))
    known, where = tables.read(documents, Documents), tables.read(splits, Splits)
    if not len(training):
        raise Problem(
            f"{pairs} holds no training pairs", "raise split.train or split.max_train_pairs, or bring more data"
        )
    texts = dict(zip(known["doc_id"], known["text"], strict=True))
    component_of = dict(zip(where["id"], where["component_id"], strict=True))
    allowed = set(where.loc[where["split"].isin(["train", "corpus"]), "id"])
    made = tables.read(lineage, LedgerTable).query("action == 'add'")
    # Pairs that a cap left out are not trained on, and stay positives all the same.
    every = pd.concat([given[given["score"] > 0], built, training]).drop_duplicates("pair_id")
    positives = known_positives(every, dict(zip(made["row_id"], made["partner_id"], strict=True)))

    encoder = Encoder(find_model(model))
    ids = sorted(set(texts) & allowed)
    wanted = sorted({*ids, *(doc_id for anchor in training["anchor"] for doc_id in positives[normal_form(anchor)])})
    answers = dict(
        zip(
            wanted,
            encoder.encode([texts[doc_id] for doc_id in wanted], model.document_prompt, "documents"),
            strict=True,
        )
    )
    anchors = encoder.encode(list(training["anchor"]), model.anchor_prompt, "anchors")
    corpus = Corpus(
        ids, [texts[i] for i in ids], [normal_form(texts[i]) for i in ids], np.stack([answers[i] for i in ids])
    )

    ledger = Ledger()
    rows, refused = mine(training, texts, positives, corpus, anchors, answers, params, ledger)
    triplets = pd.DataFrame(rows).assign(component_id=training["doc_id"].map(component_of).to_numpy())
    found = triplets["negative_ids"].map(len)
    tables.write(triplets, out_triplets, Triplets)
    tables.write(ledger.frame(), out_ledger, LedgerTable)
    write_metrics(
        {
            **balance(len(training), len(triplets), {}, []),
            **{f"refused.{rule}": refused[rule] for rule in RULES},
            "corpus_documents": len(ids),
            "known_positives_as_negatives": count_known_positives(triplets, positives, texts),
            "negatives_per_anchor": float(found.mean()),
            "short_anchors_share": float((found < params.negatives).mean()),
        },
        metrics,
    )


app = command(main, "tables", "lexical", "model")

if __name__ == "__main__":
    app()
