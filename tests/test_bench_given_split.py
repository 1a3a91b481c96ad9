"""A generated public set, with given splits and grades 0 to 3, through the real stages up to mining."""

import json

import pandas as pd
import pytest

from bench import given_split, trials
from stages.collect.records import document_id
from tests.conftest import TASKS, THINGS

pytestmark = pytest.mark.slow

DOCUMENTS = [
    {"_id": f"{task}-{thing}", "title": "", "text": told.format(name)}
    for task, (_, told) in enumerate(TASKS)
    for thing, name in enumerate(THINGS)
]


def judgements():
    """Return ten judgements for each of sixty queries: its answer 3, like things 1 and 2, others 0.

    Queries are of all splits, and so are the documents. One training query repeats a test query, and
    one test query has an answer that the corpus lacks.
    """
    rows = []
    for thing, name in enumerate(THINGS):
        for task, (asked, _) in enumerate(TASKS[:3]):
            split = ("train", "train", "dev", "test")[(thing + task) % 4]
            grades = {
                f"{task}-{thing}": 3,
                f"{task}-{(thing + 1) % 20}": 2,
                f"{task}-{(thing + 2) % 20}": 1,
                **{f"{(task + step) % 10}-{thing}": 0 for step in range(1, 8)},
            }
            for doc, grade in grades.items():
                rows.append(
                    {
                        "id": f"{task}-{thing}",
                        "query": asked.format(name),
                        "doc": doc,
                        "grade": str(grade),
                        "split": split,
                    }
                )
    test_query = next(row["query"] for row in rows if row["split"] == "test")
    repeated = {
        "id": "again",
        "query": test_query.upper(),
        "doc": "5-5",
        "grade": "1",
        "split": "train",
    }
    missing = {"id": "", "query": test_query, "doc": "missing", "grade": "3", "split": "test"}
    return [*rows, repeated, missing]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return the copy of the project after mining."""
    folder = tmp_path_factory.mktemp("public") / "project"
    corpus = "\n".join(json.dumps(row) for row in DOCUMENTS).encode()
    given_split.run_stages(folder, corpus, judgements())
    for stage in ("augment", "mine"):
        trials.run(folder, stage)
    return folder


@pytest.mark.parametrize("split", ["validation", "test"])
def test_held_out_queries_are_asked_as_given_and_measured_as_by_ir_measures(project, split):
    figures = given_split.measure(project, split, judgements())
    assert figures[f"{split}.queries"] == figures[f"{split}.asked"] == 15
    assert figures[f"{split}.components"] == 15
    assert figures[f"{split}.compared"] == 45
    assert figures[f"{split}.largest_difference"] < 1e-9
    assert 0.1 < figures[f"{split}.judged_at_10"] < 1.0


def test_the_repeated_query_left_training_and_shared_documents_are_counted(project):
    figures = given_split.count_leaks(project)
    assert figures["leaks"] == 0
    assert figures["given.repeated_pairs"] == figures["given.left_out"] == 1
    assert figures["given.shared_documents"] > 0
    ledger = pd.read_parquet(project / "data/split/ledger.parquet")
    assert ledger.query("reason == 'repeats_held_out'").shape[0] == 1


def test_only_the_highest_grade_of_a_training_query_is_trained_on(project):
    triplets = pd.read_parquet(project / "data/mine/triplets.parquet")
    best = {
        (row["query"], document_id("documents", row["doc"]))
        for row in judgements()
        if row["grade"] == "3" and row["split"] == "train"
    }
    # Variants of augmentation have the document of their anchor.
    trained = set(zip(triplets["anchor"], triplets["doc_id"], strict=True))
    assert trained & best and {doc_id for _, doc_id in trained} <= {doc_id for _, doc_id in best}
    ledger = pd.read_parquet(project / "data/pair/ledger.parquet")
    assert ledger["reason"].value_counts()["below_positive_grade"] == 120


def test_labelled_negatives_are_of_grade_0_of_the_same_training_query(project):
    irrelevant, relevant = set(), set()
    for row in judgements():
        pair = (row["query"], document_id("documents", row["doc"]))
        if row["grade"] == "0" and row["split"] == "train":
            irrelevant.add(pair)
        elif row["grade"] != "0":
            relevant.add(pair)
    splits = pd.read_parquet(project / "data/split/splits.parquet").set_index("id")["split"]
    triplets = pd.read_parquet(project / "data/mine/triplets.parquet")
    labelled = 0
    for row in triplets.itertuples():
        for doc_id, miner in zip(row.negative_ids, row.negative_miners, strict=True):
            assert (row.anchor, doc_id) not in relevant, "a relevant document is no negative"
            assert splits[doc_id] in ("train", "corpus")
            if "labelled" in miner:
                labelled += 1
                assert (row.anchor, doc_id) in irrelevant
    assert labelled > 0
