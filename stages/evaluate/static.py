"""A static model: a vector per token, averaged; no context, and hundreds of times faster than a transformer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stages.lib.errors import Problem
from stages.lib.models import load_model
from stages.lib.passes import one_thread
from stages.lib.retrieval import Vectors


class StaticModel:
    """The model in `folder`. Raises Problem where it is none of sentence-transformers' static models."""

    def __init__(self, folder: Path) -> None:
        from sentence_transformers.sentence_transformer.modules import StaticEmbedding

        self._model = load_model(folder)
        if not isinstance(self._model[0], StaticEmbedding):
            raise Problem(
                f"params.yaml: evaluate.static_model: {folder.name}/ holds no static model",
                "give a sentence-transformers model whose first module is StaticEmbedding, or null",
            )

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the embeddings of `texts`, shape (texts, d), float32, of unit length, or 0 where no token is known."""
        with one_thread():
            found = self._model.encode(
                list(texts), normalize_embeddings=True, show_progress_bar=False
            )
        return np.asarray(found, dtype=np.float32)
