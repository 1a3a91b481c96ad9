"""Measure whether this data is worth training on.

Reads the triplets, the documents, the validation queries, the fingerprints of all held-out texts and what the
stages before counted; writes metrics, two plots and a page, and files for TensorBoard's projector into
`runs/`, outside git and DVC. It never opens the test split: choices are made on validation. `finetune`
refuses to start unless `passed` is true; the page is written whatever the verdict.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.lib import benchmark, tables, written
from stages.lib.benchmark import Corpus, HeldOut, is_made
from stages.lib.contracts.aliases import Aliases
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.fingerprints import Fingerprints
from stages.lib.contracts.ledger import Ledger
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.splits import Splits
from stages.lib.contracts.triplets import Triplets
from stages.lib.embed import Encoder
from stages.lib.lexical import Lexical
from stages.lib.measured import Metrics, read_metrics
from stages.lib.measures import DEPTH, METRICS, measure
from stages.lib.models import find_model
from stages.lib.params import Labels, Model, Run, load
from stages.lib.retrieval import Vectors, dense
from stages.lib.separation import Panel, summary
from stages.lib.stage import command, write_metrics
from stages.lib.training_rows import answers, learned
from stages.validate import curve, health
from stages.validate import map as clusters
from stages.validate.exam import FOLDS, Exam, pooled, with_asked
from stages.validate.gates import judge
from stages.validate.geometry import geometry, sample
from stages.validate.leakage import leaked_rows
from stages.validate.page import Evidence, render
from stages.validate.params import ValidateParams
from stages.validate.separation import histogram, labelled, panels

RUNS = Path("runs/validate")


class Inputs(NamedTuple):
    """What is read: training rows, their lineage, where everything is, the corpus and the questions of validation.

    `right` are those of the training rows that teach an answer, `dissimilar` the pairs that people found to be none.
    """

    triplets: pd.DataFrame
    right: pd.DataFrame
    dissimilar: pd.DataFrame
    made: pd.DataFrame
    where: pd.DataFrame
    corpus: Corpus
    held: HeldOut


def sit(found: Inputs, few: bool, encoder: Encoder, model: Model) -> Exam:
    """Return what is asked and what is learned from, as vectors."""
    trained, made, corpus, held = found.right, found.made, found.corpus, found.held
    rows = learned(trained, made, found.where, encoder, model)
    searched = encoder.encode(corpus.texts, model.document_prompt, "documents")

    def embedded(questions: HeldOut) -> Vectors:
        return encoder.encode(list(questions.queries["text"]), model.anchor_prompt, "queries")

    if few:
        rows = with_asked(rows, held, embedded(held), corpus, searched)
        held = pooled(held, trained, made["row_id"])
    return Exam(held, embedded(held), corpus, searched, rows, FOLDS if few else 1)


def judged_by_people(
    found: Inputs, exam: Exam, encoder: Encoder, model: Model, positives: Panel
) -> dict[str, Panel]:
    """Return the panel of the pairs that people found dissimilar, if there are any outside the test split."""
    split_of = dict(zip(found.where["id"], found.where["split"], strict=True))
    shown = found.dissimilar[
        found.dissimilar["pair_id"].map(split_of).isin(["train", "validation"])
    ]
    anchors = encoder.encode(list(shown["anchor"]), model.anchor_prompt, "dissimilar anchors")
    return labelled(anchors, list(shown["doc_id"]), exam.searched, exam.corpus, positives)


def main(
    triplets: Path = Path("data/mine/triplets.parquet"),
    pairs: Path = Path("data/augment/pairs.parquet"),
    lineage: Path = Path("data/augment/ledger.parquet"),
    passages: Path = Path("data/pair/passages.parquet"),
    dissimilar: Path = Path("data/pair/dissimilar/pairs.parquet"),
    collected: Path = Path("data/collect/documents.parquet"),
    aliases: Path = Path("data/deduplicate/aliases.parquet"),
    splits: Path = Path("data/split/splits.parquet"),
    fingerprints: Path = Path("data/split/fingerprints.parquet"),
    queries: Path = Path("data/split/validation/queries.parquet"),
    qrels: Path = Path("data/split/validation/qrels.parquet"),
    clean: Path = Path("metrics/clean.json"),
    pair: Path = Path("metrics/pair.json"),
    split: Path = Path("metrics/split.json"),
    mine: Path = Path("metrics/mine.json"),
    tokenize: Path = Path("metrics/tokenize.json"),
    out_page: Path = Path("data/validate/index.html"),
    out_separation: Path = Path("metrics/plots/separation.tsv"),
    out_curve: Path = Path("metrics/plots/learning_curve.tsv"),
    metrics: Path = Path("metrics/validate.json"),
) -> None:
    """Measure whether this data is worth training on."""
    params, run, model, labels = load(ValidateParams), load(Run), load(Model), load(Labels)
    before, documents = (
        Metrics(read_metrics([clean, pair, split, mine, tokenize])),
        tables.read(collected, Documents),
    )
    copies = tables.read(aliases, Aliases)
    trained = tables.read(triplets, Triplets)
    found = Inputs(
        trained,
        # A pair that is trained on with a low score is no example of an answer.
        answers(trained, tables.read(pairs, Pairs), labels.positive_from),
        tables.read(dissimilar, Pairs),
        tables.read(lineage, Ledger).query("action == 'add'"),
        tables.read(splits, Splits),
        benchmark.read_corpus(passages),
        benchmark.read(queries, qrels, dict(zip(copies["doc_id"], copies["kept_id"], strict=True))),
    )
    encoder = Encoder(find_model(model))
    exam = sit(found, bool(before.need("split", "few_components")), encoder, model)
    held, corpus, asked = exam.held, exam.corpus, list(exam.held.queries["text"])
    ranked = dense(exam.asked, exam.searched, DEPTH, corpus.passage_starts)
    lexical = Lexical(corpus.texts, corpus.passage_starts).search(asked, DEPTH)
    scores = measure(list(held.queries["query_id"]), ranked, corpus.doc_ids, held.qrels)
    panel = panels(exam.asked, exam.searched, corpus, held, lexical, ranked)
    panel |= judged_by_people(found, exam, encoder, model, panel["random"])
    probed = curve.probe(exam, scores["ndcg_at_10"].to_numpy(dtype=np.float64), run.seed)
    leaked = leaked_rows(
        found.triplets, tables.read(fingerprints, Fingerprints), params.near_threshold
    )
    rows, suspects = health.of_rows(found.right, exam.rows, leaked)
    base = {f"base.{name}": float(scores[name].mean()) for name in METRICS}
    told: dict[str, float | int | str | None] = {
        "benchmark": benchmark.identity([held], documents["doc_id"]),
        "folds": exam.folds,
        "queries": len(held.queries),
        "corpus_documents": len(corpus.doc_ids),
        "leaked_rows": len(leaked),
        "synthetic_exam": bool(is_made(held.queries["source"]).all()),
        **base,
        **probed.measured(),
        **{
            f"separation.{name}.{key}": value
            for name, one in panel.items()
            for key, value in summary(one).items()
        },
        **geometry(sample(corpus, exam.searched), panel["random"].positives).measured(),
        **rows,
    }
    counted = health.of_neighbours(before)
    gates = judge({**told, **counted}, suspects, params)
    told |= {f"gates.{gate.name}": gate.verdict for gate in gates}
    told["passed"] = all(gate.passed for gate in gates)
    for verdict, key in (("fail", "gates_failed"), ("warn", "gates_warned")):
        told[key] = sum(gate.verdict == verdict for gate in gates)
    bins, learning = histogram(panel), curve.table(probed.points, base["base.ndcg_at_10"])
    points = clusters.choose(documents, corpus, exam.searched, found.where)
    clusters.write_projector(points, RUNS)
    for frame, path in ((bins, out_separation), (learning, out_curve)):
        with written.atomically(path) as temporary:
            frame.to_csv(temporary, sep="\t", index=False, lineterminator="\n")
    with written.atomically(out_page) as temporary:
        page = render(Evidence(gates, {**told, **counted}, bins, learning, clusters.drawn(points)))
        temporary.write_text(page, "utf-8", newline="\n")
    write_metrics({key: value for key, value in told.items() if value is not None}, metrics)


app = command(main, "tables", "lexical", "model", "page", "train")

if __name__ == "__main__":
    app()
