"""Measure the memory and the time of the stage `collect`, or of `init`, on a large file.

    python bench/collect_memory.py --size 5GB
    python bench/collect_memory.py --size 200MB --no-keys
    python bench/collect_memory.py --size 5GB --init

The file is generated: JSONL, a document of about 1 KB with a question on each line, with or without a
key. The stage runs as a process of its own in a temporary project, and its largest resident memory
is printed beside its seconds. Of `init` all is measured but the copy and `dvc add`. The file and the
project are removed in the end.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Words of a generated text, and the mean number of words in a document of about 1 KB.
VOCABULARY = 20_000
WORDS = 145
PARAMS = """\
git:
  texts: nothing
pair:
  document_text: "{text}"
collect:
  sources:
    made:
      reader: table
      path: data/raw/made.jsonl
      columns: COLUMNS
  out_of_domain: null
  max_rejected_share: 0.1
"""


# What `init` does before it copies the file.
PLAN = """\
from stages.commands.init.__main__ import make_plan
from stages.commands.init.recognition import guess_sources
make_plan(guess_sources(["data/raw/made.jsonl"]))
"""


def write_rows(path: Path, size: int, *, has_keys: bool, seed: int = 13) -> int:
    """Write rows to `path` until it has `size` bytes, and return their number."""
    source = random.Random(seed)
    words = [_word(source) for _ in range(VOCABULARY)]
    row_count = written = 0
    with path.open("wb") as stream:
        while written < size:
            text = " ".join(source.choices(words, k=source.randint(WORDS // 2, 3 * WORDS // 2)))
            row = {"question": f"What about {text[:40]}?", "answer": text}
            if has_keys:
                row = {"id": f"k{source.getrandbits(48):012x}", **row}

            line = json.dumps(row, ensure_ascii=False).encode() + b"\n"
            stream.write(line)
            written += len(line)
            row_count += 1

    return row_count


def measure(folder: Path, *, has_keys: bool, is_init: bool) -> tuple[float, float]:
    """Run the stage or `init` in `folder`; return its seconds and its largest memory in MB."""
    fields = {"anchor": "question", "text": "answer"}
    if has_keys:
        fields["key"] = "id"
    params = PARAMS.replace("COLUMNS", json.dumps(fields))
    if is_init:
        params = (ROOT / "params.yaml").read_text("utf-8")
        # What `init` takes away with the default data.
        for name in ("glossary", "frozen", "review"):
            shutil.copytree(ROOT / "data" / name, folder / "data" / name)
    (folder / "params.yaml").write_text(params, "utf-8")
    (folder / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())

    what = ["-c", PLAN] if is_init else ["-m", "stages.collect"]
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, *what],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    seconds = time.perf_counter() - start
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def main() -> None:
    """Generate the file, run the stage, and print what it needed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--size", default="200MB", help="size of the file, such as 200MB or 5GB")
    parser.add_argument("--no-keys", action="store_true", help="rows without a key of their own")
    parser.add_argument("--init", action="store_true", help="measure init, not collect")
    arguments = parser.parse_args()
    has_keys = not arguments.no_keys
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data" / "raw").mkdir(parents=True)
        file = folder / "data" / "raw" / "made.jsonl"
        row_count = write_rows(file, _bytes(arguments.size), has_keys=has_keys)
        seconds, megabytes = measure(folder, has_keys=has_keys, is_init=arguments.init)

    print(
        f"{row_count:,} rows, {'with' if has_keys else 'without'} keys: {seconds:.1f} s, {megabytes:,.0f} MB"
    )


def _word(source: random.Random) -> str:
    return "".join(source.choices("abcdefghijklmnopqrstuvwxyz", k=source.randint(3, 9)))


def _bytes(size: str) -> int:
    match = re.fullmatch(r"(\d+)(MB|GB)", size)
    if not match:
        raise SystemExit(f"--size is {size}: write a whole number of MB or GB, such as 5GB")
    return int(match[1]) * (10**6 if match[2] == "MB" else 10**9)


if __name__ == "__main__":
    main()
