"""The older model on the newer benchmark: for when too little is in common, or another corpus is searched.

It gets the queries and passages of the newer version as that version cleaned them, so what is compared are the two
models, and no longer the two ways of cleaning. Queries of components that the older model was trained on are left out:
where splits have moved, what is held out today may be what it practised.
"""

from __future__ import annotations

import io
import platform
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.commands.compare.common import HITS, QRELS, Ground, judge_hits
from stages.commands.compare.sides import MODEL, TRAINED, Side
from stages.lib import cache
from stages.lib.benchmark import RULE
from stages.lib.errors import Problem
from stages.lib.heldout import Corpus, corpus_of, grades
from stages.lib.measures import DEPTH
from stages.lib.stage import check_pins
from stages.lib.text import hash_hex


class Exam(NamedTuple):
    """What is asked and searched: queries (query_id, text), the corpus, and the answers of each query."""

    queries: pd.DataFrame
    corpus: Corpus
    answers: Mapping[str, Mapping[str, float]]

    @property
    def identity(self) -> str:
        """Return a hash of what decides a ranking: ids and texts, in order."""
        starts = [] if self.corpus.passage_starts is None else self.corpus.passage_starts.tolist()
        asked = [*self.queries["query_id"], *self.queries["text"]]
        return hash_hex(
            "exam", *asked, *self.corpus.doc_ids.tolist(), *self.corpus.texts, *map(str, starts)
        )


def rescore(before: Side, after: Side, split: str, system: str) -> Ground:
    """Return how the older model does on the queries and documents of the newer version, beside the newer one.

    Its hits are kept in the cache, by what decides them. Raises Problem where the older version has no model at hand.
    """
    if system != TRAINED:
        raise Problem(
            f"--rescore scores the older fine-tuned model, and '{system}' is another system",
            f"leave out --system, or say --system {TRAINED}",
        )
    new, exam = after.results(split, system), read_exam(after, split)
    old_splits = before.table("data/split/splits.parquet", "id", "split")
    known = practised(old_splits, after.table("data/split/splits.parquet", "id", "component_id"))
    hits = rank_anew(before, exam)
    old = judge_hits(hits, {}, frozenset(exam.corpus.doc_ids.tolist()), exam.answers).join(
        new["component_id"]
    )
    old = old[~old["component_id"].isin(known)]
    return Ground(old, new.loc[old.index], same=True, anew=hits, practised=len(new) - len(old))


def read_exam(side: Side, split: str) -> Exam:
    """Return the benchmark of one side as that side reads it: texts cleaned, copies resolved."""
    queries = side.table(f"data/split/{split}/queries.parquet", "query_id", "text")
    passages = side.table("data/pair/passages.parquet", "doc_id", "position", "text")
    copies = side.table("data/deduplicate/aliases.parquet", "doc_id", "kept_id")
    kept = dict(zip(copies["doc_id"], copies["kept_id"], strict=True))
    qrels = side.table(f"data/split/{split}/qrels.parquet", *QRELS)
    return Exam(
        queries, corpus_of(passages.sort_values(["doc_id", "position"])), grades(qrels, kept)
    )


def practised(old: pd.DataFrame, new: pd.DataFrame) -> set[str]:
    """Return the components of the `new` Splits that hold a pair or document of training in the `old` ones."""
    trained = set(old.loc[old["split"] == "train", "id"])
    return set(new.loc[new["id"].isin(trained), "component_id"])


def rank_anew(model_of: Side, exam: Exam) -> pd.DataFrame:
    """Return the first hits (HITS) of the fine-tuned model of one side on `exam`."""
    check_pins(["model"])
    content, params = model_of.content(MODEL), model_of.params()
    if content is None:
        raise Problem(
            f"dvc.lock of {model_of.name} has no {MODEL}",
            "name a revision in which 'make repro' was run",
        )
    prompts = [str(params.get(f"model.{name}_prompt", "")) for name in ("anchor", "document")]
    versions = [
        f"{name} {version(name)}"
        for name in ("torch", "transformers", "sentence-transformers", "numpy")
    ]

    def make(missing: list[str]) -> dict[str, bytes]:
        with tempfile.TemporaryDirectory() as folder:
            model_of.fetch(MODEL, Path(folder) / "model")
            found = rank(Path(folder) / "model", exam, *prompts)
        written = io.BytesIO()
        found.to_parquet(written, index=False)
        return dict.fromkeys(missing, written.getvalue())

    decides = f"{content} {prompts} {versions} {platform.machine()} {RULE}"
    kept = cache.through("rescored", decides, [exam.identity], make)
    return pd.read_parquet(io.BytesIO(next(iter(kept.values()))))


def rank(model: Path, exam: Exam, anchor_prompt: str, document_prompt: str) -> pd.DataFrame:
    """Return the first hits (HITS) of the model in a folder on `exam`."""
    from stages.lib.embed import Encoder
    from stages.lib.retrieval import dense

    encoder = Encoder(model)
    passages = encoder.encode(exam.corpus.texts, document_prompt, "documents, older model")
    asked = encoder.encode(list(exam.queries["text"]), anchor_prompt, "queries, older model")
    positions = dense(asked, passages, DEPTH, exam.corpus.passage_starts).positions
    count, depth = positions.shape
    values = (
        np.repeat(exam.queries["query_id"].to_numpy(dtype=object), depth),
        np.tile(np.arange(1, depth + 1), count),
        exam.corpus.doc_ids[positions.ravel()].astype(object),
    )
    return pd.DataFrame(dict(zip(HITS, values, strict=True)))
