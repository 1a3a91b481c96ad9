"""Encode texts through a content-addressed cache, so that a cached vector equals a fresh one to the bit.

A vector depends on the model's files, the prompt, the text, and on nothing else: texts are padded to a
length that follows from the text alone, every batch has the same number of rows (the last is filled up),
and each forward pass runs on one thread. Several passes run side by side, which changes the speed only.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stages.lib import cache
from stages.lib.models import fingerprint, load_model
from stages.lib.passes import side_by_side
from stages.lib.retrieval import Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BATCH = 32
LENGTHS = tuple(range(8, 513, 8))


class Encoder:
    """A model as a function from texts to unit vectors, with its cache."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        versions = [
            version(package) for package in ("torch", "transformers", "sentence-transformers")
        ]
        self._key = f"{fingerprint(folder)} {versions} {platform.machine()} {BATCH} {LENGTHS}"
        self._model: SentenceTransformer | None = None

    def encode(self, texts: Sequence[str], prompt: str = "", label: str = "encoding") -> Vectors:
        """Return the embeddings of `texts`, shape (texts, dimension), float32, of unit length.

        Each distinct text is encoded once, and only if the cache lacks it. `prompt` goes before each text.
        """
        prompted = [prompt + text for text in texts]
        distinct = sorted(set(prompted))
        vectors = self._cached(distinct, label)
        return (
            np.stack([vectors[text] for text in prompted])
            if prompted
            else np.empty((0, 0), dtype=np.float32)
        )

    def _cached(self, texts: Sequence[str], label: str) -> dict[str, Vectors]:
        def make(missing: list[str]) -> dict[str, bytes]:
            return {
                text: vector.astype("<f4").tobytes()
                for text, vector in self._encode(missing, label).items()
            }

        found = cache.through("embeddings", self._key, texts, make)
        return {text: np.frombuffer(value, dtype="<f4") for text, value in found.items()}

    def _encode(self, texts: Sequence[str], label: str) -> dict[str, Vectors]:
        if not texts:
            return {}
        if self._model is None:
            self._model = load_model(self._folder)
        batches = list(self._batches(texts))
        done = side_by_side(self._forward, batches, label)
        return {
            text: vector
            for batch, vectors in zip(batches, done, strict=True)
            for text, vector in zip(batch[0], vectors, strict=False)
        }

    def _batches(self, texts: Sequence[str]) -> list[tuple[list[str], list[list[int]], int]]:
        """Cut `texts` into batches of one padded length; the length follows from the text alone."""
        assert self._model is not None
        limit = self._model.max_seq_length or LENGTHS[-1]
        tokens: list[list[int]] = self._model.tokenizer(
            list(texts), truncation=True, max_length=limit, padding=False
        )["input_ids"]
        by_length: dict[int, list[int]] = {}
        for at, row in enumerate(tokens):
            by_length.setdefault(
                next((length for length in LENGTHS if len(row) <= length), limit), []
            ).append(at)
        return [
            (
                [texts[at] for at in members[start : start + BATCH]],
                [tokens[at] for at in members[start : start + BATCH]],
                length,
            )
            for length, members in sorted(by_length.items(), reverse=True)
            for start in range(0, len(members), BATCH)
        ]

    def _forward(self, batch: tuple[list[str], list[list[int]], int]) -> Vectors:
        import torch

        assert self._model is not None
        _, tokens, length = batch
        padding = self._model.tokenizer.pad_token_id
        ids = torch.full((BATCH, length), padding, dtype=torch.int64)
        mask = torch.zeros((BATCH, length), dtype=torch.int64)
        for row in range(BATCH):
            found = tokens[min(row, len(tokens) - 1)]  # the last row fills up the batch
            ids[row, : len(found)] = torch.tensor(found)
            mask[row, : len(found)] = 1
        features: dict[str, Any] = {"input_ids": ids, "attention_mask": mask}
        with torch.inference_mode():
            out = self._model(features)["sentence_embedding"]
            return np.asarray(
                torch.nn.functional.normalize(out, dim=1)[: len(tokens)].numpy(), dtype=np.float32
            )
