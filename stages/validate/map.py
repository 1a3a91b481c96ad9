"""Where documents lie before any training: a map for the page, and files for TensorBoard.

Documents of the test split are left out, like everything else of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.lib import written
from stages.lib.benchmark import Corpus
from stages.lib.retrieval import Vectors
from stages.lib.text import hash_hex

SPLITS = ("train", "validation", "corpus")
POINTS = 1000
TOPICS = 6
_SHOWN_CHARACTERS = 100
_EVENTS = "events.out.tfevents.0.projector"
_CONFIGURATION = 'embeddings {\n  tensor_path: "vectors.tsv"\n  metadata_path: "metadata.tsv"\n}\n'


class Points(NamedTuple):
    """Documents with what is known of them: vectors (n, d), and a frame doc_id, topic, split, text of n rows."""

    vectors: Vectors
    known: pd.DataFrame


def choose(
    documents: pd.DataFrame,
    corpus: Corpus,
    searched: Vectors,
    splits: pd.DataFrame,
    size: int = POINTS,
) -> Points:
    """Return up to `size` documents of `corpus`, each as its first passage, chosen by a hash of their ids.

    `documents` gives topic and text, `splits` where each is; whatever is of the test split is left out.
    """
    starts = (
        np.arange(len(corpus.doc_ids)) if corpus.passage_starts is None else corpus.passage_starts
    )
    at = pd.DataFrame({"doc_id": corpus.doc_ids.astype(object), "row": starts})
    shown = splits.loc[splits["split"].isin(SPLITS), ["id", "split"]].rename(
        columns={"id": "doc_id"}
    )
    known = documents[["doc_id", "topic", "text"]].merge(at, on="doc_id").merge(shown, on="doc_id")
    order = known["doc_id"].map(lambda doc_id: hash_hex("map", doc_id)).sort_values().index[:size]
    known = known.loc[order].sort_values("doc_id", ignore_index=True)
    return Points(searched[known["row"].to_numpy()], known[["doc_id", "topic", "split", "text"]])


def components(vectors: Vectors, count: int = 2) -> npt.NDArray[np.float64]:
    """Return the first principal components of `vectors` (n, d), shape (n, count); signs are fixed (Pearson 1901)."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    _, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :count]
    # An axis and its opposite are equally right: the largest part of each points upwards.
    largest = np.abs(axes).argmax(axis=0)
    return np.asarray(centred @ (axes * np.sign(axes[largest, np.arange(axes.shape[1])])))


def drawn(points: Points) -> pd.DataFrame:
    """Return the map as the page draws it: x, y, split, topic; all but the most frequent topics are "other"."""
    placed = components(points.vectors).round(3)
    known = points.known
    counts = known["topic"].replace("", "(none)").value_counts()
    named = sorted(counts.index, key=lambda topic: (-counts[topic], topic))[:TOPICS]
    topics = known["topic"].replace("", "(none)")
    told = topics.where(topics.isin(named), "other")
    return pd.DataFrame(
        {"x": placed[:, 0], "y": placed[:, 1], "split": known["split"], "topic": told}
    )


def write_projector(points: Points, folder: Path) -> None:
    """Write the files of TensorBoard's projector: vectors, metadata, and the configuration that names them.

    TensorBoard takes a folder for a run only if it holds events, so an empty file of them stands beside; its time is
    made up, since bytes must not depend on the clock.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    texts = (
        points.known["text"].str.slice(0, _SHOWN_CHARACTERS).str.replace(r"\s+", " ", regex=True)
    )
    with written.atomically(folder / "vectors.tsv") as temporary:
        pd.DataFrame(points.vectors).to_csv(
            temporary, sep="\t", header=False, index=False, float_format="%.5f", lineterminator="\n"
        )
    with written.atomically(folder / "metadata.tsv") as temporary:
        rows = points.known.assign(text=texts)[["doc_id", "topic", "split", "text"]].astype(str)
        lines = [
            "\t".join(rows.columns),
            *("\t".join(row) for row in rows.replace(r"\s+", " ", regex=True).to_numpy()),
        ]
        temporary.write_text("\n".join(lines) + "\n", "utf-8", newline="\n")
    with written.atomically(folder / "projector_config.pbtxt") as temporary:
        temporary.write_text(_CONFIGURATION, "utf-8", newline="\n")
    with written.atomically(folder / _EVENTS) as temporary, temporary.open("wb") as stream:
        RecordWriter(stream).write(
            Event(wall_time=1.0, file_version="brain.Event:2").SerializeToString()
        )
