"""How long `make data` takes after a small change of the default data.

    python bench/data_loop.py [--share 0.01] [--json]

The project is cloned, with its data and a copy of the cache of embeddings. Then a source of generated
documents is added, a share of the number that there are, each with a question. What it adds is in no
cache. `dvc repro` has to be up to date in this checkout first.

Then 200 generated documents take the place of all, and one is added: what a loop costs whatever the
number of documents, with the start of nine processes and of the libraries that they load.

    unchanged.seconds    dvc repro validate with nothing to do, as all figures in seconds of the clock
    changed.seconds      the same after the change
    changed.cpu_seconds  its processor time
    STAGE.seconds        what each stage took of it, DVC included
    few.seconds          the same after one document more than 200
    few.cpu_seconds      its processor time
    few.STAGE.seconds    what each stage took of it
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import pipeline, trials
from stages.lib.retrieval.cache import cache_folder

ROOT = trials.ROOT
SOURCE = {
    "reader": "table",
    "path": "data/raw/generated.jsonl",
    "columns": {"key": "id", "anchor": "question", "text": "text"},
}
WORDS = 50
FEW = 200
_RUNNING = re.compile(r"Running stage '(\w+)'")


def clone(folder: Path) -> None:
    """Make a clone of the committed project in `folder`, with the tables of dvc.lock."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    cache = str(ROOT / ".dvc/cache")
    for arguments in (["cache", "dir", "--local", cache], ["checkout", "--quiet"]):
        subprocess.run(["dvc", *arguments], cwd=folder, check=True)


def add_source(project: Path, share: float) -> None:
    """Add a source with `share` of the number of documents that the project has."""
    details = json.loads((project / "metrics/details/collect.json").read_text("utf-8"))
    count = round(share * int(details["documents"]))
    pipeline.write_source(project / "data/raw/generated.jsonl", count, WORDS)
    sources = {"hpo": {"reader": "hpo"}, "generated": SOURCE}
    trials.write_params(project, {"collect": {"sources": sources}})


def replace_sources(project: Path, count: int) -> None:
    """Put `count` generated documents in place of all."""
    pipeline.write_source(project / "data/raw/generated.jsonl", count, WORDS)
    changes = {"sources": {"generated": SOURCE}, "out_of_domain": None}
    trials.write_params(project, {"collect": changes})


def repro(project: Path, cache: Path) -> dict[str, float]:
    """Return the seconds of `dvc repro validate`, of the processor and of each stage.

    Raises:
        SystemExit: it failed.
    """
    environment = {**os.environ, "CI": "1", "PAIRSMITH_CACHE": str(cache)}
    started, processor_seconds = time.perf_counter(), pipeline.seconds_of_children()
    process = subprocess.Popen(
        ["dvc", "repro", "validate"],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    # DVC names a stage when it starts it.
    starts: list[tuple[str, float]] = []
    lines: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        named = _RUNNING.match(line)
        if named:
            starts.append((named[1], time.perf_counter()))

    if process.wait():
        raise SystemExit("".join(lines[-20:]))

    ended = time.perf_counter()
    figures = {
        "seconds": ended - started,
        "cpu_seconds": pipeline.seconds_of_children() - processor_seconds,
    }
    ends = [*(start for _, start in starts), ended][1:]
    for (stage, start), end in zip(starts, ends, strict=True):
        figures[f"{stage}.seconds"] = end - start
    return figures


def measure(share: float) -> dict[str, float]:
    """Return the figures of this module's documentation."""
    with tempfile.TemporaryDirectory() as folder:
        project, cache = Path(folder) / "project", Path(folder) / "cache"
        clone(project)
        shutil.copytree(cache_folder() or cache, cache)
        unchanged = repro(project, cache)
        add_source(project, share)
        changed = repro(project, cache)

        replace_sources(project, FEW)
        repro(project, cache)
        replace_sources(project, FEW + 1)
        few = repro(project, cache)

    figures = {"unchanged.seconds": unchanged["seconds"]}
    for name, value in changed.items():
        figures[name if "." in name else f"changed.{name}"] = value
    for name, value in few.items():
        figures[f"few.{name}"] = value
    return {name: round(value, 1) for name, value in figures.items()}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--share", type=float, default=0.01)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    figures = measure(options.share)
    if options.json:
        print(json.dumps(figures))
        return

    for name, value in figures.items():
        print(f"{name:<22} {value:7.1f}")


if __name__ == "__main__":
    main()
