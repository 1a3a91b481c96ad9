"""How the shown documents differ from those of an older version.

What the older version showed and the data at hand hides counts as a number only: a document that is
in the test split now, and one that was dropped in favour of such a document, since both say the
same. Where `clean` replaces private data, no former title and text is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from stages.commands.compare.gravest import SPLITS, find_drops
from stages.commands.compare.versions import Version
from stages.explore.page import EDITED, EDITED_AND_MOVED, MOVED, NEW, UNCHANGED
from stages.explore.page_rows import DocumentChanges, GoneDocument
from stages.explore.shown import SHOWN_SPLITS

DOCUMENTS = "data/pair/documents.parquet"
ALIASES = "data/deduplicate/aliases.parquet"
CLEAN_LEDGER = "data/clean/ledger.parquet"

# The reason under which `clean` replaces private data.
_PRIVATE = "private_data"

# What became of a document, by whether it is edited and whether it moved.
_STATES = {
    (False, False): UNCHANGED,
    (False, True): MOVED,
    (True, False): EDITED,
    (True, True): EDITED_AND_MOVED,
}

# Characters of the text of a document that has no title.
_TITLE_CHARACTERS = 80


class VersionDocuments(NamedTuple):
    """The documents of a version.

    Attributes:
        texts: title and text, by id.
        splits: the split, by id; a document may have none.
    """

    texts: Mapping[str, tuple[str, str]]
    splits: Mapping[str, str]

    def may_be_shown(self, doc_id: str) -> bool:
        """Return whether the page of this version may show the document."""
        return self.splits.get(doc_id) in SHOWN_SPLITS


def documents_of(version: Version) -> VersionDocuments:
    """Return the documents of a version.

    Raises:
        UserError: neither the cache of DVC nor a remote has its tables.
    """
    documents = version.table(DOCUMENTS, "doc_id", "title", "text")
    splits = version.table(SPLITS, "id", "split")
    fields = zip(documents["title"], documents["text"], strict=True)
    return VersionDocuments(
        texts=dict(zip(documents["doc_id"], fields, strict=True)),
        splits=dict(zip(splits["id"], splits["split"], strict=True)),
    )


def changes_since(
    revision: str, old: VersionDocuments, after: Version, shown: pd.DataFrame
) -> DocumentChanges:
    """Return how the documents differ from those of an older version.

    Args:
        revision: the name of the older version.
        old: its documents.
        after: the data at hand.
        shown: the documents of the page, with doc_id, title, text and split.

    Raises:
        UserError: a table at hand is missing.
    """
    hides_texts = _replaces_private_data(after)

    # What became of each document of the page.
    states: list[str] = []
    old_splits: dict[int, str] = {}
    old_texts: dict[int, tuple[str, str]] = {}
    rows = zip(*(shown[name] for name in ("doc_id", "title", "text", "split")), strict=True)
    for number, (doc_id, title, text, split) in enumerate(rows):
        if doc_id not in old.texts:
            states.append(NEW)
            continue
        is_edited = old.texts[doc_id] != (title, text)
        is_moved = old.splits.get(doc_id) != split
        states.append(_STATES[is_edited, is_moved])
        if is_moved:
            old_splits[number] = old.splits.get(doc_id, "no split")
        if is_edited and not hides_texts:
            old_texts[number] = old.texts[doc_id]

    gone, hidden = gone_documents(old, documents_of(after), after)
    if hides_texts:
        gone = [document._replace(title="") for document in gone]
    return DocumentChanges(revision, states, old_splits, old_texts, gone, hidden)


def gone_documents(
    old: VersionDocuments, new: VersionDocuments, after: Version
) -> tuple[list[GoneDocument], int]:
    """Return the documents that are gone, and how many more may not be shown now.

    Args:
        old: the documents of the older version.
        new: those at hand.
        after: the version at hand, whose ledgers give the reasons.

    Raises:
        UserError: a table is missing.
    """
    aliases = after.table(ALIASES, "doc_id", "kept_id")
    kept_of = dict(zip(aliases["doc_id"], aliases["kept_id"], strict=True))
    lost: dict[str, str] = {}
    hidden = 0
    for doc_id in sorted(old.texts):
        # A copy says what the document says that was kept for it.
        stays = kept_of.get(doc_id, doc_id)
        if not old.may_be_shown(doc_id) or new.may_be_shown(doc_id):
            continue
        if stays in new.texts and not new.may_be_shown(stays):
            hidden += 1
        else:
            lost[doc_id] = old.splits[doc_id]

    # The last stage that dropped a document gives the reason.
    reasons: dict[str, str] = {}
    for drop in find_drops(after, lost):
        kept = f", kept {kept_of[drop.row_id]}" if drop.row_id in kept_of else ""
        reasons[drop.row_id] = f"{drop.stage}: {drop.reason.replace('_', ' ')}{kept}"

    gone = []
    for doc_id in lost:
        title, text = old.texts[doc_id]
        name = title or text[:_TITLE_CHARACTERS]
        gone.append(GoneDocument(doc_id, name, reasons.get(doc_id, "")))
    return gone, hidden


def revision_name(version: Version) -> str:
    """Return the name of a revision, with the commit where the name says another thing."""
    commit = version.commit or ""
    if commit.startswith(version.name):
        return version.name
    return f"{version.name} ({commit[:7]})" if commit else version.name


def _replaces_private_data(version: Version) -> bool:
    ledger = version.table(CLEAN_LEDGER, "reason")
    return bool((ledger["reason"] == _PRIVATE).any())
