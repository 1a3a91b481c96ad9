"""What fusing BM25 with the base model is worth, by ranks and by scores.

    python bench/fusion.py [FOLDER] [--json]

Runs on the default data of the last run: its validation queries, and those outside its domain; and on the collection in
FOLDER, laid out as for bench/cranfield.py, if one is given. nDCG@10 of both that are fused, of reciprocal rank fusion
(Cormack, Clarke and Büttcher 2009, with their constant 60), and of the convex combination of stages/evaluate/systems.py
by the weight of the cosine, in hundredths.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import cranfield
from stages.evaluate.interface import OutOfDomainFiles
from stages.evaluate.systems import fuse
from stages.evaluate.tasks import out_of_domain_task
from stages.lib.core import tables
from stages.lib.core.interface import TableFile
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import ModelParams, load_section
from stages.lib.evaluation.evaluation_set import EvaluationSet, read_evaluation_set
from stages.lib.evaluation.ranking_metrics import DEPTH, per_query_metrics
from stages.lib.retrieval.bm25 import BM25Index
from stages.lib.retrieval.corpus import Corpus, read_corpus
from stages.lib.retrieval.encoder import Encoder
from stages.lib.retrieval.search import Hits, dense_search
from stages.lib.schemas.documents import Passages
from stages.lib.schemas.duplicates import Aliases
from stages.lib.schemas.pairs import Pairs

WEIGHTS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
CONSTANT = 60


def by_ranks(lexical: Hits, near: Hits) -> Hits:
    """Return the hits by the sum of 1 / (CONSTANT + rank) over both; what shares no word has no rank in BM25."""
    shares = 1.0 / (CONSTANT + np.arange(1, near.positions.shape[1] + 1))
    positions = np.empty_like(near.positions)
    for row, found in enumerate(near.positions):
        worded = lexical.positions[row][lexical.scores[row] > 0]
        names, inverse = np.unique(np.concatenate([worded, found]), return_inverse=True)
        sums = np.bincount(inverse, weights=np.concatenate([shares[: len(worded)], shares]))
        positions[row] = names[np.argsort(-np.round(sums, 6), kind="stable")[: len(found)]]
    return Hits(positions, np.zeros_like(near.scores))


def compare(
    corpus: Corpus, held: EvaluationSet, encoder: Encoder, model: ModelParams
) -> dict[str, float]:
    """Return nDCG@10 of each way on one set."""
    asked = list(held.queries["text"])
    lexical = BM25Index(corpus.texts, corpus.passage_starts).search(asked, DEPTH)
    queries, documents = (
        encoder.encode(asked, model.anchor_prompt),
        encoder.encode(corpus.texts, model.document_prompt),
    )
    near = dense_search(queries, documents, DEPTH, corpus.passage_starts)
    ways = {"bm25": lexical, "base": near, "by_ranks": by_ranks(lexical, near)}
    ways |= {f"by_scores_{100 * weight:.0f}": fuse(lexical, near, weight) for weight in WEIGHTS}
    ids = list(held.queries["query_id"])
    return {
        way: float(per_query_metrics(ids, hits, corpus.doc_ids, held.qrels)["ndcg_at_10"].mean())
        for way, hits in ways.items()
    }


def main() -> None:
    """Measure and print a figure a line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument(
        "--json", action="store_true", help="print one flat JSON object as the last line"
    )
    options = parser.parse_args()
    data, clean = Path("data/split/validation"), Path("data/clean")
    copies = tables.read(Path("data/deduplicate/aliases.parquet"), Aliases)
    kept = dict(zip(copies["doc_id"], copies["kept_id"], strict=True))
    outside = OutOfDomainFiles(
        passages=TableFile(clean / "out_of_domain_passages.parquet", Passages),
        pairs=TableFile(clean / "out_of_domain_pairs.parquet", Pairs),
    )
    sets = {
        "validation": (
            read_corpus(Path("data/pair/passages.parquet")),
            read_evaluation_set(data / "queries.parquet", data / "qrels.parquet", kept),
        ),
        "out_of_domain": out_of_domain_task(outside)[:2],
    }
    if options.folder:
        sets[options.folder.name] = cranfield.read(options.folder)[:2]
    model = load_section(ModelParams)
    encoder = Encoder(find_base_model(model))
    told = {
        f"{name}.{way}": round(value, 4)
        for name, (corpus, held) in sets.items()
        for way, value in compare(corpus, held, encoder, model).items()
    }
    print(
        json.dumps(told)
        if options.json
        else "\n".join(f"{name:32} {value:g}" for name, value in told.items())
    )


if __name__ == "__main__":
    main()
