"""The texts of documents that a later stage may train on: what the audit compares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import pandas as pd

from stages.lib.core.interface import TableFile
from stages.lib.schemas.documents import Documents, Passages
from stages.lib.text.text_file import StoredVersions
from stages.split.columns import shared_strings

# Documents or passages: both have the columns doc_id and text.
TextTable = TableFile[Documents] | TableFile[Passages]


def document_texts(
    collected: TableFile[Documents],
    trained: Sequence[TextTable],
    synthetic_pairs: pd.DataFrame,
    *,
    document_of_pair: Mapping[str, str],
) -> tuple[StoredVersions, StoredVersions]:
    """Return the texts of each document that may be trained on, and those as collected alone.

    The first have an entry for every document, which is empty where cleaning dropped it.

    Args:
        collected: the documents as collected.
        trained: the documents as cleaned and as embedded, and their passages.
        synthetic_pairs: a SyntheticPairs table, for the positives that recipes cut out.
        document_of_pair: pair id to document id.
    """
    # A batch at a time, since the texts of all tables at once take several times the memory.
    positives = synthetic_pairs[synthetic_pairs["positive"] != ""]
    doc_ids = positives["pair_id"].map(document_of_pair)
    cut_out = zip(doc_ids, positives["positive"], strict=True)
    batches = collected.batches()
    collected_ids = list(chain.from_iterable(shared_strings(batch["doc_id"]) for batch in batches))
    known = frozenset(collected_ids)
    rows = chain(*map(_rows, trained), cut_out)
    texts = StoredVersions((row for row in rows if row[0] in known), collected_ids)

    # The text as collected, where no later stage has the same.
    raw_rows = _rows(collected)
    untrained = StoredVersions(row for row in raw_rows if row[1] not in texts[row[0]])
    return texts, untrained


def _rows(table: TextTable) -> Iterator[tuple[str, str]]:
    """Yield document id and text of each row."""
    for batch in table.batches():
        yield from zip(shared_strings(batch["doc_id"]), batch["text"], strict=True)
