"""A training run that may kill itself in the middle: `python -m tests.finetune.killed`."""

import json
import os
import signal
import sys
from functools import partial
from pathlib import Path

from stages.finetune import trainer
from stages.finetune.batches import TokenCollator
from stages.finetune.checkpoints import Checkpoints
from stages.finetune.model_selection import EarlyStopping, score_model
from tests.finetune.cases import changed, planned, ranking_tokens, run, validation_set, weights


def main(cache, logs, loss, patience, kill_at):
    """Train 20 steps with all checkpoints; die at the batch `kill_at` (from 1; 0: never)."""
    batch_sizes = []

    class MortalCollator(TokenCollator):
        def __call__(self, rows):
            batch_sizes.append(len(rows))
            if len(batch_sizes) == int(kill_at):
                os.kill(os.getpid(), signal.SIGKILL)
            return super().__call__(rows)

    trainer.TokenCollator = MortalCollator
    params = changed(epochs=10, loss=loss, early_stopping=int(patience))
    tokens = ranking_tokens()
    early_stopping = None
    if params.early_stopping:
        steps = len(planned(tokens, params))
        score = partial(score_model, validation_set())
        early_stopping = EarlyStopping(params.early_stopping, steps, params.epochs, score=score)
    checkpoints = Checkpoints("run", Path(cache), seconds=0.0)
    trained = run(
        tokens, Path(logs), params, checkpoints=checkpoints, early_stopping=early_stopping
    )
    looks = []
    if early_stopping:
        looks = [early_stopping.looks, early_stopping.best_step, early_stopping.best]
    result = {
        "weights": weights(trained.model),
        "curve": trained.curve.to_numpy().tolist(),
        "steps": trained.steps,
        "looks": looks,
    }
    sys.stdout.write(json.dumps({"batches": len(batch_sizes), "result": result}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
