"""The projector is the same each time and shows nothing of the test split."""

import json
import time
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stages.lib.retrieval.corpus import Corpus
from stages.validate.document_map import (
    sample_points,
    write_projector,
)

IDS = [f"d{at:016x}" for at in range(8)]
SPLITS = ["train", "validation", "corpus", "test", "protected", "train", "test", "corpus"]
DOCUMENTS = pd.DataFrame(
    {
        "doc_id": IDS,
        "topic": ["eye", "eye", "", "ear", "ear", "ear", "ear", "eye"],
        "text": ["a\tb\nc " * 40] * 8,
    }
)
SPLIT_ROWS = pd.DataFrame({"id": IDS, "component_id": IDS, "split": SPLITS})
VECTORS = np.random.default_rng(1).normal(size=(9, 5)).astype(np.float32)
STARTS = np.array([0, 2, 3, 4, 5, 6, 7, 8])


def points(size=10):
    corpus = Corpus(np.array(IDS), ["text"] * 9, STARTS)
    return sample_points(DOCUMENTS, corpus, VECTORS, splits=SPLIT_ROWS, size=size)


def test_the_test_split_is_left_out_and_passages_are_first():
    sample = points()
    assert sample.documents["doc_id"].tolist() == [IDS[at] for at in (0, 1, 2, 5, 7)]
    assert sample.vectors.tolist() == VECTORS[STARTS[[0, 1, 2, 5, 7]]].tolist()


def test_fewer_are_a_part_of_more():
    assert set(points(3).documents["doc_id"]) < set(points(4).documents["doc_id"])


def test_the_projector_reads_a_row_of_each_per_point(tmp_path):
    write_projector(points(), tmp_path)
    vectors = pd.read_csv(tmp_path / "vectors.tsv", sep="\t", header=None)
    metadata = Path(tmp_path / "metadata.tsv").read_text("utf-8").splitlines()
    assert vectors.shape == (5, 5)
    assert vectors.to_numpy() == pytest.approx(points().vectors, abs=1e-5)
    assert metadata[0] == "doc_id\ttopic\tsplit\ttext"
    assert len(metadata) == 6
    assert all(line.count("\t") == 3 for line in metadata)
    assert metadata[1].startswith(f"{IDS[0]}\teye\ttrain\ta b c a b c")
    write_projector(points(), tmp_path / "again")
    assert {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()} == {
        path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()
    }
    assert '"vectors.tsv"' in (tmp_path / "projector_config.pbtxt").read_text()


@pytest.mark.slow
def test_tensorboard_shows_the_map_in_its_projector(tmp_path):
    from tensorboard import program

    write_projector(points(), tmp_path / "validate")
    server = program.TensorBoard()
    server.configure(
        argv=[
            "",
            "--logdir",
            str(tmp_path),
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--load_fast",
            "false",
        ]
    )
    url = server.launch()

    def get(path):
        with urllib.request.urlopen(f"{url}data/plugin/projector/{path}", timeout=30) as answer:
            return answer.read()

    waited = 0
    while (
        "validate" not in json.loads(get("runs")) and waited < 60
    ):  # it looks for runs in a thread of its own
        time.sleep(0.5)
        waited += 1
    (embedding,) = json.loads(get("info?run=validate"))["embeddings"]
    assert embedding["tensorShape"] == [5, 5]
    assert (
        get("metadata?run=validate&name=vectors.tsv").decode().splitlines()[0]
        == "doc_id\ttopic\tsplit\ttext"
    )
