"""What embedding a batch in chunks costs and saves: the whole batch at once, in chunks, and in chunks embedded twice.

Runs the same steps three times, each in a process of its own, on the tokens of the last run:

    python bench/training_chunks.py [--steps 20] [--batch 32] [--json]

`time_ratio` and `memory_ratio` are whole batch over chunks (above 1: chunks are better), `cached.*` chunks over
CachedMultipleNegativesRanking; memory is that above the process before its first step. `loss_difference` is the largest
difference of the logged losses (dropout draws differently over other shapes).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent


def train(steps: int, batch: int, way: str) -> dict[str, float]:
    """Train `steps` steps in one `way`; return seconds, memory in GB and the last loss."""
    sys.path.insert(0, str(ROOT))
    from bench.process_memory import status
    from stages.finetune import chunked_loss
    from stages.finetune.batches import conflict_ids, plan_batches
    from stages.finetune.hooks import TrainingHooks
    from stages.finetune.interface import FinetuneParams
    from stages.finetune.tracking import Tracker
    from stages.finetune.trainer import TrainingJob
    from stages.finetune.trainer import train as train_model
    from stages.lib.core import tables
    from stages.lib.core.model_files import find_base_model
    from stages.lib.core.params import ModelParams, RunParams, load_section
    from stages.lib.retrieval.encoder import load_model
    from stages.lib.schemas.training import read_tokens_shape, tokens_schema

    if way == "whole":
        chunked_loss.CHUNK = 1 << 20
    name = "CachedMultipleNegativesRanking" if way == "cached" else "MultipleNegativesRanking"
    params = load_section(FinetuneParams).model_copy(update={"loss": name, "batch_size": batch})
    run, rows = load_section(RunParams), Path("data/tokenize/tokens.parquet")
    length, negatives = read_tokens_shape(rows)
    table = tables.read(rows, tokens_schema(length, negatives))
    base = find_base_model(load_section(ModelParams))
    load_model(base)  # what the library itself needs is in memory before
    rows_of_ids = conflict_ids(table, "ranking")
    batches = plan_batches(rows_of_ids, batch, params.epochs, run.seed)[:steps]
    job = TrainingJob(
        base=base,
        tokens=table,
        batches=batches,
        params=params,
        seed=run.seed,
        threads=run.threads,
    )
    before = status("VmHWM")
    with tempfile.TemporaryDirectory() as logs:
        tracker = Tracker(Path(logs, "logs"), "off", {})
        start = time.perf_counter()
        trained = train_model(job, TrainingHooks(tracker))
        seconds = time.perf_counter() - start
    memory = (status("VmHWM") - before) / 2**20
    return {"seconds": seconds, "gigabytes": memory, "loss": float(trained.curve["loss"].iloc[-1])}


def measure(steps: int, batch: int, way: str) -> dict[str, float]:
    """Return what `train` returns, from a process of its own."""
    command = [sys.executable, __file__, "--steps", str(steps), "--batch", str(batch), "--way", way]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Run all three and print the ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--way", choices=("whole", "chunks", "cached"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        print(json.dumps(train(options.steps, options.batch, options.way)))
        return
    whole, chunks, cached = (
        measure(options.steps, options.batch, way) for way in ("whole", "chunks", "cached")
    )
    result = {
        "memory_ratio": round(whole["gigabytes"] / chunks["gigabytes"], 2),
        "time_ratio": round(whole["seconds"] / chunks["seconds"], 2),
        "loss_difference": round(abs(whole["loss"] - chunks["loss"]), 4),
        "gigabytes_whole": round(whole["gigabytes"], 2),
        "gigabytes_in_chunks": round(chunks["gigabytes"], 2),
        "cached.memory_ratio": round(chunks["gigabytes"] / cached["gigabytes"], 2),
        "cached.time_ratio": round(chunks["seconds"] / cached["seconds"], 2),
        "cached.loss_difference": round(abs(chunks["loss"] - cached["loss"]), 4),
        "cached.gigabytes": round(cached["gigabytes"], 2),
    }
    print(
        json.dumps(result)
        if options.json
        else "\n".join(f"{name:24} {value}" for name, value in result.items())
    )


if __name__ == "__main__":
    main()
