"""What is exported is read by the tools that it is meant for, and says the same."""

import json
from pathlib import Path

import ir_measures
import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from stages.collect.kinds.trainer import TrainerSource, read_trainer
from stages.collect.records import DocumentRow, PairRow
from stages.collect.source import ReadRequest
from stages.commands.export.__main__ import ExportFormat, app
from stages.lib.core import tables
from stages.lib.schemas.training import tokens_schema
from tests.commands.small_run import ROWS, TEXTS, name, write_small_run

OTHERS = (
    ExportFormat.trec,
    ExportFormat.model,
    ExportFormat.onnx,
    ExportFormat.tensorflow,
    ExportFormat.query_cleaner,
)
FORMATS = [name for name in ExportFormat if name not in OTHERS]


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_small_run()
    return tmp_path


def export(kind, folder="out"):
    result = CliRunner().invoke(app, [kind, folder])
    assert result.exit_code == 0, result.output
    return Path(folder)


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_the_columns_of_sentence_transformers_are_the_same_in_each_file(project):
    folder = export("sentence-transformers")
    assert lines(folder / "train-2.jsonl") == [
        {
            "anchor": "How do I reset it?",
            "positive": TEXTS[1],
            "negative_1": TEXTS[3],
            "negative_2": TEXTS[5],
        }
    ]
    assert lines(folder / "train-0.jsonl") == [{"anchor": "退货?", "positive": TEXTS[4]}]
    assert sorted(path.name for path in folder.glob("train*")) == [
        "train-0.jsonl",
        "train-1.jsonl",
        "train-2.jsonl",
        "train.py",
    ]


def test_a_query_with_two_answers_has_one_id(project):
    folder = export("flag-embedding")
    rows = lines(folder / "train.jsonl")
    assert [row["query_id"] for row in rows] == [name("p", 1), name("p", 1)]
    assert rows[0]["pos"] == [TEXTS[1]]
    assert rows[0]["pos_id"] == [name("d", 1)]
    assert rows[0]["neg"] == [TEXTS[3], TEXTS[5]]
    assert "prompt" not in rows[0]

    # Its reader breaks off at a row without negatives, so they are in a file of their own.
    (other,) = lines(folder / "train-no-negatives.jsonl")
    assert (other["query_id"], other["pos"], other["neg"]) == (name("p", 3), [TEXTS[4]], [])


def test_a_prompt_of_the_model_is_told(project):
    params = Path("params.yaml").read_text("utf-8")
    params = params.replace("  anchor_prompt: null\n", '  anchor_prompt: "query: "\n')
    params = params.replace('  anchor_prompt: ""\n', '  anchor_prompt: "query: "\n')
    Path("params.yaml").write_text(params, "utf-8")
    folder = export("flag-embedding")
    assert {row["prompt"] for row in lines(folder / "train.jsonl")} == {"query: "}
    assert "'query: ' before a query" in (folder / "README.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("kind", "file", "corpus"),
    [
        ("flag-embedding", "train*.jsonl", None),
        ("tevatron", "train*.jsonl", None),
        ("nemo", "train.json", "corpus/train.parquet"),
        ("llama-index", "train.json", None),
    ],
)
def test_what_trainers_read_comes_back_as_it_was(project, kind, file, corpus):
    export(kind, "data/raw/own")
    settings = {"reader": "trainer", "path": f"data/raw/own/{file}"}
    if corpus:
        settings["corpus"] = f"data/raw/own/{corpus}"
    rows = read_trainer(
        TrainerSource.model_validate(settings), ReadRequest("own", Path("data/raw"))
    )
    documents = map(DocumentRow._make, rows.documents)
    text_of_document = {document.doc_id: document.text for document in documents}
    pairs = list(map(PairRow._make, rows.pairs))
    answers = {(pair.anchor, text_of_document[pair.doc_id]) for pair in pairs if pair.score > 0}
    assert answers == {(query, TEXTS[answer]) for _, query, answer, _ in ROWS}

    # What is no answer is none there either, where the layout can say so.
    refused = {(pair.anchor, text_of_document[pair.doc_id]) for pair in pairs if pair.score == 0}
    hard = {(query, TEXTS[key]) for _, query, _, negatives in ROWS for key in negatives}
    assert refused == (set() if kind == "llama-index" else hard)


