"""Early stopping: look at validation now and then, keep the best weights, stop when it has not risen for long.

What is looked at is nDCG@10 and not the validation loss: the loss also falls by sharper scores of what is ranked right
already, and with other batches it is another number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

LOOKS = 4  # an epoch


class Stopping:
    """The looks so far: the best of them with its weights, and how many have come since."""

    def __init__(
        self, patience: int, steps: int, epochs: int, look: Callable[[SentenceTransformer], float]
    ) -> None:
        self._patience, self._steps, self._look = patience, steps, look
        self._every = max(1, steps // (epochs * LOOKS))
        self.looks = 0
        self.best_step = 0
        self.best = -1.0
        self._since = 0
        self._weights: dict[str, Any] = {}

    def is_due(self, step: int) -> bool:
        """Return whether validation is looked at after `step`; after the last one it always is."""
        return step % self._every == 0 or step == self._steps

    def see(self, model: SentenceTransformer, step: int) -> tuple[float, bool]:
        """Look at validation; return its nDCG@10, and whether to stop."""
        found = self._look(model)
        self.looks += 1
        if found > self.best:
            self.best, self.best_step, self._since = found, step, 0
            self._weights = {
                name: value.detach().cpu().clone() for name, value in model.state_dict().items()
            }
        else:
            self._since += 1
        return found, self._since >= self._patience

    def keep_best(self, model: SentenceTransformer) -> None:
        """Give `model` the weights of the best look."""
        model.load_state_dict(self._weights)

    def metrics(self) -> dict[str, float | int]:
        """Return what is told of the looks."""
        return {
            "early_stopping.looks": self.looks,
            "early_stopping.best_step": self.best_step,
            "early_stopping.validation.ndcg_at_10": self.best,
        }

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {
            "looks": self.looks,
            "best": self.best,
            "best_step": self.best_step,
            "since": self._since,
            "weights": self._weights,
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        self.looks, self.best, self.best_step = state["looks"], state["best"], state["best_step"]
        self._since, self._weights = state["since"], state["weights"]
