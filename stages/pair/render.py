"""The text of documents and passages that is embedded, and where passages stand in documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.lib.core.errors import UserError
from stages.lib.text.document_text import document_texts


class Span(NamedTuple):
    """A stretch of a text, as character positions. The end is not part of it."""

    start: int
    end: int

    def of(self, text: str) -> str:
        """Return the stretch of `text`.

        >>> Span(2, 4).of("abcdef")
        'cd'
        """
        return text[self.start : self.end]


class SourceDocument(NamedTuple):
    """A document that recipes make pairs of.

    Attributes:
        doc_id: its id.
        title: its title; may be empty.
        text: its text without copies and faults.
        topic: its topic; may be empty.
        passages: the spans of its passages in `text`, in order.
    """

    doc_id: str
    title: str
    text: str
    topic: str
    passages: tuple[Span, ...]


def source_documents(documents: pd.DataFrame, passages: pd.DataFrame) -> list[SourceDocument]:
    """Return the Documents with the spans of their Passages, in the order of their ids.

    Raises:
        UserError: a passage does not stand in the text of its document.
    """
    # Where each passage stands in its document.
    text_of_document = dict(zip(documents["doc_id"], documents["text"], strict=True))
    spans_of_document: dict[str, list[Span]] = {doc_id: [] for doc_id in text_of_document}

    for doc_id, passage in zip(passages["doc_id"], passages["text"], strict=True):
        if doc_id in spans_of_document:
            spans = spans_of_document[doc_id]
            spans.append(_find_passage(text_of_document[doc_id], passage, spans, doc_id=doc_id))

    # In the order of the ids.
    columns = documents[["doc_id", "title", "text", "topic"]]
    rows = columns.itertuples(index=False, name=None)

    return [
        SourceDocument(doc_id, title, text, topic=topic, passages=tuple(spans_of_document[doc_id]))
        for doc_id, title, text, topic in sorted(rows)
    ]


def _find_passage(text: str, passage: str, previous: Sequence[Span], *, doc_id: str) -> Span:
    # Each passage begins behind the beginning of the one before. They may overlap.
    search_start = previous[-1].start + 1 if previous else 0
    start = text.find(passage, search_start)
    if start < 0:
        raise UserError(
            f"a passage of {doc_id} does not stand in its text",
            "run 'dvc repro clean deduplicate' first",
        )

    return Span(start, start + len(passage))


def render(documents: pd.DataFrame, template: str) -> pd.DataFrame:
    """Return `documents` with the text that is embedded: the filled-in `template`.

    Raises:
        UserError: nothing of a document is embedded. It was read for another template.
    """
    texts = document_texts(documents, template)
    if "" in texts:
        raise UserError(
            f"{documents['doc_id'].iloc[texts.index('')]} has no text, and pair.document_text = "
            f"{template!r} embeds no title",
            "run 'dvc repro collect clean deduplicate' first, which read pair.document_text too",
        )

    return documents.assign(text=texts)


def render_passages(
    passages: pd.DataFrame,
    documents: pd.DataFrame,
    template: str,
    *,
    shortened: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Return the passages of `documents`, each with its document's title and topic filled in.

    Args:
        passages: a Passages table.
        documents: doc_id, title and topic. Passages of other documents are left out.
        template: a format string with {text}, {title} and {topic}.
        shortened: the text of passages, by id, from which anchors were removed. A passage is left
            out if no text is left of it.
    """
    document_columns = documents.set_index("doc_id")[["title", "topic"]]
    kept = passages[passages["doc_id"].isin(document_columns.index)]

    # Passages without the anchors that were made from them.
    if shortened:
        rows = zip(kept["passage_id"], kept["text"], strict=True)
        texts = [shortened.get(passage_id, text) for passage_id, text in rows]

        # The passage of a document that is a title alone never had a text.
        was_empty = kept["text"] == ""
        kept = kept.assign(text=texts)
        kept = kept[(kept["text"] != "") | was_empty]

    # Each passage has the title and topic of its document.
    titles = kept["doc_id"].map(document_columns["title"]).astype("str")
    topics = kept["doc_id"].map(document_columns["topic"]).astype("str")
    rendered = render(kept.assign(title=titles, topic=topics), template)

    return rendered.drop(columns=["title", "topic"])


def render_passage_batches(
    batches: Iterable[pd.DataFrame],
    documents: pd.DataFrame,
    template: str,
    *,
    shortened: Mapping[str, str],
) -> Iterator[pd.DataFrame]:
    """Yield the passages of each batch as `render_passages` does.

    Args:
        batches: a Passages table in pieces, in ascending order of id.
        documents: doc_id, title and topic of all documents, in ascending order of id.
        template: a format string with {text}, {title} and {topic}.
        shortened: the text of passages, by id, from which anchors were removed.
    """
    doc_ids = documents["doc_id"].to_numpy(dtype=object)
    for batch in batches:
        if not len(batch):
            continue

        # The documents between those of the first and of the last passage.
        start = np.searchsorted(doc_ids, batch["doc_id"].iloc[0], side="left")
        end = np.searchsorted(doc_ids, batch["doc_id"].iloc[-1], side="right")
        yield render_passages(batch, documents.iloc[start:end], template, shortened=shortened)


def remove_spans(text: str, stretch: tuple[int, int], removed: Sequence[tuple[int, int]]) -> str:
    """Return the text of `stretch` without the `removed` spans and without white space at its ends.

    Spans are positions in `text`. They may overlap each other and reach out of the stretch.

    >>> remove_spans("abcdefghi", (1, 6), [(2, 4)])
    'bef'
    """
    position, end = stretch
    kept: list[str] = []
    for start_removed, end_removed in sorted(removed):
        # The text up to the removed span, then on behind it.
        kept.append(text[position : min(max(start_removed, position), end)])
        position = min(max(end_removed, position), end)

    kept.append(text[position:end])

    return "".join(kept).strip()


def remove_anchors(
    sources: Sequence[SourceDocument],
    anchor_spans_of_document: Mapping[str, Sequence[tuple[int, int]]],
) -> dict[str, str]:
    """Return the text that remains of each passage without anchors, by passage id.

    Only the passages of documents with anchor spans are returned.
    """
    remaining_text: dict[str, str] = {}
    for source in sources:
        if source.doc_id not in anchor_spans_of_document:
            continue

        # An anchor span may reach over several passages.
        anchor_spans = anchor_spans_of_document[source.doc_id]
        for index, passage in enumerate(source.passages):
            passage_id = f"{source.doc_id}-{index:04d}"
            remaining_text[passage_id] = remove_spans(source.text, passage, anchor_spans)

    return remaining_text
