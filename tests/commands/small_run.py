"""The tables of a run of three training rows and one held-out query, for what goes out."""

import json
from pathlib import Path

import pandas as pd

from stages.lib.core import tables
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.duplicates import Aliases
from stages.lib.schemas.evaluation_set import Qrels, Queries
from stages.lib.schemas.training import Triplets
from tests.conftest import ROOT

# Two questions of one shop, the first with two answers. The last document answers nothing.
TEXTS = {
    1: "Hold the button for ten seconds.",
    2: "Press “Reset” – twice.",
    3: "We deliver on Mondays.",
    4: "退货需要七天。",
    5: "Shops are closed on Sundays.",
}
ROWS = [
    (1, "How do I reset it?", 1, [3, 5]),
    (2, "How do I reset it?", 2, [3]),
    (3, "退货?", 4, []),
]


def name(letter, number):
    return f"{letter}{number:016x}"


def write_small_run():
    """Write the parameters, the tables and the details into the current folder."""
    for file in ("params.yaml", "pyproject.toml"):
        Path(file).write_text((ROOT / file).read_text("utf-8"), "utf-8")

    documents = [
        (name("d", key), "shop", f"Title {key}", text, "", "") for key, text in TEXTS.items()
    ]
    frame = pd.DataFrame(documents, columns=list(Documents.empty().columns))
    tables.write(frame, Path("data/pair/documents.parquet"), Documents)
    tables.write(pd.DataFrame(map(triplet, ROWS)), Path("data/mine/triplets.parquet"), Triplets)
    copies = pd.DataFrame({"doc_id": [name("d", 9)], "kept_id": [name("d", 3)]})
    tables.write(copies, Path("data/deduplicate/aliases.parquet"), Aliases)

    # Validation asks for a dropped copy, with half a grade beside a whole one. Test has no query.
    query = (name("q", 1), name("d", 3), "On which day?", "On which day?", "", "shop")
    asked = pd.DataFrame([query], columns=list(Queries.empty().columns))
    judged = pd.DataFrame(
        {"query_id": name("q", 1), "doc_id": [name("d", 9), name("d", 5)], "grade": [1.0, 0.5]}
    )
    for split, rows in (("validation", 1), ("test", 0)):
        folder = Path("data/split") / split
        tables.write(asked.head(rows), folder / "queries.parquet", Queries)
        tables.write(judged.head(2 * rows), folder / "qrels.parquet", Qrels)
    for stage in ("collect", "clean"):
        details = Path(f"metrics/details/{stage}.json")
        details.parent.mkdir(parents=True, exist_ok=True)
        details.write_text(json.dumps({"rows_in": 7, "dropped": {"empty_text": 2}}), "utf-8")


def triplet(row):
    number, query, answer, negatives = row
    ids = [name("d", key) for key in negatives]
    return {
        "pair_id": name("p", number),
        "component_id": name("d", 1),
        "anchor": query,
        "doc_id": name("d", answer),
        "positive": TEXTS[answer],
        "positive_score": 0.5,
        "negative_ids": ids,
        "negatives": [TEXTS[key] for key in negatives],
        "negative_scores": [0.25] * len(ids),
        "negative_cross_scores": [float("nan")] * len(ids),
        "negative_miners": ["bm25"] * len(ids),
        "negative_ranks": [1] * len(ids),
        "negative_rules": ["margin"] * len(ids),
        "positive_ids": [name("d", answer)],
        "in_batch_ids": [name("d", answer), *ids],
    }
