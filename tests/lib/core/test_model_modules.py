"""What loads is what is pinned: the modules of a model, their weights, and nothing elsewhere."""

import hashlib
import json

import pytest

from stages.lib.core.errors import UserError
from stages.lib.core.model_files import find_base_model, model_hash, weight_files, weights_hash
from stages.lib.core.params import ModelParams

WHERE = "params.yaml: model.base 'x'"
OWN = "sentence_transformers.models."


def write_json(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values), "utf-8")


def modules(folder, *entries):
    values = [{"path": path, "type": kind} for kind, path in entries]
    write_json(folder / "modules.json", values)


@pytest.fixture
def folder(tmp_path):
    """Stand in for a saved model with a dense module: files, not what they compute."""
    folder = tmp_path / "saved"
    modules(
        folder,
        (f"{OWN}Transformer", ""),
        (f"{OWN}Pooling", "1_Pooling"),
        (f"{OWN}Dense", "2_Dense"),
    )
    write_json(folder / "config.json", {"model_type": "bert"})
    write_json(folder / "1_Pooling/config.json", {"pooling_mode": "mean"})
    write_json(folder / "2_Dense/config.json", {"in_features": 4})
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "2_Dense/model.safetensors").write_bytes(b"dense")
    return folder


def names(folder):
    return [file.relative_to(folder).as_posix() for file in weight_files(folder, WHERE)]


def test_the_weights_of_every_module_are_loaded(folder):
    assert names(folder) == ["model.safetensors", "2_Dense/model.safetensors"]


def test_weights_that_no_module_names_are_not_loaded(folder):
    modules(folder, (f"{OWN}Transformer", ""), (f"{OWN}Pooling", "1_Pooling"))
    assert names(folder) == ["model.safetensors"]


def test_a_model_whose_modules_lie_below_it_loads_nothing_of_its_root(folder):
    modules(folder, (f"{OWN}Transformer", "0_Transformer"))
    with pytest.raises(UserError, match=r"holds no model\.safetensors"):
        weight_files(folder, WHERE)
    (folder / "0_Transformer").mkdir()
    (folder / "0_Transformer/model.safetensors").write_bytes(b"other")
    assert names(folder) == ["0_Transformer/model.safetensors"]


def test_a_router_holds_modules_below_its_own_folder(folder):
    modules(folder, ("sentence_transformers.base.modules.Router", ""))
    types = {"query_0": f"{OWN}Transformer", "document_0": f"{OWN}StaticEmbedding"}
    write_json(folder / "router_config.json", {"types": types})
    for name in types:
        (folder / name).mkdir()
        (folder / name / "model.safetensors").write_bytes(name.encode())
    assert names(folder) == ["document_0/model.safetensors", "query_0/model.safetensors"]


@pytest.fixture
def parts(folder):
    """Stand in for a saved model whose first module has its weights in two files."""
    (folder / "model.safetensors").unlink()
    (folder / "model-00001-of-00002.safetensors").write_bytes(b"first")
    (folder / "model-00002-of-00002.safetensors").write_bytes(b"second")
    index = {"b": "model-00002-of-00002.safetensors", "a": "model-00001-of-00002.safetensors"}
    write_json(folder / "model.safetensors.index.json", {"metadata": {}, "weight_map": index})
    return folder


def test_weights_in_several_files_are_those_of_the_index(parts):
    (parts / "model-00003-of-00003.safetensors").write_bytes(b"of an older version")
    assert names(parts) == [
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "2_Dense/model.safetensors",
    ]


def test_one_file_goes_before_an_index(parts):
    (parts / "model.safetensors").write_bytes(b"weights")
    assert names(parts) == ["model.safetensors", "2_Dense/model.safetensors"]


def test_the_hash_holds_every_file_and_the_index(parts):
    before = weights_hash(parts, WHERE)
    (parts / "model-00002-of-00002.safetensors").write_bytes(b"other")
    with_other_part = weights_hash(parts, WHERE)
    index = {"a": "model-00002-of-00002.safetensors", "b": "model-00001-of-00002.safetensors"}
    write_json(parts / "model.safetensors.index.json", {"weight_map": index})
    assert len({before, with_other_part, weights_hash(parts, WHERE)}) == 3


@pytest.mark.parametrize(
    ("index", "fact"),
    [
        ({}, "names no files of safetensors beside it"),
        ({"weight_map": {}}, "names no files of safetensors beside it"),
        ({"weight_map": {"a": "../other.safetensors"}}, "names no files of safetensors beside it"),
        ({"weight_map": {"a": "..\\other.safetensors"}}, "names no files of safetensors beside it"),
        ({"weight_map": {"a": "pytorch_model.bin"}}, "names no files of safetensors beside it"),
        ({"weight_map": {"a": 1}}, "names no files of safetensors beside it"),
        ({"weight_map": {"a": "model-9.safetensors"}}, "model-9.safetensors is missing, which"),
    ],
)
def test_an_index_that_is_damaged_is_refused(index, fact, parts):
    write_json(parts / "model.safetensors.index.json", index)
    with pytest.raises(UserError, match=fact):
        weight_files(parts, WHERE)


def test_the_hash_of_one_file_is_that_of_the_file_and_of_several_that_of_all(folder):
    dense = hashlib.sha256(b"dense").hexdigest()
    root = hashlib.sha256(b"weights").hexdigest()
    lines = f"model.safetensors {root}\n2_Dense/model.safetensors {dense}\n"
    assert weights_hash(folder, WHERE) == hashlib.sha256(lines.encode()).hexdigest()
    modules(folder, (f"{OWN}Transformer", ""))
    assert weights_hash(folder, WHERE) == root


