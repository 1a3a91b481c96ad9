"""The card: what the model was made of, the same bytes each time, and no training row."""

import pytest
from ruamel.yaml import YAML

from stages.finetune.tracking import ModelFacts, model_card
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import ModelParams, RunParams
from tests.finetune.cases import BASE, PARAMS, changed

METRICS = {
    "rows": 12,
    "loss": "MultipleNegativesRanking",
    "steps": 2,
    "loss_last": 0.53349,
    "forced": False,
}
MODEL = ModelParams(base="package/model", weights_sha256="", anchor_prompt="", document_prompt="")


def card(params=PARAMS, model=MODEL, metrics=METRICS):
    facts = ModelFacts("d" * 64, find_base_model(BASE), 384, 128)
    return model_card(facts, params, RunParams(seed=13, threads=2), model=model, metrics=metrics)


def head(text):
    _, front, _ = text.split("---\n", 2)
    return YAML(typ="safe", pure=True).load(front)


def test_the_head_is_what_a_hub_reads():
    assert head(card()) == {
        "library_name": "sentence-transformers",
        "pipeline_tag": "sentence-similarity",
        "tags": ["sentence-transformers", "feature-extraction"],
    }
    assert head(card(changed(licence="apache-2.0")))["license"] == "apache-2.0"
    assert "| licence | apache-2.0 |" in card(changed(licence="apache-2.0"))
    assert "| licence | not given; the terms of the base model and of the data hold |" in card()


def test_data_base_parameters_and_metrics_stand_in_it():
    text = card()
    for line in (
        f"| training rows | 12, SHA-256 `{'d' * 64}` |",
        "| base model | `package/model` |",
        "| weights of the base model | SHA-256 `53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db` |",
        "| dimensions | 384 |",
        "| longest input | 128 tokens; what is longer is cut |",
        "| learning_rate | 0.0001 |",
        "| seed | 13 |",
        "| threads | 2 |",
        "| loss_last | 0.5335 |",
    ):
        assert f"\n{line}\n" in text
    assert card() == text


@pytest.mark.slow
def test_what_must_not_be_overlooked_is_card():
    assert "training was forced" not in card()
    assert "**The data had failed validation; training was forced.**" in card(
        metrics={**METRICS, "forced": True}
    )
    assert "to be cut" not in card()
    assert "| dimensions | 384; trained to be cut to the first 128, 64 |" in card(
        changed(matryoshka_dims=[64, 128])
    )
    assert "Put `" not in card()
    prompted = MODEL.model_copy(update={"anchor_prompt": "query: ", "document_prompt": "passage: "})
    assert "Put `query: ` before what is asked and `passage: ` before what is searched" in card(
        model=prompted
    )


def test_a_path_of_this_machine_does_not_stand_in_it():
    assert "| base model | `minilm` |" in card(
        model=MODEL.model_copy(update={"base": "/home/somebody/minilm"})
    )
