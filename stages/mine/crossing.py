"""A cross-encoder as a further judge: it reads anchor and document together, and refuses what it finds too good.

It is costly, so only candidates that are about to be chosen are shown to it, and its scores are cached by content.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from stages.lib import cache
from stages.lib.errors import Problem
from stages.lib.models import file_hash, fingerprint
from stages.lib.passes import side_by_side
from stages.lib.topk import Integers, Vectors
from stages.mine.candidates import Candidates
from stages.mine.corpus import Corpus
from stages.mine.params import MineParams

if TYPE_CHECKING:
    import sentence_transformers

Text = tuple[str, str]  # an anchor and a document
_BETWEEN = "\0"


class CrossEncoder:
    """A model in a local folder as a function from (anchor, document) to a score, with its cache.

    Raises Problem when there is none, or its weights have another hash than `sha256`; "" accepts any.
    """

    def __init__(self, path: str, sha256: str = "") -> None:
        folder = Path(path)
        weights = folder / "model.safetensors"
        if not weights.is_file():
            raise Problem(
                f"params.yaml: mine.cross_encoder = '{path}' is no folder with a model.safetensors",
                "give the folder of a cross-encoder that sentence-transformers saved, or null",
            )
        if sha256 and (actual := file_hash(weights)) != sha256:
            raise Problem(
                f"params.yaml: mine.cross_encoder_sha256 is {sha256[:12]}..., but the weights are {actual[:12]}...",
                f"if the new weights are meant, set it to {actual}",
            )
        self._folder = folder
        versions = [
            version(package) for package in ("torch", "transformers", "sentence-transformers")
        ]
        self._key = f"{fingerprint(folder)} {versions} {platform.machine()}"
        self._model: sentence_transformers.CrossEncoder | None = None

    def scores(self, pairs: Sequence[Text]) -> npt.NDArray[np.float64]:
        """Return the score of each of `pairs`, to six decimals; each distinct one is computed once."""
        distinct = sorted({_BETWEEN.join(pair) for pair in pairs})
        found = cache.through("cross_encoder", self._key, distinct, self._compute)
        scores = {
            text: float(np.frombuffer(value, dtype="<f8")[0]) for text, value in found.items()
        }
        return np.array([scores[_BETWEEN.join(pair)] for pair in pairs], dtype=np.float64)

    def _compute(self, texts: list[str]) -> dict[str, bytes]:
        if self._model is None:
            self._model = _load(self._folder)
        # One pair at a time: in a batch its padding, and so its last bits, would depend on its company.
        return dict(zip(texts, side_by_side(self._score, texts, "cross-encoder"), strict=True))

    def _score(self, text: str) -> bytes:
        assert self._model is not None
        anchor, _, document = text.partition(_BETWEEN)
        score = self._model.predict(
            [(anchor, document)], show_progress_bar=False, convert_to_numpy=True
        )
        return np.round(np.asarray(score, dtype="<f8"), 6).tobytes()


def _load(folder: Path) -> sentence_transformers.CrossEncoder:
    from sentence_transformers import CrossEncoder as Model
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # type: ignore[no-untyped-call]  # it would be drawn also where there is no terminal
    model: sentence_transformers.CrossEncoder = Model(
        os.fspath(folder), device="cpu", local_files_only=True, trust_remote_code=False
    )
    if model.num_labels != 1:
        raise Problem(
            f"params.yaml: mine.cross_encoder: {folder.name} gives {model.num_labels} scores, not one",
            "use a model that was trained to rank (one label)",
        )
    return model


class Judge:
    """What the cross-encoder says of candidates: they must score below the weakest positive by the margins.

    `scores` has what it gave to each (number of the anchor, number of the document) that it was shown.
    """

    def __init__(
        self,
        model: CrossEncoder,
        asked: Sequence[str],
        answers: Sequence[Sequence[str]],
        anchors: Vectors,
        corpus: Corpus,
        params: MineParams,
    ) -> None:
        """Judge by `model` for the anchors `asked`, of which `answers` holds the texts that answer each."""
        self._model, self._asked, self._answers, self._anchors = model, asked, answers, anchors
        self._corpus, self._params = corpus, params
        self._thresholds: dict[int, float] = {}
        self.scores: dict[tuple[int, int], float] = {}

    def passes(self, found: Candidates, asked: Integers) -> npt.NDArray[np.bool_]:
        """Return whether each of the candidates numbered `asked` may become a negative."""
        keys = list(zip(found.rows[asked].tolist(), found.documents[asked].tolist(), strict=True))
        shown = [
            (self._asked[row], self._corpus.closest(at, self._anchors[row])) for row, at in keys
        ]
        unknown = sorted({row for row, _ in keys} - set(self._thresholds))
        right = [(self._asked[row], text) for row in unknown for text in self._answers[row]]
        scores = self._model.scores([*shown, *right])
        ends = np.cumsum([len(keys), *(len(self._answers[row]) for row in unknown)])
        for row, start, end in zip(unknown, ends, ends[1:], strict=False):
            self._thresholds[row] = self._params.threshold(float(scores[start:end].min()))
        self.scores.update(zip(keys, scores[: len(keys)].tolist(), strict=True))
        return np.array(
            [self.scores[key] <= self._thresholds[key[0]] for key in keys], dtype=np.bool_
        )