@pytest.mark.parametrize(
    "name",
    [
        "model.safetensors",
        "2_Dense/model.safetensors",
        "1_Pooling/config.json",
        "modules.json",
        "tokenizer.json",
    ],
)
def test_a_change_of_any_file_that_loads_is_refused(folder, name):
    def params(weights, files):
        return ModelParams(
            base=str(folder),
            sha256=files,
            weights_sha256=weights,
            anchor_prompt="",
            document_prompt="",
        )

    pins = (weights_hash(folder, WHERE), model_hash(folder))
    assert find_base_model(params(*pins)) == folder
    before = (folder / name).read_bytes() if (folder / name).exists() else b""
    (folder / name).write_bytes(before + b" ")
    with pytest.raises(UserError) as caught:
        find_base_model(params(*pins))
    assert model_hash(folder) in caught.value.remedy
    assert find_base_model(params("", "")) == folder
    assert find_base_model(params(weights_hash(folder, WHERE), model_hash(folder))) == folder


# ---- what is refused


def pickle_instead(folder):
    (folder / "2_Dense/model.safetensors").rename(folder / "2_Dense/pytorch_model.bin")


def pickle_of_the_whole(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def pickle_in_a_router(folder):
    modules(folder, (f"{OWN}Transformer", ""), (f"{OWN}Router", "3_Router"))
    write_json(folder / "3_Router/router_config.json", {"types": {"a": f"{OWN}Dense"}})
    (folder / "3_Router/a").mkdir()
    (folder / "3_Router/a/pytorch_model.bin").write_bytes(b"\x80")


def code_in_a_router(folder):
    modules(folder, (f"{OWN}Router", ""))
    write_json(folder / "router_config.json", {"types": {"a": "modeling.Own"}})


def code(folder):
    modules(folder, (f"{OWN}Transformer", ""), ("modeling_own.Own", ""))


def installed_code(folder):
    modules(folder, (f"{OWN}Transformer", ""), ("os.path.join", ""))


def similar_name(folder):
    modules(folder, ("sentence_transformers_evil.Transformer", ""))


def outside(folder):
    modules(folder, (f"{OWN}Transformer", "../other"))


def absolute(folder):
    modules(folder, (f"{OWN}Transformer", "/tmp"))


def adapter(folder):
    write_json(folder / "adapter_config.json", {"base_model_name_or_path": "other/model"})


def other_weights(folder):
    write_json(folder / "config.json", {"transformers_weights": "other.safetensors"})


def remote_code(folder):
    write_json(folder / "config.json", {"auto_map": {"AutoModel": "modeling.Own"}})


def variant(folder):
    write_json(folder / "sentence_bert_config.json", {"model_args": {"variant": "fp16"}})


def no_safetensors(folder):
    settings = {"model_kwargs": {"use_safetensors": False}}
    write_json(folder / "sentence_bert_config.json", settings)


def gguf(folder):
    write_json(folder / "sentence_xlnet_config.json", {"model_args": {"gguf_file": "a.gguf"}})


def tokenizer_elsewhere(folder):
    settings = {"tokenizer_name_or_path": "other/model"}
    write_json(folder / "sentence_bert_config.json", settings)


def no_list(folder):
    (folder / "modules.json").write_text("{}", "utf-8")


def half_a_list(folder):
    (folder / "modules.json").write_text('[{"type": ', "utf-8")


def no_text(folder):
    (folder / "modules.json").write_bytes(b"\xff\xfe[")


def nested(folder):
    (folder / "modules.json").write_text("[" * 100_000, "utf-8")


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        (pickle_instead, "2_Dense/ holds pickled weights alone (pytorch_model.bin)"),
        (pickle_of_the_whole, "saved/ holds no model.safetensors"),
        (pickle_in_a_router, "3_Router/a/ holds pickled weights alone (pytorch_model.bin)"),
        (code_in_a_router, "needs code of its own (the module modeling.Own)"),
        (code, "needs code of its own (the module modeling_own.Own)"),
        (installed_code, "needs code of its own (the module os.path.join)"),
        (similar_name, "needs code of its own (the module sentence_transformers_evil.Transformer)"),
        (outside, "names the folder '../other', which is outside of it"),
        (absolute, "names the folder '/tmp', which is outside of it"),
        (adapter, "adapter_config.json makes it an adapter of another model"),
        (other_weights, "config.json sets transformers_weights"),
        (remote_code, "config.json sets auto_map"),
        (variant, "sentence_bert_config.json sets model_args.variant"),
        (no_safetensors, "sentence_bert_config.json sets model_kwargs.use_safetensors"),
        (gguf, "sentence_xlnet_config.json sets model_args.gguf_file"),
        (tokenizer_elsewhere, "sentence_bert_config.json sets tokenizer_name_or_path"),
        (no_list, "its modules.json is damaged"),
        (half_a_list, "its modules.json is damaged"),
        (no_text, "its modules.json is damaged"),
        (nested, "its modules.json is damaged"),
    ],
)
def test_what_would_load_something_else_is_refused(folder, change, fact):
    change(folder)
    with pytest.raises(UserError) as caught:
        weights_hash(folder, WHERE)
    assert caught.value.fact.startswith(WHERE)
    assert fact in caught.value.fact


@pytest.mark.parametrize(
    "settings",
    [
        {"max_seq_length": 64},
        {"model_args": {"use_safetensors": True, "variant": None, "attn_implementation": "eager"}},
        {"model_args": None},
    ],
)
def test_settings_that_name_no_file_are_left_alone(folder, settings):
    write_json(folder / "sentence_bert_config.json", settings)
    assert len(names(folder)) == 2
