"""Which ROC AUC the gate `mispaired` sees, when a share of the rows has the answer of another row.

    python bench/mispaired.py FOLDER... [--seed 1] [--json]

A FOLDER is of the BEIR layout: corpus.jsonl, queries.jsonl and qrels/*.tsv. In a seeded share of its
pairs the documents change places. The base model of params.yaml then scores each pair, and five
random documents beside it. A row of the table is a folder, a column is a share.

With rightly paired rows the area is that of the model and the domain. Each mispaired row is as near
as a random document. So with a share m of them the area is about (1 - m) right + m / 2.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent.parent))

from stages.lib.analysis.separation import NEGATIVES, Panel, roc_auc
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import ModelParams, load_section
from stages.lib.retrieval.encoder import Encoder

SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
MAX_PAIRS = 1500


def read_texts(path: Path) -> dict[str, str]:
    """Return the texts of a BEIR file by id, each with its title in front."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return {row["_id"]: f"{row.get('title', '')}\n{row['text']}".strip() for row in rows}


def read_pairs(folder: Path) -> list[tuple[str, str]]:
    """Return query and document of each judgement above 0."""
    names = {"query-id": str, "corpus-id": str}
    tables = [
        pd.read_csv(path, sep="\t", dtype=names) for path in sorted((folder / "qrels").glob("*"))
    ]
    judgements = pd.concat(tables)
    relevant = judgements[judgements["score"] > 0]
    return list(zip(relevant["query-id"], relevant["corpus-id"], strict=True))


def measure(folder: Path, encoder: Encoder, seed: int) -> dict[float, float]:
    """Return the ROC AUC at each share of mispaired rows."""
    source = random.Random(seed)
    queries = read_texts(folder / "queries.jsonl")
    documents = read_texts(folder / "corpus.jsonl")
    pairs = [pair for pair in read_pairs(folder) if pair[0] in queries and pair[1] in documents]
    source.shuffle(pairs)
    pairs = pairs[:MAX_PAIRS]

    # Embed what is compared.
    query_row = {query_id: row for row, query_id in enumerate(queries)}
    document_row = {doc_id: row for row, doc_id in enumerate(documents)}
    query_vectors = encoder.encode(list(queries.values()))
    document_vectors = encoder.encode(list(documents.values()))

    def cosines(of_pairs: list[tuple[str, str]]) -> npt.NDArray[np.float64]:
        left = query_vectors[[query_row[query_id] for query_id, _ in of_pairs]]
        right = document_vectors[[document_row[doc_id] for _, doc_id in of_pairs]]
        return np.asarray((left * right).sum(axis=1), dtype=np.float64)

    # Random documents that are not judged relevant.
    relevant = set(pairs)
    doc_ids = list(documents)
    random_pairs = [
        (query_id, source.choice(doc_ids)) for query_id, _ in pairs for _ in range(NEGATIVES)
    ]
    negatives = cosines([pair for pair in random_pairs if pair not in relevant])

    # The documents of a share of the rows move on by one row.
    areas = {}
    for share in SHARES:
        rows = source.sample(range(len(pairs)), int(share * len(pairs)))
        mispaired = list(pairs)
        for row, other in zip(rows, rows[1:] + rows[:1], strict=True):
            mispaired[row] = (pairs[row][0], pairs[other][1])

        areas[share] = round(float(roc_auc(Panel(cosines(mispaired), negatives))), 3)

    return areas


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()

    encoder = Encoder(find_base_model(load_section(ModelParams)))
    areas = {folder.name: measure(folder, encoder, arguments.seed) for folder in arguments.folders}
    if arguments.json:
        print(json.dumps(areas))
        return

    print("mispaired     " + "".join(f"{share:8.0%}" for share in SHARES))
    for name, by_share in areas.items():
        print(f"{name[:14]:14}" + "".join(f"{area:8.3f}" for area in by_share.values()))


if __name__ == "__main__":
    main()
