"""How good what a copy of the project holds makes the ranking of validation: by the probe, and by a full fine-tune.

A copy (bench/trials.py) holds triplets of its own; queries and corpus are those of the last run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.trials import ROOT, cached_in, run
from stages.lib.analysis.probe import training_vectors
from stages.lib.core import atomic, tables
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import ComponentWeight, ModelParams, load_section
from stages.lib.evaluation.evaluation_set import EvaluationSet, read_evaluation_set
from stages.lib.evaluation.ranking_metrics import per_query_metrics
from stages.lib.retrieval.corpus import Corpus, read_corpus
from stages.lib.retrieval.encoder import Encoder
from stages.lib.retrieval.search import Vectors, dense_search
from stages.lib.schemas.duplicates import Aliases
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.splits import Splits
from stages.lib.schemas.training import Triplets
from stages.validate.learning_curve import ProbeExperiment

# The folders of data/ that a copy sees when its own stages begin at `augment`.
GIVEN = (
    "collect",
    "clean",
    "deduplicate",
    "pair",
    "split",
    "frozen",
    "protected",
    "glossary",
    "review",
    "written_queries",
)

Scores = npt.NDArray[np.float64]


def kept(path: Path | None, make: Callable[[], Mapping[str, Any]]) -> dict[str, npt.NDArray[Any]]:
    """Return the figures in the file `path`, by name; if it is not there, `make` them and keep them in it.

    None keeps nothing. An interrupted run leaves no half-written file.
    """
    if path is None:
        return {name: np.asarray(value) for name, value in make().items()}
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic.write(path) as temporary, temporary.open("wb") as file:
            np.savez(file, **make())
    with np.load(path) as saved:
        return {name: saved[name] for name in saved.files}


def components(data: Path = ROOT / "data") -> npt.NDArray[np.str_]:
    """Return the component of each validation query."""
    return _asked(data)[0].queries["component_id"].to_numpy(dtype=str)


def base_scores(data: Path = ROOT / "data") -> Scores:
    """Return nDCG@10 of each validation query under the base model."""
    held, corpus = _asked(data)
    return _scored(held, corpus, *_embedded(_base(), held, corpus))


def probed(folder: Path, seed: int) -> Scores:
    """Return nDCG@10 of each validation query under the probe that learned the triplets in `folder`."""
    data, encoder = folder / "data", _base()
    held, corpus = _asked(data)
    rows = tables.read(data / "mine/triplets.parquet", Triplets)
    made = tables.read(data / "augment/ledger.parquet", Ledger)
    known = training_vectors(
        rows,
        made,
        tables.read(data / "split/splits.parquet", Splits),
        encoder,
        load_section(ModelParams),
    )
    asked, searched = _embedded(encoder, held, corpus)
    experiment = ProbeExperiment(
        held,
        asked,
        corpus=corpus,
        passage_vectors=searched,
        training=known,
        folds=1,
        component_weight=load_section(ComponentWeight).component_weight,
    )
    return experiment.scores(known, seed)


def fine_tuned(folder: Path) -> Scores:
    """Return nDCG@10 of each validation query under the model that `folder` is fine-tuned to."""
    run(folder, "tokenize")
    run(folder, "finetune")
    held, corpus = _asked(folder / "data")
    with cached_in(folder / "cache"):  # embeddings of this model are of no use afterwards
        vectors = _embedded(Encoder(folder / "data/finetune/model"), held, corpus)
    return _scored(held, corpus, *vectors)


@cache
def _base() -> Encoder:
    return Encoder(find_base_model(load_section(ModelParams)))


def _asked(data: Path) -> tuple[EvaluationSet, Corpus]:
    copies = tables.read(data / "deduplicate/aliases.parquet", Aliases)
    kept = dict(zip(copies["doc_id"], copies["kept_id"], strict=True))
    where = data / "split/validation"
    held = read_evaluation_set(where / "queries.parquet", where / "qrels.parquet", kept)
    return held, read_corpus(data / "pair/passages.parquet")


def _embedded(encoder: Encoder, held: EvaluationSet, corpus: Corpus) -> tuple[Vectors, Vectors]:
    model = load_section(ModelParams)
    asked = encoder.encode(list(held.queries["text"]), model.anchor_prompt)
    return asked, encoder.encode(corpus.texts, model.document_prompt)


def _scored(held: EvaluationSet, corpus: Corpus, asked: Vectors, searched: Vectors) -> Scores:
    hits = dense_search(asked, searched, 10, corpus.passage_starts)
    results = per_query_metrics(list(held.queries["query_id"]), hits, corpus.doc_ids, held.qrels)
    return results["ndcg_at_10"].to_numpy(dtype=np.float64)
