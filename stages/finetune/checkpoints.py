"""Where training stood, so that a killed run goes on and ends at the same bits.

A checkpoint is one file in the content-addressed cache, named by a hash of all that decides the weights: inputs, code,
parameters, versions, kind of processor. It appears whole or not at all, is read back only if its own hash and name say
that it is this run's and complete, and goes when the run has its result. When it is written follows from the
clock, and changes no byte.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import random
import time
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import typer

from stages.lib import cache

SECONDS = 60.0
# A checkpoint of a large model takes long to write; the time between two is at least so many times as long.
SPARING = 30
# Of runs that never came back; each is three times as large as the weights.
KEPT = 3
_HEAD = 512
_ABANDONED = 3600.0
_PACKAGES = ("torch", "transformers", "sentence-transformers", "accelerate", "numpy")


class State(NamedTuple):
    """Where training stands after `step`: tensors by name, and what optimizer, schedule, chance and logs hold."""

    step: int
    model: dict[str, Any]
    optimizer: dict[str, Any]
    schedule: dict[str, Any]
    chance: dict[str, Any]
    scalars: list[tuple[str, float, int]]
    stopping: dict[str, Any]


class Checkpoints:
    """The one checkpoint of a run: at most every `seconds`, and only the latest."""

    def __init__(self, key: str, folder: Path | None = None, seconds: float = SECONDS) -> None:
        self.key = key
        self._folder = folder or cache.cache_folder() / "checkpoints"
        self._path = self._folder / f"{key}.checkpoint"
        self._seconds = seconds
        self._took = 0.0
        self._last = time.monotonic()

    def is_due(self) -> bool:
        """Return whether it is time for the next one."""
        return time.monotonic() - self._last >= max(self._seconds, SPARING * self._took)

    def write(self, state: State) -> None:
        """Put `state` in the place of what was there before, in one move. Where it cannot, it says so and no more."""
        start = time.monotonic()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._replace(state)
        except OSError as error:  # a full disk costs the way back, not the run
            typer.echo(f"checkpoint {self._path}: {error}; training goes on without it", err=True)
        self._last = time.monotonic()
        self._took = self._last - start

    def _replace(self, state: State) -> None:
        import torch

        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}.tmp")
        try:
            with temporary.open("wb") as file:
                file.write(bytes(_HEAD))
                content = cast("Any", _Hashed(file))
                torch.save(state._asdict(), content)
                head = json.dumps(
                    {"key": self.key, "step": state.step, "blake2b": content.digest.hexdigest()}
                )
                file.seek(0)
                file.write(head.encode().ljust(_HEAD - 1) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
        finally:
            temporary.unlink(missing_ok=True)

    def read(self) -> State | None:
        """Return the state to go on from, or None. A file that is damaged or another's is told of and removed."""
        import torch

        if not self._path.is_file():
            return None
        try:
            with self._path.open("rb") as file:
                head = json.loads(file.read(_HEAD))
                content = file.read()
            if head["key"] != self.key:
                raise ValueError("it is of another run")
            if head["blake2b"] != hashlib.blake2b(content).hexdigest():
                raise ValueError("its content is damaged")
            # Tensors and plain values alone: a checkpoint never runs code.
            return State(**torch.load(io.BytesIO(content), map_location="cpu", weights_only=True))
        except Exception as error:
            typer.echo(f"checkpoint {self._path}: {error}; training starts anew", err=True)
            self._path.unlink(missing_ok=True)
            return None

    def remove(self) -> None:
        """Remove it: the run has its result. Of others, that were left behind, the latest stay."""
        others = [path for path in self._folder.glob("*.checkpoint") if path != self._path]
        left = sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)
        # A run that is killed while it writes leaves its part behind.
        parts = [
            path
            for path in self._folder.glob(".*.tmp")
            if time.time() - path.stat().st_mtime > _ABANDONED
        ]
        for path in (self._path, *left[KEPT:], *parts):
            with suppress(OSError):
                path.unlink()


class _Hashed:
    """A file that is written to and hashed at once: a second copy of a large state would not fit into memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.blake2b()

    def write(self, part: bytes) -> int:
        self.digest.update(part)
        return self._file.write(part)

    def flush(self) -> None:
        self._file.flush()


def key(*inputs: str) -> str:
    """Return a name for all that decides the weights: `inputs`, this stage's code, versions and processor."""
    import torch

    digest = hashlib.blake2b(digest_size=16)
    stages = Path(__file__).parents[1]
    for folder in (Path(__file__).parent, stages / "lib"):
        for file in sorted(folder.rglob("*.py")):
            digest.update(
                f"{file.relative_to(stages).as_posix()}\0".encode() + file.read_bytes() + b"\0"
            )
    versions = [platform.python_version(), *(version(package) for package in _PACKAGES)]
    processor = [platform.machine(), torch.backends.cpu.get_cpu_capability()]
    for part in (*inputs, *versions, *processor):
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()


def draw_on(chance: dict[str, Any]) -> None:
    """Let everything random go on from `chance`, which `drawn` returned."""
    import numpy as np
    import torch

    version_, numbers, gauss = chance["python"]
    random.setstate((version_, tuple(numbers), gauss))
    np.random.set_state(  # noqa: NPY002
        ("MT19937", np.array(chance["numpy"][0], dtype=np.uint32), *chance["numpy"][1:])
    )
    torch.set_rng_state(chance["torch"])
    if chance["cuda"]:
        torch.cuda.set_rng_state_all(chance["cuda"])
    if chance["mps"] is not None:
        torch.mps.set_rng_state(chance["mps"])


def drawn(device: str) -> dict[str, Any]:
    """Return the state of everything random, as plain values and tensors."""
    import numpy as np
    import torch

    version_, numbers, gauss = random.getstate()
    legacy: Any = np.random.get_state()  # noqa: NPY002 - libraries draw from it
    return {
        "python": [version_, list(numbers), gauss],
        "numpy": [legacy[1].tolist(), *legacy[2:]],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if device == "cuda" else [],
        "mps": torch.mps.get_rng_state() if device == "mps" else None,
    }
