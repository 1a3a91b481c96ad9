"""Checkpoints, so that a killed run goes on and ends at the same bits.

A checkpoint is one file in the content-addressed cache. Its name is a hash of all that decides the
weights: inputs, code, parameters, versions, kind of processor. It appears whole or not at all. It
is read back only if its own hash and name show that it is complete and of this run, and it is
removed when the run has its result. When it is written depends on the clock, and changes no byte of
the model.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import random
import sys
import time
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from stages.lib.core.terminal import say_error
from stages.lib.retrieval import cache

INTERVAL_SECONDS = 60.0
# The checkpoint of a large model takes long to write. The time between two checkpoints is at least
# this many times as long.
WRITE_TIME_FACTOR = 30
# How many checkpoints of runs that never came back are kept. Each is three times as large as the
# weights.
MAX_ABANDONED = 3

_HEAD_BYTES = 512
_ABANDONED_SECONDS = 3600.0
_PACKAGES = ("torch", "transformers", "sentence-transformers", "accelerate", "numpy")
_STAGES = Path(__file__).parents[1]


class State(NamedTuple):
    """Where training stands after `step`.

    Attributes:
        step: how many steps are done.
        model: the weights by name.
        optimizer: the state of the optimizer.
        schedule: the state of the learning rate.
        rng_state: the state of every random generator, from `get_rng_state`.
        scalars: name, value and step of what was logged.
        early_stopping: the state of early stopping; empty without it.
    """

    step: int
    model: dict[str, Any]
    optimizer: dict[str, Any]
    schedule: dict[str, Any]
    rng_state: dict[str, Any]
    scalars: list[tuple[str, float, int]]
    early_stopping: dict[str, Any]


class Checkpoints:
    """The checkpoint of a run: only the latest, at most every `seconds`.

    Args:
        key: the name of the run, from `checkpoint_key`.
        folder: where the file lies; by default in the cache. If that is off, nothing is kept.
        seconds: the least time between two checkpoints.
    """

    def __init__(
        self, key: str, folder: Path | None = None, seconds: float = INTERVAL_SECONDS
    ) -> None:
        self.key = key
        # Without a cache there are no checkpoints.
        cache_folder = cache.cache_folder()
        self._is_kept = folder is not None or cache_folder is not None
        self._folder = folder or (cache_folder or Path()) / "checkpoints"
        self._path = self._folder / f"{key}.checkpoint"
        self._seconds = seconds
        self._write_seconds = 0.0
        self._last_time = time.monotonic()

    def is_due(self) -> bool:
        """Return whether it is time for the next checkpoint."""
        if not self._is_kept:
            return False
        wait = max(self._seconds, WRITE_TIME_FACTOR * self._write_seconds)
        return time.monotonic() - self._last_time >= wait

    def write(self, state: State) -> None:
        """Replace the checkpoint by `state`. A full disk is reported, and training goes on."""
        start = time.monotonic()

        # A full disk costs the way back, and not the run.
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._replace(state)
        except OSError as error:
            say_error(f"checkpoint {self._path}: {error}; training goes on without it")

        # The next one is due later if this one took long.
        self._last_time = time.monotonic()
        self._write_seconds = self._last_time - start

    def _replace(self, state: State) -> None:
        import torch

        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}.tmp")
        try:
            with temporary.open("wb") as file:
                # Room for the head, which holds the hash of what follows.
                file.write(bytes(_HEAD_BYTES))
                hashed_file = _HashedFile(file)
                torch.save(state._asdict(), cast("Any", hashed_file))

                head = {
                    "key": self.key,
                    "step": state.step,
                    "blake2b": hashed_file.digest.hexdigest(),
                }
                file.seek(0)
                file.write(json.dumps(head).encode().ljust(_HEAD_BYTES - 1) + b"\n")

                # The bytes must be on the disk before the name is.
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
        finally:
            temporary.unlink(missing_ok=True)

    def read(self) -> State | None:
        """Return the state to go on from, or None.

        A file that is damaged, or of another run, is reported and removed.
        """
        import torch

        if not self._is_kept or not self._path.is_file():
            return None
        try:
            with self._path.open("rb") as file:
                head = json.loads(file.read(_HEAD_BYTES))
                body = file.read()

            # The name of a file can be wrong, and its bytes can be damaged.
            if head["key"] != self.key:
                raise ValueError("it is of another run")
            if head["blake2b"] != hashlib.blake2b(body).hexdigest():
                raise ValueError("its content is damaged")

            # Only tensors and plain values are loaded: a checkpoint never runs code.
            values = torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)
            return State(**values)
        except Exception as error:
            say_error(f"checkpoint {self._path}: {error}; training starts anew")
            self._path.unlink(missing_ok=True)
            return None

    def remove(self) -> None:
        """Remove the checkpoint, and all but the latest of runs that never came back."""
        if not self._is_kept:
            return

        # The latest checkpoints of other runs stay: they may go on.
        others = [path for path in self._folder.glob("*.checkpoint") if path != self._path]
        others.sort(key=lambda path: path.stat().st_mtime, reverse=True)

        # A run that is killed while it writes leaves a part of a file.
        now = time.time()
        parts = [
            path
            for path in self._folder.glob(".*.tmp")
            if now - path.stat().st_mtime > _ABANDONED_SECONDS
        ]

        for path in (self._path, *others[MAX_ABANDONED:], *parts):
            with suppress(OSError):
                path.unlink()


class _HashedFile:
    """A file that is hashed while it is written. A large state would not fit into memory twice."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.blake2b()

    def write(self, part: bytes) -> int:
        self.digest.update(part)
        return self._file.write(part)

    def flush(self) -> None:
        self._file.flush()


