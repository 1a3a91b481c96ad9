"""How long the first runs take on this machine, about, and how much memory and disk they need.

The rates were measured on the default data (16,449 documents and 21,184 pairs, 2.7 million
characters) in processor seconds of a shared server: collect 5, clean 47, deduplicate 11, pair 9,
split 16, and 7.5 to encode 384 documents of 50,569 characters with the base model of the project
(MiniLM with 6 layers) on one core. The largest process had 0.8 GB. Training is counted as nine
encodings of a row. Other models and machines take other times: an estimate says whether it is
minutes or hours.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from stages.commands.init.sizes import Sizes

# Processor seconds of the stages without a model: of each run, row and character.
_SECONDS_OF_RUN = 45.0
_SECONDS_OF_ROW = 0.001
_SECONDS_OF_CHARACTER = 15e-6
# Characters that the base model encodes in a processor second; a text is cut at a passage.
_CHARACTERS_OF_SECOND = 6_700.0
_LONGEST_PASSAGE = 1_000
# A row of training: three texts, forward, and backward at twice the price.
_ENCODINGS_OF_ROW = 9
_LEAST_CHARACTERS = 80

# Gigabytes of memory: of a process with the model, of a row, and of a gigabyte of text.
_MEMORY_OF_PROCESS = 1.0
_MEMORY_OF_ROW = 10e-6
_MEMORY_OF_TEXT = 8.0
# Gigabytes of disk, with DVC's copies: the models, tables and embeddings of a row, and texts.
_DISK_OF_RUN = 0.3
_DISK_OF_ROW = 5e-6
_DISK_OF_TEXT = 24.0
_CHARACTERS_OF_GIGABYTE = 1e9


class Estimate(NamedTuple):
    """What a run needs: minutes to prepare, minutes to train and evaluate, gigabytes."""

    data_minutes: float
    training_minutes: float
    memory: float
    disk: float

    @property
    def lines(self) -> list[str]:
        """Return the estimate in words."""
        return [
            f"  make data    {_duration(self.data_minutes)}, prepares and validates",
            f"  make repro   {_duration(self.training_minutes)} more, trains and evaluates",
            f"  about {self.memory:.1f} GB of memory and {self.disk:.1f} GB of disk",
        ]


def estimate(sizes: Sizes, train_share: float) -> Estimate:
    """Return what runs on data of these sizes need on this machine."""
    cores = _cores()
    rows = sizes.documents + max(sizes.pairs, sizes.documents)
    pairs = sizes.answers or sizes.documents

    # Passages of a long document are encoded one by one.
    mean_characters = sizes.characters / sizes.documents
    passage = max(_LEAST_CHARACTERS, min(mean_characters, _LONGEST_PASSAGE))
    encoded = max(sizes.characters, sizes.documents * _LEAST_CHARACTERS)
    encoding = (encoded + pairs * _LEAST_CHARACTERS) / _CHARACTERS_OF_SECOND
    training = pairs * train_share * _ENCODINGS_OF_ROW * passage / _CHARACTERS_OF_SECOND

    text = sizes.characters / _CHARACTERS_OF_GIGABYTE
    return Estimate(
        data_minutes=(
            _SECONDS_OF_RUN
            + rows * _SECONDS_OF_ROW
            + sizes.characters * _SECONDS_OF_CHARACTER
            + encoding / cores
        )
        / 60,
        training_minutes=(training + encoding) / cores / 60 + 1,
        memory=_MEMORY_OF_PROCESS + _MEMORY_OF_ROW * rows + _MEMORY_OF_TEXT * text,
        disk=_DISK_OF_RUN + _DISK_OF_ROW * rows + _DISK_OF_TEXT * text,
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _duration(minutes: float) -> str:
    if minutes < 90:
        return f"about {max(1, round(minutes))} min"
    return f"about {minutes / 60:.0f} h"
