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
from stages.lib.contracts.passages import Passages
from stages.lib.contracts.splits import Splits
from stages.lib.contracts.triplets import Triplets
from stages.lib.embed import Encoder
from stages.lib.errors import Problem
from stages.lib.ledger import Ledger, balance
from stages.lib.models import find_model
from stages.lib.params import Model, Section, load
from stages.lib.retrieval import Hits, Lexical, Starts, Vectors, best_scores, dense
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
    """What may become a negative, in ascending order of id, and the passages of all that, in order.

    `forms` are the normal forms of each document: of the whole and of its passages. `vectors` has shape
    (passages, dimension), `starts` (documents,) the position of each document's first passage.
    """

    ids: list[str]
    texts: list[str]
    forms: list[frozenset[str]]
    vectors: Vectors
    starts: Starts


class Answers(NamedTuple):
    """What answers the anchors, by document id: its passages, their vectors, and all its normal forms."""

    texts: Mapping[str, list[str]]
    vectors: Mapping[str, Vectors]
    forms: Mapping[str, frozenset[str]]

    def cosine(self, doc_id: str, anchor: Vectors) -> float:
        """Return the cosine of `anchor` to the document's best passage."""
        return float((self.vectors[doc_id] @ anchor).max())


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
    cosines = np.round(best_scores(anchor, corpus.vectors, positions, corpus.starts), 6).tolist()
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
    forms = corpus.forms[candidate.position]
    if forms & positive_forms:
        return "known_positive"
    if anchor_form in forms:
        return "equal_to_anchor"
    if margin is not None and candidate.cosine > weakest - abs(weakest) * margin:
        return "margin"
    return None


def mine(
    pairs: pd.DataFrame,
    positives: Mapping[str, frozenset[str]],
    corpus: Corpus,
    anchors: Vectors,
    answers: Answers,
    params: MineParams,
    ledger: Ledger,
) -> tuple[list[dict[str, object]], Counter[str]]:
    """Return a row per pair with its negatives, and how often each rule refused a candidate.

    `positives` maps an anchor's normal form to the ids of all its documents, `anchors` has shape (pairs,
    dimension). Of a document in several passages the positive is the one that BM25 ranks best for the anchor, with a
    ledger note; as a negative stands the one closest to the anchor. A short anchor gets a ledger note.
    """
    k = params.candidates
    miners = [
        ("bm25", Lexical(corpus.texts, corpus.starts).search(list(pairs["anchor"]), k)),
        ("dense", dense(anchors, corpus.vectors, k, corpus.starts)),
    ]
    rules = "+".join(rule for rule in RULES if rule != "margin" or params.relative_margin is not None)
    refused: Counter[str] = Counter()
    rows: list[dict[str, object]] = []
    for row, pair in enumerate(pairs.itertuples(index=False)):
        form = normal_form(str(pair.anchor))
        ids = positives[form]
        positive_forms = frozenset[str]().union(*(answers.forms[doc_id] for doc_id in ids))
        weakest = min(answers.cosine(doc_id, anchors[row]) for doc_id in sorted(ids))
        at = best_passage(str(pair.anchor), answers.texts[str(pair.doc_id)])
        score = round(float(answers.vectors[str(pair.doc_id)][at] @ anchors[row]), 6)
        # No negative may score above the very passage that is trained on.
        weakest = min(weakest, score)
        chosen: list[Candidate] = []
        for candidate in propose(anchors[row], [(name, hits, row) for name, hits in miners], corpus):
            reason = refusal(candidate, corpus, form, positive_forms, weakest, params.relative_margin)
            if reason:
                refused[reason] += 1
            elif len(chosen) < params.negatives:
                chosen.append(candidate)
        if len(chosen) < params.negatives:
            ledger.note(str(pair.pair_id), "too_few_negatives", score=float(len(chosen)))
        if len(answers.texts[str(pair.doc_id)]) > 1:
            ledger.note(str(pair.pair_id), "best_passage", partner_id=f"{pair.doc_id}-{at:04d}", score=float(at))
        rows.append(
            {
                "pair_id": pair.pair_id,
                "anchor": pair.anchor,
                "doc_id": pair.doc_id,
                "positive": answers.texts[str(pair.doc_id)][at],
                "positive_score": score,
                "negative_ids": [corpus.ids[candidate.position] for candidate in chosen],
                "negatives": [closest_passage(anchors[row], corpus, candidate.position) for candidate in chosen],
                "negative_scores": [candidate.cosine for candidate in chosen],
                "negative_miners": [candidate.miner for candidate in chosen],
                "negative_ranks": [candidate.rank for candidate in chosen],
                "negative_rules": [rules] * len(chosen),
            }
        )
    return rows, refused


def best_passage(anchor: str, texts: Sequence[str]) -> int:
    """Return which of a document's passages BM25 ranks best for `anchor`; the first of equals."""
    return int(Lexical(texts).scores(anchor).argmax()) if len(texts) > 1 else 0