def checkpoint_key(*inputs: str) -> str:
    """Return a name for all that decides the weights: `inputs`, code, versions and processor."""
    import torch

    digest = hashlib.blake2b(digest_size=16)

    # The name of each file and its bytes.
    for file in code_files():
        name = file.relative_to(_STAGES).as_posix()
        digest.update(f"{name}\0".encode() + file.read_bytes() + b"\0")

    # Other versions or processors may give other bits.
    versions = [platform.python_version(), *(version(package) for package in _PACKAGES)]
    processor = [platform.machine(), torch.backends.cpu.get_cpu_capability()]

    for part in (*inputs, *versions, *processor):
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()


def code_files() -> list[Path]:
    """Return the code that decides the weights: this stage, and the files of lib that are loaded.

    A file of lib that the stage does not import decides nothing, so an edit of it (of a chart, say)
    leaves a half-trained run usable.
    """
    lib = _STAGES / "lib"
    lib_files = set()

    # Modules are loaded only if something imports them.
    for module in list(sys.modules.values()):
        name = getattr(module, "__file__", None)
        if name and Path(name).is_relative_to(lib):
            lib_files.add(Path(name))

    return sorted([*(_STAGES / "finetune").rglob("*.py"), *lib_files])


def get_rng_state(device: str) -> dict[str, Any]:
    """Return the state of every random generator, as plain values and tensors."""
    import numpy as np
    import torch

    python_version, python_numbers, python_gauss = random.getstate()
    # Libraries draw from numpy's old global generator.
    numpy_state: Any = np.random.get_state()  # noqa: NPY002
    return {
        "python": [python_version, list(python_numbers), python_gauss],
        "numpy": [numpy_state[1].tolist(), *numpy_state[2:]],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if device == "cuda" else [],
        "mps": torch.mps.get_rng_state() if device == "mps" else None,
    }


def set_rng_state(rng_state: dict[str, Any]) -> None:
    """Put every random generator into the state that `get_rng_state` returned."""
    import numpy as np
    import torch

    python_version, python_numbers, python_gauss = rng_state["python"]
    random.setstate((python_version, tuple(python_numbers), python_gauss))

    numpy_numbers = np.array(rng_state["numpy"][0], dtype=np.uint32)
    np.random.set_state(("MT19937", numpy_numbers, *rng_state["numpy"][1:]))  # noqa: NPY002

    # Each device has a generator of its own.
    torch.set_rng_state(rng_state["torch"])
    if rng_state["cuda"]:
        torch.cuda.set_rng_state_all(rng_state["cuda"])
    if rng_state["mps"] is not None:
        torch.mps.set_rng_state(rng_state["mps"])
