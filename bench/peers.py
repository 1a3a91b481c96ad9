"""Other tools, each in an environment of its own in the user's cache directory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "pairsmith", "bench")
DATATROVE = (
    "datatrove==0.10.1",
    "xxhash<4",
    "spacy==3.8.18",
    "regex",
    "nltk",
    "ftfy==6.3.1",
    "tokenizers",
)
DATASKETCH = ("datasketch==2.0.0", "numpy==2.4.6")


def run(name: str, packages: Sequence[str], script: str, *arguments: str) -> str:
    """Run `script` with `arguments`, on one thread, where `packages` are installed; return the last line it prints.

    The environment is made when it is missing or was made for other packages.
    """
    folder = CACHE / name
    python, complete, wanted = folder / "bin" / "python", folder / "complete", " ".join(packages)
    if not complete.exists() or complete.read_text("utf-8") != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", *packages],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        complete.write_text(wanted, "utf-8")
    return last_line([str(python), "-c", script, *arguments], {"OMP_NUM_THREADS": "1"})


def last_line(
    command: Sequence[str], environment: dict[str, str], folder: Path | None = None
) -> str:
    """Return the last line that `command` prints; SystemExit with what it said when it fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{command[0]} failed:\n{done.stderr[-2000:]}")
    return done.stdout.splitlines()[-1]
