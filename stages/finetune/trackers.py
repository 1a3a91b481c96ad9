"""Who is told how training goes: TensorBoard always, Weights & Biases where it is asked for.

What they show lies in `runs/`, outside git and DVC.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any, Literal

from stages.lib.errors import Problem
from stages.lib.stage import check_pins

PROJECT = "pairsmith"
RUNS = Path("runs/finetune")


class Trackers:
    """The scalars of a run, in the order in which they came: kept, and passed on."""

    def __init__(
        self, logs: Path, wandb: Literal["off", "offline", "online"], settings: dict[str, Any]
    ) -> None:
        from torch.utils.tensorboard import SummaryWriter

        shutil.rmtree(
            logs, ignore_errors=True
        )  # a rerun replaces its curve, or two would be drawn as one
        self.logs = logs
        self._writer = SummaryWriter(str(logs))
        self._run = None if wandb == "off" else _start(logs, wandb, settings)
        self.scalars: list[tuple[str, float, int]] = []

    def add(self, name: str, value: float, step: int) -> None:
        """Tell that `name` was `value` after `step`."""
        self.scalars.append((name, value, step))
        self._writer.add_scalar(name, value, step)
        if self._run is not None:
            self._run.log({name: value}, step=step)

    def told(self, name: str) -> list[tuple[int, float]]:
        """Return step and value of all scalars `name` so far."""
        return [(step, value) for one, value, step in self.scalars if one == name]

    def close(self) -> None:
        """Flush what they show."""
        self._writer.close()
        if self._run is not None:
            self._run.finish()


def check(wandb: Literal["off", "offline", "online"]) -> None:
    """Refuse to train with a tracker that is not installed, or not the pinned one."""
    if wandb == "off":
        return
    try:
        check_pins(("wandb",))
    except Problem as problem:
        raise Problem(
            f"params.yaml: finetune.wandb is {wandb}: {problem.fact}",
            "run '.venv/bin/python -m pip install -r requirements-wandb.txt', or set it to off",
        ) from None


def _start(logs: Path, mode: Literal["off", "offline", "online"], settings: dict[str, Any]) -> Any:
    import wandb

    try:
        return wandb.init(
            project=PROJECT,
            name=logs.name,
            dir=str(logs),
            mode=mode,
            config=settings,
            # Numbers and parameters alone: no code, git state, host, or what is printed.
            settings=wandb.Settings(
                console="off",
                host="-",
                silent=True,
                disable_git=True,
                disable_code=True,
                save_code=False,
                x_disable_stats=True,
                x_disable_meta=True,
                x_disable_machine_info=True,
            ),
        )
    except wandb.Error as error:
        raise Problem(
            f"params.yaml: finetune.wandb is {mode}, but no run could be started: {error}",
            "log in with 'wandb login', or set finetune.wandb: offline and run 'wandb sync' later",
        ) from None


def run_name(*decides: str) -> str:
    """Return a short name that is the same for the same data and settings."""
    return hashlib.sha256("\n".join(decides).encode("utf-8", "surrogatepass")).hexdigest()[:10]
