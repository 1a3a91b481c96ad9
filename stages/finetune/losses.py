"""The losses: which one fits the data, and how it is computed from embeddings.

MultipleNegativesRanking: Henderson et al. 2017, arXiv 1705.00652. GIST: Solatorio 2024, arXiv
2402.16829, with the base model as its guide. CoSENT: Huang et al. 2024, doi
10.1109/TASLP.2024.3402087. Matryoshka: Kusupati et al. 2022, arXiv 2205.13147. Cached: GradCache,
Gao et al. 2021, arXiv 2101.06983.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from stages.finetune.interface import FinetuneParams
from stages.lib.core.device import CPU, Device
from stages.lib.core.errors import UserError
from stages.lib.retrieval.encoder import load_model

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

# A loss of embeddings: those of the model, those of the guide, and the labels. Embeddings are a
# tensor (rows, dimension) per text column.
EmbeddingLoss = Callable[
    [list["torch.Tensor"], list["torch.Tensor"], "torch.Tensor | None"], "torch.Tensor"
]


def select_loss(params: FinetuneParams, shape: Literal["ranking", "scores"]) -> str:
    """Return the name of the loss for data of `shape`.

    Raises:
        UserError: the loss of params.yaml does not fit the data.
    """
    # The parameter names no loss: the data decides.
    if params.loss == "auto":
        return "CoSENT" if shape == "scores" else "MultipleNegativesRanking"

    # CoSENT needs scores, and all other losses need rankings.
    if (params.loss == "CoSENT") != (shape == "scores"):
        fitting = "MultipleNegativesRanking, GIST or their cached variants"
        if shape == "scores":
            fitting = "CoSENT"

        raise UserError(
            f"params.yaml: finetune.loss is {params.loss}, but pair.shape is {shape}",
            f"set finetune.loss to auto (here: {fitting}), or change pair.shape",
        )
    return params.loss


def build(
    name: str,
    model: SentenceTransformer,
    base: Path,
    *,
    params: FinetuneParams,
    device: Device = CPU,
) -> torch.nn.Module:
    """Return the loss `name` for `model`, as the trainer expects it.

    Args:
        name: the name that `choose` returned.
        model: the model that is trained.
        base: the folder of the base model, the guide of GIST.
        params: temperature and Matryoshka dimensions.
        device: where the guide computes.

    Raises:
        UserError: `matryoshka_dims` names more dimensions than the model has.
    """
    # torch is imported here, after the checks of the stage.
    from stages.finetune.chunked_loss import ChunkedLoss

    # The loss of embeddings. GIST has a second model, its guide.
    guide = None
    embedding_loss: EmbeddingLoss
    if name.endswith("GIST"):
        guide = load_model(base).eval().to(device.kind)
        embedding_loss = _gist(model, guide, params.temperature)
    else:
        embedding_loss = _unguided(name, model, params.temperature)

    # With Matryoshka dimensions it is the sum over shorter vectors.
    if params.matryoshka_dims:
        dims = _matryoshka_dims(params.matryoshka_dims, model)
        embedding_loss = matryoshka(embedding_loss, dims)

    return ChunkedLoss(model, embedding_loss, guide, two_passes=name.startswith("Cached"))


def _unguided(name: str, model: SentenceTransformer, temperature: float) -> EmbeddingLoss:
    from sentence_transformers.sentence_transformer.losses import (
        CoSENTLoss,
        MultipleNegativesRankingLoss,
    )

    # Both multiply cosines by a scale, the inverse of the temperature.
    loss_class = CoSENTLoss if name == "CoSENT" else MultipleNegativesRankingLoss
    loss: Any = loss_class(model, scale=1.0 / temperature)

    return lambda columns, _, labels: loss.compute_loss_from_embeddings(columns, labels)


def _gist(
    model: SentenceTransformer, guide: SentenceTransformer, temperature: float
) -> EmbeddingLoss:
    """Return a loss without the negatives that the guide finds nearer than the positive.

    The library's GISTEmbedLoss takes one negative and embeds by itself. Its cached variant computes
    the same from embeddings and any number of negatives. Its mini-batch is never full here, so it
    works in one piece.
    """
    from sentence_transformers.sentence_transformer.losses import CachedGISTEmbedLoss

    loss = CachedGISTEmbedLoss(model, guide, temperature=temperature, mini_batch_size=1 << 20)

    # Each column is one mini-batch.
    return lambda columns, guide_columns, _: loss.calculate_loss(
        [[column] for column in columns], [[column] for column in guide_columns]
    )


def _matryoshka_dims(dims: Sequence[int], model: SentenceTransformer) -> list[int]:
    """Return `dims` and the full dimension, the largest first."""
    full = int(model.get_embedding_dimension() or 0)

    if max(dims) > full:
        raise UserError(
            f"params.yaml: finetune.matryoshka_dims names {max(dims)}, "
            f"but embeddings of the model have {full}",
            f"name dimensions up to {full}; the whole vector is always trained too",
        )
    return sorted({*dims, full}, reverse=True)


def matryoshka(embedding_loss: EmbeddingLoss, dims: Sequence[int]) -> EmbeddingLoss:
    """Return the sum of a loss over the first `dims` numbers of each embedding, as unit vectors."""
    from torch.nn.functional import normalize

    def truncate(columns: list[torch.Tensor], dim: int) -> list[torch.Tensor]:
        return [normalize(column[:, :dim], dim=-1) for column in columns]

    def summed_loss(
        columns: list[torch.Tensor],
        guide_columns: list[torch.Tensor],
        labels: torch.Tensor | None,
    ) -> torch.Tensor:
        # The guide keeps its whole vectors: it only chooses negatives.
        parts = [embedding_loss(truncate(columns, dim), guide_columns, labels) for dim in dims]
        return sum(parts[1:], parts[0])

    return summed_loss
