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
from stages.evaluate.__main__ import out_of_domain_task
from stages.evaluate.interface import OutOfDomainFiles
from stages.evaluate.systems import fuse
from stages.lib import heldout, tables
from stages.lib.contracts.aliases import Aliases
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.passages import Passages
from stages.lib.embed import Encoder
from stages.lib.heldout import Corpus, HeldOut
from stages.lib.interface import TableFile
from stages.lib.lexical import Lexical
from stages.lib.measures import DEPTH, measure
from stages.lib.models import find_model
from stages.lib.params import Model, load
from stages.lib.retrieval import dense
from stages.lib.topk import Hits

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


def compare(corpus: Corpus, held: HeldOut, encoder: Encoder, model: Model) -> dict[str, float]:
    """Return nDCG@10 of each way on one set."""
    asked = list(held.queries["text"])
    lexical = Lexical(corpus.texts, corpus.passage_starts).search(asked, DEPTH)
    queries, documents = (
        encoder.encode(asked, model.anchor_prompt),
        encoder.encode(corpus.texts, model.document_prompt),
    )
    near = dense(queries, documents, DEPTH, corpus.passage_starts)
    ways = {"bm25": lexical, "base": near, "by_ranks": by_ranks(lexical, near)}
    ways |= {f"by_scores_{100 * weight:.0f}": fuse(lexical, near, weight) for weight in WEIGHTS}
    ids = list(held.queries["query_id"])
    return {
        way: float(measure(ids, hits, corpus.doc_ids, held.qrels)["ndcg_at_10"].mean())
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
            heldout.read_corpus(Path("data/pair/passages.parquet")),
            heldout.read(data / "queries.parquet", data / "qrels.parquet", kept),
        ),
        "out_of_domain": out_of_domain_task(outside)[:2],
    }
    if options.folder:
        sets[options.folder.name] = cranfield.read(options.folder)[:2]
    model = load(Model)
    encoder = Encoder(find_model(model))
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
