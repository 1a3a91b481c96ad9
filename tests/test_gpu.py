"""What a GPU computes, beside what the processor computes. Skipped where torch finds no GPU (cuda)."""

import numpy as np
import pytest

from stages.lib.core.device import Device, choose_device
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import RunParams
from stages.lib.retrieval.encoder import Encoder
from stages.lib.retrieval.search import dense_search
from stages.mine.cross_encoder import CrossEncoder
from tests.finetune.cases import BASE, changed, ranking_tokens, run
from tests.mine.test_cross_encoder import saved

pytestmark = [pytest.mark.gpu, pytest.mark.slow]

GPU = Device("cuda")
GPU_BF16 = Device("cuda", "bfloat16")
TEXTS = [f"question {number} " * (1 + number % 40) for number in range(500)]


@pytest.fixture(autouse=True)
def without_cache(monkeypatch):
    monkeypatch.setenv("PAIRSMITH_CACHE", "off")


def test_auto_is_the_gpu():
    run_params = RunParams(seed=13, threads=2, device="auto", precision="float32")
    assert choose_device(run_params) == GPU
    assert GPU.identity.startswith("cuda float32 ")


def test_vectors_are_those_of_the_processor_within_a_thousandth():
    vectors = Encoder(find_base_model(BASE)).encode(TEXTS)
    np.testing.assert_allclose(
        Encoder(find_base_model(BASE), GPU).encode(TEXTS), vectors, atol=1e-3
    )


def test_vectors_in_bfloat16_point_nearly_the_same_way():
    vectors = Encoder(find_base_model(BASE)).encode(TEXTS)
    others = Encoder(find_base_model(BASE), GPU_BF16).encode(TEXTS)
    assert (vectors * others).sum(axis=1).min() > 0.99


def test_scores_of_a_cross_encoder_are_those_of_the_processor_within_a_thousandth(tmp_path):
    path = saved(tmp_path / "model")
    pairs = [(text, f"answer to {text}") for text in TEXTS]
    scores = CrossEncoder(path).scores(pairs)
    np.testing.assert_allclose(CrossEncoder(path, device=GPU).scores(pairs), scores, atol=1e-3)
    rough = CrossEncoder(path, device=GPU_BF16).scores(pairs)
    np.testing.assert_allclose(rough, scores, atol=2e-2)


@pytest.mark.parametrize("documents", [40_000, 9_000])
def test_the_search_finds_the_same_with_ties_in_the_same_order(documents):
    # Products of quarters are exact, so that scores are equal to the bit, and many are ties.
    random = np.random.default_rng(7)
    queries = random.integers(-4, 5, size=(5_000, 16)).astype(np.float32) / 4
    passages = random.integers(-4, 5, size=(40_000, 16)).astype(np.float32) / 4
    starts = np.sort(random.permutation(np.arange(1, 40_000))[: documents - 1])
    starts = np.concatenate([[0], starts])

    hits = dense_search(queries, passages, 50, starts, device=GPU)
    expected = dense_search(queries, passages, 50, starts)
    np.testing.assert_array_equal(hits.positions, expected.positions)
    np.testing.assert_array_equal(hits.scores, expected.scores)


@pytest.mark.parametrize("device", [GPU, GPU_BF16], ids=lambda device: device.class_name)
@pytest.mark.parametrize("loss", ["MultipleNegativesRanking", "CachedMultipleNegativesRanking"])
def test_training_has_the_loss_of_the_processor(tmp_path, device, loss):
    tokens = ranking_tokens()
    params = changed(loss=loss)
    whole = run(tokens, tmp_path / "cpu", params)
    trained = run(tokens, tmp_path / "gpu", params, device=device)

    # Dropout draws other numbers there.
    np.testing.assert_allclose(trained.curve["loss"], whole.curve["loss"], rtol=0.3)
    assert {str(value.device) for value in trained.model.parameters()} == {"cpu"}
