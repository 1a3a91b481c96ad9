"""The benchmark of raw against cleaned queries, on a generated test collection with dirty queries."""

import json

import pytest

from bench import query_skew
from bench.given_split import Judgements
from stages.collect.records import document_id
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import ModelParams, load_section
from stages.lib.retrieval.encoder import Encoder
from tests.conftest import TASKS, THINGS


def write_collection(folder, *, dirt):
    """Write 60 questions with one answer each; `dirt` stands before each question."""
    documents = []
    queries = []
    qrels = ["query-id\tcorpus-id\tscore"]
    for number, (question, answer) in enumerate(TASKS[:3]):
        for thing in THINGS:
            key = f"{number}-{thing.replace(' ', '-')}"
            documents.append({"_id": key, "title": "", "text": answer.format(thing)})
            queries.append({"_id": key, "text": dirt + question.format(thing)})
            qrels.append(f"{key}\t{key}\t1")
    (folder / "qrels").mkdir(parents=True)
    (folder / "qrels/test.tsv").write_text("\n".join(qrels) + "\n", "utf-8")
    for name, rows in (("corpus", documents), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", "utf-8")


@pytest.mark.slow
def test_dirt_that_the_cleaner_takes_off_costs_and_clean_queries_do_not(tmp_path, own_cache):
    model = load_section(ModelParams)
    encoder = Encoder(find_base_model(model))
    dirty = tmp_path / "dirty"
    write_collection(dirty, dirt="<b>&nbsp;&#62;&#62;</b> <br/><br/>&quot;&amp;&quot; ")
    collection = query_skew.read_collection(tmp_path / "project", dirty)
    figures = query_skew.compare(collection, collection.queries, encoder, model)
    assert figures["queries"] == figures["changed"] == 60
    assert figures["low"] <= figures["difference"] <= figures["high"]
    assert figures["difference"] == pytest.approx(figures["cleaned"] - figures["raw"])
    assert figures["changed_difference"] == figures["difference"]

    # Clean queries stay as they are, whatever the corpus.
    clean = {key: text.rpartition("&quot; ")[2] for key, text in collection.queries.items()}
    figures = query_skew.compare(collection, clean, encoder, model)
    assert (figures["changed"], figures["difference"]) == (0, 0)
    assert "changed_difference" not in figures


def test_a_grade_of_0_is_no_answer():
    rows: Judgements = [
        {"id": "q1", "query": "?", "doc": "a", "grade": "2", "split": "test"},
        {"id": "q1", "query": "?", "doc": "b", "grade": "0", "split": "test"},
    ]
    assert query_skew.grades(rows) == {"q1": {document_id("documents", "a"): 2.0}}


def test_a_rate_of_1_misspells_each_word_of_the_list():
    texts = query_skew.misspell({"q1": "open the window"}, {"window": ["windwo"]}, rate=1.0)
    assert texts == {"q1": "open the windwo"}
