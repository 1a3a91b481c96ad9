"""Training gives the same bits twice, sees every row, and saves a model that others can load."""

import numpy as np
import pytest

from stages.finetune.batches import TokenCollator
from stages.finetune.tracking import run_name
from stages.lib.core.model_files import find_base_model
from stages.lib.retrieval.encoder import load_model
from tests.finetune.cases import BASE, LENGTH, ROWS, changed, planned, run, weights


def test_a_run_is_named_after_its_data_and_settings():
    assert run_name("data", "a", "b") == run_name("data", "a", "b")
    names = [
        run_name("data", "a", "b"),
        run_name("date", "a", "b"),
        run_name("data", "a", "c"),
        run_name("data", "ab"),
    ]
    assert len(set(names)) == 4
    assert all(len(name) == 10 for name in names)


@pytest.mark.slow
def test_the_trainer_sees_every_row_once_an_epoch(tokens, tmp_path, one_thread, monkeypatch):
    from stages.finetune import trainer

    seen = []

    class RecordingCollator(TokenCollator):
        def __call__(self, rows):
            seen.append([row["row"] for row in rows])
            return super().__call__(rows)

    monkeypatch.setattr(trainer, "TokenCollator", RecordingCollator)
    twice = tokens.assign(positive_ids=[[f"d{index // 2}"] for index in range(len(ROWS))])
    twice = twice.assign(in_batch_ids=twice["positive_ids"])
    params = changed(epochs=2, batch_size=4)
    run(twice, tmp_path, params)
    batches = planned(twice, params)
    assert [batch for batch in seen if batch] == batches
    order = [row for batch in seen for row in batch]
    half = len(ROWS)
    assert (
        sorted(order[:half]) == sorted(order[half:]) == list(range(half))
    )  # the rows without negatives too
    assert not any(len({row // 2 for row in batch}) < len(batch) for batch in batches)


@pytest.mark.slow
def test_two_runs_give_the_same_weights_and_another_seed_others(tokens, tmp_path, one_thread):
    first, again = (run(tokens, tmp_path / name) for name in "ab")
    other = run(tokens, tmp_path / "c", seed=14)
    assert weights(first.model) == weights(again.model)
    assert first.curve.equals(again.curve)
    assert (
        len(
            {
                weights(model)
                for model in (first.model, other.model, load_model(find_base_model(BASE)))
            }
        )
        == 3
    )
    assert first.steps == 2
    assert [len(batch) for batch in planned(tokens)] == [6, 6]
    assert planned(tokens) != planned(tokens, seed=14)


@pytest.mark.slow
def test_the_loss_falls_and_is_recorded_by_step(tokens, tmp_path, one_thread):
    trained = run(tokens, tmp_path / "logs", changed(epochs=10))
    assert trained.steps == 20
    assert list(trained.curve["step"]) == [5, 10, 15, 20]
    assert trained.curve["loss"].iloc[-1] < trained.curve["loss"].iloc[0] / 2


@pytest.mark.slow
def test_the_saved_model_loads_as_a_sentence_transformer(tokens, tmp_path, one_thread):
    from sentence_transformers import SentenceTransformer

    model = run(tokens, tmp_path / "logs").model
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
