"""The promises of cleaning, checked over a whole corpus by other means than those of the rules."""

from __future__ import annotations

import re
import tempfile
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from stages.clean.interface import CleanParams
from stages.clean.pipeline import PassContext, clean
from stages.lib.core import tables
from stages.lib.core.tables import Shard
from stages.lib.preprocessing.word_lists import read_abbreviations
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import Pairs
from stages.lib.text.document_text import document_texts
from stages.lib.text.strict_form import strict_form
from tests.clean.corpus import PARAMS, documents, pairs
from tests.clean.texts import undo

TEMPLATE = "{title} {text}"
WIDE = PARAMS.model_copy(
    update={
        "max_input_bytes": 100_000,
        "max_nodes": 2_000,
        "max_depth": 100,
        "max_document_characters": 20_000,
        "boilerplate_share": 0.2,
        "private_data": "off",
        "drop_patterns": [],
    }
)


class Corpus(NamedTuple):
    """Documents and pairs, before and after the whole stage, and the ledger of both."""

    documents: pd.DataFrame
    pairs: pd.DataFrame
    cleaned: pd.DataFrame
    cleaned_pairs: pd.DataFrame
    ledger: pd.DataFrame


def corpus_of(rows: Sequence[tuple[str, str]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return Documents of (title, text), and for each a pair whose anchor is its text."""
    frame = documents(*[text for _, text in rows])
    frame["title"] = pd.Series([title for title, _ in rows], dtype=frame["title"].dtype)
    return frame, pairs(*[(text or title)[:40] for title, text in rows])


def clean_corpus(
    frame: pd.DataFrame,
    anchors: pd.DataFrame,
    params: CleanParams = WIDE,
    template: str = TEMPLATE,
) -> Corpus:
    """Return the corpus after all passes of the stage."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        tables.write(frame, root / "documents.parquet", Documents)
        tables.write(anchors, root / "pairs.parquet", Pairs)
        (root / "abbreviations.csv").write_text("short,long\nECG,electrocardiogram\n")
        glossary = read_abbreviations(root / "abbreviations.csv")
        result = clean(
            [Shard(root / "documents.parquet")],
            [Shard(root / "pairs.parquet")],
            context=PassContext(params, glossary, None, template=template),
            scratch=root / "scratch",
        )
        ledgers = [*result.document_ledgers, *result.pair_ledgers]
        return Corpus(
            documents=frame,
            pairs=anchors,
            cleaned=tables.read(result.documents[0], Documents),
            cleaned_pairs=tables.read(result.pairs[0], Pairs),
            ledger=pd.concat([tables.read(path, Ledger) for path in ledgers]),
        )


def collapsed(corpus: Corpus, template: str = TEMPLATE) -> list[tuple[str, str]]:
    """Return pairs of documents that became equal, said different things, and have no note."""
    before = dict(
        zip(corpus.documents["doc_id"], document_texts(corpus.documents, template), strict=True)
    )
    group_of_form: defaultdict[str, list[str]] = defaultdict(list)
    texts = document_texts(corpus.cleaned, template)
    for doc_id, text in zip(corpus.cleaned["doc_id"], texts, strict=True):
        group_of_form[strict_form(text)].append(doc_id)

    notes = corpus.ledger[corpus.ledger["reason"] == "collision"]
    named = set(notes["row_id"]) | set(notes["partner_id"])
    equal = []
    for ids in group_of_form.values():
        for doc_id in ids[1:]:
            said, other = before[ids[0]], before[doc_id]
            # Where words differ or signs do, unless these are bullets.
            differ = any(
                visible_words(bare(said), signs=signs) != visible_words(bare(other), signs=signs)
                for signs in ("", "+#-")
            )
            if differ and not {ids[0], doc_id} <= named:
                equal.append((said, other))
    return equal


def bare(text: str) -> str:
    """Return a text without the marks of Markdown that stand alone."""
    return re.sub(r"(?m)^[ \t]*[-+#*>]+ ", "", text)


def changed_again(corpus: Corpus) -> list[str]:
    """Return the texts that cleaning what was cleaned changes."""
    again = clean_corpus(corpus.cleaned, corpus.cleaned_pairs)
    changed = []
    for first, second, fields in (
        (corpus.cleaned, again.cleaned, ("doc_id", "title", "text")),
        (corpus.cleaned_pairs, again.cleaned_pairs, ("pair_id", "anchor")),
    ):
        key = fields[0]
        other = second.set_index(key)
        for row in first.to_dict("records"):
            if row[key] not in other.index:
                changed.append(f"{row[key]} was dropped")
                continue
            for field in fields[1:]:
                if other.loc[row[key], field] != row[field]:
                    changed.append(f"{row[field]!r} -> {other.loc[row[key], field]!r}")
    return changed


def not_restored(corpus: Corpus) -> list[str]:
    """Return the collected texts that undoing the ledger does not give back."""
    broken = []
    edits = corpus.ledger[corpus.ledger["action"] == "edit"]
    for before, after, key, fields in (
        (corpus.documents, corpus.cleaned, "doc_id", ("title", "text")),
        (corpus.pairs, corpus.cleaned_pairs, "pair_id", ("anchor",)),
    ):
        collected = before.set_index(key)
        for row in after.to_dict("records"):
            for field in fields:
                own = edits[(edits["row_id"] == row[key]) & (edits["field"] == field)]
                lines = list(zip(own["start"], own["before"], own["after"], strict=True))
                # The first line of a large edit points to the field as collected.
                if lines and lines[0][0] == -1:
                    continue
                if undo(row[field], lines) != collected.loc[row[key], field]:
                    broken.append(collected.loc[row[key], field])
    return broken


def unaccounted(corpus: Corpus) -> list[str]:
    """Return the ids of documents and pairs that are gone without a line in the ledger."""
    dropped = set(corpus.ledger.loc[corpus.ledger["action"] == "drop", "row_id"])
    lost = (set(corpus.documents["doc_id"]) - set(corpus.cleaned["doc_id"])) - dropped
    lost |= (set(corpus.pairs["pair_id"]) - set(corpus.cleaned_pairs["pair_id"])) - dropped
    return sorted(lost)


def lost_words(corpus: Corpus) -> list[str]:
    """Return what documents said and do not say, beyond boilerplate and page_loss.

    Words that an edit of a word replaced count for their replacements.
    """
    texts = dict(zip(corpus.cleaned["doc_id"], corpus.cleaned["text"], strict=True))
    listed = corpus.ledger[corpus.ledger["reason"].isin(["page_loss", "boilerplate", "typo"])]
    lost = []
    for doc_id, text in zip(corpus.documents["doc_id"], corpus.documents["text"], strict=True):
        if doc_id not in texts:
            continue
        own = listed[listed["row_id"] == doc_id]
        named = " ".join([texts[doc_id], *own["before"], *own["after"]])
        missing = Counter(visible_words(text)) - Counter(visible_words(named, is_markup=False))
        lost += sorted(missing)
    return lost


INVARIANTS: dict[str, Callable[[Corpus], list]] = {
    "collapsed": collapsed,
    "changed_again": changed_again,
    "not_restored": not_restored,
    "unaccounted": unaccounted,
    "lost_words": lost_words,
}


class _Reader(HTMLParser):
    """Collects what a browser shows, with the parser of the standard library."""

    SILENT = frozenset(["script", "style", "nav", "footer", "aside", "title", "head"])

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.depth = 0

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.depth += tag in self.SILENT
        self.pieces.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag in self.SILENT
        self.pieces.append(" ")

    def handle_data(self, data: str) -> None:
        if self.depth <= 0:
            self.pieces.append(data)


def visible_words(text: str, is_markup: bool = True, signs: str = "") -> list[str]:
    """Return the words that a text shows, with their capitals, and with `signs`."""
    shown = text
    # Tags may be escaped once.
    for _ in range(2 if is_markup else 0):
        reader = _Reader()
        reader.feed(shown)
        reader.close()
        shown = "".join(reader.pieces)
    folded = unicodedata.normalize("NFKC", shown)
    plain = "".join(char if char.isalnum() or char in signs else " " for char in folded)
    return plain.split()
