"""Pairs with scores are trained with CoSENT: its loss by its formula, and the same bits twice."""

import numpy as np
import pandas as pd
import pytest

from stages.finetune import losses
from stages.finetune.batches import TokenCollator, conflict_ids, plan_batches
from stages.finetune.hooks import TrainingHooks
from stages.finetune.tracking import Tracker
from stages.finetune.trainer import TrainingJob, train
from stages.lib.core.model_files import find_base_model
from stages.lib.retrieval.encoder import load_model
from tests.finetune.cases import BASE, LENGTH, PARAMS, encoded, weights

ROWS = [
    (
        f"question {index} " * (1 + index % 3),
        f"answer {index % 4} " * (1 + index % 5),
        index % 4 / 3,
    )
    for index in range(12)
]


@pytest.fixture(scope="module")
def scored():
    scores = [score for *_, score in ROWS]
    return pd.DataFrame(
        {"score": scores, **encoded([row[:2] for row in ROWS], ["anchor", "positive"])}
    )


def test_a_batch_carries_the_scores_of_its_rows(scored):
    batch = TokenCollator(scored, ["anchor", "positive"], scored=True)([{"row": 6}, {"row": 1}])
    assert batch["label"].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert "label" not in TokenCollator(scored, ["anchor", "positive"])([{"row": 6}])


@pytest.mark.slow
def test_the_loss_sums_over_pairs_in_the_wrong_order(scored):
    import torch

    model = load_model(find_base_model(BASE)).eval()
    model.max_seq_length = LENGTH
    batch = TokenCollator(scored, ["anchor", "positive"], scored=True)(
        [{"row": row} for row in range(12)]
    )
    features = [
        {part: batch[f"{name}_{part}"] for part in ("input_ids", "attention_mask")}
        for name in ("anchor", "positive")
    ]
    with torch.no_grad():
        loss = float(
            losses.build("CoSENT", model, find_base_model(BASE), params=PARAMS)(
                features, batch["label"]
            )
        )
    anchors, positives = (
        model.encode([row[index] for row in ROWS], normalize_embeddings=True) for index in (0, 1)
    )
    cosines, scores = (anchors * positives).sum(axis=1), [score for *_, score in ROWS]
    terms = [
        20.0 * (cosines[low] - cosines[high])
        for low in range(12)
        for high in range(12)
        if scores[low] < scores[high]
    ]
    assert loss == pytest.approx(float(np.log(1 + np.exp(terms).sum())), abs=1e-3)


@pytest.mark.slow
def test_two_runs_give_the_same_weights_and_scores_change_them(scored, tmp_path, one_thread):
    def run(table, name):
        batches = plan_batches(conflict_ids(table, "scores"), 6, 2, 13)
        assert [len(batch) for batch in batches] == [6] * 4
        job = TrainingJob(
            base=find_base_model(BASE),
            tokens=table,
            batches=batches,
            params=PARAMS,
            seed=13,
            threads=1,
            shape="scores",
        )
        return train(job, TrainingHooks(Tracker(tmp_path / name, "off", {})))

    first, again = run(scored, "a"), run(scored, "b")
    assert weights(first.model) == weights(again.model)
    assert first.curve.equals(again.curve)
    assert len(first.curve) == 1, "a run of fewer steps than are logged at a time has a curve too"
    other = run(scored.assign(score=1.0 - scored["score"]), "c")
    assert weights(other.model) != weights(first.model)
