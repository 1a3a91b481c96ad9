"""Encoding on a GPU, by a processor that passes for one: the same vectors up to rounding, under other keys."""

import numpy as np
import pytest

from stages.lib.core.device import CPU, Device
from stages.lib.core.errors import UserError
from stages.lib.core.model_files import find_base_model
from stages.lib.retrieval import cache
from stages.lib.retrieval.encoder import Encoder, _kernels, rows_of_batch
from tests.devices import PRETENDED, PRETENDED_BF16
from tests.evaluate.test_evaluate import static_model
from tests.lib.conftest import add_machine
from tests.lib.retrieval.test_encoder import BASE, TEXTS


@pytest.fixture(autouse=True)
def without_cache(monkeypatch):
    monkeypatch.setenv("PAIRSMITH_CACHE", "off")
    monkeypatch.setenv("PAIRSMITH_WORKERS", "1")


def settings_of(monkeypatch, device):
    """Return what a key of the cache names beside the text."""
    asked = []

    def refuse(name, settings, texts, compute):
        asked.append(settings)
        return {text: np.zeros(2, dtype="<f4").tobytes() for text in texts}

    monkeypatch.setattr(cache, "get_or_compute", refuse)
    Encoder(find_base_model(BASE), device).encode(["text"])
    return asked[0]


def test_a_key_of_the_cache_knows_the_class_of_the_device_and_the_gpu(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H200")
    devices = [CPU, Device("cuda"), Device("cuda", "bfloat16"), Device("mps")]
    settings = [settings_of(monkeypatch, device) for device in devices]
    files = settings[0].removesuffix(f" {_kernels()}")
    assert settings == [
        f"{files} {_kernels()}",
        f"{files} cuda float32 NVIDIA H200",
        f"{files} cuda bfloat16 NVIDIA H200",
        f"{files} mps float32",
    ]
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA A100")
    assert settings_of(monkeypatch, Device("cuda")) == f"{files} cuda float32 NVIDIA A100"


@pytest.mark.parametrize(
    ("length", "processor", "gpu"),
    [(0, 32, 32768), (1, 32, 32768), (128, 32, 256), (512, 32, 64), (32768, 32, 1), (40000, 32, 1)],
)
def test_a_batch_of_a_gpu_has_as_many_texts_as_its_tokens_allow(length, processor, gpu):
    assert rows_of_batch(length, CPU) == processor
    assert rows_of_batch(length, Device("cuda")) == gpu


@pytest.mark.slow
def test_vectors_are_those_of_the_processor_up_to_rounding():
    vectors = Encoder(find_base_model(BASE)).encode(TEXTS)
    encoder = Encoder(find_base_model(BASE), PRETENDED)
    others = encoder.encode(TEXTS)
    np.testing.assert_allclose(others, vectors, atol=1e-5)
    assert (others.dtype, others.shape) == (np.float32, vectors.shape)

    # The 40 questions have one token count, and share a pass.
    assert max(len(batch.texts) for batch in encoder._batches(TEXTS)) == 40


@pytest.mark.slow
def test_bfloat16_gives_unit_vectors_in_float32_that_point_nearly_the_same_way():
    vectors = Encoder(find_base_model(BASE)).encode(TEXTS)
    others = Encoder(find_base_model(BASE), PRETENDED_BF16).encode(TEXTS)
    assert others.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(others, axis=1), 1.0, atol=1e-5)
    cosines = (vectors * others).sum(axis=1)
    assert cosines.min() > 0.995
    assert cosines.max() < 1.0


@pytest.mark.slow
def test_a_static_model_computes_there_too(tmp_path):
    static_model(tmp_path / "static")
    vectors = Encoder(tmp_path / "static").encode(TEXTS)
    others = Encoder(tmp_path / "static", PRETENDED).encode(TEXTS)
    np.testing.assert_allclose(others, vectors, atol=1e-6)


@pytest.mark.slow
def test_actors_of_a_cluster_take_a_gpu_each_and_none_is_an_error(cluster, on_cluster):
    encoder = Encoder(find_base_model(BASE), PRETENDED)
    fact = r"no machine of the Ray cluster has one(.|\n)*run.device: cpu"
    with pytest.raises(UserError, match=fact):
        encoder.encode(TEXTS)

    add_machine(cluster, 2, gpus=1)
    cluster.wait_for_nodes()
    vectors = Encoder(find_base_model(BASE)).encode(TEXTS)
    np.testing.assert_allclose(encoder.encode(TEXTS), vectors, atol=1e-5)