def closest_passage(anchor: Vectors, corpus: Corpus, position: int) -> str:
    """Return the passage of the document at `position` whose cosine to `anchor` is highest."""
    start = int(corpus.starts[position])
    end = int(corpus.starts[position + 1]) if position + 1 < len(corpus.starts) else len(corpus.texts)
    return corpus.texts[start + int((corpus.vectors[start:end] @ anchor).argmax())]


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
    triplets: pd.DataFrame, positives: Mapping[str, frozenset[str]], forms_of: Mapping[str, frozenset[str]]
) -> int:
    """Return how many negatives are a positive of their anchor, by id or by text: must be 0, counted anew."""
    count = 0
    for anchor, ids, negatives in zip(triplets["anchor"], triplets["negative_ids"], triplets["negatives"], strict=True):
        known = positives[normal_form(anchor)]
        forms = frozenset[str]().union(*(forms_of[doc_id] for doc_id in known))
        count += sum(i in known or normal_form(text) in forms for i, text in zip(ids, negatives, strict=True))
    return count


def read_answers(stretches: pd.DataFrame, whole: Mapping[str, str], encoder: Encoder, model: Model) -> Answers:
    """Return the documents of `stretches` (Passages, in order), embedded; `whole` has their undivided texts."""
    vectors = encoder.encode(list(stretches["text"]), model.document_prompt, "documents")
    texts: dict[str, list[str]] = defaultdict(list)
    for doc_id, text in zip(stretches["doc_id"], stretches["text"], strict=True):
        texts[doc_id].append(text)
    ends = np.cumsum([len(found) for found in texts.values()])
    return Answers(
        texts,
        dict(zip(texts, np.split(vectors, ends[:-1]), strict=True)),
        {doc_id: frozenset(map(normal_form, [whole[doc_id], *found])) for doc_id, found in texts.items()},
    )


def corpus_of(ids: list[str], answers: Answers) -> Corpus:
    """Return the corpus of the documents `ids`, which are sorted."""
    sizes = [len(answers.texts[doc_id]) for doc_id in ids]
    return Corpus(
        ids,
        [text for doc_id in ids for text in answers.texts[doc_id]],
        [answers.forms[doc_id] for doc_id in ids],
        np.concatenate([answers.vectors[doc_id] for doc_id in ids]),
        np.cumsum([0, *sizes[:-1]], dtype=np.int64),
    )


def main(
    pairs: Path = Path("data/augment/pairs.parquet"),
    lineage: Path = Path("data/augment/ledger.parquet"),
    built_pairs: Path = Path("data/pair/pairs.parquet"),
    given_pairs: Path = Path("data/deduplicate/pairs.parquet"),
    documents: Path = Path("data/pair/documents.parquet"),
    passages: Path = Path("data/pair/passages.parquet"),
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
    whole = dict(zip(known["doc_id"], known["text"], strict=True))
    stretches = tables.read(passages, Passages)
    component_of = dict(zip(where["id"], where["component_id"], strict=True))
    allowed = set(where.loc[where["split"].isin(["train", "corpus"]), "id"])
    made = tables.read(lineage, LedgerTable).query("action == 'add'")
    # Pairs that a cap left out are not trained on, and stay positives all the same.
    every = pd.concat([given[given["score"] > 0], built, training]).drop_duplicates("pair_id")
    positives = known_positives(every, dict(zip(made["row_id"], made["partner_id"], strict=True)))

    encoder = Encoder(find_model(model))
    ids = sorted(set(whole) & allowed)
    wanted = sorted({*ids, *(doc_id for anchor in training["anchor"] for doc_id in positives[normal_form(anchor)])})
    answers = read_answers(stretches[stretches["doc_id"].isin(set(wanted))], whole, encoder, model)
    anchors = encoder.encode(list(training["anchor"]), model.anchor_prompt, "anchors")
    corpus = corpus_of(ids, answers)

    ledger = Ledger()
    rows, refused = mine(training, positives, corpus, anchors, answers, params, ledger)
    triplets = pd.DataFrame(rows).assign(component_id=training["doc_id"].map(component_of).to_numpy())
    found = triplets["negative_ids"].map(len)
    tables.write(triplets, out_triplets, Triplets)
    tables.write(ledger.frame(), out_ledger, LedgerTable)
    write_metrics(
        {
            **balance(len(training), len(triplets), {}, []),
            **{f"refused.{rule}": refused[rule] for rule in RULES},
            "corpus_documents": len(ids),
            "known_positives_as_negatives": count_known_positives(triplets, positives, answers.forms),
            "negatives_per_anchor": float(found.mean()),
            "short_anchors_share": float((found < params.negatives).mean()),
        },
        metrics,
    )


app = command(main, "tables", "lexical", "model")

if __name__ == "__main__":
    app()
