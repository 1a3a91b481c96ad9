"""Validation while the model is made: its held-out queries, for early stopping and for the choice of a merge."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stages.lib import heldout, tables
from stages.lib.contracts.aliases import Aliases
from stages.lib.errors import Problem
from stages.lib.heldout import Corpus, HeldOut
from stages.lib.measures import measure
from stages.lib.params import Model
from stages.lib.retrieval import Vectors, dense

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

QUERIES, OTHERS = 400, 1600
_DEPTH = 10
# Embeds texts with a prompt: unit vectors (texts, dimension).
Encode = Callable[[list[str], str], Vectors]


class Exam(NamedTuple):
    """What is asked, what is searched, and the prompts."""

    corpus: Corpus
    held: HeldOut
    prompts: Model


def read(queries: Path, qrels: Path, aliases: Path, passages: Path, prompts: Model) -> Exam:
    """Read validation: all its queries and the full corpus. Raises Problem when nothing is asked."""
    copies = tables.read(aliases, Aliases)
    held = heldout.read(queries, qrels, dict(zip(copies["doc_id"], copies["kept_id"], strict=True)))
    if not len(held.queries):
        raise Problem(
            f"{queries} holds no queries, so early stopping and merging cannot choose anything",
            "set finetune.early_stopping: 0 and finetune.merge: [], or raise split.validation",
        )
    return Exam(heldout.read_corpus(passages), held, prompts)


def bounded(exam: Exam, queries: int = QUERIES, others: int = OTHERS) -> Exam:
    """Return at most so many queries, over what answers them and at most so many `others`, chosen by a hash of ids.

    A look during training must be quick; it need only tell whether the model still gains.
    """
    asked = exam.held.queries
    chosen = asked.iloc[_first(list(asked["query_id"]), queries)].reset_index(drop=True)
    grades = {query_id: exam.held.qrels[query_id] for query_id in chosen["query_id"]}
    relevant = {doc_id for judged in grades.values() for doc_id in judged}
    doc_ids = exam.corpus.doc_ids.tolist()
    rest = [at for at, doc_id in enumerate(doc_ids) if doc_id not in relevant]
    answers = [at for at, doc_id in enumerate(doc_ids) if doc_id in relevant]
    kept = sorted([*answers, *(rest[at] for at in _first([doc_ids[at] for at in rest], others))])
    starts = (
        np.arange(len(doc_ids))
        if exam.corpus.passage_starts is None
        else exam.corpus.passage_starts
    )
    ends = np.append(starts[1:], len(exam.corpus.texts))
    stretches = [exam.corpus.texts[starts[at] : ends[at]] for at in kept]
    firsts = np.cumsum([0, *(len(stretch) for stretch in stretches[:-1])]).astype(np.int64)
    corpus = Corpus(
        exam.corpus.doc_ids[kept], [text for stretch in stretches for text in stretch], firsts
    )
    return Exam(corpus, HeldOut(chosen, grades, exam.held.raw_qrels), exam.prompts)


def ndcg_at_10(exam: Exam, encode: Encode) -> float:
    """Return the mean nDCG@10 over the queries of `exam`, rounded to six digits."""
    documents = encode(exam.corpus.texts, exam.prompts.document_prompt)
    queries = encode(list(exam.held.queries["text"]), exam.prompts.anchor_prompt)
    hits = dense(queries, documents, _DEPTH, exam.corpus.passage_starts)
    found = measure(list(exam.held.queries["query_id"]), hits, exam.corpus.doc_ids, exam.held.qrels)
    return round(float(found["ndcg_at_10"].mean()), 6)


def look(exam: Exam, model: SentenceTransformer) -> float:
    """Return the nDCG@10 of `model` as it is now, between two steps of training; chance is not touched."""
    training = model.training
    model.eval()
    try:
        return ndcg_at_10(exam, lambda texts, prompt: _encode(model, texts, prompt))
    finally:
        model.train(training)


def _encode(model: SentenceTransformer, texts: list[str], prompt: str) -> Vectors:
    return np.asarray(
        model.encode(
            [prompt + text for text in texts], normalize_embeddings=True, show_progress_bar=False
        ),
        dtype=np.float32,
    )


def _first(ids: list[str], count: int) -> list[int]:
    """Return where the `count` ids stand whose hashes are smallest, in ascending order of position."""
    order = sorted(
        range(len(ids)), key=lambda at: hashlib.blake2b(ids[at].encode(), digest_size=8).digest()
    )
    return sorted(order[:count])
