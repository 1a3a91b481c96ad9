"""Merging with the base model: interpolated weights lose less of what the base could do.

LM-Cocktail (Xiao et al. 2023, arXiv 2311.13534) for one fine-tuned model; the share is chosen on validation.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Weights = dict[str, Any]


def interpolate(base: Weights, finetuned: Weights, share: float) -> Weights:
    """Return `share` of `finetuned` and the rest of `base`, tensor by tensor; whole numbers stay as they are."""
    return {
        name: (base[name] * (1.0 - share) + value * share if value.is_floating_point() else value)
        for name, value in finetuned.items()
    }


def merge(
    model: SentenceTransformer,
    base: SentenceTransformer,
    shares: Sequence[float],
    score: Callable[[Path], float],
) -> tuple[float, dict[float, float]]:
    """Give `model` the mixture with `base` that `score`s best, and return its share and the score of each.

    `score` is asked with the folder of each mixture. Of equal ones the largest share wins: it has learned most.
    """
    finetuned = {name: value.clone() for name, value in model.state_dict().items()}
    original = base.state_dict()
    scores = {}
    for share in sorted(shares, reverse=True):
        model.load_state_dict(interpolate(original, finetuned, share))
        with tempfile.TemporaryDirectory() as folder:
            model.save_pretrained(folder, create_model_card=False)
            scores[share] = score(Path(folder))
    best = max(scores, key=lambda share: scores[share])
    model.load_state_dict(interpolate(original, finetuned, best))
    return best, scores
