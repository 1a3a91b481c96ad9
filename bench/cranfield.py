"""A public test collection, measured by the pipeline's own code and by ir-measures: both must say the same.

    python bench/cranfield.py FOLDER [--json]

FOLDER has corpus.jsonl (_id, title, text), queries.jsonl (_id, text) and qrels/test.tsv (query-id, corpus-id, score),
as BEIR's collections do; made for Cranfield's 1,400 abstracts with graded judgements. Held-out queries, BM25, the base
model, their fusion and the measures are the pipeline's own code; ir-measures gets the collection's judgements as they
are, and our rankings.

    <system>.<measure>_at_<k>   mean over the queries, by our code
    largest_difference          of any measure of any query, at any depth, under any system; must be below 1e-9
    queries, compared           how many queries there are, and numbers that were compared
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parent.parent))

from stages.evaluate.systems import Systems, rank
from stages.lib.core.ids import hash_hex
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import ModelParams, load_section
from stages.lib.evaluation.evaluation_set import EvaluationSet, resolve_qrels
from stages.lib.evaluation.ranking_metrics import grade_hits, metrics_at
from stages.lib.retrieval.corpus import Corpus, corpus_from_passages
from stages.lib.retrieval.encoder import Encoder
from stages.lib.retrieval.search import Hits
from stages.lib.schemas.queries_from_pairs import queries_and_qrels, query_id_of

DEPTHS = (1, 5, 10, 100)


def name(letter: str, identity: object) -> str:
    """Return an id as collect would give it."""
    return letter + hash_hex("cranfield", str(identity))


def read(folder: Path) -> tuple[Corpus, EvaluationSet, dict[str, dict[str, int]]]:
    """Return the collection as the pipeline has it, and its judgements under our ids as ir-measures wants them."""
    documents = pd.read_json(folder / "corpus.jsonl", lines=True, dtype=False)
    queries = pd.read_json(folder / "queries.jsonl", lines=True, dtype=False).set_index("_id")[
        "text"
    ]
    judged = pd.read_csv(
        folder / "qrels/test.tsv", sep="\t", dtype={"query-id": str, "corpus-id": str}
    )
    pairs = pd.DataFrame(
        {
            "pair_id": [
                name("p", key) for key in zip(judged["query-id"], judged["corpus-id"], strict=True)
            ],
            "anchor": queries.reindex(judged["query-id"]).to_numpy(),
            "doc_id": [name("d", doc) for doc in judged["corpus-id"]],
            "relation": "judged",
            "score": judged["score"] / judged["score"].max(),
            "source": "cranfield",
        }
    )
    held, qrels = queries_and_qrels(pairs.assign(raw=pairs["anchor"], component_id=pairs["doc_id"]))
    texts = documents["text"].where(documents["text"].str.strip() != "", documents["title"])
    passages = pd.DataFrame({"doc_id": [name("d", doc) for doc in documents["_id"]], "text": texts})
    corpus = corpus_from_passages(passages.sort_values("doc_id", ignore_index=True))
    theirs: dict[str, dict[str, int]] = {}
    for query, doc, score in zip(
        judged["query-id"], judged["corpus-id"], judged["score"], strict=True
    ):
        theirs.setdefault(query_id_of(queries[query]), {})[name("d", doc)] = int(score)
    return corpus, EvaluationSet(held, resolve_qrels(qrels, {}), qrels), theirs


def compare(
    hits: Hits, corpus: Corpus, held: EvaluationSet, theirs: dict[str, dict[str, int]]
) -> dict[str, float]:
    """Return our means, the largest difference to ir-measures of any number, and how many there were."""
    import ir_measures
    from ir_measures import AP, RR, R, Success, nDCG

    ids = list(held.queries["query_id"])
    found = grade_hits(ids, hits, corpus.doc_ids, held.qrels)
    # Ranks in place of scores: how ties are broken is our rule, and not what is compared.
    run = {
        query: {str(corpus.doc_ids[at]): float(-place) for place, at in enumerate(row)}
        for query, row in zip(ids, hits.positions, strict=True)
    }
    told: dict[str, float] = {"largest_difference": 0.0, "compared": 0.0}
    for k in DEPTHS:
        ours = metrics_at(found, k)
        named = {
            nDCG @ k: "ndcg",
            AP @ k: "map",
            R @ k: "recall",
            Success @ k: "hit",
            RR @ k: "mrr",
        }
        for one in ir_measures.iter_calc(list(named), theirs, run):
            if one.query_id in held.qrels:  # a query without any answer is none
                difference = abs(ours[named[one.measure]][ids.index(one.query_id)] - one.value)
                told["largest_difference"] = max(told["largest_difference"], float(difference))
                told["compared"] += 1
        told |= {f"{measure}_at_{k}": float(values.mean()) for measure, values in ours.items()}
    return told


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
    corpus, held, theirs = read(options.folder)
    model = load_section(ModelParams)
    encoder = Encoder(find_base_model(model))
    figures: dict[str, float] = {
        "queries": len(held.queries),
        "largest_difference": 0.0,
        "compared": 0.0,
    }
    for system, hits in rank(Systems(encoder, encoder, model), corpus, held).items():
        told = compare(hits, corpus, held, theirs)
        figures["largest_difference"] = max(
            figures["largest_difference"], told.pop("largest_difference")
        )
        figures["compared"] += told.pop("compared")
        if system != "finetuned":  # none is trained here: the base model stands in its place
            figures |= {f"{system}.{key}": value for key, value in told.items()}
    shown = {
        key: value if key == "largest_difference" else round(value, 4)
        for key, value in sorted(figures.items())
    }
    print(
        json.dumps(shown)
        if options.json
        else "\n".join(f"{key:28} {value:g}" for key, value in shown.items())
    )


if __name__ == "__main__":
    main()
