"""The probe: a linear adapter on frozen embeddings, which estimates the gain of fine-tuning.

The model stays frozen. The probe trains one matrix for queries and one for documents. Each is
added to the identity, and the adapted vectors are scaled to unit length. The loss is that of
fine-tuning: cross-entropy over the cosines of an anchor with its positive, with the other
documents of the batch, and with the hard negatives of the batch (Henderson et al. 2017, multiple
negatives ranking; adapters: Houlsby et al. 2019).

A large component would be learned by heart: its rows say the same in other words. So an epoch takes
at most ten rows of a component, and each epoch draws others.

One thread and one seed give the same bits. 19,000 rows of 384 numbers, with a hard negative
each, take about six seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.lib.core.params import ModelParams
from stages.lib.retrieval.encoder import Encoder
from stages.lib.retrieval.search import Vectors
from stages.lib.retrieval.torch_threads import single_torch_thread
from stages.lib.schemas.pairs import positive_pairs

if TYPE_CHECKING:
    import torch

BATCH_SIZE = 256

# The same for few rows: with more epochs, a hundred rows make the ranking worse.
EPOCHS = 8

# How many rows of a component an epoch has at most. A question with its fifty variants teaches
# little more than with ten of them, and eight epochs of all fifty make the ranking worse.
MAX_COMPONENT_ROWS = 10
LEARNING_RATE = 1e-3
TEMPERATURE = 0.05

# A probe learns from no more rows than this; with folds, each fold has a share of them. It takes
# some seconds, and the learning curve needs thirteen probes.
MAX_ROWS = 20_000

# Constant, so that the same rows are sampled whatever run.seed is.
_SAMPLE_SEED = 20260101

ComponentNames = npt.NDArray[np.str_]
Positions = npt.NDArray[np.int64]


class TrainingVectors(NamedTuple):
    """Training rows as vectors of unit length.

    There are n rows, each with an anchor and its positive, and m hard negatives. `owners` (m,)
    has the row of each negative. `components` (n,), `positive_components` (n,) and
    `negative_components` (m,) name the connected components of the anchors and documents. In
    training, a document of another row is no negative of an anchor of the same component.
    """

    anchors: Vectors
    positives: Vectors
    components: ComponentNames
    positive_components: ComponentNames
    negatives: Vectors
    owners: Positions
    negative_components: ComponentNames

    def take(
        self,
        rows: npt.NDArray[np.bool_],
        negatives: npt.NDArray[np.bool_] | None = None,
    ) -> TrainingVectors:
        """Return the rows where the mask `rows` (n,) is true, with their negatives.

        The mask `negatives` (m,), if given, selects among these negatives.
        """
        is_kept = rows[self.owners]
        if negatives is not None:
            is_kept = is_kept & negatives

        # The number of each kept row among the kept rows, shape (n,).
        new_row_numbers = np.cumsum(rows) - 1
        new_owners = new_row_numbers[self.owners[is_kept]]
        return TrainingVectors(
            anchors=self.anchors[rows],
            positives=self.positives[rows],
            components=self.components[rows],
            positive_components=self.positive_components[rows],
            negatives=self.negatives[is_kept],
            owners=new_owners.astype(np.int64),
            negative_components=self.negative_components[is_kept],
        )


def bounded_rows(rows: TrainingVectors, count: int) -> TrainingVectors:
    """Return `rows`, or a random sample of `count` of them where there are more.

    >>> vectors = np.eye(3, dtype=np.float32)
    >>> ids = np.array(["a", "b", "c"])
    >>> rows = TrainingVectors(vectors, vectors, ids, ids, vectors[:0], np.arange(0), ids[:0])
    >>> len(bounded_rows(rows, 2).anchors)
    2
    """
    if len(rows.anchors) <= count:
        return rows

    chosen = np.random.default_rng(_SAMPLE_SEED).permutation(len(rows.anchors))[:count]
    mask = np.zeros(len(rows.anchors), dtype=bool)
    mask[chosen] = True
    return rows.take(mask)


class Adapter(NamedTuple):
    """Two trained matrices, shape (d, d), float32, that are added to the identity."""

    query: Vectors
    document: Vectors

    def queries(self, vectors: Vectors) -> Vectors:
        """Return query `vectors` (n, d), adapted and of unit length."""
        return _adapted(vectors, self.query)

    def documents(self, vectors: Vectors) -> Vectors:
        """Return document `vectors` (n, d), adapted and of unit length."""
        return _adapted(vectors, self.document)


def fit_probe(rows: TrainingVectors, seed: int) -> Adapter:
    """Return the adapter that is trained on `rows`, from the identity on.

    The optimizer is AdamW (Loshchilov and Hutter 2019). Its learning rate falls to 0 in a
    straight line. `seed` orders the rows, and draws those of large components.

    Raises ValueError if there are no rows.

    >>> anchors = np.array([[1.0, 0.0], [0.0, 1.0]], dtype=np.float32)
    >>> nothing = np.empty((0, 2), dtype=np.float32)
    >>> ids = np.array(["a", "b"])
    >>> positives = anchors[::-1].copy()
    >>> rows = TrainingVectors(anchors, positives, ids, ids, nothing, np.arange(0), ids[:0])
    >>> adapter = fit_probe(rows, seed=1)
    >>> adapted = adapter.queries(anchors)
    >>> bool(adapted[0, 1] > anchors[0, 1])
    True
    """
    import torch

    if not len(rows.anchors):
        raise ValueError("no rows to learn from")

    with single_torch_thread():
        # Begin at the identity: both matrices are 0.
        dimension = rows.anchors.shape[1]
        query = torch.zeros(dimension, dimension, requires_grad=True)
        document = torch.zeros(dimension, dimension, requires_grad=True)
        optimizer = torch.optim.AdamW([query, document], lr=LEARNING_RATE)

        # One step a batch.
        data = _TrainingTensors(rows)
        batches = list(_batches(rows.components, seed))
        for step, batch in enumerate(batches):
            optimizer.param_groups[0]["lr"] = LEARNING_RATE * (1 - step / len(batches))
            optimizer.zero_grad()
            loss = data.loss(batch, query, document)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return Adapter(_float32(query), _float32(document))


def _float32(matrix: torch.Tensor) -> Vectors:
    return np.asarray(matrix.detach().numpy(), dtype=np.float32)


def identity_adapter(dimension: int) -> Adapter:
    """Return the adapter that changes nothing.

    >>> identity_adapter(2).query.tolist()
    [[0.0, 0.0], [0.0, 0.0]]
    """
    query, document = np.zeros((2, dimension, dimension), dtype=np.float32)
    return Adapter(query, document)


def placebo_vectors(rows: TrainingVectors, seed: int) -> TrainingVectors:
    """Return the placebo: the same texts, with each document given to the anchor of another row.

    It teaches what any text of the domain would teach, and nothing of the pairs. An anchor's own
    positive is no negative for it, in whichever row it is, because the components are known.

    >>> vectors = np.eye(3, dtype=np.float32)
    >>> ids = np.array(["a", "b", "c"])
    >>> rows = TrainingVectors(vectors, vectors, ids, ids, vectors[:0], np.arange(0), ids[:0])
    >>> placebo = placebo_vectors(rows, seed=1)
    >>> bool((placebo.components != placebo.positive_components).all())
    True
    """
    order = np.random.default_rng(seed).permutation(len(rows.anchors))

    # Each row gets the anchor of the row before it in the random order. So no row keeps its own.
    source_rows = np.empty_like(order)
    source_rows[order] = np.roll(order, 1)
    return rows._replace(
        anchors=rows.anchors[source_rows],
        components=rows.components[source_rows],
    )


class _TrainingTensors:
    """The rows as tensors, with numbers for components and the negatives sorted by their owners."""

    def __init__(self, rows: TrainingVectors) -> None:
        import torch

        row_count = len(rows.anchors)
        self.anchors = torch.tensor(rows.anchors)
        self.positives = torch.tensor(rows.positives)

        # The negatives of row i are those from starts[i] to starts[i + 1], shape (n + 1,).
        order = np.argsort(rows.owners, kind="stable")
        self.starts = np.searchsorted(rows.owners[order], np.arange(row_count + 1))
        self.negatives = torch.tensor(rows.negatives[order])

        # Number the components of anchors, positives and negatives together.
        names = np.concatenate(
            [
                rows.components,
                rows.positive_components,
                rows.negative_components,
            ]
        )
        _, component_numbers = np.unique(names, return_inverse=True)
        numbers = torch.tensor(component_numbers)
        self.anchor_components = numbers[:row_count]
        self.positive_components = numbers[row_count : 2 * row_count]
        self.negative_components = numbers[2 * row_count :][torch.tensor(order)]

    def loss(self, batch: Positions, query: torch.Tensor, document: torch.Tensor) -> torch.Tensor:
        """Return the mean loss of the rows `batch`, for the matrices `query` and `document`."""
        import torch

        # The positions of the hard negatives of each row, and the place of their row in the batch.
        rows = torch.tensor(batch)
        places = torch.arange(len(batch))
        ranges = [np.arange(self.starts[row], self.starts[row + 1]) for row in batch]
        range_lengths = [len(positions) for positions in ranges]
        negatives = torch.tensor(np.concatenate(ranges))
        negative_places = torch.tensor(np.repeat(np.arange(len(batch)), range_lengths))

        # The documents of the batch: its positives, then its hard negatives.
        queries = _unit(self.anchors[rows], query)
        document_vectors = torch.cat([self.positives[rows], self.negatives[negatives]])
        documents = _unit(document_vectors, document)
        document_places = torch.cat([places, negative_places])
        document_components = torch.cat(
            [
                self.positive_components[rows],
                self.negative_components[negatives],
            ]
        )

        # A document of another row is no negative if it is of the component of the anchor or of
        # its positive. The masks have shape (rows of the batch, documents of the batch).
        anchor_components = self.anchor_components[rows][:, None]
        positive_components = self.positive_components[rows][:, None]
        is_of_anchor = anchor_components == document_components
        is_of_positive = positive_components == document_components
        is_other_row = places[:, None] != document_places
        is_ignored = (is_of_anchor | is_of_positive) & is_other_row
        scores = queries @ documents.T / TEMPERATURE
        scores = scores.masked_fill(is_ignored, -torch.inf)

        # The right document of each anchor is its positive, at the same place.
        return torch.nn.functional.cross_entropy(scores, places)


def _batches(components: ComponentNames, seed: int) -> Iterator[Positions]:
    """Yield the rows of each batch, ascending. `components` (n,) has the component of each row."""
    random = np.random.default_rng(seed)
    for _ in range(EPOCHS):
        order = random.permutation(len(components))
        epoch = order[_places_in_component(components[order]) < MAX_COMPONENT_ROWS]

        # Batches of even sizes: a last batch of a few rows would be a step in a poorly known
        # direction.
        for batch in np.array_split(epoch, -(-len(epoch) // BATCH_SIZE)):
            yield np.sort(batch)


def _places_in_component(components: ComponentNames) -> Positions:
    """Return for each row how many rows before it are of the same component, shape (n,).

    >>> _places_in_component(np.array(["b", "a", "b", "b"])).tolist()
    [0, 0, 1, 2]
    """
    # Rows of one component lie side by side, in the order that they had.
    by_component = np.argsort(components, kind="stable")
    _, starts, counts = np.unique(components[by_component], return_index=True, return_counts=True)

    places = np.empty(len(components), dtype=np.int64)
    places[by_component] = np.arange(len(components)) - np.repeat(starts, counts)
    return places


def _unit(vectors: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.nn.functional.normalize(vectors + vectors @ matrix, dim=1)


def _adapted(vectors: Vectors, matrix: Vectors) -> Vectors:
    import torch

    with single_torch_thread(), torch.inference_mode():
        adapted = _unit(torch.tensor(vectors), torch.tensor(matrix))
        return np.asarray(adapted.numpy(), dtype=np.float32)


def positive_triplets(
    triplets: pd.DataFrame, pairs: pd.DataFrame, positive_from: float
) -> pd.DataFrame:
    """Return the rows of `triplets` whose pair is a positive, with the `source` of the pair.

    A pair of the table Pairs is a positive if it scores `positive_from` or more.

    >>> triplets = pd.DataFrame({"pair_id": ["p1", "p2"]})
    >>> columns = {"pair_id": ["p1", "p2"], "score": [1.0, 0.2], "source": ["faq", "faq"]}
    >>> positive_triplets(triplets, pd.DataFrame(columns), positive_from=0.5)
      pair_id source
    0      p1    faq
    """
    positives = positive_pairs(pairs, positive_from)
    source_of_pair = positives.set_index("pair_id")["source"]

    is_positive = triplets["pair_id"].isin(source_of_pair.index)
    positives = triplets[is_positive]
    sources = source_of_pair.reindex(positives["pair_id"])
    return positives.assign(source=sources.to_numpy()).reset_index(drop=True)


def training_vectors(
    triplets: pd.DataFrame,
    lineage: pd.DataFrame,
    splits: pd.DataFrame,
    encoder: Encoder,
    model: ModelParams,
) -> TrainingVectors:
    """Return the rows of `triplets` as vectors.

    `splits` (Splits) names the component of each collected pair and document. A pair that
    `augment` added has the component of its parent, which `lineage`, the Ledger of augment,
    names.
    """
    # The parent of each added pair, and the component of each collected pair and document.
    additions = lineage[lineage["action"] == "add"]
    parent_of_pair = additions.set_index("row_id")["partner_id"].to_dict()
    component_of_id = splits.set_index("id")["component_id"].to_dict()

    # One entry for each hard negative: the number of its row, its document, and its text.
    owners: list[int] = []
    negative_ids: list[str] = []
    negative_texts: list[str] = []
    lists_of_rows = zip(triplets["negative_ids"], triplets["negatives"], strict=True)
    for row_number, (doc_ids, texts) in enumerate(lists_of_rows):
        for doc_id, text in zip(doc_ids, texts, strict=True):
            owners.append(row_number)
            negative_ids.append(doc_id)
            negative_texts.append(text)

    # Encode positives and negatives in one call, since a text may be both.
    document_texts = [*triplets["positive"], *negative_texts]
    documents = encoder.encode(document_texts, model.document_prompt, "training documents")
    anchor_texts = list(triplets["anchor"])
    anchors = encoder.encode(anchor_texts, model.anchor_prompt, "training anchors")

    # Name the components.
    original_pairs = [parent_of_pair.get(pair_id, pair_id) for pair_id in triplets["pair_id"]]
    components = [component_of_id[pair_id] for pair_id in original_pairs]
    positive_components = [component_of_id[doc_id] for doc_id in triplets["doc_id"]]
    negative_components = [component_of_id[doc_id] for doc_id in negative_ids]

    return TrainingVectors(
        anchors=anchors,
        positives=documents[: len(triplets)],
        components=np.array(components, dtype=np.str_),
        positive_components=np.array(positive_components, dtype=np.str_),
        negatives=documents[len(triplets) :],
        owners=np.array(owners, dtype=np.int64),
        negative_components=np.array(negative_components, dtype=np.str_),
    )
