"""The steps of cleaning, each as a function over one shard of documents or pairs.

Each function returns tables: the rows that stay, the Ledger, the CorpusCounts (what the step
counted), and from the last step over documents the Passages. Anchors are repaired as documents
are, but on one line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from stages.clean import filters, passages, private_data
from stages.clean.abbreviations.expansion import Entries
from stages.clean.abbreviations.meanings import JUDGED_MEANING, NO_MEANINGS, Meanings
from stages.clean.boilerplate import removal
from stages.clean.edits import Edit
from stages.clean.interface import CleanParams
from stages.clean.pages.extraction import Limits, exceeded_limit, is_page
from stages.clean.pages.loss import page_loss
from stages.clean.rules import (
    Rule,
    abbreviation_rules,
    markup_rules,
    page_rule,
    repair,
    word_rules,
)
from stages.clean.spelling import correction, vocabulary
from stages.clean.spelling.correction import Correct
from stages.clean.spelling.source_language import is_english_text
from stages.lib.core.tables import Table, key_of
from stages.lib.preprocessing.language import detect_language
from stages.lib.schemas.corpus_counts import CorpusCounts
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.ledger import LedgerWriter
from stages.lib.schemas.pairs import Pairs
from stages.lib.text.document_text import TEXT_ALONE, own_words

# The ledger does not copy the text of a first edit of more characters than this. The text
# before it is the field as collected, and whole pages would double the data.
MOST_COPIED_CHARACTERS = 200

FIELDS = ("title", "text")

Row = dict[str, Any]


class ShardCleaner:
    """Works through the rows of one shard, and collects the decisions on them.

    Args:
        frame: the rows.
        table: their contract.

    Attributes:
        rows: the rows, as dictionaries that the rules change.
        ledger: the edits and drops so far.
    """

    def __init__(self, frame: pd.DataFrame, table: type[Table]) -> None:
        # Plain dictionaries: rules change one field at a time.
        self.rows: list[Row] = []
        for row in frame.to_dict("records"):
            self.rows.append({str(name): value for name, value in row.items()})

        self.ledger = LedgerWriter()
        self._table = table
        self._id_column = key_of(table)[0]
        self._kept: list[Row] = []
        # (kind, source, item) to the number of texts.
        self._counts: Counter[tuple[str, str, str]] = Counter()

    def apply_rules(
        self,
        row: Row,
        fields: Iterable[str],
        rules: Sequence[Rule],
        *,
        own: Sequence[Rule] | None = None,
        first: Sequence[Rule] = (),
    ) -> bool:
        """Apply rules to `row`; return False if it was dropped because a text does not settle.

        Args:
            row: the row, which is changed.
            fields: its columns with text.
            rules: the rules of markup, which every step repeats.
            own: the rules of a later step, after `rules`. If they find nothing, the text has
                settled in the step before. None in the first step.
            first: rules that are applied once before the others, in the first step.
        """
        for field in fields:
            # A title may be empty.
            if not row[field]:
                continue

            # A later step has work only if one of its own rules has.
            if own is not None and not any(rule(row[field]) for rule in own):
                continue

            # Repeat all rules until the text settles.
            repaired = repair(row[field], [*rules, *(own or ())], first)
            self._add_edits(row, field, edits=repaired.edits, is_first_step=bool(first))
            row[field] = repaired.text
            if not repaired.settled:
                self.drop(row, "unstable", score=float(len(repaired.text)))
                return False

        return True

    def drop(
        self,
        row: Row,
        reason: str,
        *,
        partner_id: str = "",
        score: float = float("nan"),
    ) -> None:
        """Drop `row`, with its reason in the ledger."""
        self.ledger.drop(row[self._id_column], reason, partner_id=partner_id, score=score)

    def keep(self, row: Row) -> None:
        """Keep `row`."""
        self._kept.append(row)

    def count(
        self,
        kind: str,
        items: Iterable[str],
        source: str = "",
    ) -> None:
        """Count one more text for each different item of `items`."""
        self._counts.update((kind, source, item) for item in set(items))

    def results(self) -> list[pd.DataFrame]:
        """Return the rows that stay, the Ledger and the CorpusCounts of this shard."""
        # An empty list of rows still has the columns and types of the table.
        empty = self._table.empty()
        kept = pd.DataFrame(self._kept, columns=list(empty.columns))
        kept = kept.astype(empty.dtypes.to_dict())

        no_counts = CorpusCounts.empty()
        lines = [(*key, count) for key, count in sorted(self._counts.items())]
        counts = pd.DataFrame(lines, columns=list(no_counts.columns))
        counts = counts.astype(no_counts.dtypes.to_dict())

        return [kept, self.ledger.frame(), counts]

    def _add_edits(
        self,
        row: Row,
        field: str,
        edits: list[Edit],
        is_first_step: bool,
    ) -> None:
        """Add edits to the ledger, without the text of a long first edit."""
        row_id = row[self._id_column]
        for index, edit in enumerate(edits):
            is_long = len(edit.before) + len(edit.after) > MOST_COPIED_CHARACTERS
            if is_first_step and index == 0 and is_long:
                self.ledger.edit(row_id, field, edit.rule, before="", after="")
            else:
                self.ledger.edit(
                    row_id,
                    field,
                    edit.rule,
                    before=edit.before,
                    after=edit.after,
                    start=edit.start,
                    end=edit.end,
                )
            if edit.verdict:
                self.ledger.note(row_id, JUDGED_MEANING, partner_id=edit.verdict)


def strip_markup_documents(
    frame: pd.DataFrame, params: CleanParams, template: str = TEXT_ALONE
) -> list[pd.DataFrame]:
    """Turn fields into plain text; count lines and sentences by source.

    `template` says what of a document is embedded. Without any of that the document is empty.
    """
    cleaner = ShardCleaner(frame, Documents)
    limits = Limits(params.max_input_bytes, params.max_nodes, params.max_depth)
    rules = markup_rules(lines=True)

    for row in cleaner.rows:
        # Texts that are too large for a parser are dropped unread.
        reason = exceeded_limit(row["text"], limits) or exceeded_limit(row["title"], limits)
        if reason:
            cleaner.drop(row, reason, score=float(len(row["text"])))
            continue

        page = row["text"] if is_page(row["text"]) else ""
        if not cleaner.apply_rules(row, FIELDS, rules, first=[page_rule]):
            continue
        loss = page_loss(page, row["text"])
        if loss.lost:
            listing = loss.listing()
            cleaner.ledger.note(row["doc_id"], "page_loss", score=float(loss.lost), after=listing)
        if not own_words(template, row["text"], row["title"]):
            cleaner.drop(row, "empty", score=0.0)
            continue

        # The next step needs to know how many texts of a source hold a segment, of how many.
        if params.boilerplate_share is not None:
            segments = removal.count_segments([row["text"]])
            cleaner.count("text", [""], row["source"])
            cleaner.count("boilerplate", segments, row["source"])

        cleaner.keep(row)

    return cleaner.results()


def expand_abbreviations_documents(
    frame: pd.DataFrame,
    params: CleanParams,
    entries: Entries,
    defined_entries: Entries = (),
    meanings: Meanings = NO_MEANINGS,
) -> list[pd.DataFrame]:
    """Write abbreviations out; count words, and list the documents that are not in English.

    `entries` are those of the word list. `defined_entries` are those of the corpus: they need
    their long form in title or text. `meanings` are what people chose.
    """
    cleaner = ShardCleaner(frame, Documents)
    rules = markup_rules(lines=True)

    for row in cleaner.rows:
        context = f"{row['title']}\n{row['text']}"
        here = meanings.for_document(row["doc_id"], entries, defined_entries)
        own = abbreviation_rules(
            here.entries,
            params,
            defined_entries=here.defined_entries,
            context=context,
            chosen=here.chosen,
        )
        if not cleaner.apply_rules(row, FIELDS, rules, own=own):
            continue

        # Spelling needs the vocabulary of the whole corpus.
        if params.typos == "correct":
            vocabulary.count_document(row, cleaner.count)

        cleaner.keep(row)

    return cleaner.results()


def expand_abbreviations_pairs(
    frame: pd.DataFrame,
    params: CleanParams,
    entries: Entries,
    dropped: frozenset[str],
    meanings: Meanings = NO_MEANINGS,
) -> list[pd.DataFrame]:
    """Turn anchors into plain text on one line, and write abbreviations out; count their words.

    Only the word list and what people chose for all texts count: the document must not leak into
    its query. Pairs of `dropped` documents are dropped with them.
    """
    cleaner = ShardCleaner(frame, Pairs)
    rules = markup_rules(lines=False)
    own = abbreviation_rules(entries, params, chosen=meanings.in_all)

    for row in cleaner.rows:
        if row["doc_id"] in dropped:
            cleaner.drop(row, "document_dropped", partner_id=row["doc_id"])
            continue
        # For anchors this is the first step as well.
        if not cleaner.apply_rules(row, ["anchor"], rules):
            continue
        if not cleaner.apply_rules(row, ["anchor"], rules, own=own):
            continue
        if not row["anchor"]:
            cleaner.drop(row, "empty", score=0.0)
            continue

        # The words of anchors belong to the vocabulary too.
        if params.typos == "correct":
            vocabulary.count_anchor(row, cleaner.count)

        cleaner.keep(row)

    return cleaner.results()


def correct_and_filter_documents(
    frame: pd.DataFrame,
    params: CleanParams,
    correct: Correct | None,
    foreign: frozenset[str],
    model_folder: Path | None,
    template: str = TEXT_ALONE,
) -> list[pd.DataFrame]:
    """Correct words, redact, fold case, and drop what the filters exclude.

    Words of `foreign` documents are not corrected. `model_folder` is the model whose tokenizer
    counts the tokens of passages; None makes each document one passage. `template` says what of a
    document is embedded. The last table holds Passages.
    """
    cleaner = ShardCleaner(frame, Documents)
    rules = markup_rules(lines=True)
    english_rules = word_rules(correct, params)
    foreign_rules = word_rules(None, params)
    bounds = filters.document_bounds(params)

    for row in cleaner.rows:
        # Private data is counted even if params.yaml asks for no redaction.
        kinds = private_data.count_kinds(row["text"]) + private_data.count_kinds(row["title"])
        cleaner.count("private", kinds)

        # Only English words are corrected.
        own = foreign_rules if row["doc_id"] in foreign else english_rules
        if not cleaner.apply_rules(row, FIELDS, rules, own=own):
            continue

        # The filters read the cleaned text, or the title where it stands alone.
        text = own_words(template, row["text"], row["title"])
        reason = filters.drop_reason(text, bounds) or _language_reason(text, params)
        if reason:
            cleaner.drop(row, reason, score=float(len(text)))
        else:
            cleaner.keep(row)

    # Cut the documents that stay into passages.
    kept, ledger, counts = cleaner.results()
    counter = passages.token_counter(model_folder) if model_folder else None
    passage_rows = passages.passages(
        kept, params.passage_tokens, overlap=params.passage_overlap, count=counter
    )

    return [kept, ledger, counts, passage_rows]


def correct_and_filter_pairs(
    frame: pd.DataFrame,
    params: CleanParams,
    correct: Correct | None,
    english_sources: frozenset[str],
    dropped: frozenset[str],
) -> list[pd.DataFrame]:
    """Correct words, redact, fold case, and drop what the filters exclude.

    The anchor itself shows whether it is English. An anchor that is too short for that is, if its
    source is in `english_sources`.
    """
    cleaner = ShardCleaner(frame, Pairs)
    rules = markup_rules(lines=False)
    english_rules = word_rules(correct, params)
    foreign_rules = word_rules(None, params)
    bounds = filters.anchor_bounds(params)

    for row in cleaner.rows:
        if row["doc_id"] in dropped:
            cleaner.drop(row, "document_dropped", partner_id=row["doc_id"])
            continue

        cleaner.count("private", private_data.count_kinds(row["anchor"]))

        # Only English words are corrected. Most anchors have none to correct.
        own = foreign_rules
        if correct and correction.has_correction(row["anchor"], correct):
            is_english = row["source"] in english_sources
            own = english_rules if is_english_text(row["anchor"], is_english) else foreign_rules
        if not cleaner.apply_rules(row, ["anchor"], rules, own=own):
            continue

        # The filters read the cleaned text.
        reason = filters.drop_reason(row["anchor"], bounds)
        if reason:
            cleaner.drop(row, reason, score=float(len(row["anchor"])))
        else:
            cleaner.keep(row)

    return cleaner.results()


def _language_reason(text: str, params: CleanParams) -> str:
    """Return "language" for a text in a language that params.yaml does not allow, else ""."""
    if params.languages is None:
        return ""

    code = detect_language(text)

    return "language" if code and code not in params.languages else ""
