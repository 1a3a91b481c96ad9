"""How documents and their passages read when they are embedded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from stages.lib.errors import Problem

Span = tuple[int, int]


class Source(NamedTuple):
    """A document that recipes make pairs of; `passages` are the spans of its passages in `text`, in order."""

    doc_id: str
    title: str
    text: str
    topic: str
    passages: tuple[Span, ...]


def sources(documents: pd.DataFrame, passages: pd.DataFrame) -> list[Source]:
    """Return the Documents as recipes read them, in the order of their ids.

    Raises Problem when the Passages are not stretches of these documents.
    """
    texts = dict(zip(documents["doc_id"], documents["text"], strict=True))
    found: dict[str, list[Span]] = {doc_id: [] for doc_id in texts}
    for doc_id, passage in zip(passages["doc_id"], passages["text"], strict=True):
        if doc_id in found:
            before = (
                found[doc_id][-1][0] + 1 if found[doc_id] else 0
            )  # each begins after the one before
            start = texts[doc_id].find(passage, before)
            if start < 0:
                raise Problem(
                    f"a passage of {doc_id} does not stand in its text",
                    "run 'dvc repro clean deduplicate' first",
                )
            found[doc_id].append((start, start + len(passage)))
    rows = zip(
        documents["doc_id"], documents["title"], documents["text"], documents["topic"], strict=True
    )
    return [Source(*row, tuple(found[row[0]])) for row in sorted(rows)]


def fill(template: str, text: str, title: str, topic: str) -> str:
    """Return `template` filled in, trimmed."""
    return template.format(text=text, title=title, topic=topic).strip()


def render(documents: pd.DataFrame, template: str) -> pd.DataFrame:
    """Return `documents` with the text that is embedded: `template` filled in, trimmed."""
    rows = zip(documents["text"], documents["title"], documents["topic"], strict=True)
    return documents.assign(text=[fill(template, *row) for row in rows])


def render_passages(
    passages: pd.DataFrame,
    documents: pd.DataFrame,
    template: str,
    taken: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Return the passages of `documents`, each rendered with its document's title and topic.

    `taken` gives the text of passages, by id, out of which anchors were cut; one of which nothing is left goes.
    """
    of = documents.set_index("doc_id")[["title", "topic"]]
    kept = passages[passages["doc_id"].isin(of.index)]
    if taken:
        texts = [
            taken.get(name, text)
            for name, text in zip(kept["passage_id"], kept["text"], strict=True)
        ]
        kept = kept.assign(text=texts)
        kept = kept[kept["text"] != ""]
    columns = {name: kept["doc_id"].map(of[name]).astype("str") for name in ("title", "topic")}
    return render(kept.assign(**columns), template).drop(columns=["title", "topic"])


def without(text: str, stretch: Span, cuts: Sequence[Span]) -> str:
    """Return what stands in `stretch` of `text` outside of all `cuts`, trimmed."""
    start, end = stretch
    kept, at = [], start
    for left, right in sorted(cuts):
        kept.append(text[at : min(max(left, at), end)])
        at = min(max(right, at), end)
    return "".join([*kept, text[at:end]]).strip()


def cut_passages(found: Sequence[Source], cuts: Mapping[str, Sequence[Span]]) -> dict[str, str]:
    """Return the text that is left of each passage, by its id, of the documents that `cuts` names."""
    return {
        f"{source.doc_id}-{at:04d}": without(source.text, stretch, cuts[source.doc_id])
        for source in found
        if source.doc_id in cuts
        for at, stretch in enumerate(source.passages)
    }
