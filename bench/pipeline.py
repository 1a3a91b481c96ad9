"""Time and memory of each data stage on generated documents, at several sizes in one run.

    python bench/pipeline.py [--documents 10000 100000] [--words 100] [--model FOLDER]
                             [--folder FOLDER] [--stages collect deduplicate] [--json]

Each document has a key, a text of words drawn one by one, and one question made of its first words.
Each tenth document is an edit of the one before it.
Each stage runs in a process of its own, in a copy of the project. The cleaning repairs neither
typos nor abbreviations, and removes no boilerplate. With --model, a static model as
bench/static_model.py makes it, the stages go on to `tokenize`: the static model embeds, and the
base model tokenizes. The negatives are those of TRAINING_PAIRS queries at every size. With --folder,
a run that was ended goes on with the stage that it was at. With --stages, the first stages alone;
`clean` may be left out before `deduplicate`.

    STAGE.SIZE.seconds       seconds of the clock
    STAGE.SIZE.cpu_seconds   processor time of the process and its workers
    STAGE.SIZE.peak_gb       peak memory of all these processes together
    STAGE.exponent           slope of processor time over documents, from the smallest size on,
                             both on a logarithmic scale
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import corpus, trials

STAGES = ("collect", "clean", "deduplicate", "pair", "split")
STAGES_WITH_MODEL = ("augment", "mine", "tokenize")
GIVEN = ("frozen", "protected", "glossary", "review", "written_queries")
TRAINING_PAIRS = 2000
SECONDS_BETWEEN_LOOKS = 1.0
Figures = dict[str, float]
ROOT = trials.ROOT


def write_source(path: Path, count: int, words: int) -> None:
    """Write `count` documents of about `words` words, each with a question, as JSON Lines."""
    with path.open("w", encoding="utf-8") as file:
        for index, text in enumerate(corpus.documents_of_words(count, words, seed=1)):
            subject = " ".join(text.split()[:8])
            row = {"id": index, "question": f"{subject} {index}?", "text": text}
            file.write(json.dumps(row) + "\n")


def run_stage(project: Path, stage: str) -> dict[str, float]:
    """Return seconds, processor time and peak memory of one stage, run in processes of its own.

    Raises:
        SystemExit: the stage failed.
    """
    # The documents of a size are the first ones of a larger size, so each has a cache of its own.
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PAIRSMITH_CACHE": str(project.parent / "cache"),
        "CI": "1",
        "OMP_NUM_THREADS": "1",
    }
    started, processor_seconds = time.perf_counter(), seconds_of_children()
    with tempfile.TemporaryFile() as errors:
        process = psutil.Popen(
            [sys.executable, "-m", f"stages.{stage}"],
            cwd=project,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        peak = 0
        while process.poll() is None:
            peak = max(peak, memory_of(process))
            time.sleep(SECONDS_BETWEEN_LOOKS)

        if process.returncode:
            errors.seek(0)
            raise SystemExit(f"{stage} failed: {errors.read().decode()[-2000:]}")

    return {
        "seconds": round(time.perf_counter() - started, 2),
        "cpu_seconds": round(seconds_of_children() - processor_seconds, 2),
        "peak_gb": round(peak / 1e9, 2),
    }


def seconds_of_children() -> float:
    """Return the processor time of all processes that this one has waited for, and of theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def memory_of(process: psutil.Process) -> int:
    """Return the bytes that a process and its workers hold in memory; a shared page counts once."""
    held = 0
    for member in [process, *process.children(recursive=True)]:
        # A process may end while it is looked at. Only Linux knows which pages are shared.
        with contextlib.suppress(psutil.Error):
            memory = member.memory_full_info()
            held += getattr(memory, "pss", memory.uss)
    return held


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


def measure(
    count: int, words: int, model: Path | None, folder: Path, stages: Sequence[str]
) -> dict[str, Figures]:
    """Return stage to its figures on `count` documents.

    Stages that `folder` has figures of are not run again. Without the stage `clean`, documents
    count as cleaned as they are.
    """
    changes = changed_params(model)
    project, measured = folder / "project", folder / "figures.json"
    figures: dict[str, Figures] = {}
    if measured.exists():
        figures = json.loads(measured.read_text("utf-8"))
    else:
        trials.copy(project, changes, GIVEN)
        (project / "data/raw").mkdir()
        write_source(project / "data/raw/documents.jsonl", count, words)

    for stage in stages:
        if stage in figures:
            continue

        if stage == "deduplicate" and "clean" not in stages:
            shutil.copytree(project / "data/collect", project / "data/clean", dirs_exist_ok=True)

        # The static model has no token for padding, which the tokens of a training need.
        own_changes = {**changes, "model": {}} if stage == "tokenize" else changes
        trials.write_params(project, own_changes)
        figures[stage] = run_stage(project, stage)
        measured.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
        print(count, stage, figures[stage], file=sys.stderr, flush=True)

    return {stage: figures[stage] for stage in stages}


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
    parser.add_argument("--folder", type=Path, help="where the tables stay, to go on later")
    parser.add_argument("--stages", nargs="+", choices=STAGES + STAGES_WITH_MODEL)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    stages = options.stages or STAGES + (STAGES_WITH_MODEL if options.model else ())

    figures: dict[str, float] = {}
    seconds_of_stage: dict[str, list[float]] = {}
    with contextlib.ExitStack() as stack:
        root = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for count in options.documents:
            folder = root / str(count)
            folder.mkdir(parents=True, exist_ok=True)
            values_of_stage = measure(count, options.words, options.model, folder, stages)
            for stage, values in values_of_stage.items():
                seconds_of_stage.setdefault(stage, []).append(values["cpu_seconds"])
                for name, value in values.items():
                    figures[f"{stage}.{count}.{name}"] = value

    if len(options.documents) > 1:
        for stage, seconds in seconds_of_stage.items():
            figures[f"{stage}.exponent"] = round(exponent(options.documents, seconds), 2)

    if options.json:
        print(json.dumps(figures))
        return

    for name, value in figures.items():
        print(f"{name:<32} {value:10,.2f}")


if __name__ == "__main__":
    main()
