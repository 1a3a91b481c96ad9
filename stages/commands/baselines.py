"""Rank base models, and BM25, on the validation queries of this data, without training.

Which model to start from is the first question of a project. Each model embeds the corpus and the
queries with its own prompts, pooling and maximum length. The best one by nDCG@10 is compared with
each other one, query by query; the p-values are corrected for their number (Holm 1979). Speed is
measured on passages of this corpus, without the cache.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import typer
from rich.console import Console
from rich.markdown import Markdown

from stages.commands.json_output import AsJson, say_json
from stages.evaluate.interface import EvaluateParams
from stages.evaluate.results import PRIMARY_METRIC, query_results
from stages.evaluate.systems import StaticModel
from stages.lib.analysis.intervals import PairedTest, holm_correction, paired_test, significance
from stages.lib.core import tables
from stages.lib.core.device import CPU, Device, choose_device
from stages.lib.core.errors import UserError
from stages.lib.core.ids import hash_hex
from stages.lib.core.model_config import read_model_config
from stages.lib.core.model_files import find_base_model, find_model_folder, weight_files
from stages.lib.core.params import ModelParams, RunParams, load_section
from stages.lib.core.stage import command
from stages.lib.core.terminal import printable, say
from stages.lib.evaluation.evaluation_set import (
    EvaluationSet,
    read_evaluation_set,
    resolve_masked,
)
from stages.lib.evaluation.ranking_metrics import DEPTH
from stages.lib.evaluation.weights import weighted_mean
from stages.lib.retrieval.bm25 import BM25Index
from stages.lib.retrieval.corpus import Corpus, corpus_from_passages
from stages.lib.retrieval.encoder import Encoder, load_model
from stages.lib.retrieval.search import Hits, Vectors, dense_search
from stages.lib.schemas.documents import Passages
from stages.lib.schemas.duplicates import Aliases
from stages.lib.schemas.evaluation_set import Masked

BM25 = "BM25"
PASSAGES = Path("data/split/passages.parquet")
ALIASES = Path("data/deduplicate/aliases.parquet")
VALIDATION = Path("data/split/validation")

# Passages on which the speed is measured.
SPEED_SAMPLE = 256

Scores = npt.NDArray[np.float64]


class Prompts(NamedTuple):
    """What a model puts before a query and before a passage."""

    query: str
    passage: str


class RankedSystem(NamedTuple):
    """A system on the validation queries.

    Attributes:
        name: the model as the user named it, or BM25.
        scores: nDCG@10 of each query, shape (queries,), in the order of query ids.
        dimension: numbers in a vector; 0 for BM25.
        max_tokens: tokens after which a text is cut; 0 for no limit.
        megabytes: size of the weights.
        passages_per_second: speed on passages of this corpus, one thread a pass.
    """

    name: str
    scores: Scores
    dimension: int = 0
    max_tokens: int = 0
    megabytes: float = 0.0
    passages_per_second: float = 0.0


class ValidationQueries(NamedTuple):
    """The validation queries and the corpus that they search."""

    evaluation_set: EvaluationSet
    corpus: Corpus


def read_queries() -> ValidationQueries:
    """Return the validation queries and the corpus of the run at hand."""
    aliases = tables.read(ALIASES, Aliases)
    kept_id_of = dict(zip(aliases["doc_id"], aliases["kept_id"], strict=True))
    evaluation_set = read_evaluation_set(
        VALIDATION / "queries.parquet", VALIDATION / "qrels.parquet", kept_id_of
    )
    masked = resolve_masked(
        tables.read(VALIDATION / "masked.parquet", Masked), kept_id_of, evaluation_set.qrels
    )
    if not len(evaluation_set.queries):
        raise UserError(
            "there are no validation queries to rank models on",
            "give queries with the data, or name recipes in pair.recipes; then run "
            "'dvc repro split'",
        )

    corpus = corpus_from_passages(tables.read(PASSAGES, Passages))
    return ValidationQueries(evaluation_set._replace(masked=masked), corpus)


def measure_bm25(queries: ValidationQueries) -> RankedSystem:
    """Return the ranking by words alone."""
    evaluation_set, corpus = queries
    index = BM25Index(corpus.texts, corpus.passage_starts)
    hits = index.search(list(evaluation_set.queries["text"]), evaluation_set.search_depth(DEPTH))
    return RankedSystem(BM25, _scores(hits, queries))


def measure_model(
    name: str, queries: ValidationQueries, base: ModelParams, device: Device = CPU
) -> RankedSystem:
    """Return the ranking by a model.

    Args:
        name: the folder of the model, or PACKAGE/FOLDER inside an installed package.
        queries: the queries and their corpus.
        base: the base model of params.yaml, whose prompts stand there.
        device: where the model computes. Its speed is that of a processor.

    Raises:
        UserError: there is no such model.
    """
    folder = find_baseline(name, base)
    evaluation_set, corpus = queries
    prompts = own_prompts(folder)
    if name == base.base:
        prompts = Prompts(base.anchor_prompt, base.document_prompt)

    # The vectors of all texts come from the cache where a run has made them before.
    texts = list(evaluation_set.queries["text"])
    query_vectors: Vectors
    passage_vectors: Vectors
    if is_static(folder):
        static = StaticModel(folder)
        query_vectors = static.encode([prompts.query + text for text in texts])
        passage_vectors = static.encode([prompts.passage + text for text in corpus.texts])
    else:
        encoder = Encoder(folder, device)
        query_vectors = encoder.encode(texts, prompts.query, f"queries, {name}")
        passage_vectors = encoder.encode(corpus.texts, prompts.passage, f"passages, {name}")

    hits = dense_search(
        query_vectors,
        passage_vectors,
        k=evaluation_set.search_depth(DEPTH),
        passage_starts=corpus.passage_starts,
        device=device,
    )
    model = load_model(folder)
    return RankedSystem(
        name,
        _scores(hits, queries),
        dimension=passage_vectors.shape[1],
        max_tokens=0 if is_static(folder) else int(model.max_seq_length or 0),
        megabytes=sum(file.stat().st_size for file in weight_files(folder, name)) / 1e6,
        passages_per_second=_speed(folder, corpus.texts),
    )


def find_baseline(name: str, base: ModelParams) -> Path:
    """Return the folder of a model. A model of a hub is known if it is the base model.

    Raises:
        UserError: there is no such model.
    """
    if name == base.base and base.revision:
        return find_base_model(base)
    return find_model_folder(name, "the argument MODEL", sha256="", hash_key="")


def own_prompts(folder: Path) -> Prompts:
    """Return the prompts that a model brings; empty ones where it brings none.

    sentence-transformers calls them `query` and `document` (or `passage`, or `corpus`).
    """
    config = read_model_config(folder)
    return Prompts(config.query_prompt, config.document_prompt)


def is_static(folder: Path) -> bool:
    """Return whether the model is a vector per token, without context."""
    file = folder / "modules.json"
    modules = json.loads(file.read_text("utf-8")) if file.is_file() else []
    return bool(modules) and str(modules[0].get("type", "")).endswith("StaticEmbedding")


def compare_with_best(
    baselines: Sequence[RankedSystem], components: npt.NDArray[np.str_], *, seed: int, weight: int
) -> list[tuple[RankedSystem, PairedTest | None, float | None]]:
    """Return the systems from best to worst, each with its difference to the best and corrected p.

    The best has no difference.
    """
    ranked = sorted(
        baselines,
        key=lambda system: (-weighted_mean(system.scores, components, weight), system.name),
    )
    best, *others = ranked
    differences = [
        paired_test(other.scores - best.scores, components, seed, component_weight=weight)
        for other in others
    ]
    tested = [difference.p for difference in differences if difference.p is not None]
    corrected = iter(holm_correction(tested))

    rows: list[tuple[RankedSystem, PairedTest | None, float | None]] = [(best, None, None)]
    for other, difference in zip(others, differences, strict=True):
        p = None if difference.p is None else next(corrected)
        rows.append((other, difference, p))
    return rows


def report(
    rows: Sequence[tuple[RankedSystem, PairedTest | None, float | None]],
    components: npt.NDArray[np.str_],
    weight: int,
) -> str:
    """Return the table as Markdown."""
    lines = [
        "| system | nDCG@10 | against the best (95 % interval) | p (Holm) | outcome | dimension "
        "| tokens | MB | passages/s |",
        "|---|---:|---|---:|---|---:|---:|---:|---:|",
    ]
    for system, difference, p in rows:
        cells = [
            system.name,
            f"{weighted_mean(system.scores, components, weight):.4f}",
            *_difference_cells(difference, p),
            *_model_cells(system),
        ]
        lines.append(f"| {' | '.join(cells)} |")

    return "\n".join(lines)


def system_figures(
    rows: Sequence[tuple[RankedSystem, PairedTest | None, float | None]],
    components: npt.NDArray[np.str_],
    weight: int,
) -> list[dict[str, Any]]:
    """Return the rows of the table for JSON, from best to worst. What a system lacks is None."""
    figures = []
    for system, difference, p in rows:
        effect = None if difference is None else difference.effect
        figures.append(
            {
                "name": system.name,
                "score": weighted_mean(system.scores, components, weight),
                "difference_to_best": None if difference is None else difference.mean,
                "low": None if effect is None else effect.low,
                "high": None if effect is None else effect.high,
                "p_holm": p,
                "outcome": _difference_cells(difference, p)[-1],
                "dimension": system.dimension or None,
                "max_tokens": system.max_tokens or None,
                "megabytes": system.megabytes or None,
                "passages_per_second": system.passages_per_second or None,
            }
        )
    return figures


def main(
    models: Annotated[
        list[str],
        typer.Argument(help="Folders of models, or PACKAGE/FOLDER inside installed packages."),
    ],
    as_json: AsJson = False,
) -> None:
    """Rank base models and BM25 on the validation queries of this data, without training."""
    base = load_section(ModelParams)
    weight = load_section(EvaluateParams).component_weight
    run = load_section(RunParams)
    device = choose_device(run)

    # Names first: a wrong one is found before the work begins.
    for name in models:
        find_baseline(name, base)
    queries = read_queries()
    query_table = queries.evaluation_set.queries.sort_values("query_id")
    components = query_table["component_id"].to_numpy(dtype=str)

    baselines = [measure_bm25(queries)]
    for name in dict.fromkeys(models):
        baselines.append(measure_model(name, queries, base, device))

    rows = compare_with_best(baselines, components, seed=run.seed, weight=weight)
    if as_json:
        say_json(
            {
                "component_weight": weight,
                "components": len(np.unique(components)),
                "documents": len(queries.corpus.doc_ids),
                "metric": PRIMARY_METRIC,
                "queries": len(query_table),
                "systems": system_figures(rows, components, weight),
            }
        )
        return
    say(
        f"{len(query_table):,} validation queries in {len(np.unique(components)):,} components, "
        f"{len(queries.corpus.doc_ids):,} documents. A component counts as at most {weight} "
        "queries."
    )
    show(report(rows, components, weight))
    say("To start from another model, set model.base and its prompts in params.yaml.")


def show(markdown: str) -> None:
    """Print a table: drawn on a terminal, else as it is, since drawing it would cut names off."""
    console = Console()
    if console.is_terminal:
        console.print(Markdown(printable(markdown)))
    else:
        say(markdown)


def _scores(hits: Hits, queries: ValidationQueries) -> Scores:
    """Return nDCG@10 of each query, shape (queries,), in the order of query ids."""
    evaluation_set, corpus = queries
    kept = evaluation_set.without_masked(
        evaluation_set.queries["query_id"], hits, corpus.doc_ids, DEPTH
    )
    results = query_results({"system": kept}, corpus, evaluation_set, split="validation")
    ordered: pd.DataFrame = results.sort_values("query_id")
    return ordered[PRIMARY_METRIC].to_numpy(dtype=np.float64)


def _speed(folder: Path, texts: Sequence[str]) -> float:
    """Return passages per second on a sample of the corpus, without the cache."""
    sample = sorted(texts, key=lambda text: hash_hex("speed", text))[:SPEED_SAMPLE]
    model = load_model(folder)
    model.encode(sample[:8], show_progress_bar=False)

    start = time.perf_counter()
    model.encode(sample, show_progress_bar=False)
    return len(sample) / (time.perf_counter() - start)


def _difference_cells(difference: PairedTest | None, p: float | None) -> list[str]:
    if difference is None:
        return ["", "", "best"]
    if difference.effect is None or p is None:
        return [f"{difference.mean:+z.4f}", "", "too few components"]

    effect = difference.effect
    interval = f"{difference.mean:+z.4f} ({effect.low:+z.4f} to {effect.high:+z.4f})"
    return [interval, f"{p:.4f}", significance(difference, p)]


def _model_cells(system: RankedSystem) -> list[str]:
    if not system.dimension:
        return ["", "", "", ""]
    return [
        str(system.dimension),
        str(system.max_tokens or "no limit"),
        f"{system.megabytes:.0f}",
        f"{system.passages_per_second:,.0f}",
    ]


app = command(main, "tables", "lexical", "model")

if __name__ == "__main__":
    app()
