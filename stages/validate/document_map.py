"""Where documents lie before any training: files for TensorBoard's projector.

Documents of the test split are left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.lib.core import atomic
from stages.lib.core.ids import hash_hex
from stages.lib.retrieval.corpus import Corpus
from stages.lib.retrieval.search import Vectors

SPLITS = ("train", "validation", "corpus")
SAMPLE_SIZE = 1000

_TEXT_LENGTH = 100
_EVENTS = "events.out.tfevents.0.projector"
_CONFIGURATION = 'embeddings {\n  tensor_path: "vectors.tsv"\n  metadata_path: "metadata.tsv"\n}\n'


class MapPoints(NamedTuple):
    """Documents of the map.

    Attributes:
        vectors: shape (n, d).
        documents: n rows with the columns doc_id, topic, split and text.
    """

    vectors: Vectors
    documents: pd.DataFrame


def sample_points(
    documents: pd.DataFrame,
    corpus: Corpus,
    passages: Vectors,
    *,
    splits: pd.DataFrame,
    size: int = SAMPLE_SIZE,
) -> MapPoints:
    """Return up to `size` documents, each as its first passage, chosen by a hash of their ids.

    Args:
        documents: topic and text of each document.
        corpus: the documents to choose from.
        passages: shape (passages, d), the vectors of the corpus.
        splits: the split of each document. Documents of the test split are left out.
        size: the largest number of documents.
    """
    starts = (
        np.arange(len(corpus.doc_ids)) if corpus.passage_starts is None else corpus.passage_starts
    )
    first_passage = pd.DataFrame({"doc_id": corpus.doc_ids.astype(object), "row": starts})

    # Only documents of splits that may be shown.
    visible = splits.loc[splits["split"].isin(SPLITS), ["id", "split"]]
    visible = visible.rename(columns={"id": "doc_id"})
    frame = documents[["doc_id", "topic", "text"]]
    frame = frame.merge(first_passage, on="doc_id").merge(visible, on="doc_id")

    # A hash decides, so that a smaller map is a part of a larger one.
    hashes = frame["doc_id"].map(lambda doc_id: hash_hex("map", doc_id))
    chosen = frame.loc[hashes.sort_values().index[:size]]
    chosen = chosen.sort_values("doc_id", ignore_index=True)
    return MapPoints(
        passages[chosen["row"].to_numpy()], chosen[["doc_id", "topic", "split", "text"]]
    )


def write_projector(points: MapPoints, folder: Path) -> None:
    """Write the files of TensorBoard's projector: vectors, metadata and configuration.

    TensorBoard takes a folder for a run only if it holds an events file. So an empty one is
    written, with a fixed time, since the bytes must not depend on the clock.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    with atomic.write(folder / "vectors.tsv") as temporary:
        pd.DataFrame(points.vectors).to_csv(
            temporary,
            sep="\t",
            header=False,
            index=False,
            float_format="%.5f",
            lineterminator="\n",
        )

    atomic.write_text(folder / "metadata.tsv", _metadata(points.documents))
    atomic.write_text(folder / "projector_config.pbtxt", _CONFIGURATION)

    event = Event(wall_time=1.0, file_version="brain.Event:2")
    with atomic.write(folder / _EVENTS) as temporary, temporary.open("wb") as stream:
        RecordWriter(stream).write(event.SerializeToString())


def _metadata(documents: pd.DataFrame) -> str:
    """Return one line for each document, with tabs between the columns and a heading."""
    texts = documents["text"].str.slice(0, _TEXT_LENGTH)
    rows = documents.assign(text=texts)[["doc_id", "topic", "split", "text"]].astype(str)

    # White space of any kind would break the columns.
    rows = rows.replace(r"\s+", " ", regex=True)
    lines = ["\t".join(rows.columns)]
    lines += ["\t".join(row) for row in rows.to_numpy()]
    return "\n".join(lines) + "\n"
