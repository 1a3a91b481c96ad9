"""Back-translation by models on this disk: each text alone, and a cached result equal to a fresh one."""

import random
import shutil
from pathlib import Path

import pytest

from stages.augment.back_translation import Bergamot, Marian, make_translator, round_trips
from stages.lib.core.errors import UserError
from tests.augment.translators import TEXTS, only_here, tiny_marian


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PAIRSMITH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def marian(tmp_path_factory):
    folder = tmp_path_factory.mktemp("marian")
    return Marian(tiny_marian(folder / "there", 1), tiny_marian(folder / "back", 2))


@pytest.mark.slow
@only_here
def test_bergamot_reads_english_by_way_of_portuguese():
    assert Bergamot().load_forward()("Cutaneous vasculitis") == "Vasculite cutânea"
    translations = round_trips(Bergamot(), ["Hair loss", "Cutaneous vasculitis", "", " "])
    assert translations == {
        "Hair loss": "Loss of hair",
        "Cutaneous vasculitis": "Skin Vasculitis",
        "": "",
        " ": "",
    }


@pytest.mark.slow
def test_marian_models_in_folders_translate_and_their_key_differs(marian, tmp_path):
    translations = round_trips(marian, [*TEXTS, ""])
    assert translations[""] == ""
    assert all(isinstance(translations[text], str) for text in TEXTS)
    assert (
        len({marian.load_forward()(text) for text in TEXTS}) > 1
    )  # random weights, but not constant
    other = Marian(tiny_marian(tmp_path / "there", 1), tiny_marian(tmp_path / "back", 3))
    assert other.key != marian.key


@pytest.mark.slow
@pytest.mark.parametrize("name", ["marian", pytest.param("bergamot", marks=only_here)])
def test_a_translation_depends_on_no_other_text_and_no_cache(name, marian, cache, monkeypatch):
    model = marian if name == "marian" else Bergamot()
    monkeypatch.setenv("PAIRSMITH_WORKERS", "2")
    together = round_trips(model, TEXTS)
    assert (
        round_trips(model, random.Random(5).sample(TEXTS, len(TEXTS))) == together
    )  # all from the cache
    shutil.rmtree(cache)
    monkeypatch.setenv("PAIRSMITH_WORKERS", "1")
    alone = {}
    for text in reversed(TEXTS):
        alone |= round_trips(model, [text])
    assert alone == together


@pytest.mark.slow
def test_a_cached_translation_is_read_and_not_made_again(marian, monkeypatch):
    translations = round_trips(marian, TEXTS[:2])

    def refuse():
        raise AssertionError("nothing is missing")

    monkeypatch.setattr(marian, "load_forward", refuse)
    assert round_trips(marian, TEXTS[:2]) == translations
    with pytest.raises(AssertionError, match="nothing is missing"):
        round_trips(marian, TEXTS[:3])


def test_a_missing_model_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"nowhere holds no model\.safetensors"):
        make_translator("marian", [str(tmp_path / "nowhere"), "back"])
    assert make_translator("off", None) is None


def test_pickled_weights_are_never_loaded(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(UserError, match="pickled weights are never loaded"):
        Marian(tmp_path, Path("back"))
