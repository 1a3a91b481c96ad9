"""A model folder with a missing, damaged or foreign file gets an error that names it."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from stages.lib.core.errors import UserError
from stages.lib.core.model_loading import check_modules, check_weights, damaged_file, loading

WEIGHTS = "model.safetensors"
NAMES = ["embeddings.weight", "encoder.layer.0.dense.bias", "encoder.layer.1.dense.bias"]


class Model:
    """A loaded model with named weights."""

    def __init__(self, names):
        self.names = names

    def named_parameters(self):
        return [(name, None) for name in self.names]


@pytest.fixture
def folder(tmp_path):
    modules = [
        {"path": "", "type": "sentence_transformers.models.Transformer"},
        {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
    ]
    (tmp_path / "modules.json").write_text(json.dumps(modules), "utf-8")
    (tmp_path / "1_Pooling").mkdir()
    for name in ("config.json", "tokenizer.json", "1_Pooling/config.json"):
        (tmp_path / name).write_text("{}", "utf-8")
    save(NAMES, tmp_path)
    return tmp_path


def save(names, folder):
    save_file({name: np.zeros(2, dtype="float32") for name in names}, folder / WEIGHTS)


def test_a_whole_folder_has_no_fault(folder):
    check_modules(folder)
    assert damaged_file(folder) is None
    with loading(folder):
        pass


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("tokenizer.json", b"{", "tokenizer.json is not readable JSON"),
        ("tokenizer.json", b"[]", "tokenizer.json is no JSON object"),
        ("config.json", b"", "config.json is not readable JSON"),
        ("config.json", None, "config.json is missing"),
        ("1_Pooling/config.json", b"\xff\xfe", "1_Pooling/config.json is not readable JSON"),
        ("1_Pooling/config.json", None, "1_Pooling/ is empty"),
        ("model.safetensors", b"", "model.safetensors is no safetensors file"),
        ("model.safetensors", b"\x80\x04pickle", "model.safetensors is no safetensors file"),
    ],
)
def test_the_damaged_file_is_named_whatever_the_library_raises(folder, name, content, fault):
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    for raised in (ValueError("Unrecognized model"), TypeError("__init__()"), KeyError("a")):
        with pytest.raises(UserError) as caught, loading(folder):
            raise raised
        assert fault in caught.value.fact
        assert str(folder) in caught.value.fact


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        ("{", "its modules.json is damaged"),
        ("[5]", "its modules.json is damaged"),
        ('{"a": 1}', "its modules.json is damaged"),
        (
            '[{"path": "3_Dense", "type": "sentence_transformers.models.Dense"}]',
            "names the folder '3_Dense', which is missing",
        ),
    ],
)
def test_a_list_of_modules_that_is_wrong_is_named(folder, content, fact):
    (folder / "modules.json").write_text(content, "utf-8")
    with pytest.raises(UserError, match=fact), loading(folder):
        raise AssertionError("it was to be refused before")


def test_a_lost_list_of_modules_is_named_and_a_plain_transformer_needs_none(folder):
    (folder / "modules.json").unlink()
    check_modules(folder)
    (folder / "config_sentence_transformers.json").write_text("{}", "utf-8")
    with pytest.raises(UserError, match=r"but no modules\.json"):
        check_modules(folder)


def test_an_error_of_ours_and_a_bug_of_ours_stay_what_they_are(folder):
    with pytest.raises(UserError, match="as it was"), loading(folder):
        raise UserError("as it was", "leave it")
    with pytest.raises(AssertionError), loading(folder):
        raise AssertionError


@pytest.mark.parametrize("prefix", ["", "bert.", "model.bert."])
@pytest.mark.parametrize("place", ["", "0.auto_model.", "0."])
def test_weights_are_the_same_under_other_prefixes(folder, prefix, place):
    save([prefix + name for name in NAMES], folder)
    if place == "0." and prefix:
        return
    check_weights(Model([place + name for name in NAMES]), [folder / WEIGHTS])


def test_weights_of_another_model_are_refused(folder):
    """The library would fill in random numbers and say so in a warning."""
    model = Model([f"0.auto_model.{name}" for name in NAMES])
    save([*NAMES[:2], "other"], folder)
    check_weights(model, [folder / WEIGHTS])
    save([NAMES[0], "other.weight"], folder)
    with pytest.raises(UserError, match="holds 1 of the 3 weights of the model"):
        check_weights(model, [folder / WEIGHTS])
    save(["foo"], folder)
    with pytest.raises(UserError, match="holds 0 of the 3 weights"):
        check_weights(model, [folder / WEIGHTS])
