"""Training stops when validation stops rising, and the best weights are kept."""

import pytest

from stages.finetune.model_selection import LOOKS_PER_EPOCH, EarlyStopping
from tests.finetune.cases import changed, run, weights


def follow(scores, patience):
    """Return the looks at a model whose weight is the number of the look, until training stops."""
    import torch

    model = torch.nn.Linear(1, 1, bias=False)
    values = iter(scores)
    stopping = EarlyStopping(patience, len(scores), 1, score=lambda _: next(values))
    for step in range(1, len(scores) + 1):
        with torch.no_grad():
            model.weight.fill_(step)
        if stopping.observe(model, step)[1]:
            break
    stopping.keep_best(model)
    return stopping, model.weight.item()


@pytest.mark.parametrize(
    ("scores", "patience", "looks", "best"),
    [
        ([0.1, 0.3, 0.2, 0.2, 0.9], 2, 4, 2.0),  # 0.9 would have come too late
        ([0.1, 0.3, 0.2, 0.4, 0.1], 2, 5, 4.0),
        ([0.3, 0.3, 0.3], 5, 3, 1.0),  # of equals the first
        ([0.0, 0.0], 1, 2, 1.0),
        ([0.1, 0.2, 0.3], 1, 3, 3.0),
    ],
)
def test_it_stops_after_so_many_looks_without_a_better_one(scores, patience, looks, best):
    stopping, kept_weight = follow(scores, patience)
    assert stopping.looks == looks
    assert kept_weight == best == stopping.best_step
    assert stopping.metrics() == {
        "early_stopping.looks": looks,
        "early_stopping.best_step": int(best),
        "early_stopping.validation.ndcg_at_10": scores[int(best) - 1],
    }


@pytest.mark.parametrize(("looks_before", "stops"), [(1, False), (2, False), (3, True)])
def test_patience_goes_on_after_a_resume(looks_before, stops):
    """Patience is 3: the look after the resume is the last one if two before brought nothing."""
    first, _ = follow([0.9, 0.2, 0.2][:looks_before], 3)
    import torch

    model = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(7.0)
    resumed = EarlyStopping(3, 10, 1, score=lambda _: 0.5)
    resumed.resume(first.state())
    assert resumed.observe(model, looks_before + 1) == (0.5, stops)

    # The best of before stays the best, with its weights.
    resumed.keep_best(model)
    assert (resumed.best_step, model.weight.item()) == (1, 1.0)
    assert resumed.metrics() == {
        "early_stopping.looks": looks_before + 1,
        "early_stopping.best_step": 1,
        "early_stopping.validation.ndcg_at_10": 0.9,
    }


def test_looks_are_spread_over_the_epoch():
    stopping = EarlyStopping(3, 135, 1, score=lambda _: 0.0)
    due = [step for step in range(1, 136) if stopping.is_due(step)]
    assert due == [33, 66, 99, 132, 135]
    assert len(due) == LOOKS_PER_EPOCH + 1
    assert all(EarlyStopping(3, 2, 1, score=lambda _: 0.0).is_due(step) for step in (1, 2))


@pytest.mark.slow
def test_early_stopping_keeps_the_best_weights(tokens, tmp_path, one_thread):
    seen = {}

    def score(model):
        seen[len(seen) + 1] = weights(model)
        return {1: 0.5, 2: 0.6}.get(len(seen), 0.1)

    params = changed(epochs=10, early_stopping=2)
    stopping = EarlyStopping(2, 20, 5, score=score)
    trained = run(tokens, tmp_path / "logs", params, early_stopping=stopping)
    assert (trained.steps, stopping.looks, stopping.best_step) == (4, 4, 2)
    assert weights(trained.model) == seen[2] != seen[4]
