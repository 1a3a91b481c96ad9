"""Pairs with scores are trained with CoSENT: its loss as written down, and the same bits twice."""

import numpy as np
import pandas as pd
import pytest

from stages.finetune.batches import Cutter, Row, plan
from stages.finetune.training import in_chunks, train
from stages.lib.models import find_model, load_model
from tests.finetune.test_training import BASE, LENGTH, PARAMS, one_thread, weights  # noqa: F401

ROWS = [(f"question {at} " * (1 + at % 3), f"answer {at % 4} " * (1 + at % 5), at % 4 / 3) for at in range(12)]


@pytest.fixture(scope="module")
def tokens():
    from transformers import AutoTokenizer

    from stages.tokenize.encoding import encode

    tokenizer = AutoTokenizer.from_pretrained(str(find_model(BASE)), local_files_only=True)
    table = {"score": [score for *_, score in ROWS]}
    for name, texts in zip(("anchor", "positive"), zip(*ROWS, strict=True), strict=False):
        column = encode(texts, tokenizer, LENGTH)
        table |= {f"{name}_input_ids": list(column.ids), f"{name}_attention_mask": list(column.mask)}
    return pd.DataFrame(table)


def test_a_batch_carries_the_scores_of_its_rows(tokens):
    batch = Cutter(tokens, ["anchor", "positive"], scored=True)([{"row": 6}, {"row": 1}])
    assert batch["label"].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert "label" not in Cutter(tokens, ["anchor", "positive"])([{"row": 6}])


@pytest.mark.slow
def test_the_loss_is_that_of_every_pair_of_pairs_in_the_wrong_order(tokens):
    import torch
    from sentence_transformers.sentence_transformer.losses import CoSENTLoss

    model = load_model(find_model(BASE)).eval()
    model.max_seq_length = LENGTH
    batch = Cutter(tokens, ["anchor", "positive"], scored=True)([{"row": row} for row in range(12)])
    features = [
        {part: batch[f"{name}_{part}"] for part in ("input_ids", "attention_mask")} for name in ("anchor", "positive")
    ]
    with torch.no_grad():
        loss = float(in_chunks(model, CoSENTLoss(model, scale=20.0))(features, batch["label"]))
    left, right = (model.encode([row[at] for row in ROWS], normalize_embeddings=True) for at in (0, 1))
    cosines, scores = (left * right).sum(axis=1), [score for *_, score in ROWS]
    terms = [
        20.0 * (cosines[low] - cosines[high]) for low in range(12) for high in range(12) if scores[low] < scores[high]
    ]
    assert loss == pytest.approx(float(np.log(1 + np.exp(terms).sum())), abs=1e-3)


@pytest.mark.slow
def test_two_runs_give_the_same_weights_and_scores_change_them(tokens, tmp_path, one_thread):  # noqa: F811
    def run(table, name):
        batches = plan([Row((), ())] * len(table), 6, 2, 13)
        assert [len(batch) for batch in batches] == [6] * 4
        return train(find_model(BASE), table, batches, PARAMS, 13, 1, tmp_path / name, "scores")

    (first, curve), (again, same) = run(tokens, "a"), run(tokens, "b")
    assert weights(first) == weights(again)
    assert curve.equals(same) and len(curve) == 1, "a run of fewer steps than are logged at a time has a curve too"
    other, _ = run(tokens.assign(score=1.0 - tokens["score"]), "c")
    assert weights(other) != weights(first)
