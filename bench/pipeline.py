"""Time and memory of each data stage on generated documents, at several sizes in one run.

    python bench/pipeline.py [--documents 10000 100000] [--words 100] [--model FOLDER] [--json]

Each document has a key, a text out of bench/corpus.py, and one question made of words of its own.
Each stage runs in a process of its own, in a copy of the project. The cleaning repairs neither
typos nor abbreviations, and removes no boilerplate. With --model, a static model as
bench/static_model.py makes it, the stages go on to `tokenize`: the static model embeds, and the
base model tokenizes. The negatives are those of TRAINING_PAIRS queries at every size.

    STAGE.SIZE.cpu_seconds   processor time of the process and its workers
    STAGE.SIZE.peak_gb       peak memory of the largest of these processes
    STAGE.exponent           slope of processor time over documents, from the smallest size on,
                             both on a logarithmic scale
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import corpus, trials

STAGES = ("collect", "clean", "deduplicate", "pair", "split")
STAGES_WITH_MODEL = ("augment", "mine")
GIVEN = ("frozen", "protected", "glossary", "review", "written_queries")
WORDS_OF_BLOCK = 40
TRAINING_PAIRS = 2000
ROOT = trials.ROOT


def write_source(path: Path, count: int, words: int) -> None:
    """Write `count` documents of about `words` words, each with a question, as JSON Lines."""
    blocks_of_document = max(1, round(words / WORDS_OF_BLOCK))
    blocks = corpus.documents(count * blocks_of_document, seed=1)
    with path.open("w", encoding="utf-8") as file:
        for index in range(count):
            own = blocks[index * blocks_of_document : (index + 1) * blocks_of_document]
            subject = " ".join(own[0].split()[:8])
            row = {"id": index, "question": f"{subject} {index}?", "text": "\n\n".join(own)}
            file.write(json.dumps(row) + "\n")


def run_stage(project: Path, stage: str) -> dict[str, float]:
    """Return processor time and peak memory of one stage, run in a process of its own.

    Raises:
        SystemExit: the stage failed.
    """
    # The usage of a child is known to the process that waits for it.
    code = (
        "import json, resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], capture_output=True, text=True)\n"
        "usage = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "seconds = usage.ru_utime + usage.ru_stime\n"
        "print(json.dumps([done.returncode, done.stderr[-2000:], seconds, usage.ru_maxrss]))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CI": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, sys.executable, "-m", f"stages.{stage}"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    status, errors, seconds, peak_kb = json.loads(done.stdout)
    if status:
        raise SystemExit(f"{stage} failed: {errors}")

    # Linux counts kilobytes, and macOS bytes.
    unit = 1e9 if sys.platform == "darwin" else 1e6
    return {"cpu_seconds": seconds, "peak_gb": peak_kb / unit}


def changed_params(model: Path | None) -> dict[str, dict[str, Any]]:
    """Return the parameters of a project on generated documents, by section, where they differ."""
    source = {
        "reader": "table",
        "path": "data/raw/documents.jsonl",
        "columns": {"key": "id", "anchor": "question", "text": "text"},
    }
    changes: dict[str, dict[str, Any]] = {
        "collect": {"sources": {"generated": source}, "out_of_domain": None},
        "clean": {"typos": "off", "abbreviations": "off", "boilerplate_share": None},
        "deduplicate": {"authoritative": []},
        "split": {"max_train_pairs": TRAINING_PAIRS if model else None},
    }
    if model:
        changes["model"] = {"base": str(model.resolve()), "sha256": "", "weights_sha256": ""}
    return changes


def measure(count: int, words: int, model: Path | None) -> dict[str, dict[str, float]]:
    """Return stage to its figures on `count` documents."""
    stages = STAGES + (STAGES_WITH_MODEL if model else ())
    changes = changed_params(model)
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        trials.copy(project, changes, GIVEN)
        (project / "data/raw").mkdir()
        write_source(project / "data/raw/documents.jsonl", count, words)
        figures = {stage: run_stage(project, stage) for stage in stages}

        # The static model has no token for padding, which the tokens of a training need.
        if model:
            trials.write_params(project, {**changes, "model": {}})
            figures["tokenize"] = run_stage(project, "tokenize")
        return figures


def exponent(counts: Sequence[int], seconds: Sequence[float]) -> float:
    """Return the slope of the straight line through the logarithms, by least squares."""
    x = [math.log(count) for count in counts]
    y = [math.log(value) for value in seconds]
    mean_x = sum(x) / len(x)
    mean_y = sum(y) / len(y)
    covariance = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    return covariance / sum((a - mean_x) ** 2 for a in x)


def main() -> None:
    """Print the figures of all stages and sizes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--words", type=int, default=100)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    figures: dict[str, float] = {}
    seconds_of_stage: dict[str, list[float]] = {}
    for count in options.documents:
        for stage, values in measure(count, options.words, options.model).items():
            seconds_of_stage.setdefault(stage, []).append(values["cpu_seconds"])
            for name, value in values.items():
                figures[f"{stage}.{count}.{name}"] = round(value, 2)
                if not options.json:
                    print(f"{stage}.{count}.{name:<12} {value:.2f}", flush=True)

    if len(options.documents) > 1:
        for stage, seconds in seconds_of_stage.items():
            figures[f"{stage}.exponent"] = round(exponent(options.documents, seconds), 2)
            if not options.json:
                print(f"{stage}.exponent {figures[f'{stage}.exponent']:.2f}")

    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
