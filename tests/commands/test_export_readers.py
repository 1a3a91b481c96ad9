r"""The libraries that the formats are for read them: BEIR, MTEB, FlagEmbedding, and others.

They are not in the environment. Without their dependencies they bring no torch of their own. By hand:
    pip install --target FOLDER --no-deps beir pytrec-eval-terrier FlagEmbedding peft mteb polars polars-runtime-32
    pip install --target FOLDER --no-deps tevatron==0.1.0 nemo-automodel==0.7.0 tensorflow-cpu==2.21.0
    pip install --target FOLDER --no-deps absl-py astunparse flatbuffers gast google-pasta h5py keras ml-dtypes \
        namex opt-einsum optree termcolor
    PYTHONPATH=FOLDER python -m pytest tests/commands/test_export_readers.py
"""

import importlib
import json
import runpy
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from stages.commands.export.__main__ import app
from stages.lib.core import tables
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import ModelParams, load_section
from stages.lib.schemas.training import tokens_schema
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


def tokenizer():
    """Return the tokenizer of the base model. Its vocabulary has no Chinese word of the small run."""
    from transformers import AutoTokenizer

    model = load_section(ModelParams, Path("params.yaml"))
    return AutoTokenizer.from_pretrained(find_base_model(model))


def test_tevatron_tokenizes_the_texts_of_a_row(project):
    arguments = library("tevatron.arguments")
    datasets = library("tevatron.datasets")
    folder = export("tevatron")
    encode = tokenizer()

    def read(kind, file):
        # A folder in place of the name of a data set of the hub, and a file in it.
        settings = arguments.DataArguments(dataset_name=f"./{folder}")
        settings.train_path = settings.encode_in_path = [file]
        return kind(encode, settings, cache_dir="cache").process().to_list()

    def texts(sequences):
        return [encode.decode(sequence) for sequence in sequences]

    first, second = read(datasets.HFTrainDataset, "train.jsonl")
    assert texts([first["query"]]) == ["how do i reset it?"]
    assert texts(first["positives"]) == ["hold the button for ten seconds."]
    assert texts(first["negatives"]) == [
        "we deliver on mondays.",
        "shops are closed on sundays.",
    ]
    assert texts(second["negatives"]) == ["we deliver on mondays."]

    # The passage is tokenized as the model reads it, without a title or a blank in front.
    assert first["positives"] == [encode.encode(TEXTS[1], add_special_tokens=False)]
    assert len(read(datasets.HFTrainDataset, "train-no-negatives.jsonl")) == 1
    corpus = read(datasets.HFCorpusDataset, "corpus.jsonl")
    assert [row["text_id"] for row in corpus] == [name("d", key) for key in TEXTS]


@pytest.mark.parametrize("kind", ["train", "corpus"])
def test_tevatron_has_no_title_to_put_in_front(project, kind):
    preprocessor = library("tevatron.datasets.preprocessor")
    lines = (Path(export("tevatron")) / f"{kind}.jsonl").read_text("utf-8").splitlines()

    class Words:
        """A tokenizer that returns the text that it gets."""

        def encode(self, text, **_):
            return text

    row = json.loads(lines[0])
    if kind == "corpus":
        assert preprocessor.CorpusPreProcessor(Words())(row)["text"] == TEXTS[1]
    else:
        assert preprocessor.TrainPreProcessor(Words())(row)["positives"] == [TEXTS[1]]


def test_nemo_finds_the_passages_by_their_ids(project):
    reader = library("nemo_automodel.components.datasets.llm.retrieval_dataset")
    file = f"{export('nemo')}/train.json"
    data, corpora = reader.load_datasets(file)
    assert data["question"] == ["How do I reset it?", "How do I reset it?", "退货?"]
    assert list(corpora) == ["corpus"]
    assert corpora["corpus"].get_document_by_id(name("d", 4))["text"] == TEXTS[4]
    assert corpora["corpus"].get_all_ids() == [name("d", key) for key in TEXTS]

    # What its trainer draws: the positive and one negative of each row.
    rows = reader.make_retrieval_dataset(file, n_passages=2)
    assert rows[0]["doc_text"] == [TEXTS[1], TEXTS[3]]
    assert rows[1]["doc_text"] == [TEXTS[2], TEXTS[3]]


def test_tensorflow_takes_the_tokens_in_batches(project):
    library("tensorflow")
    rows = []
    for number in (1, 2, 3):
        row = {"pair_id": name("p", number), "component_id": "c", "score": 0.5, "negatives": 1}
        row |= {"positive_ids": [name("d", number)], "in_batch_ids": [name("d", number)]}
        for column in ("anchor", "positive", "negative_1"):
            row |= {f"{column}_input_ids": [number, 8], f"{column}_attention_mask": [1, 0]}
        rows.append(row)
    schema = tokens_schema(length=2, negatives=1)
    tables.write(pd.DataFrame(rows), Path("data/tokenize/tokens.parquet"), schema)

    data = runpy.run_path(f"{export('tensorflow')}/load.py")["data_set"]()
    batches = [
        {key: value.tolist() for key, value in batch.items()}
        for batch in data.batch(2).as_numpy_iterator()
    ]
    assert len(batches) == 2
    assert batches[0]["anchor_input_ids"] == [[1, 8], [2, 8]]
    assert batches[1] == {
        "anchor_input_ids": [[3, 8]],
        "anchor_attention_mask": [[1, 0]],
        "positive_input_ids": [[3, 8]],
        "positive_attention_mask": [[1, 0]],
        "negative_1_input_ids": [[3, 8]],
        "negative_1_attention_mask": [[1, 0]],
        "score": [0.5],
    }
