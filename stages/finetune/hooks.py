"""What accompanies training and does not change its result."""

from __future__ import annotations

from dataclasses import dataclass

from stages.finetune.checkpoints import Checkpoints
from stages.finetune.model_selection import EarlyStopping
from stages.finetune.tracking import Tracker


@dataclass(frozen=True)
class TrainingHooks:
    """What accompanies training: the scalars, the checkpoints, and early stopping."""

    tracker: Tracker
    checkpoints: Checkpoints | None = None
    early_stopping: EarlyStopping | None = None
