"""Rank the full corpus with every system, on validation and test, with intervals.

Reads the held-out queries, the documents, the training rows, the fine-tuned model and people's verdicts on first hits;
writes metrics, per-query results, the first hundred hits of every system, every measure at several depths, slices, and
recall curves. Systems are a ladder, from BM25 to the fine-tuned model (systems.py). A gain is the mean of per-query
differences, with an interval that resamples components. Choices are made on validation; test confirms. Made queries of
validation are a set of their own beside real ones, and pairs with scores are judged by how well the models' cosines
agree with them.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from stages.evaluate.params import EvaluateParams
from stages.evaluate.reading import Known, Ranked, read
from stages.evaluate.results import (
    list_hits,
    list_measures,
    summarize,
    tell,
    write_results,
    write_rows,
)
from stages.evaluate.scored import scored_in
from stages.evaluate.static import StaticModel
from stages.evaluate.systems import Systems, agree, rank
from stages.lib import benchmark, tables
from stages.lib.benchmark import Corpus, HeldOut, grades, held_out, is_made
from stages.lib.contracts.aliases import Aliases
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.ledger import Ledger
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.query_results import QueryResults
from stages.lib.contracts.runs import Runs
from stages.lib.contracts.scored import Scored
from stages.lib.contracts.splits import Splits
from stages.lib.contracts.triplets import Triplets
from stages.lib.embed import Encoder
from stages.lib.models import find, find_model
from stages.lib.params import Labels, Model, Run, load
from stages.lib.probe import Adapter, fit
from stages.lib.reviewed import FIRST_HITS, read_verdicts
from stages.lib.stage import command, write_metrics
from stages.lib.text import hash_hex
from stages.lib.training_rows import answers, learned


def read_out_of_domain(passages: Path, pairs: Path) -> tuple[Corpus, HeldOut]:
    """Read the set that shows harm outside the domain; it may be empty."""
    asked = tables.read(pairs, Pairs)
    queries, qrels = held_out(asked.assign(raw=asked["anchor"], component_id=asked["doc_id"]))
    return benchmark.read_corpus(passages), HeldOut(queries, grades(qrels, {}), qrels)


def what_the_probe_learned(
    triplets: Path,
    pairs: Path,
    lineage: Path,
    splits: Path,
    encoder: Encoder,
    positive_from: float,
    seed: int,
) -> Adapter | None:
    """Return the probe of `validate`, trained on the rows that the model is fine-tuned on; None without such rows."""
    right = answers(tables.read(triplets, Triplets), tables.read(pairs, Pairs), positive_from)
    if not len(right):
        return None
    rows = learned(
        right, tables.read(lineage, Ledger), tables.read(splits, Splits), encoder, load(Model)
    )
    return fit(rows, seed)


def main(
    passages: Path = Path("data/pair/passages.parquet"),
    collected: Path = Path("data/collect/documents.parquet"),
    aliases: Path = Path("data/deduplicate/aliases.parquet"),
    validation_queries: Path = Path("data/split/validation/queries.parquet"),
    validation_qrels: Path = Path("data/split/validation/qrels.parquet"),
    test_queries: Path = Path("data/split/test/queries.parquet"),
    test_qrels: Path = Path("data/split/test/qrels.parquet"),
    synthetic_queries: Path = Path("data/split/synthetic/queries.parquet"),
    synthetic_qrels: Path = Path("data/split/synthetic/qrels.parquet"),
    validation_scored: Path = Path("data/split/validation/scored.parquet"),
    test_scored: Path = Path("data/split/test/scored.parquet"),
    out_of_domain_passages: Path = Path("data/clean/out_of_domain_passages.parquet"),
    out_of_domain_pairs: Path = Path("data/clean/out_of_domain_pairs.parquet"),
    triplets: Path = Path("data/mine/triplets.parquet"),
    pairs: Path = Path("data/augment/pairs.parquet"),
    lineage: Path = Path("data/augment/ledger.parquet"),
    splits: Path = Path("data/split/splits.parquet"),
    reviews: Path = Path("data/review/first_hits.csv"),
    finetuned: Path = Path("data/finetune/model"),
    out_runs: Path = Path("data/evaluate/runs.parquet"),
    out_validation: Path = Path("metrics/queries/validation.tsv"),
    out_test: Path = Path("metrics/queries/test.tsv"),
    out_out_of_domain: Path = Path("metrics/queries/out_of_domain.tsv"),
    out_synthetic: Path = Path("metrics/queries/synthetic.tsv"),
    out_slices: Path = Path("metrics/slices.tsv"),
    out_measures: Path = Path("metrics/measures.tsv"),
    out_plot: Path = Path("metrics/plots/recall.tsv"),
    metrics: Path = Path("metrics/evaluate.json"),
) -> None:
    """Rank the full corpus with every system, on validation and test, with intervals."""
    params, run, model, labels = load(EvaluateParams), load(Run), load(Model), load(Labels)
    verdicts = read_verdicts(reviews, FIRST_HITS)
    copies, documents = tables.read(aliases, Aliases), tables.read(collected, Documents)
    kept = dict(zip(copies["doc_id"], copies["kept_id"], strict=True))
    corpus = benchmark.read_corpus(passages)
    sets = {
        "validation": (corpus, benchmark.read(validation_queries, validation_qrels, kept)),
        "test": (corpus, benchmark.read(test_queries, test_qrels, kept)),
        "out_of_domain": read_out_of_domain(out_of_domain_passages, out_of_domain_pairs),
        "synthetic": (corpus, benchmark.read(synthetic_queries, synthetic_qrels, kept)),
    }
    base = Encoder(find_model(model))
    named = params.static_model
    systems = Systems(
        base,
        Encoder(finetuned),
        model,
        StaticModel(
            find(named, "evaluate.static_model", params.static_sha256, "evaluate.static_sha256")
        )
        if named
        else None,
        what_the_probe_learned(
            triplets, pairs, lineage, splits, base, labels.positive_from, run.seed
        ),
    )
    results: dict[str, pd.DataFrame] = {name: QueryResults.empty() for name in sets}
    told: dict[str, float | int | str] = {
        "benchmark": benchmark.identity(
            [sets["validation"][1], sets["test"][1]], documents["doc_id"]
        ),
        "corpus": hash_hex("corpus", *corpus.doc_ids.tolist()),
        "corpus_documents": len(corpus.doc_ids),
        "test_queries": len(sets["test"][1].queries),
        "synthetic_exam": bool(is_made(sets["test"][1].queries["source"]).all()),
    }
    measured: list[pd.DataFrame] = []
    ranked: dict[str, Ranked] = {}
    for name, (searched, held) in sets.items():
        if len(held.queries):
            hits = rank(systems, searched, held)
            results[name] = tell(hits, searched, held, name)
            runs = list_hits(hits, searched, held, name)
            ranked[name] = Ranked(searched, held, hits, results[name], runs)
            measured.append(list_measures(hits, searched, held, name, params.depths))
            told.update(summarize(results[name], name))
    for name, path in (("validation", validation_scored), ("test", test_scored)):
        scored = scored_in(tables.read(path, Scored), corpus, kept)
        if len(scored):
            agreed = agree(scored, systems, corpus, labels.positive_from, run.seed)
            told.update({f"{name}.{key}": value for key, value in agreed.items()})
    topics = dict(zip(documents["doc_id"], documents["topic"], strict=True))
    reading = read(ranked, systems, Known(topics, verdicts), params, run.seed)
    told.update(reading.metrics)
    tables.write(
        pd.concat([one.runs for one in ranked.values()], ignore_index=True), out_runs, Runs
    )
    paths = {"validation": out_validation, "test": out_test, "out_of_domain": out_out_of_domain}
    for name, path in {**paths, "synthetic": out_synthetic}.items():
        write_results(results[name], path)
    means = pd.concat(measured, ignore_index=True)
    write_rows(means, out_measures)
    drawn = means[(means["measure"] == "recall") & means["split"].isin(["validation", "test"])]
    write_rows(
        drawn.rename(columns={"mean": "recall"})[["split", "system", "k", "recall"]], out_plot
    )
    write_rows(reading.slices, out_slices)
    write_metrics(told, metrics)


app = command(main, "tables", "lexical", "model")

if __name__ == "__main__":
    app()
