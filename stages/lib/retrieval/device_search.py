"""The search for the k best documents on a GPU: the rule of `search`, with tensors.

Queries and passages meet in blocks. Of each block the best k documents of a query stay, so that the
memory of the device grows with the queries of a block alone. One integer holds the rounded score
and the position of a document. No two are equal, so the order does not depend on how the library
sorts equal values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import torch

    from stages.lib.retrieval.search import Hits, PassageStarts, Vectors

# Queries and passages that meet at a time: 128 MB of scores, and twice as much of keys.
QUERIES_PER_BLOCK = 2048
PASSAGES_PER_BLOCK = 16_384

# A key has the score in its upper half, and in its lower half how far the position is from the end.
_POSITION_BITS = 32
_LAST_POSITION = (1 << _POSITION_BITS) - 1
_DECIMALS = 1e6


class _Block(NamedTuple):
    """Neighbouring documents, all passages of each.

    Attributes:
        first_document: the position of the first document.
        passages: the vectors of their passages.
        document_of_passage: the document of each passage, counted from the first.
        documents: how many documents there are.
    """

    first_document: int
    passages: torch.Tensor
    document_of_passage: torch.Tensor
    documents: int


def device_search(
    queries: Vectors,
    passages: Vectors,
    k: int,
    passage_starts: PassageStarts | None = None,
    *,
    device: str,
) -> Hits:
    """Return the `k` nearest documents of each query by inner product, exactly.

    `dense_search` describes the arrays, and gives the same result but for the last bits of the
    scores. `device` is the name of torch's device.
    """
    import torch

    from stages.lib.retrieval.search import Hits

    documents = len(passages) if passage_starts is None else len(passage_starts)
    k = min(k, documents)
    positions = np.empty((len(queries), k), dtype=np.int64)
    scores = np.empty((len(queries), k), dtype=np.float32)
    if not k:
        return Hits(positions, scores)

    with torch.inference_mode():
        for start in range(0, len(queries), QUERIES_PER_BLOCK):
            end = min(start + QUERIES_PER_BLOCK, len(queries))
            block_queries = torch.tensor(queries[start:end], device=device)

            # The keys of the best documents so far, best first, shape (queries, up to k).
            best = torch.empty((end - start, 0), dtype=torch.int64, device=device)
            for block in _blocks(passages, passage_starts, device):
                keys = _keys(_document_scores(block_queries, block), block.first_document)
                own_best = keys.topk(min(k, block.documents), dim=1).values
                joined = torch.cat([best, own_best], dim=1)
                best = joined.topk(min(k, joined.shape[1]), dim=1).values

            positions[start:end] = (_LAST_POSITION - (best & _LAST_POSITION)).cpu().numpy()
            scores[start:end] = _scores_of_keys(best).cpu().numpy()
    return Hits(positions, scores)


def _blocks(
    passages: Vectors, passage_starts: PassageStarts | None, device: str
) -> Iterator[_Block]:
    """Yield the documents in blocks of about PASSAGES_PER_BLOCK passages, on the device."""
    import torch

    starts = np.arange(len(passages)) if passage_starts is None else passage_starts
    ends = np.append(starts[1:], len(passages))
    first = 0
    while first < len(starts):
        # The last document that ends within the block; a document is never cut.
        limit = int(starts[first]) + PASSAGES_PER_BLOCK
        last = max(first + 1, int(np.searchsorted(ends, limit, side="right")))

        counts = ends[first:last] - starts[first:last]
        document_of_passage = np.repeat(np.arange(last - first), counts)
        yield _Block(
            first_document=first,
            passages=torch.tensor(passages[starts[first] : ends[last - 1]], device=device),
            document_of_passage=torch.tensor(document_of_passage, device=device),
            documents=last - first,
        )
        first = last


def _document_scores(queries: torch.Tensor, block: _Block) -> torch.Tensor:
    """Return the score of each document, that of its best passage, shape (queries, documents)."""
    passage_scores = queries @ block.passages.T
    if passage_scores.shape[1] == block.documents:
        return passage_scores

    # The place of each score: the column of its document, in every row.
    columns = block.document_of_passage.expand(len(queries), -1)
    lowest = passage_scores.new_full((len(queries), block.documents), float("-inf"))
    return lowest.scatter_reduce(1, columns, passage_scores, "amax")


def _keys(scores: torch.Tensor, first_document: int) -> torch.Tensor:
    """Return an integer for each score, larger for a better one and for a smaller position."""
    import torch

    # Rounded in single precision, as numpy rounds; adding 0 makes 0 of a negative zero.
    rounded = torch.round(scores * _DECIMALS) / _DECIMALS + 0.0

    # The bits of a positive number grow with it. Those of a negative one shrink.
    bits = rounded.view(torch.int32)
    ordered = torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits).to(torch.int64)

    positions = torch.arange(scores.shape[1], device=scores.device) + first_document
    return (ordered << _POSITION_BITS) | (_LAST_POSITION - positions)


def _scores_of_keys(keys: torch.Tensor) -> torch.Tensor:
    """Return the rounded scores that the integers of `_keys` hold."""
    import torch

    ordered = (keys >> _POSITION_BITS).to(torch.int32)
    return torch.where(ordered < 0, ordered ^ 0x7FFFFFFF, ordered).view(torch.float32)