def test_a_test_collection_is_read_with_its_splits(project):
    folder = export("beir")
    assert (folder / "qrels/dev.tsv").read_text("utf-8") == (
        "query-id\tcorpus-id\tscore\n"
        f"{name('q', 1)}\t{name('d', 3)}\t10\n{name('q', 1)}\t{name('d', 5)}\t5\n"
    )
    assert [row["_id"] for row in lines(folder / "queries.jsonl")] == [
        name("p", 1),
        name("p", 3),
        name("q", 1),
    ]
    first = lines(folder / "corpus.jsonl")[0]
    assert (first["title"], first["text"], first["metadata"]) == (
        "",
        TEXTS[1],
        {"title": "Title 1"},
    )

    # A perfect run has a perfect score by another evaluator.
    run = [
        ir_measures.ScoredDoc(name("q", 1), name("d", 3), 2.0),
        ir_measures.ScoredDoc(name("q", 1), name("d", 5), 1.0),
    ]
    graded = pd.read_csv(folder / "qrels/dev.tsv", sep="\t")
    qrels = [ir_measures.Qrel(*row) for row in graded.itertuples(index=False)]
    assert ir_measures.calc_aggregate([ir_measures.nDCG @ 10], qrels, run) == {
        ir_measures.nDCG @ 10: 1.0
    }


@pytest.mark.slow
def test_the_library_of_the_hub_reads_the_folder(project):
    from datasets import load_dataset

    folder = str(export("hugging-face"))
    train = load_dataset(folder, "train", split="train", cache_dir="cache")
    assert train[1]["anchor"] == "How do I reset it?"
    assert train[0]["negatives"] == [TEXTS[3], TEXTS[5]]
    corpus = load_dataset(folder, "corpus", split="corpus", cache_dir="cache")
    assert corpus["text"][3] == TEXTS[4]
    qrels = load_dataset(folder, "qrels", split="dev", cache_dir="cache")
    assert qrels["score"][:] == [10, 5]


def test_tokens_are_arrays_of_one_row_a_pair(project):
    row = {"pair_id": name("p", 1), "component_id": "c", "score": 1.0, "negatives": 1}
    row |= {"positive_ids": [name("d", 1)], "in_batch_ids": [name("d", 1)]}
    for column in ("anchor", "positive", "negative_1"):
        row |= {f"{column}_input_ids": [7, 8], f"{column}_attention_mask": [1, 0]}
    schema = tokens_schema(length=2, negatives=1)
    tables.write(pd.DataFrame([row]), Path("data/tokenize/tokens.parquet"), schema)
    folder = export("tensorflow")
    ids = np.load(folder / "negative_1_input_ids.npy")
    assert (ids.tolist(), ids.dtype) == ([[7, 8]], np.int32)
    assert np.load(folder / "anchor_attention_mask.npy").tolist() == [[1, 0]]
    assert np.load(folder / "score.npy").tolist() == [1.0]


@pytest.mark.parametrize("kind", FORMATS)
def test_each_folder_tells_its_hashes(project, kind):
    folder = export(kind)
    described = json.loads((folder / "croissant.json").read_text("utf-8"))
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {entry["@id"] for entry in described["distribution"]} == files - {"croissant.json"}
    head = (folder / "README.md").read_text("utf-8").split("---")[1]
    assert yaml.safe_load(head)["task_categories"] == ["sentence-similarity", "text-retrieval"]
    for entry in described["distribution"]:
        size = (folder / entry["@id"]).stat().st_size
        assert entry["contentSize"] == f"{size} B"


def test_the_card_tells_what_was_left_out(project):
    text = (export("parquet") / "README.md").read_text("utf-8")
    assert "| train | trained on | 2 | 3 |" in text
    assert "| dev | held out, for decisions | 1 | 2 |" in text
    assert "7 records in; 4 rejected, 29 % of the rows of clean (empty text)" in text
    assert "| shop | 5 |" in text


def test_a_folder_with_files_is_left_alone(project):
    Path("out").mkdir()
    Path("out/mine.txt").write_text("mine", "utf-8")
    result = CliRunner().invoke(app, ["beir", "out"])
    assert result.exit_code == 1
    assert "would be replaced" in result.output
    assert Path("out/mine.txt").read_text("utf-8") == "mine"


def test_without_training_rows_nothing_is_written(project):
    Path("data/mine/triplets.parquet").unlink()
    result = CliRunner().invoke(app, ["beir", "out"])
    assert result.exit_code == 1
    assert "dvc repro mine" in result.output
    assert not Path("out").exists()


def test_data_that_did_not_pass_is_said_to_be_so(project):
    assert "have not passed" in CliRunner().invoke(app, ["beir", "one"]).output
    Path("data/validate").mkdir(parents=True)
    Path("data/validate/verdict.json").write_text('{"passed": true}', "utf-8")
    assert "have not passed" not in CliRunner().invoke(app, ["beir", "two"]).output


def test_json_holds_files_and_whether_the_gates_passed(project):
    result = CliRunner().invoke(app, ["beir", "out", "--json"])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert figures["folder"] == "out"
    assert figures["gates_passed"] is False
    assert figures["files"]["qrels/dev.tsv"] == Path("out/qrels/dev.tsv").stat().st_size
    assert "README.md" in figures["files"]
