"""Measure whether this data is worth training on.

Reads the triplets, the documents, the validation queries and the fingerprints of all held-out texts;
writes metrics, the separation plot and a page. It never opens the test split: choices are made on
validation. `finetune` refuses to start unless `passed` is true.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field

from stages.lib import benchmark, tables, written
from stages.lib.benchmark import is_made
from stages.lib.contracts.aliases import Aliases
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.fingerprints import Fingerprints
from stages.lib.contracts.ledger import Ledger
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.splits import Splits
from stages.lib.contracts.triplets import Triplets
from stages.lib.embed import Encoder
from stages.lib.measured import Metrics, read_metrics
from stages.lib.models import find_model
from stages.lib.params import Labels, Model, Run, Section, load
from stages.lib.retrieval import DEPTH, METRICS, Lexical, dense, measure
from stages.lib.stage import command, write_metrics
from stages.validate.exam import FOLDS, Exam, answers, learned, pooled, with_asked
from stages.validate.leakage import leaked_rows
from stages.validate.page import Gate, render
from stages.validate.probe import probe
from stages.validate.separation import gap, histogram, panels, roc_auc


class ValidateParams(Section):
    """What counts as a leak, and the limits of the gates."""

    section: ClassVar[str] = "validate"
    near_threshold: float = Field(ge=0.5, le=1.0)
    min_random_auc: float = Field(ge=0.0, le=1.0)
    min_bm25_auc: float = Field(ge=0.0, le=1.0)


def gates(leaked: int, aucs: dict[str, float], params: ValidateParams) -> list[Gate]:
    """Return what decides whether training may start."""
    return [
        Gate("leaked_rows", leaked, 0, False, "See `split.near_threshold` and `augment.near_threshold`."),
        Gate(
            "separation.random.roc_auc",
            aucs["random"],
            params.min_random_auc,
            True,
            "Rows may be mispaired: look at the columns mapped under `collect.sources`.",
        ),
        Gate(
            "separation.bm25.roc_auc",
            aucs["bm25"],
            params.min_bm25_auc,
            True,
            "Several documents may answer one query: look at `deduplicate.near_threshold`.",
        ),
    ]


def main(
    triplets: Path = Path("data/mine/triplets.parquet"),
    pairs: Path = Path("data/augment/pairs.parquet"),
    lineage: Path = Path("data/augment/ledger.parquet"),
    passages: Path = Path("data/pair/passages.parquet"),
    collected: Path = Path("data/collect/documents.parquet"),
    aliases: Path = Path("data/deduplicate/aliases.parquet"),
    splits: Path = Path("data/split/splits.parquet"),
    fingerprints: Path = Path("data/split/fingerprints.parquet"),
    queries: Path = Path("data/split/validation/queries.parquet"),
    qrels: Path = Path("data/split/validation/qrels.parquet"),
    split: Path = Path("metrics/split.json"),
    out_page: Path = Path("data/validate/index.html"),
    out_plot: Path = Path("metrics/plots/separation.tsv"),
    metrics: Path = Path("metrics/validate.json"),
) -> None:
    """Measure whether this data is worth training on."""
    params, run, model, labels = load(ValidateParams), load(Run), load(Model), load(Labels)
    copies, where = tables.read(aliases, Aliases), tables.read(splits, Splits)
    trained, made = tables.read(triplets, Triplets), tables.read(lineage, Ledger).query("action == 'add'")
    few = bool(Metrics(read_metrics([split])).need("split", "few_components"))
    held = benchmark.read(queries, qrels, dict(zip(copies["doc_id"], copies["kept_id"], strict=True)))
    corpus, encoder = benchmark.read_corpus(passages), Encoder(find_model(model))
    # A pair that is trained on with a low score is no example of an answer.
    right = answers(trained, tables.read(pairs, Pairs), labels.positive_from)
    rows = learned(
        right,
        dict(zip(made["row_id"], made["partner_id"], strict=True)),
        dict(zip(where["id"], where["component_id"], strict=True)),
        encoder,
        model,
    )
    searched = encoder.encode(corpus.texts, model.document_prompt, "documents")
    if few:
        asked = encoder.encode(list(held.queries["text"]), model.anchor_prompt, "queries")
        rows = with_asked(rows, held, asked, corpus, searched)
        held = pooled(held, right, made["row_id"])
    asked = encoder.encode(list(held.queries["text"]), model.anchor_prompt, "queries")
    exam = Exam(held, asked, corpus, searched, rows, FOLDS if few else 1)
    ranked = dense(asked, searched, DEPTH, corpus.starts)
    lexical = Lexical(corpus.texts, corpus.starts).search(list(held.queries["text"]), DEPTH)
    found = panels(asked, searched, corpus, held, lexical, ranked)
    scores = measure(list(held.queries["query_id"]), ranked, corpus.doc_ids, held.grades)
    leaked = leaked_rows(trained, tables.read(fingerprints, Fingerprints), params.near_threshold)
    aucs = {name: roc_auc(panel) for name, panel in found.items()}
    judged, bins = gates(len(leaked), aucs, params), histogram(found)
    probed = probe(exam, scores["ndcg_at_10"].to_numpy(dtype=np.float64), run.seed)
    measured: dict[str, float | int | str] = {
        "benchmark": benchmark.identity([held], tables.read(collected, Documents)["doc_id"]),
        "folds": exam.folds,
        "queries": len(held.queries),
        "corpus_documents": len(corpus.doc_ids),
        "leaked_rows": len(leaked),
        "passed": all(gate.passed for gate in judged),
        "synthetic_exam": bool(is_made(held.queries["source"]).all()),
        **{f"base.{name}": float(scores[name].mean()) for name in METRICS},
        **probed.measured(),
        **{f"separation.{name}.gap": gap(panel) for name, panel in found.items()},
        **{f"separation.{name}.roc_auc": auc for name, auc in aucs.items()},
    }
    with written.atomically(out_plot) as temporary:
        bins.to_csv(temporary, sep="\t", index=False, lineterminator="\n")
    with written.atomically(out_page) as temporary:
        temporary.write_text(render(judged, measured, bins), "utf-8", newline="\n")
    write_metrics(measured, metrics)


app = command(main, "tables", "lexical", "model", "page")

if __name__ == "__main__":
    app()
