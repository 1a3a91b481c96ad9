"""A loss whose texts are embedded in chunks of similar length. It imports torch, so import it late.

A batch that is padded to its longest row is mostly padding: one long definition stretches 95 other
texts. All texts of a batch, of every column, are sorted by length and embedded a chunk at a time,
each chunk cut to its own longest text. The loss gets the same embeddings in the same order as
without chunks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.losses.gradcache import RandContext

# Texts of a chunk, on a processor and on a GPU, which small chunks leave idle.
CHUNK = 8
GPU_CHUNK = 64
Features = dict[str, torch.Tensor]


class Chunk(NamedTuple):
    """Texts that are embedded together.

    Attributes:
        positions: the places of the texts in the batch, all columns one after another.
        features: the token ids and the attention mask, as the model expects them.
    """

    positions: list[int]
    features: Features


class ChunkedLoss(torch.nn.Module):
    """A loss of embeddings as the trainer expects it, with its texts embedded in chunks.

    Args:
        model: the model that is trained.
        embedding_loss: the loss of the embeddings.
        guide: a model that embeds the same chunks and is not trained; None if the loss needs none.
        two_passes: embed chunks twice, first without what backpropagation needs; that is then kept
            for one chunk at a time. Memory no longer grows with the batch, and a step has one
            forward pass more. Chunks alone need a fifth of the memory of a padded batch already,
            so two passes pay only where the batch still does not fit.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        embedding_loss: Callable[..., torch.Tensor],
        guide: SentenceTransformer | None = None,
        *,
        two_passes: bool = False,
    ) -> None:
        super().__init__()
        self.model = model
        self._embedding_loss = embedding_loss
        # In a list, so that the guide is no part of this module and is not trained.
        self._guides = [] if guide is None else [guide]
        self._two_passes = two_passes

    def forward(self, features: list[Features], labels: torch.Tensor | None) -> torch.Tensor:
        """Return the loss of a batch: `features` has token ids and mask of each text column."""
        # The texts of all columns, one column after another.
        texts: list[torch.Tensor] = []
        for column in features:
            texts += _without_padding(column)
        sizes = [len(column["input_ids"]) for column in features]
        chunks = _chunks(texts)

        # The guide embeds the same chunks.
        guide_columns: list[torch.Tensor] = []
        for guide in self._guides:
            with torch.no_grad():
                guide_vectors = [_embed(guide, chunk) for chunk in chunks]
            guide_columns = _columns(guide_vectors, chunks, sizes)

        # Without gradients one pass is enough.
        if self._two_passes and torch.is_grad_enabled():
            return self._loss_in_two_passes(chunks, sizes, guide_columns, labels=labels)
        vectors = [_embed(self.model, chunk) for chunk in chunks]
        return self._embedding_loss(_columns(vectors, chunks, sizes), guide_columns, labels)

    def _loss_in_two_passes(
        self,
        chunks: list[Chunk],
        sizes: list[int],
        guide_columns: list[torch.Tensor],
        labels: torch.Tensor | None,
    ) -> torch.Tensor:
        """Return the loss. Its backward pass embeds each chunk again, with the same dropout."""
        # The first pass keeps the vectors, and the state from which dropout draws.
        dropout_states = []
        vectors = []
        with torch.no_grad():
            for chunk in chunks:
                dropout_states.append(RandContext(*chunk.features.values()))
                vectors.append(_embed(self.model, chunk).requires_grad_())

        # The gradient of the loss with respect to the vectors of each chunk.
        with torch.enable_grad():
            loss = self._embedding_loss(_columns(vectors, chunks, sizes), guide_columns, labels)
            gradients = torch.autograd.grad(loss, vectors)
        result: torch.Tensor = loss.detach().requires_grad_()

        # The backward pass is not under autocast, so its settings are kept for the second pass.
        device_type = loss.device.type
        dtype = torch.get_autocast_dtype(device_type)
        is_autocast = torch.is_autocast_enabled(device_type)

        def second_pass(scale: torch.Tensor) -> None:
            with torch.enable_grad(), torch.autocast(device_type, dtype, is_autocast):
                for chunk, state, gradient in zip(chunks, dropout_states, gradients, strict=True):
                    with state:
                        chunk_vectors = _embed(self.model, chunk)
                    torch.autograd.backward(chunk_vectors, gradient * scale)

        result.register_hook(second_pass)  # type: ignore[no-untyped-call]
        return result


def _without_padding(column: Features) -> list[torch.Tensor]:
    """Return the token ids of each row without its padding."""
    # Padding stands at the end of a row.
    counts = column["attention_mask"].sum(dim=1).tolist()
    return [token_ids[:count] for token_ids, count in zip(column["input_ids"], counts, strict=True)]


def chunk_size(kind: str) -> int:
    """Return the number of texts of a chunk on a kind of device.

    >>> chunk_size("cpu"), chunk_size("cuda")
    (8, 64)
    """
    return CHUNK if kind == "cpu" else GPU_CHUNK


def _chunks(texts: list[torch.Tensor]) -> list[Chunk]:
    """Return the texts, given as token ids, in chunks of similar length."""
    # Short texts first; the sort is stable, so the order is the same every time.
    lengths = torch.tensor([len(token_ids) for token_ids in texts])
    order = torch.argsort(lengths, stable=True).tolist()

    chunks = []
    size = chunk_size(texts[0].device.type)
    for start in range(0, len(order), size):
        positions = order[start : start + size]
        padded = torch.nn.utils.rnn.pad_sequence(
            [texts[position] for position in positions], batch_first=True
        )

        # The mask is true where a column number is below the length of the row.
        is_token = torch.arange(padded.shape[1]) < lengths[positions].unsqueeze(1)
        mask = is_token.long().to(padded.device)
        chunks.append(Chunk(positions, {"input_ids": padded, "attention_mask": mask}))
    return chunks


def _embed(model: SentenceTransformer, chunk: Chunk) -> torch.Tensor:
    # A copy, because a model writes its results into the features.
    vectors: torch.Tensor = model(dict(chunk.features))["sentence_embedding"]
    return vectors


def _columns(
    chunk_vectors: list[torch.Tensor], chunks: list[Chunk], sizes: list[int]
) -> list[torch.Tensor]:
    """Return the embeddings in the order of the batch: a tensor per column, of `sizes` rows."""
    # Back from the order of chunks to the order of the batch.
    vectors: list[torch.Tensor] = [torch.empty(0)] * sum(sizes)
    for chunk, vectors_of_chunk in zip(chunks, chunk_vectors, strict=True):
        for position, vector in zip(chunk.positions, vectors_of_chunk, strict=True):
            vectors[position] = vector

    # Cut into columns again.
    columns = []
    start = 0
    for size in sizes:
        columns.append(torch.stack(vectors[start : start + size]))
        start += size
    return columns
