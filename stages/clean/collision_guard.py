"""The guard at the end of cleaning: documents that collide keep their text, and are named.

It reads the documents as collected beside those that were cleaned. A document that cleaning made
equal to one that said something else gets back its text after the rules of markup. Where these
were at fault, it gets back its text as collected. The ledger names both documents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet as parquet

from stages.clean import filters
from stages.clean.collisions import Candidate, coarse_hashes, find_collisions, hash_content
from stages.clean.edits import Edit, between, undone
from stages.clean.interface import CleanParams
from stages.clean.passages import passages, token_counter
from stages.lib.core import tables
from stages.lib.core.ids import hash_hex
from stages.lib.core.tables import Shard
from stages.lib.schemas.documents import Documents, Passages
from stages.lib.schemas.ledger import Ledger, LedgerWriter
from stages.lib.text.document_text import document_texts, fill, has_title, own_words
from stages.lib.text.strict_form import strict_form

REASON = "collision"

# Nothing brings back what the user wants to be without.
_NEVER_UNDONE = frozenset(["private_data", "case"])
# Garbled letters do not come back, nor do navigation and advertisements.
_NEVER_COLLECTED = frozenset([*_NEVER_UNDONE, "encoding", "page"])
_FIELDS = ("title", "text")


@dataclass(frozen=True)
class CleanedShard:
    """The parts of a shard of documents, before and after cleaning.

    Attributes:
        collected: the documents as collected.
        rows: the cleaned Documents.
        passages: their Passages.
        ledgers: the Ledgers of the passes, in their order. The first pass is that of markup.
    """

    collected: Shard
    rows: Path
    passages: Path
    ledgers: tuple[Path, ...]


class Fields(NamedTuple):
    """Title and text of a document."""

    title: str
    text: str


class Document(NamedTuple):
    """A document that may collide.

    Attributes:
        doc_id: its id.
        topic: its topic, which may be embedded too.
        collected: its fields as collected.
        marked: its fields after the rules of markup.
        cleaned: its fields after all rules.
        rules: the rules that edited it.
    """

    doc_id: str
    topic: str
    collected: Fields
    marked: Fields
    cleaned: Fields
    rules: frozenset[str]

    def form(self, fields: Fields, template: str) -> str:
        """Return the hash of the strict form of what is embedded, with these fields."""
        embedded = fill(template, fields.text, fields.title, topic=self.topic)
        return hash_hex(strict_form(embedded))


class Resolution(NamedTuple):
    """What becomes of a colliding document.

    Attributes:
        document: the document.
        fields: the title and the text that it keeps.
        partner_id: a document that said something else and equals it.
    """

    document: Document
    fields: Fields
    partner_id: str


def cleaned_shards(
    collected: Sequence[Shard],
    rows: Sequence[Shard],
    passages: Sequence[Path],
    ledgers: Sequence[Sequence[Path]],
) -> list[CleanedShard]:
    """Return the parts of each shard of documents; `ledgers` has a list for each pass."""
    return [
        CleanedShard(shard, rows=cleaned.path, passages=part, ledgers=tuple(parts))
        for shard, cleaned, part, *parts in zip(collected, rows, passages, *ledgers, strict=True)
    ]


def resolve_collisions(
    shards: Sequence[CleanedShard],
    params: CleanParams,
    model_folder: Path | None,
    template: str,
    scratch: Path,
) -> list[CleanedShard]:
    """Return `shards` with the texts of colliding documents put back, and a note on each.

    `template` says what of a document is embedded. Shards without collisions are returned as they
    are.
    """
    # Few documents share their letters and digits with another one.
    ids_by_shard = _suspects(shards, template)
    candidates: list[Candidate] = []
    for shard, ids in zip(shards, ids_by_shard, strict=True):
        for document in _documents(shard, ids):
            candidates.append(_candidate(document, template))

    partner_of_id = find_collisions(candidates)
    if not partner_of_id:
        return list(shards)

    # Put the texts back, shard by shard.
    colliding_by_shard = [ids & partner_of_id.keys() for ids in ids_by_shard]
    ambiguous = _ambiguous_forms(shards, colliding_by_shard, candidates, template=template)
    resolved: list[CleanedShard] = []
    for index, (shard, ids) in enumerate(zip(shards, colliding_by_shard, strict=True)):
        resolutions: list[Resolution] = []
        for document in _documents(shard, ids):
            fields = _kept_fields(document, ambiguous, params, template=template)
            resolutions.append(Resolution(document, fields, partner_of_id[document.doc_id]))
        if resolutions:
            shard = _rewritten(
                shard, resolutions, params, model_folder, scratch=scratch / f"{index:06d}"
            )
        resolved.append(shard)

    return resolved


def _suspects(shards: Sequence[CleanedShard], template: str) -> list[frozenset[str]]:
    """Return the ids of each shard with the letters and digits of others, one of them edited."""
    ids_by_shard: list[np.ndarray] = []
    hashes_by_shard: list[np.ndarray] = []
    edited_hashes: list[np.ndarray] = []
    for shard in shards:
        rows = parquet.read_table(shard.rows, columns=["doc_id", "title", "text", "topic"])
        frame = rows.to_pandas()
        ids = frame["doc_id"].to_numpy(dtype=object)
        hashes = coarse_hashes(document_texts(frame, template))
        is_edited = np.isin(ids, sorted(_edited_ids(shard)))
        ids_by_shard.append(ids)
        hashes_by_shard.append(hashes)
        edited_hashes.append(hashes[is_edited])

    if not any(map(len, edited_hashes)):
        return [frozenset()] * len(shards)

    # Without an edited document, the texts were equal as collected.
    hashes, counts = np.unique(np.concatenate(hashes_by_shard), return_counts=True)
    suspicious = np.intersect1d(hashes[counts > 1], np.concatenate(edited_hashes))
    return [
        frozenset(ids[np.isin(hashes, suspicious)])
        for ids, hashes in zip(ids_by_shard, hashes_by_shard, strict=True)
    ]


def _edited_ids(shard: CleanedShard) -> set[str]:
    """Return the ids of the documents of a shard that were edited."""
    ids: set[str] = set()
    for ledger in shard.ledgers:
        lines = parquet.read_table(ledger, columns=["row_id", "action"]).to_pydict()
        for row_id, action in zip(lines["row_id"], lines["action"], strict=True):
            if action == "edit":
                ids.add(row_id)

    return ids


def _documents(shard: CleanedShard, ids: frozenset[str]) -> list[Document]:
    """Return the documents of a shard with these ids, in their order."""
    if not ids:
        return []

    collected = tables.read_shard(shard.collected, Documents)
    collected = collected[collected["doc_id"].isin(ids)].set_index("doc_id")
    cleaned = tables.read(shard.rows, Documents)
    ledgers = [tables.read(path, Ledger) for path in shard.ledgers]
    lines = pd.concat(
        [frame[frame["row_id"].isin(ids)].assign(step=step) for step, frame in enumerate(ledgers)]
    )
    lines = lines[lines["action"] == "edit"]
    lines_of_id = dict(list(lines.groupby("row_id", sort=False)))

    documents: list[Document] = []
    for row in cleaned[cleaned["doc_id"].isin(ids)].to_dict("records"):
        own = lines_of_id.get(row["doc_id"], lines.iloc[:0])
        later = own[own["step"] > 0]
        cleaned_fields = Fields(str(row["title"]), str(row["text"]))
        title, text = collected.loc[row["doc_id"], list(_FIELDS)]
        documents.append(
            Document(
                doc_id=str(row["doc_id"]),
                topic=str(row["topic"]),
                collected=Fields(title, text),
                marked=Fields(
                    title=undone(cleaned_fields.title, _edits(later, "title")),
                    text=undone(cleaned_fields.text, _edits(later, "text")),
                ),
                cleaned=cleaned_fields,
                rules=frozenset(own["reason"]),
            )
        )

    return documents


def _edits(lines: pd.DataFrame, field: str) -> list[Edit]:
    """Return the edits of `field` that a ledger lists."""
    own = lines[lines["field"] == field]
    columns = (own[name] for name in ("reason", "start", "end", "before", "after"))
    return [Edit(*values) for values in zip(*columns, strict=True)]


def _candidate(document: Document, template: str) -> Candidate:
    """Return what decides whether a document collides."""
    # The text alone is compared where the title is not embedded.
    is_titled = has_title(template)
    before = document.collected
    after = document.cleaned
    is_edited = bool(document.rules)
    content = hash_content(before.text, before.title if is_titled else "", is_markup=is_edited)
    content_after = hash_content(after.text, after.title if is_titled else "", is_markup=False)
    return Candidate(
        doc_id=document.doc_id,
        form=document.form(after, template),
        content=content,
        is_changed=is_edited and content != content_after,
    )


def _ambiguous_forms(
    shards: Sequence[CleanedShard],
    ids_by_shard: Sequence[frozenset[str]],
    candidates: Sequence[Candidate],
    template: str,
) -> frozenset[str]:
    """Return the forms in which documents meet that said different things.

    Forms count after all rules, and of the documents of `ids_by_shard` after those of markup too.
    """
    content_of_id = {candidate.doc_id: candidate.content for candidate in candidates}
    contents_of_form: defaultdict[str, set[str]] = defaultdict(set)
    for candidate in candidates:
        contents_of_form[candidate.form].add(candidate.content)

    for shard, ids in zip(shards, ids_by_shard, strict=True):
        for document in _documents(shard, ids):
            form = document.form(document.marked, template)
            contents_of_form[form].add(content_of_id[document.doc_id])

    return frozenset(form for form, contents in contents_of_form.items() if len(contents) > 1)


def _kept_fields(
    document: Document,
    ambiguous: frozenset[str],
    params: CleanParams,
    template: str,
) -> Fields:
    """Return title and text of a colliding document: as before the rules that were at fault.

    They stay as cleaned where the older ones may not come back, or would be dropped.
    """
    is_told_apart = document.form(document.marked, template) not in ambiguous
    fields = document.marked if is_told_apart else document.collected
    forbidden = _NEVER_UNDONE if is_told_apart else _NEVER_COLLECTED
    if document.rules & forbidden:
        return document.cleaned

    words = own_words(template, fields.text, fields.title)
    reason = filters.drop_reason(words, filters.document_bounds(params))
    return document.cleaned if reason else fields


def _rewritten(
    shard: CleanedShard,
    resolutions: Sequence[Resolution],
    params: CleanParams,
    model_folder: Path | None,
    scratch: Path,
) -> CleanedShard:
    """Return the shard with the fields of `resolutions`, written to `scratch`."""
    # A line for each field that comes back, and one that names the other document.
    ledger = LedgerWriter()
    for resolution in resolutions:
        document = resolution.document
        for field in _FIELDS:
            before = getattr(document.cleaned, field)
            for edit in between(REASON, before, getattr(resolution.fields, field)):
                ledger.edit(
                    document.doc_id,
                    field,
                    REASON,
                    before=edit.before,
                    after=edit.after,
                    start=edit.start,
                    end=edit.end,
                )
        ledger.note(document.doc_id, REASON, partner_id=resolution.partner_id)

    # The documents, with their passages cut anew.
    fields_of_id = {item.document.doc_id: item.fields for item in resolutions}
    rows = tables.read(shard.rows, Documents)
    for field in _FIELDS:
        kept = [
            getattr(fields_of_id[doc_id], field) if doc_id in fields_of_id else value
            for doc_id, value in zip(rows["doc_id"], rows[field], strict=True)
        ]
        rows[field] = pd.Series(kept, index=rows.index, dtype=rows[field].dtype)
    counter = token_counter(model_folder) if model_folder else None
    is_resolved = rows["doc_id"].isin(fields_of_id)
    new_passages = passages(
        rows[is_resolved], params.passage_tokens, overlap=params.passage_overlap, count=counter
    )
    old_passages = tables.read(shard.passages, Passages)
    other_passages = old_passages[~old_passages["doc_id"].isin(fields_of_id)]

    # Every pass writes a ledger of its own.
    paths = {name: scratch / f"{name}.parquet" for name in ("rows", "passages", "ledger")}
    tables.write(rows, paths["rows"], Documents)
    tables.write(pd.concat([other_passages, new_passages]), paths["passages"], Passages)
    tables.write(ledger.frame(), paths["ledger"], Ledger)
    return CleanedShard(
        collected=shard.collected,
        rows=paths["rows"],
        passages=paths["passages"],
        ledgers=(*shard.ledgers, paths["ledger"]),
    )
