"""Some rows of each reason of the ledgers, with what they said before and after.

Rows of the test split and of protected texts are left out, and so are rows that were compared with
one: nobody may read them. Where `clean` replaced private data, its rows are left out, and texts are
shown as they are after it. The rows are chosen by a hash, so that they stay when others change.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from heapq import heappush, heapreplace
from typing import Annotated, NamedTuple

import pandas as pd

from stages.lib.core.ids import hash_hex
from stages.lib.core.interface import Reads, TableFile
from stages.lib.reporting.html import Html, collapsible, paragraph
from stages.lib.reporting.word_differences import marked_differences, plain_text
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import Pairs

# Rows that a reason shows, and rows that are kept: of some the texts stand in no table.
ROWS_OF_REASON = 4
_ROWS_KEPT = 16

# Splits whose rows are not shown.
HIDDEN_SPLITS = ("test", "protected")

# The reason under which `clean` replaces private data.
_PRIVATE = "private_data"

# A note changes nothing.
_ACTIONS = {"drop": "dropped", "edit": "edited", "add": "added", "repoint": "re-pointed"}

# Characters of a collected text around an edit.
_AROUND = 60

# (id, column) to text. A pair has an anchor, a document a title and a text.
Texts = Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class LedgerFiles:
    """The ledgers up to the training rows, in the order of the pipeline."""

    collect: Annotated[
        TableFile[Ledger], Reads("collect/ledger.parquet", "Decisions of `collect`.")
    ]
    clean: Annotated[TableFile[Ledger], Reads("clean/ledger.parquet", "Decisions of `clean`.")]
    deduplicate: Annotated[
        TableFile[Ledger], Reads("deduplicate/ledger.parquet", "Decisions of `deduplicate`.")
    ]
    pair: Annotated[TableFile[Ledger], Reads("pair/ledger.parquet", "Decisions of `pair`.")]
    split: Annotated[TableFile[Ledger], Reads("split/ledger.parquet", "Decisions of `split`.")]
    augment: Annotated[
        TableFile[Ledger], Reads("augment/ledger.parquet", "Decisions of `augment`.")
    ]


@dataclass(frozen=True)
class RowTexts:
    """The texts of rows as they were collected, and as they were cleaned."""

    collected_documents: Annotated[
        TableFile[Documents], Reads("collect/documents.parquet", "Documents as collected.")
    ]
    collected_pairs: Annotated[
        TableFile[Pairs], Reads("collect/pairs.parquet", "Pairs as collected.")
    ]
    cleaned_documents: Annotated[
        TableFile[Documents], Reads("clean/documents.parquet", "Documents as cleaned.")
    ]
    cleaned_pairs: Annotated[TableFile[Pairs], Reads("clean/pairs.parquet", "Pairs as cleaned.")]


class LedgerRow(NamedTuple):
    """A decision of a stage on a row; the fields are those of the table Ledger."""

    row_id: str
    field: str
    action: str
    reason: str
    partner_id: str
    start: int
    end: int
    before: str
    after: str


class ReasonRows(NamedTuple):
    """The decisions of a stage for one reason: how many there are, and some of them."""

    stage: str
    action: str
    reason: str
    decisions: int
    rows: list[LedgerRow]


def sample_ledger(
    stage: str, batches: Iterable[pd.DataFrame], hidden: Collection[str], most: int = _ROWS_KEPT
) -> list[ReasonRows]:
    """Return each reason of a ledger with its number of decisions and some that may be shown.

    Args:
        stage: the stage that wrote the ledger.
        batches: the ledger in pieces, so that a large one need not fit in memory.
        hidden: ids of rows that nobody may read.
        most: how many decisions of a reason are kept, each of another row.
    """
    counts: dict[tuple[str, str], int] = {}
    kept: dict[tuple[str, str], list[tuple[int, LedgerRow]]] = {}
    for batch in batches:
        for row in batch[list(LedgerRow._fields)].itertuples(index=False, name=None):
            decision = LedgerRow(*row)
            key = (decision.action, decision.reason)
            if decision.action not in _ACTIONS:
                continue
            counts[key] = counts.get(key, 0) + 1
            if not {decision.row_id, decision.partner_id}.isdisjoint(hidden):
                continue
            _keep(kept.setdefault(key, []), decision, most)

    reasons = []
    for key, count in counts.items():
        chosen = sorted(kept.get(key, []), key=lambda item: (-item[0], item[1]))
        reasons.append(ReasonRows(stage, *key, count, [decision for _, decision in chosen]))
    order = list(_ACTIONS)
    return sorted(
        reasons, key=lambda item: (order.index(item.action), -item.decisions, item.reason)
    )


def _keep(heap: list[tuple[int, LedgerRow]], decision: LedgerRow, most: int) -> None:
    """Keep a decision if its hash is among the smallest; the largest one is at the top."""
    item = (-int(hash_hex(decision.reason, decision.row_id), 16), decision)
    if any(number == item[0] for number, _ in heap):
        return
    if len(heap) < most:
        heappush(heap, item)
    elif item > heap[0]:
        heapreplace(heap, item)


def ledger_parts(ledgers: LedgerFiles, texts: RowTexts, splits: pd.DataFrame) -> list[Html]:
    """Return a part of a page for each reason of the ledgers.

    Args:
        ledgers: the decisions of the stages.
        texts: the texts of the rows.
        splits: the table Splits.
    """
    hidden = set(splits.loc[splits["split"].isin(HIDDEN_SPLITS), "id"])
    private = _private_rows(ledgers.clean)
    reasons: list[ReasonRows] = []
    for stage, ledger in vars(ledgers).items():
        reasons += sample_ledger(stage, ledger.batches(), hidden | private)

    ids = ids_of(reasons)
    cleaned = read_texts(texts.cleaned_documents, texts.cleaned_pairs, ids)
    if not private:
        collected = read_texts(texts.collected_documents, texts.collected_pairs, ids)
        return reason_parts(reasons, collected, cleaned)

    # Where private data is replaced, nothing is shown as it was before that.
    reasons = [
        reason._replace(rows=[]) if reason.stage == "collect" else reason for reason in reasons
    ]
    return reason_parts(reasons, cleaned, cleaned)


def _private_rows(ledger: TableFile[Ledger]) -> set[str]:
    """Return the ids of the rows in which `clean` replaced private data."""
    ids: set[str] = set()
    for batch in ledger.batches():
        ids.update(batch.loc[batch["reason"] == _PRIVATE, "row_id"])
    return ids


def drops_of(ledgers: LedgerFiles, ids: Collection[str]) -> dict[str, str]:
    """Return id to what dropped the row, in words, for those of the ids that were dropped."""
    words: dict[str, str] = {}
    for stage, ledger in vars(ledgers).items():
        for batch in ledger.batches():
            is_asked = batch["row_id"].isin(ids) & (batch["action"] == "drop")
            for row in batch[is_asked].itertuples(index=False):
                partner = f", partner {row.partner_id}" if row.partner_id else ""
                words[row.row_id] = f"{stage}: {row.reason.replace('_', ' ')}{partner}"
    return words


def ids_of(reasons: Iterable[ReasonRows]) -> set[str]:
    """Return the ids of the rows and of their partners."""
    ids: set[str] = set()
    for reason in reasons:
        for row in reason.rows:
            ids.update((row.row_id, row.partner_id))
    return ids - {""}


def read_texts(
    documents: TableFile[Documents], pairs: TableFile[Pairs], ids: Collection[str]
) -> dict[tuple[str, str], str]:
    """Return (id, column) to text of the rows with these ids."""
    texts: dict[tuple[str, str], str] = {}
    for batch in documents.batches():
        rows = batch[batch["doc_id"].isin(ids)]
        for doc_id, title, text in zip(rows["doc_id"], rows["title"], rows["text"], strict=True):
            texts[(doc_id, "title")] = title
            texts[(doc_id, "text")] = text
    for batch in pairs.batches():
        rows = batch[batch["pair_id"].isin(ids)]
        for pair_id, anchor in zip(rows["pair_id"], rows["anchor"], strict=True):
            texts[(pair_id, "anchor")] = anchor
    return texts


def reason_parts(reasons: Iterable[ReasonRows], collected: Texts, cleaned: Texts) -> list[Html]:
    """Return a line for each reason, which opens to its rows.

    Args:
        reasons: the reasons, in the order in which they are shown.
        collected: texts as they were collected.
        cleaned: texts as they were cleaned.
    """
    parts = []
    for reason in reasons:
        words = reason.reason.replace("_", " ")
        summary = f"{reason.stage}: {reason.decisions:,} {_ACTIONS[reason.action]} ({words})"
        lines = _row_lines(reason.rows, collected, cleaned)
        parts.append(collapsible(summary, Html(f'<ul class="rows">{"".join(lines)}</ul>')))
    if not parts:
        return [paragraph("No stage dropped, edited or added a row.")]
    return parts


def _row_lines(rows: Iterable[LedgerRow], collected: Texts, cleaned: Texts) -> list[Html]:
    """Return some decisions: the id of the row, and what the row said before and after."""
    lines = []
    for row in rows:
        text = _before_and_after(row, collected, cleaned)
        if not text:
            continue
        partner = f" partner <code>{plain_text(row.partner_id)}</code>" if row.partner_id else ""
        name = f"<small><code>{plain_text(row.row_id)}</code>{partner}</small>"
        lines.append(Html(f"<li>{text}<br>{name}</li>"))
    if not lines:
        return [
            Html(
                "<li>No row is shown: they touch the test split or private data, or have no text."
                "</li>"
            )
        ]
    return lines[:ROWS_OF_REASON]


def _before_and_after(row: LedgerRow, collected: Texts, cleaned: Texts) -> Html:
    if row.action == "edit":
        return _edit(row, collected, cleaned)
    if row.action == "repoint":
        return marked_differences(row.before, row.after)

    # A row that is like another one is compared with it.
    own = row.before or row.after or _whole(row.row_id, collected)
    partner = _whole(row.partner_id, collected) if row.partner_id else ""
    if row.action == "add" and partner:
        return marked_differences(partner, own)
    if own and partner:
        return marked_differences(own, partner)
    return plain_text(own or partner)


def _edit(row: LedgerRow, collected: Texts, cleaned: Texts) -> Html:
    """Return an edit in its surroundings."""
    key = (row.row_id, row.field)
    text = collected.get(key, "")
    if row.start < 0 and not row.before and not row.after:
        return marked_differences(text, cleaned.get(key, ""))

    # The place is that of the text at the time: earlier edits may have moved it.
    start = row.start if row.before and text[row.start : row.end] == row.before else -1
    if start < 0 and row.before and text.count(row.before) == 1:
        start = text.index(row.before)
    if start < 0:
        return marked_differences(row.before, row.after)
    before = text[max(0, start - _AROUND) : start]
    end = start + len(row.before)
    after = text[end : end + _AROUND]
    return marked_differences(f"{before}{row.before}{after}", f"{before}{row.after}{after}")


def _whole(row_id: str, texts: Texts) -> str:
    """Return the anchor of a pair, or title and text of a document; "" for an unknown row."""
    anchor = texts.get((row_id, "anchor"))
    if anchor is not None:
        return anchor
    parts = (texts.get((row_id, "title"), ""), texts.get((row_id, "text"), ""))
    return ": ".join(part for part in parts if part)
