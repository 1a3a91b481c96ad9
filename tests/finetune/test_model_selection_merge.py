"""Merging: interpolated weights, the share with the best score, and both ends exactly."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from stages.finetune.model_selection import interpolate, merge
from stages.lib.core.model_files import find_base_model
from stages.lib.retrieval.encoder import load_model
from tests.finetune.cases import BASE, changed, weights


def test_weights_lie_between_and_whole_numbers_stay():
    import torch

    base = {"w": torch.tensor([0.0, 2.0]), "ids": torch.tensor([1, 2])}
    tuned = {"w": torch.tensor([1.0, 4.0]), "ids": torch.tensor([3, 4])}
    mixed = interpolate(base, tuned, 0.25)
    assert mixed["w"].tolist() == [0.25, 2.5]
    assert mixed["ids"].tolist() == [3, 4]
    assert torch.equal(interpolate(base, tuned, 1.0)["w"], tuned["w"])


class OneWeight:
    """A model with one weight, which it saves as text."""

    def __init__(self, weight):
        import torch

        self.weight = torch.tensor([weight])

    def state_dict(self):
        return {"weight": self.weight}

    def load_state_dict(self, weights):
        self.weight = weights["weight"]

    def save_pretrained(self, folder, create_model_card):
        assert not create_model_card
        (Path(folder) / "weight").write_text(f"{self.weight.item():.2f}")


@pytest.mark.parametrize(
    ("scores", "share"),
    [
        ({"0.25": 0.9, "0.50": 0.7, "1.00": 0.8}, 0.25),
        ({"0.25": 0.6, "0.50": 0.9, "1.00": 0.8}, 0.5),
        ({"0.25": 0.6, "0.50": 0.7, "1.00": 0.8}, 1.0),
        ({"0.25": 0.8, "0.50": 0.8, "1.00": 0.7}, 0.5),  # of equals the largest
    ],
)
def test_of_all_shares_the_best_score_wins(scores, share):
    model = OneWeight(1.0)
    best, score_of_share = merge(
        model,
        OneWeight(0.0),
        [0.25, 1.0, 0.5],
        score=lambda folder: scores[(folder / "weight").read_text()],
    )
    assert (best, model.weight.item()) == (share, share)
    assert score_of_share == {float(name): value for name, value in scores.items()}


@pytest.mark.slow
def test_the_share_with_the_best_score_is_kept():
    import torch

    base = load_model(find_base_model(BASE))
    tuned = load_model(find_base_model(BASE))
    with torch.no_grad():
        for value in tuned.parameters():
            value.add_(0.01)
    whole = weights(tuned)
    seen = []

    def score(folder):
        seen.append(weights(load_model(folder)))
        return 0.7 if len(seen) < 3 else 0.1

    share, scores = merge(tuned, base, [0.3, 1.0, 0.6], score=score)
    assert (share, scores) == (1.0, {1.0: 0.7, 0.6: 0.7, 0.3: 0.1})
    assert weights(tuned) == seen[0] == whole and len(set(seen)) == 3

    share, _ = merge(
        tuned,
        base,
        [0.5, 1.0],
        score=lambda folder: 0.9 if weights(load_model(folder)) != whole else 0.2,
    )
    assert share == 0.5
    middle = next(iter(tuned.state_dict().values())) - next(iter(base.state_dict().values()))
    assert torch.allclose(middle, torch.full_like(middle, 0.005), atol=1e-6)


@pytest.mark.parametrize("shares", [[0.0], [1.1], [0.505], [0.5, 0.5]])
def test_shares_are_hundredths_above_nothing_and_named_once(shares):
    with pytest.raises(ValidationError):
        changed(merge=shares)


def test_every_hundredth_is_a_share():
    shares = [float(f"{hundredths / 100:.2f}") for hundredths in range(1, 101)]
    assert changed(merge=shares).merge == shares
