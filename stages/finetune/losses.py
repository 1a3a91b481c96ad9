"""The losses: which one the data takes, and how a batch is embedded for it.

MultipleNegativesRanking: Henderson et al. 2017, arXiv 1705.00652. GIST: Solatorio 2024, arXiv 2402.16829, with the
base model as its guide. CoSENT: Huang et al. 2024, doi 10.1109/TASLP.2024.3402087. Matryoshka: Kusupati et al. 2022,
arXiv 2205.13147. Cached: GradCache, Gao et al. 2021, arXiv 2101.06983.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from stages.finetune.params import FinetuneParams
from stages.lib.errors import Problem
from stages.lib.models import load_model

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

CHUNK = 8
Features = list[dict[str, "torch.Tensor"]]
# From the embeddings of the model and of the guide, a tensor (rows, dimension) per column, and the labels.
FromEmbeddings = Callable[
    [list["torch.Tensor"], list["torch.Tensor"], "torch.Tensor | None"], "torch.Tensor"
]


def choose(params: FinetuneParams, shape: Literal["ranking", "scores"]) -> str:
    """Return the name of the loss for data of `shape`. Raises Problem where the one that is asked for does not fit."""
    if params.loss == "auto":
        return "CoSENT" if shape == "scores" else "MultipleNegativesRanking"
    if (params.loss == "CoSENT") != (shape == "scores"):
        fits = (
            "CoSENT"
            if shape == "scores"
            else "MultipleNegativesRanking, GIST or their cached variants"
        )
        raise Problem(
            f"params.yaml: finetune.loss is {params.loss}, but pair.shape is {shape}",
            f"set finetune.loss to auto (here: {fits}), or change pair.shape",
        )
    return params.loss


def build(
    name: str, model: SentenceTransformer, base: Path, params: FinetuneParams, device: str = "cpu"
) -> torch.nn.Module:
    """Return the loss `name` for `model`, as the trainer wants it; `base` is the guide of GIST.

    Raises Problem when `matryoshka_dims` names more dimensions than the model has.
    """
    inner: FromEmbeddings
    guide = None
    if name.endswith("GIST"):
        guide = load_model(base).eval().to(device)
        inner = _gist(model, guide, params.temperature)
    else:
        inner = _unguided(name, model, params.temperature)
    if params.matryoshka_dims:
        inner = matryoshka(inner, _dims(params.matryoshka_dims, model))
    return in_chunks(model, inner, guide, cached=name.startswith("Cached"))


def _unguided(name: str, model: SentenceTransformer, temperature: float) -> FromEmbeddings:
    from sentence_transformers.sentence_transformer.losses import (
        CoSENTLoss,
        MultipleNegativesRankingLoss,
    )

    kind = CoSENTLoss if name == "CoSENT" else MultipleNegativesRankingLoss
    loss: Any = kind(model, scale=1.0 / temperature)
    return lambda columns, _, labels: loss.compute_loss_from_embeddings(columns, labels)


def _gist(
    model: SentenceTransformer, guide: SentenceTransformer, temperature: float
) -> FromEmbeddings:
    """Return the loss that leaves out whatever the guide finds nearer to an anchor than the anchor's positive.

    The library's GISTEmbedLoss takes one negative and embeds by itself; the cached one computes the same from
    embeddings and any number of negatives, in one piece where its own mini-batch is never full.
    """
    from sentence_transformers.sentence_transformer.losses import CachedGISTEmbedLoss

    loss = CachedGISTEmbedLoss(model, guide, temperature=temperature, mini_batch_size=1 << 20)
    return lambda columns, guided, _: loss.calculate_loss(
        [[column] for column in columns], [[column] for column in guided]
    )


def _dims(wanted: Sequence[int], model: SentenceTransformer) -> list[int]:
    whole = int(model.get_embedding_dimension() or 0)
    if max(wanted) > whole:
        raise Problem(
            f"params.yaml: finetune.matryoshka_dims names {max(wanted)}, but embeddings of the model have {whole}",
            f"name dimensions up to {whole}; the whole vector is always trained too",
        )
    return sorted({*wanted, whole}, reverse=True)


def matryoshka(inner: FromEmbeddings, dims: Sequence[int]) -> FromEmbeddings:
    """Return the sum of `inner` over the first `dims` numbers of each embedding, made unit vectors again."""
    from torch.nn.functional import normalize

    def cut(columns: list[torch.Tensor], dim: int) -> list[torch.Tensor]:
        return [normalize(column[:, :dim], dim=-1) for column in columns]

    def loss(
        columns: list[torch.Tensor], guided: list[torch.Tensor], labels: torch.Tensor | None
    ) -> torch.Tensor:
        parts = [inner(cut(columns, dim), guided, labels) for dim in dims]
        return sum(parts[1:], parts[0])

    return loss


def in_chunks(
    model: SentenceTransformer,
    inner: FromEmbeddings,
    guide: SentenceTransformer | None = None,
    cached: bool = False,
) -> torch.nn.Module:
    """Return the loss `inner` with its texts embedded in chunks of similar length.

    A batch padded to its longest row is mostly padding: one long definition stretches 95 other texts. All
    texts of a batch, of every column, are sorted by length and embedded CHUNK at a time, each chunk cut to
    its own longest; the loss sees the same embeddings in the same order as if there had been no chunks.

    `cached`: chunks are embedded twice, first without what backpropagation needs, which is then kept for one
    chunk at a time. Memory no longer grows with the batch, and a step has a forward pass more. Chunks alone need
    a fifth of the memory of a padded batch already, so it pays only where the batch that one wants still does not
    fit. `guide` embeds the same chunks, and learns nothing.
    """
    import torch

    class InChunks(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, features: Features, labels: torch.Tensor | None) -> torch.Tensor:
            texts = [row for column in features for row in _rows(column)]
            sizes = [len(column["input_ids"]) for column in features]
            chunks = _chunks(texts)
            guided: list[torch.Tensor] = []
            if guide is not None:
                with torch.no_grad():
                    guided = _columns([_embed(guide, chunk) for _, chunk in chunks], chunks, sizes)
            if cached and torch.is_grad_enabled():
                return _in_two_passes(self.model, inner, chunks, sizes, guided, labels)
            embedded = [_embed(self.model, chunk) for _, chunk in chunks]
            return inner(_columns(embedded, chunks, sizes), guided, labels)

    return InChunks()


# Which texts stand in a chunk, by their place in the batch, and the chunk as the model wants it.
Chunk = tuple[list[int], dict[str, "torch.Tensor"]]


def _chunks(texts: list[torch.Tensor]) -> list[Chunk]:
    import torch

    lengths = torch.tensor([len(ids) for ids in texts])
    order = torch.argsort(lengths, stable=True).tolist()
    chunks = []
    for start in range(0, len(order), CHUNK):
        members = order[start : start + CHUNK]
        padded = torch.nn.utils.rnn.pad_sequence([texts[at] for at in members], batch_first=True)
        mask = (
            (torch.arange(padded.shape[1]) < lengths[members].unsqueeze(1)).long().to(padded.device)
        )
        chunks.append((members, {"input_ids": padded, "attention_mask": mask}))
    return chunks


def _embed(model: SentenceTransformer, chunk: dict[str, torch.Tensor]) -> torch.Tensor:
    # A copy, since a model writes what it computes into the features that it is given.
    embedded: torch.Tensor = model(dict(chunk))["sentence_embedding"]
    return embedded


def _columns(
    embedded: list[torch.Tensor], chunks: list[Chunk], sizes: list[int]
) -> list[torch.Tensor]:
    """Return the embeddings in the order of the batch, a tensor per column of `sizes` rows."""
    import torch

    found: list[torch.Tensor] = [torch.empty(0)] * sum(sizes)
    for (members, _), vectors in zip(chunks, embedded, strict=True):
        for at, vector in zip(members, vectors, strict=True):
            found[at] = vector
    return [torch.stack(part) for part in _cut(found, sizes)]


def _in_two_passes(
    model: SentenceTransformer,
    inner: FromEmbeddings,
    chunks: list[Chunk],
    sizes: list[int],
    guided: list[torch.Tensor],
    labels: torch.Tensor | None,
) -> torch.Tensor:
    """Return the loss; its backward pass embeds each chunk again, with the same dropout, and goes through it."""
    import torch
    from sentence_transformers.base.losses.gradcache import RandContext

    drawn, embedded = [], []
    with torch.no_grad():
        for _, chunk in chunks:
            drawn.append(RandContext(*chunk.values()))  # what dropout will draw
            embedded.append(_embed(model, chunk).requires_grad_())
    with torch.enable_grad():
        loss = inner(_columns(embedded, chunks, sizes), guided, labels)
        slopes = torch.autograd.grad(loss, embedded)
    result: torch.Tensor = loss.detach().requires_grad_()
    kind = loss.device.type
    precision = (
        torch.get_autocast_dtype(kind),
        torch.is_autocast_enabled(kind),
    )  # backward is not under autocast

    def again(scale: torch.Tensor) -> None:
        with torch.enable_grad(), torch.autocast(kind, *precision):
            for (_, chunk), dropout, slope in zip(chunks, drawn, slopes, strict=True):
                with dropout:
                    vectors = _embed(model, chunk)
                torch.autograd.backward(vectors, slope * scale)

    result.register_hook(again)  # type: ignore[no-untyped-call]
    return result


def _rows(column: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    """Return the token ids of each row without its padding."""
    counts = column["attention_mask"].sum(dim=1).tolist()
    return [ids[:count] for ids, count in zip(column["input_ids"], counts, strict=True)]


def _cut(items: list[torch.Tensor], sizes: list[int]) -> list[list[torch.Tensor]]:
    ends = [sum(sizes[: at + 1]) for at in range(len(sizes))]
    return [items[end - size : end] for size, end in zip(sizes, ends, strict=True)]
