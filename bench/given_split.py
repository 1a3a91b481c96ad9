"""A public test collection with given splits and grades, through the real stages, beside ir-measures.

    python bench/given_split.py FOLDER [--json]

FOLDER has corpus.jsonl (_id, title, text), queries.jsonl (_id, text) and qrels/test.tsv (query-id, corpus-id, score),
as BEIR's collections do; made for Cranfield. The first two fifths of its queries are given to training, the next tenth
to validation, the rest to test. A copy of the project runs collect, clean, deduplicate, pair and split on them. BM25
ranks the held-out queries. ir-measures gets the file of judgements as it is, under the collection's own ids.

    <split>.queries             held-out queries, and how many of them the evaluation set has (asked)
    <split>.ndcg_at_10          mean of BM25 by the pipeline's own code
    <split>.judged_at_10        share of the first ten hits with a grade
    <split>.largest_difference  to ir-measures, of nDCG@10, nDCG@100 and Judged@10 of any query; below 1e-6
    leaks                       held-out queries whose string also stands among the training anchors
    left_out                    training rows that were left out for that
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import trials
from stages.evaluate.graded import graded_documents, judged_shares
from stages.lib.core import tables
from stages.lib.evaluation.evaluation_set import read_evaluation_set
from stages.lib.evaluation.ranking_metrics import grade_hits, metrics_at
from stages.lib.reporting.details import read_details
from stages.lib.retrieval.bm25 import BM25Index
from stages.lib.retrieval.corpus import read_corpus
from stages.lib.schemas.duplicates import Aliases
from stages.lib.schemas.evaluation_set import QueryGrades
from stages.lib.schemas.pairs import Pairs
from stages.lib.schemas.splits import EVALUATION_SPLITS, Splits

STAGES = ("collect", "clean", "deduplicate", "pair", "split")
SOURCES = {
    "documents": {
        "reader": "table",
        "path": "data/raw/corpus.jsonl",
        "columns": {"key": "_id", "title": "title", "text": "text"},
    },
    "judgements": {
        "reader": "table",
        "path": "data/raw/judgements.csv",
        "documents_of": "documents",
        "columns": {"anchor": "query", "document_key": "doc", "grade": "grade", "split": "split"},
    },
}
Judgements = list[dict[str, str]]


def read_judgements(folder: Path) -> Judgements:
    """Return a row per judgement: id and string of the query, id of the document, grade, split."""
    with (folder / "queries.jsonl").open(encoding="utf-8") as lines:
        queries = [json.loads(line) for line in lines]
    text_of = {query["_id"]: query["text"] for query in queries}
    split_of = {
        query["_id"]: "train"
        if 10 * row < 4 * len(queries)
        else "dev"
        if 2 * row < len(queries)
        else "test"
        for row, query in enumerate(queries)
    }
    with (folder / "qrels/test.tsv").open(encoding="utf-8", newline="") as lines:
        return [
            {
                "id": row["query-id"],
                "query": text_of[row["query-id"]],
                "doc": row["corpus-id"],
                "grade": row["score"],
                "split": split_of[row["query-id"]],
            }
            for row in csv.DictReader(lines, delimiter="\t")
        ]


def run_stages(project: Path, corpus: bytes, judgements: Judgements) -> None:
    """Make a copy of the project on these data in the folder `project`, and run the stages up to split."""
    changes: dict[str, dict[str, Any]] = {
        "collect": {"sources": SOURCES, "out_of_domain": None},
        "deduplicate": {"authoritative": []},
        "split": {"max_train_pairs": None},
    }
    trials.copy(project, changes, ("frozen", "protected", "glossary", "review", "written_queries"))
    (project / "data/raw").mkdir()
    (project / "data/raw/corpus.jsonl").write_bytes(corpus)
    with (project / "data/raw/judgements.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(judgements[0]))
        writer.writeheader()
        writer.writerows(judgements)
    for stage in STAGES:
        trials.run(project, stage)


def measure(project: Path, split: str, judgements: Judgements) -> dict[str, float]:
    """Return the figures of BM25 on a held-out split, beside what ir-measures says of its ranking."""
    import ir_measures
    from ir_measures import Judged, nDCG

    aliases = tables.read(project / "data/deduplicate/aliases.parquet", Aliases)
    kept_of = dict(zip(aliases["doc_id"], aliases["kept_id"], strict=True))
    folder = project / "data/split" / split
    held = read_evaluation_set(folder / "queries.parquet", folder / "qrels.parquet", kept_of)
    corpus = read_corpus(project / "data/pair/passages.parquet")
    hits = BM25Index(corpus.texts, corpus.passage_starts).search(list(held.queries["text"]), 100)

    # Ours, by query.
    query_ids = list(held.queries["query_id"])
    graded_hits = grade_hits(query_ids, hits, corpus.doc_ids, held.qrels)
    graded = graded_documents(tables.read(folder / "grades.parquet", QueryGrades), kept_of)
    ours = {
        (raw, name): value
        for k, name in ((10, nDCG @ 10), (100, nDCG @ 100))
        for raw, value in zip(held.queries["raw"], metrics_at(graded_hits, k)["ndcg"], strict=True)
    }
    for row, (query_id, raw) in enumerate(zip(query_ids, held.queries["raw"], strict=True)):
        own = hits._replace(
            positions=hits.positions[row : row + 1], scores=hits.scores[row : row + 1]
        )
        shares = judged_shares({"bm25": own}, corpus, [query_id], graded=graded)
        ours[raw, Judged @ 10] = shares["bm25.judged_at_10"]

    # Theirs: the judgements of the file, with kept documents in the place of their copies.
    from stages.collect.records import document_id

    judged = [row for row in judgements if row["split"] == {"validation": "dev"}.get(split, split)]
    qrels: dict[str, dict[str, int]] = {}
    for judgement in judged:
        doc_id = document_id("documents", judgement["doc"])
        of_query = qrels.setdefault(judgement["query"], {})
        kept_id = kept_of.get(doc_id, doc_id)
        of_query[kept_id] = max(int(judgement["grade"]), of_query.get(kept_id, 0))
    run = {
        raw: {str(corpus.doc_ids[place]): float(-rank) for rank, place in enumerate(places)}
        for raw, places in zip(held.queries["raw"], hits.positions, strict=True)
    }
    theirs = ir_measures.iter_calc([nDCG @ 10, nDCG @ 100, Judged @ 10], qrels, run)
    differences = [
        abs(ours[metric.query_id, metric.measure] - metric.value)
        for metric in theirs
        if metric.query_id in run
    ]
    relevant = {row["query"] for row in judged if int(row["grade"]) > 0}
    return {
        f"{split}.queries": len(relevant),
        f"{split}.asked": len(relevant & set(held.queries["raw"])),
        f"{split}.components": held.queries["component_id"].nunique(),
        f"{split}.ndcg_at_10": sum(ours[raw, nDCG @ 10] for raw in run) / len(run),
        f"{split}.judged_at_10": sum(ours[raw, Judged @ 10] for raw in run) / len(run),
        f"{split}.compared": len(differences),
        f"{split}.largest_difference": max(differences),
    }


def count_leaks(project: Path) -> dict[str, float]:
    """Return how many held-out queries are training anchors too, string by string, and what was left out."""
    pairs = tables.read(project / "data/pair/pairs.parquet", Pairs)
    splits = tables.read(project / "data/split/splits.parquet", Splits).set_index("id")["split"]
    training = pairs[pairs["pair_id"].map(splits) == "train"]
    anchors = {" ".join(anchor.lower().split()) for anchor in training["anchor"]}
    leaks = 0
    for split in EVALUATION_SPLITS:
        queries = pd.read_parquet(project / f"data/split/{split}/queries.parquet")
        leaks += sum(" ".join(raw.lower().split()) in anchors for raw in queries["raw"])
    details = read_details(project / "metrics/details/split.json")
    given = {key: float(value) for key, value in details.items() if key.startswith("given.")}
    return {"leaks": leaks, "train_pairs": len(training), **given}


def main() -> None:
    """Measure and print a figure a line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--json", action="store_true", help="print one flat JSON object as the last line"
    )
    options = parser.parse_args()
    judgements = read_judgements(options.folder)
    with tempfile.TemporaryDirectory() as scratch:
        project = Path(scratch) / "project"
        run_stages(project, (options.folder / "corpus.jsonl").read_bytes(), judgements)
        figures = count_leaks(project)
        for split in EVALUATION_SPLITS:
            figures |= measure(project, split, judgements)
    shown = {
        key: value if key.endswith("difference") else round(value, 4)
        for key, value in sorted(figures.items())
    }
    print(
        json.dumps(shown)
        if options.json
        else "\n".join(f"{key:32} {value:g}" for key, value in shown.items())
    )


if __name__ == "__main__":
    main()
