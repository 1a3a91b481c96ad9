"""What embedding a batch in chunks of similar length saves in training, against the whole batch at once.

Runs the same steps twice, each in a process of its own, side by side on the tokens of the last run:

    python bench/training_chunks.py [--steps 20] [--json]

`time_ratio` and `memory_ratio` are whole batch over chunks (above 1: chunks are better); `loss_difference`
is the largest difference of the logged losses (dropout draws differently over other shapes).
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent


def train(steps: int, chunk: int) -> dict[str, float]:
    """Train `steps` steps with chunks of `chunk` texts; return seconds, peak memory in GB and the last loss."""
    sys.path.insert(0, str(ROOT))
    from stages.finetune import training
    from stages.finetune.batches import plan
    from stages.lib import tables
    from stages.lib.contracts.tokens import fixed_shape, tokens
    from stages.lib.models import find_model
    from stages.lib.params import Model, Run, load

    training.CHUNK = chunk
    params, run, rows = load(training.FinetuneParams), load(Run), Path("data/tokenize/tokens.parquet")
    length, negatives = fixed_shape(rows)
    table = tables.read(rows, tokens(length, negatives))
    base = find_model(load(Model))
    batches = plan(list(table["component_id"]), params.batch_size, params.epochs, run.seed)
    with tempfile.TemporaryDirectory() as logs:
        start = time.perf_counter()
        _, curve = training.train(base, table, batches[:steps], params, run.seed, run.threads, Path(logs, "logs"))
        seconds = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"seconds": seconds, "gigabytes": memory, "loss": float(curve["loss"].iloc[-1])}


def measure(steps: int, chunk: int) -> dict[str, float]:
    """Return what `train` returns, from a process of its own."""
    command = [sys.executable, __file__, "--steps", str(steps), "--chunk", str(chunk)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Run both and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--chunk", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.chunk:
        print(json.dumps(train(options.steps, options.chunk)))
        return
    chunked, whole = measure(options.steps, 8), measure(options.steps, 1 << 20)
    result = {
        "memory_ratio": round(whole["gigabytes"] / chunked["gigabytes"], 2),
        "time_ratio": round(whole["seconds"] / chunked["seconds"], 2),
        "loss_difference": round(abs(whole["loss"] - chunked["loss"]), 4),
        "gigabytes_in_chunks": round(chunked["gigabytes"], 2),
        "gigabytes_whole": round(whole["gigabytes"], 2),
    }
    print(json.dumps(result) if options.json else "\n".join(f"{name:20} {value}" for name, value in result.items()))


if __name__ == "__main__":
    main()
