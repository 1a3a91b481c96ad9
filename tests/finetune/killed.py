"""A training run in a process of its own, which may kill itself in the middle: `python -m tests.finetune.killed`."""

import json
import os
import signal
import sys
from functools import partial
from pathlib import Path

from stages.finetune import training, validation
from stages.finetune.batches import Cutter
from stages.finetune.checkpoints import Checkpoints
from stages.finetune.stopping import Stopping
from tests.finetune.cases import changed, exam, planned, ranking_tokens, run, weights


def main(cache, logs, loss, patience, kill_at):
    """Train 20 steps with a checkpoint wherever one may be; at the batch `kill_at` (from 1; 0: never) die at once."""
    seen = []

    class Mortal(Cutter):
        def __call__(self, rows):
            seen.append(len(rows))
            if len(seen) == int(kill_at):
                os.kill(os.getpid(), signal.SIGKILL)
            return super().__call__(rows)

    training.Cutter = Mortal
    params, tokens = changed(epochs=10, loss=loss, early_stopping=int(patience)), ranking_tokens()
    stopping = None
    if params.early_stopping:
        steps = len(planned(tokens, params))
        stopping = Stopping(
            params.early_stopping, steps, params.epochs, partial(validation.look, exam())
        )
    checkpoints = Checkpoints("run", Path(cache), seconds=0.0)
    trained = run(tokens, Path(logs), params, checkpoints=checkpoints, stopping=stopping)
    looks = [stopping.looks, stopping.best_step, stopping.best] if stopping else []
    result = {
        "weights": weights(trained.model),
        "curve": trained.curve.to_numpy().tolist(),
        "steps": trained.steps,
        "looks": looks,
    }
    sys.stdout.write(json.dumps({"batches": len(seen), "result": result}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
