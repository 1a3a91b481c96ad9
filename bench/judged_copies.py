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
from stages.lib import benchmark, tables, written
from stages.lib.benchmark import Corpus, HeldOut
from stages.lib.contracts.aliases import Aliases
from stages.lib.contracts.ledger import Ledger
from stages.lib.contracts.splits import Splits
from stages.lib.contracts.triplets import Triplets
from stages.lib.embed import Encoder
from stages.lib.measures import measure
from stages.lib.models import find_model
from stages.lib.params import Model, load
from stages.lib.retrieval import Vectors, dense
from stages.lib.training_rows import learned
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
        with written.atomically(path) as temporary, temporary.open("wb") as file:
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
    known = learned(
        rows, made, tables.read(data / "split/splits.parquet", Splits), encoder, load(Model)
    )
    asked, searched = _embedded(encoder, held, corpus)
    experiment = ProbeExperiment(
        held,
        asked,
        corpus=corpus,
        passage_vectors=searched,
        training=known,
        folds=1,
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
    return Encoder(find_model(load(Model)))


def _asked(data: Path) -> tuple[HeldOut, Corpus]:
    copies = tables.read(data / "deduplicate/aliases.parquet", Aliases)
    kept = dict(zip(copies["doc_id"], copies["kept_id"], strict=True))
    where = data / "split/validation"
    held = benchmark.read(where / "queries.parquet", where / "qrels.parquet", kept)
    return held, benchmark.read_corpus(data / "pair/passages.parquet")


def _embedded(encoder: Encoder, held: HeldOut, corpus: Corpus) -> tuple[Vectors, Vectors]:
    model = load(Model)
    asked = encoder.encode(list(held.queries["text"]), model.anchor_prompt)
    return asked, encoder.encode(corpus.texts, model.document_prompt)


def _scored(held: HeldOut, corpus: Corpus, asked: Vectors, searched: Vectors) -> Scores:
    hits = dense(asked, searched, 10, corpus.passage_starts)
    results = measure(list(held.queries["query_id"]), hits, corpus.doc_ids, held.qrels)
    return results["ndcg_at_10"].to_numpy(dtype=np.float64)
