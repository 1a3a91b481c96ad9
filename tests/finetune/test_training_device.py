"""Training gets the device of the run: the library's arguments, the chunks, and bfloat16 that trains."""

import numpy as np
import pytest

from stages.finetune import trainer
from stages.lib.core.device import CPU, Device
from stages.lib.core.model_files import find_base_model
from tests.finetune.cases import BASE, PARAMS, changed, planned, run

# Each with the arguments that differ by device.
ARGUMENTS = {
    CPU: {"use_cpu": True, "bf16": False, "full_determinism": True, "pin": False},
    Device("cuda"): {"use_cpu": False, "bf16": False, "full_determinism": True, "pin": True},
    Device("cuda", "bfloat16"): {
        "use_cpu": False,
        "bf16": True,
        "full_determinism": True,
        "pin": True,
    },
    Device("mps"): {"use_cpu": False, "bf16": False, "full_determinism": False, "pin": False},
}


@pytest.mark.slow
@pytest.mark.parametrize("device", list(ARGUMENTS), ids=lambda device: device.class_name)
def test_the_trainer_gets_the_device(tokens, tmp_path, monkeypatch, device):
    class Recorder:
        n_gpu = 8

        def __init__(self, **arguments):
            self.arguments = arguments

    monkeypatch.setattr("sentence_transformers.SentenceTransformerTrainingArguments", Recorder)
    job = trainer.TrainingJob(
        base=find_base_model(BASE),
        tokens=tokens,
        batches=planned(tokens),
        params=PARAMS,
        seed=13,
        threads=1,
        device=device,
    )
    made = trainer._training_arguments(job, tmp_path, first_step=0)
    arguments = made.arguments
    arguments["pin"] = arguments["dataloader_pin_memory"]
    assert {name: arguments[name] for name in ARGUMENTS[device]} == ARGUMENTS[device]
    assert made._n_gpu == 1


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["MultipleNegativesRanking", "CachedMultipleNegativesRanking"])
def test_bfloat16_trains_float32_weights_with_nearly_the_same_loss(
    tokens, tmp_path, one_thread, loss
):
    whole = run(tokens, tmp_path / "whole", changed(loss=loss))
    reduced = run(
        tokens, tmp_path / "reduced", changed(loss=loss), device=Device("cpu", "bfloat16")
    )
    np.testing.assert_allclose(reduced.curve["loss"], whole.curve["loss"], rtol=0.1)
    assert reduced.curve["loss"].tolist() != whole.curve["loss"].tolist()
    assert {str(value.dtype) for value in reduced.model.parameters()} == {"torch.float32"}
