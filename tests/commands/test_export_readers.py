"""The libraries that the formats are for read them: BEIR, MTEB, FlagEmbedding.

They are not in the environment. By hand:
    pip install --target FOLDER --no-deps beir pytrec-eval-terrier FlagEmbedding peft mteb polars polars-runtime-32
    PYTHONPATH=FOLDER python -m pytest tests/commands/test_export_readers.py
"""

import importlib
import runpy

import pytest
from typer.testing import CliRunner

from stages.commands.export.__main__ import app
from tests.commands.small_run import TEXTS, name, write_small_run

pytestmark = pytest.mark.prove
QUERY = name("q", 1)
GRADES = {QUERY: {name("d", 3): 10, name("d", 5): 5}}
# The better document comes second: gains of 5 and 10 over log2(2) and log2(3), where 10 and 5 are ideal.
RUN = {QUERY: {name("d", 5): 2.0, name("d", 3): 1.0}}
NDCG = (5 + 10 / 1.5849625007) / (10 + 5 / 1.5849625007)


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    write_small_run()
    return tmp_path


def library(module):
    """Return a module, or skip the test where the library or something that it needs is missing."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        pytest.skip(f"{module} cannot be imported: {error}")


def export(kind):
    result = CliRunner().invoke(app, [kind, "out"])
    assert result.exit_code == 0, result.output
    return "out"


def test_beir_reads_and_scores_a_split(project):
    loader = library("beir.datasets.data_loader")
    evaluation = library("beir.retrieval.evaluation")
    data = loader.GenericDataLoader(data_folder=export("beir"))
    corpus, queries, qrels = data.load(split="dev")
    assert corpus[name("d", 2)] == {"text": TEXTS[2], "title": ""}
    assert len(corpus) == 5
    assert queries == {QUERY: "On which day?"}
    assert qrels == GRADES
    ndcg, *_ = evaluation.EvaluateRetrieval.evaluate(qrels, RUN, [10])
    assert ndcg["NDCG@10"] == pytest.approx(NDCG, abs=1e-5)

    training = loader.GenericDataLoader(data_folder="out").load(split="train")
    assert training[2] == {
        name("p", 1): {name("d", 1): 1, name("d", 2): 1},
        name("p", 3): {name("d", 4): 1},
    }


def test_mteb_loads_the_task(project):
    library("mteb")
    task = runpy.run_path(f"{export('mteb')}/task.py")["OwnRetrieval"]()
    task.load_data()
    assert task.relevant_docs == {"dev": GRADES}
    assert task.queries == {"dev": {QUERY: "On which day?"}}
    assert task.corpus["dev"][name("d", 4)]["text"] == TEXTS[4]
    assert task.metadata.main_score == "ndcg_at_10"


def test_flag_embedding_draws_groups(project):
    reader = library("FlagEmbedding.abc.finetune.embedder.AbsDataset")
    arguments = library("FlagEmbedding.abc.finetune.embedder.AbsArguments")
    folder = export("flag-embedding")

    def rows(file, group_size):
        data = arguments.AbsEmbedderDataArguments(
            train_data=[f"{folder}/{file}"], train_group_size=group_size, cache_path="cache"
        )
        read = reader.AbsEmbedderTrainDataset(data, tokenizer=None)
        return [read[number] for number in range(len(read))]

    # A group of three is filled up from one negative.
    first, second = rows("train.jsonl", 3)
    assert first[:2] in [
        ("How do I reset it?", [TEXTS[1], *negatives])
        for negatives in ([TEXTS[3], TEXTS[5]], [TEXTS[5], TEXTS[3]])
    ]
    assert second[:2] == ("How do I reset it?", [TEXTS[2], TEXTS[3], TEXTS[3]])
    assert rows("train-no-negatives.jsonl", 1)[0][:2] == ("退货?", [TEXTS[4]])

    # Together with others they break its reader: this is why there are two files.
    with pytest.raises(ZeroDivisionError):
        rows("train-no-negatives.jsonl", 3)
