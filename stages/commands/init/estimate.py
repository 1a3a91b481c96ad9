"""How long the first runs take on this machine, about, and how much memory and disk they need.

The rates were measured on the default data (16,449 documents of 21 words, 21,184 pairs), in
processor seconds of one core of a shared server, and are of the base model of the project
(MiniLM with 6 layers, on the processor). Other models, longer texts and slower machines take other
times: an estimate says whether it is minutes or hours.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from stages.commands.init.sizes import Sizes

# Processor seconds of the stages without a model: of each run, and for each document or pair.
_SECONDS_OF_RUN = 45.0
_SECONDS_OF_ROW = 0.0045
# Characters that the base model encodes in a processor second; a text is cut at a passage.
_CHARACTERS_OF_SECOND = 9_000.0
_LONGEST_PASSAGE = 1_000
# How often a text is encoded: documents and anchors to mine and to validate, and to evaluate.
_ENCODINGS_OF_DATA = 1
_ENCODINGS_OF_TRAINING = 1
# A row of training: three texts, forward, and backward at twice the price.
_ENCODINGS_OF_ROW = 9
_LEAST_CHARACTERS = 80

# Gigabytes: of a process with the model, and for each gigabyte of text.
_MEMORY_OF_PROCESS = 1.2
_MEMORY_OF_TEXT = 8.0
# Tables, indexes, embeddings and DVC's copies, as a multiple of the text; the model beside them.
_DISK_OF_TEXT = 12.0
_DISK_OF_RUN = 0.3
_BYTES = 1e9


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
    pairs = max(sizes.pairs, sizes.documents)

    # Passages of a long document are encoded one by one.
    mean_characters = sizes.characters / sizes.documents
    passage = max(_LEAST_CHARACTERS, min(mean_characters, _LONGEST_PASSAGE))
    encoded = max(sizes.characters, sizes.documents * _LEAST_CHARACTERS)
    encoding = (encoded + pairs * _LEAST_CHARACTERS) / _CHARACTERS_OF_SECOND
    training = pairs * train_share * _ENCODINGS_OF_ROW * passage / _CHARACTERS_OF_SECOND

    text = sizes.characters / _BYTES
    return Estimate(
        data_minutes=(
            (_SECONDS_OF_RUN + rows * _SECONDS_OF_ROW) / 60
            + _ENCODINGS_OF_DATA * encoding / cores / 60
        ),
        training_minutes=(training + _ENCODINGS_OF_TRAINING * encoding) / cores / 60 + 1,
        memory=_MEMORY_OF_PROCESS + _MEMORY_OF_TEXT * text,
        disk=_DISK_OF_RUN + _DISK_OF_TEXT * text,
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _duration(minutes: float) -> str:
    if minutes < 90:
        return f"about {max(1, round(minutes))} min"
    return f"about {minutes / 60:.0f} h"
