"""What it costs if a server does not clean its queries, while the texts that it searches were cleaned.

    python bench/query_skew.py FOLDER [FOLDER ...] [--dictionary FILE] [--rate 0.1] [--json]

Each FOLDER has corpus.jsonl (_id, title, text), queries.jsonl (_id, text) and qrels/test.tsv (query-id, corpus-id,
score), as BEIR's collections do. A copy of the project runs collect and clean on it. The base model ranks the cleaned
documents for the queries as they are, and for the same queries as the exported cleaner returns them. With --dictionary,
a list of misspellings of people ("misspelling->correction", as codespell has it), both are asked once more after a
share of the words that the list knows was misspelt (rate).

    NAME.queries, changed            queries, and those that the cleaner changes
    NAME.raw, cleaned                nDCG@10, the mean over queries
    NAME.difference, low, high       cleaned less raw, with its 95 % interval over answers
    NAME.changed_difference          the same mean over the changed queries alone
    NAME.misspelt.*                  all of this for the misspelt queries
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import trials
from bench.given_split import SOURCES, Judgements, read_judgements
from bench.misspellings import plant, read_dictionary
from stages.clean.corpus_model import query_cleaner
from stages.clean.interface import CleanParams
from stages.clean.rules import QueryCleaner
from stages.collect.records import document_id
from stages.lib.analysis.intervals import mean_interval
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import ModelParams, load_section
from stages.lib.evaluation.ranking_metrics import grade_hits, metrics_at
from stages.lib.retrieval.corpus import Corpus, read_corpus
from stages.lib.retrieval.encoder import Encoder
from stages.lib.retrieval.search import dense_search

DEPTH = 10
SEED = 13


class Collection(NamedTuple):
    """Cleaned documents, the queries as people wrote them, and the graded documents of each."""

    corpus: Corpus
    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, float]]
    cleaner: QueryCleaner


def read_collection(project: Path, folder: Path) -> Collection:
    """Run collect and clean on a test collection in the folder `project`, and return what came of it."""
    judgements = read_judgements(folder)
    changes = {"collect": {"sources": SOURCES, "out_of_domain": None}}
    trials.copy(project, changes, ("frozen", "protected", "glossary", "review", "written_queries"))
    (project / "data/raw").mkdir()
    (project / "data/raw/corpus.jsonl").write_bytes((folder / "corpus.jsonl").read_bytes())
    with (project / "data/raw/judgements.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(judgements[0]))
        writer.writeheader()
        writer.writerows(judgements)
    for stage in ("collect", "clean"):
        trials.run(project, stage)

    return Collection(
        corpus=read_corpus(project / "data/clean/passages.parquet"),
        queries={row["id"]: row["query"] for row in judgements},
        qrels=grades(judgements),
        cleaner=query_cleaner(
            project / "data/clean/corpus_counts.parquet",
            project / "data/glossary",
            load_section(CleanParams, project / "params.yaml"),
            project / "data/review/edits.csv",
        ),
    )


def grades(judgements: Judgements) -> dict[str, dict[str, float]]:
    """Return the documents of each query by their grade; those of grade 0 are left out."""
    qrels: dict[str, dict[str, float]] = {}
    for row in judgements:
        if float(row["grade"]) > 0:
            doc_id = document_id("documents", row["doc"])
            qrels.setdefault(row["id"], {})[doc_id] = float(row["grade"])
    return qrels


def compare(
    collection: Collection, texts: Mapping[str, str], encoder: Encoder, model: ModelParams
) -> dict[str, float]:
    """Return what the base model scores on `texts` (query id to text) as they are, and cleaned."""
    query_ids = [query_id for query_id in texts if query_id in collection.qrels]
    raw = [texts[query_id] for query_id in query_ids]
    cleaned = [collection.cleaner.clean(text, "judgements").text for text in raw]

    scores_raw = ndcg(collection, query_ids, raw, encoder=encoder, model=model)
    scores_cleaned = ndcg(collection, query_ids, cleaned, encoder=encoder, model=model)
    differences = scores_cleaned - scores_raw
    # Queries of one answer are no separate witnesses. The mean stays that over queries.
    answers = np.array([min(collection.qrels[query_id]) for query_id in query_ids])
    interval = mean_interval(differences, answers, SEED, component_weight=len(query_ids))

    is_changed = np.array([before != after for before, after in zip(raw, cleaned, strict=True)])
    figures = {
        "queries": float(len(query_ids)),
        "changed": float(is_changed.sum()),
        "raw": float(scores_raw.mean()),
        "cleaned": float(scores_cleaned.mean()),
        "difference": float(differences.mean()),
        "low": interval.low,
        "high": interval.high,
    }
    if is_changed.any():
        figures["changed_difference"] = float(differences[is_changed].mean())
    return figures


def ndcg(
    collection: Collection,
    query_ids: Sequence[str],
    texts: Sequence[str],
    *,
    encoder: Encoder,
    model: ModelParams,
) -> np.ndarray:
    """Return nDCG@10 of each query, shape (queries,)."""
    corpus = collection.corpus
    documents = encoder.encode(corpus.texts, model.document_prompt)
    queries = encoder.encode(texts, model.anchor_prompt)
    hits = dense_search(queries, documents, DEPTH, corpus.passage_starts)
    graded = grade_hits(query_ids, hits, corpus.doc_ids, collection.qrels)
    return np.asarray(metrics_at(graded, DEPTH)["ndcg"])


def misspell(
    queries: Mapping[str, str], misspellings: Mapping[str, Sequence[str]], rate: float
) -> dict[str, str]:
    """Return the queries with a share of the words misspelt that the list knows."""
    planted = plant(list(queries.values()), misspellings, rate, random.Random(SEED))
    return dict(zip(queries, planted.texts, strict=True))


def main() -> None:
    """Measure and print a figure a line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--dictionary", type=Path, help="misspellings of people")
    parser.add_argument("--rate", type=float, default=0.1, help="share of the known words")
    parser.add_argument("--json", action="store_true", help="print one flat JSON object")
    options = parser.parse_args()

    model = load_section(ModelParams)
    encoder = Encoder(find_base_model(model))
    figures: dict[str, float] = {}
    for folder in options.folders:
        with tempfile.TemporaryDirectory() as temporary:
            collection = read_collection(Path(temporary, "project"), folder)
        texts_of_name = {folder.name: dict(collection.queries)}
        if options.dictionary:
            misspellings = read_dictionary(options.dictionary)
            misspelt = misspell(collection.queries, misspellings, options.rate)
            texts_of_name[f"{folder.name}.misspelt"] = misspelt
        for name, texts in texts_of_name.items():
            for key, value in compare(collection, texts, encoder, model).items():
                figures[f"{name}.{key}"] = round(value, 4)
                if not options.json:
                    print(f"{f'{name}.{key}':40} {figures[f'{name}.{key}']:g}", flush=True)

    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
