"""A cross-encoder as a filter: it reads anchor and document together, and excludes positives.

It is slow, so it sees only candidates that are about to be chosen, and its scores are cached by
content.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from stages.lib.core.device import CPU, Device
from stages.lib.core.errors import UserError
from stages.lib.core.model_files import model_hash, own_weights, weight_files, weights_hash
from stages.lib.core.stage import progress
from stages.lib.retrieval import cache
from stages.lib.retrieval.search import Integers, Vectors
from stages.lib.retrieval.torch_threads import iterate_in_threads
from stages.mine.candidates import Candidates
from stages.mine.corpus import MiningCorpus
from stages.mine.interface import MineParams

if TYPE_CHECKING:
    import sentence_transformers

# An anchor and a document.
TextPair = tuple[str, str]

# Joins the two texts into a key of the cache.
_SEPARATOR = "\0"

# The most pairs that a GPU reads at a time.
GPU_BATCH_PAIRS = 256


class CrossEncoder:
    """A model in a local folder as a function from (anchor, document) to a score, with a cache."""

    def __init__(self, path: str, sha256: str = "", device: Device = CPU) -> None:
        """Check the folder; the model is loaded when the cache lacks a score.

        Args:
            path: the folder of the model.
            sha256: hash of its weights; "" accepts any.
            device: where it computes.

        Raises:
            UserError: there is no model in the folder, or its weights have another hash.
        """
        folder = Path(path)
        where = f"params.yaml: mine.cross_encoder '{path}'"
        if not own_weights(folder, where):
            raise UserError(
                f"params.yaml: mine.cross_encoder = '{path}' is no folder with a model.safetensors",
                "give the folder of a cross-encoder that sentence-transformers saved, or null",
            )

        actual = weights_hash(folder, where) if sha256 else ""
        if not sha256:
            weight_files(folder, where)
        if actual != sha256:
            raise UserError(
                f"params.yaml: mine.cross_encoder_sha256 is {sha256[:12]}..., "
                f"but the weights are {actual[:12]}...",
                f"if the new weights are meant, set it to {actual}",
            )

        # Scores of other weights, versions or GPUs have other keys in the cache.
        self._folder = folder
        self._device = device
        versions = [
            version(package) for package in ("torch", "transformers", "sentence-transformers")
        ]
        self._key = f"{model_hash(folder)} {versions} {platform.machine()}{device.key_suffix}"
        self._model: sentence_transformers.CrossEncoder | None = None

    def scores(self, pairs: Sequence[TextPair]) -> npt.NDArray[np.float64]:
        """Return the score of each pair, to six decimals, of shape (pairs,)."""
        # Each distinct pair of texts is scored once.
        distinct = sorted({_SEPARATOR.join(pair) for pair in pairs})
        values = cache.get_or_compute("cross_encoder", self._key, distinct, self._compute)
        score_of = {
            key: float(np.frombuffer(value, dtype="<f8")[0]) for key, value in values.items()
        }
        return np.array([score_of[_SEPARATOR.join(pair)] for pair in pairs], dtype=np.float64)

    def _compute(self, texts: list[str]) -> Iterator[tuple[str, bytes]]:
        if self._model is None:
            self._model = _load(self._folder, self._device)

        if not self._device.is_cpu:
            yield from self._compute_in_batches(texts)
            return

        # One pair at a time. In a batch its padding, and so its last bits, would depend on the
        # others.
        scores = iterate_in_threads(self._score, texts, "cross-encoder")
        yield from zip(texts, scores, strict=True)

    def _score(self, text: str) -> bytes:
        return self._scores_of_batch([text])[0]

    def _compute_in_batches(self, texts: list[str]) -> Iterator[tuple[str, bytes]]:
        """Yield the score of each text, from batches of texts of about one length."""
        # The longest go first, so that a batch that does not fit is found at once.
        by_length = sorted(texts, key=len, reverse=True)
        batches = []
        for start in range(0, len(by_length), GPU_BATCH_PAIRS):
            batches.append(by_length[start : start + GPU_BATCH_PAIRS])

        scores = map(self._scores_of_batch, batches)
        for batch, values in zip(
            batches, progress(scores, len(batches), "cross-encoder"), strict=True
        ):
            yield from zip(batch, values, strict=True)

    def _scores_of_batch(self, texts: Sequence[str]) -> list[bytes]:
        """Return the score of each text, as the bytes that the cache keeps."""
        assert self._model is not None
        pairs = []
        for text in texts:
            anchor, _, document = text.partition(_SEPARATOR)
            pairs.append((anchor, document))

        # Numpy has no bfloat16.
        with self._device.autocast():
            scores = self._model.predict(
                pairs, batch_size=len(pairs), show_progress_bar=False, convert_to_tensor=True
            )
        rounded = np.round(scores.float().cpu().numpy().astype("<f8"), 6)
        return [score.tobytes() for score in rounded]


def _load(folder: Path, device: Device) -> sentence_transformers.CrossEncoder:
    from sentence_transformers import CrossEncoder as Model
    from transformers.utils.logging import disable_progress_bar

    # The bar would be drawn also where there is no terminal.
    disable_progress_bar()  # type: ignore[no-untyped-call]
    model: sentence_transformers.CrossEncoder = Model(
        os.fspath(folder),
        device=device.kind,
        local_files_only=True,
        trust_remote_code=False,
        model_kwargs={"use_safetensors": True},
    )
    if model.num_labels != 1:
        raise UserError(
            f"params.yaml: mine.cross_encoder: {folder.name} "
            f"gives {model.num_labels} scores, not one",
            "use a model that was trained to rank (one label)",
        )

    return model


class CrossEncoderFilter:
    """Accepts candidates that a cross-encoder scores below the weakest positive by the margins.

    Attributes:
        scores: (number of the anchor, position of the document) to the score of each candidate
            shown.
    """

    def __init__(
        self,
        model: CrossEncoder,
        anchor_texts: Sequence[str],
        positive_texts: Sequence[Sequence[str]],
        *,
        anchor_vectors: Vectors,
        corpus: MiningCorpus,
        params: MineParams,
    ) -> None:
        """Prepare the filter for all anchors.

        Args:
            model: the cross-encoder.
            anchor_texts: the anchors.
            positive_texts: the texts of the positives of each anchor.
            anchor_vectors: vectors of the anchors, of shape (anchors, dimension).
            corpus: the corpus.
            params: the section `mine`, for its margins.
        """
        self._model = model
        self._anchor_texts = anchor_texts
        self._positive_texts = positive_texts
        self._anchor_vectors = anchor_vectors
        self._corpus = corpus
        self._params = params
        self._thresholds: dict[int, float] = {}
        self.scores: dict[tuple[int, int], float] = {}

    def accepts(self, candidates: Candidates, numbers: Integers) -> npt.NDArray[np.bool_]:
        """Return a mask of the candidates with these numbers that may become negatives."""
        anchors = candidates.anchors[numbers].tolist()
        documents = candidates.documents[numbers].tolist()
        keys = list(zip(anchors, documents, strict=True))

        # Of each document the model reads the passage closest to the anchor.
        candidate_pairs = [
            (
                self._anchor_texts[anchor],
                self._corpus.closest(document, self._anchor_vectors[anchor]),
            )
            for anchor, document in keys
        ]

        # Anchors that are new here need the scores of their positives too.
        new_anchors = sorted(set(anchors) - set(self._thresholds))
        positive_pairs = [
            (self._anchor_texts[anchor], text)
            for anchor in new_anchors
            for text in self._positive_texts[anchor]
        ]

        scores = self._model.scores([*candidate_pairs, *positive_pairs])

        # The scores of the positives follow those of the candidates, anchor by anchor.
        start = len(keys)
        for anchor in new_anchors:
            end = start + len(self._positive_texts[anchor])
            self._thresholds[anchor] = self._params.threshold(float(scores[start:end].min()))
            start = end

        self.scores.update(zip(keys, scores[: len(keys)].tolist(), strict=True))
        return np.array(
            [self.scores[key] <= self._thresholds[key[0]] for key in keys], dtype=np.bool_
        )
