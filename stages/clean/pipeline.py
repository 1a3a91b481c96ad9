"""The passes over a set of documents and pairs; each one learns from all texts.

A pass maps one step over the shards of a table. The counts of all shards are added up by item,
on disk. So memory depends on the size of a shard and of the vocabulary, and no byte depends on
the order of rows or the number of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from stages.clean.abbreviations.expansion import Entries
from stages.clean.abbreviations.meanings import Meanings
from stages.clean.boilerplate.model import (
    LineVerdicts,
    Recurring,
    Verdicts,
    find_recurring,
    without_content,
    without_fields,
)
from stages.clean.boilerplate.steps import (
    count_families_documents,
    strip_boilerplate_documents,
    survey_documents,
)
from stages.clean.collision_guard import cleaned_shards, resolve_collisions
from stages.clean.corpus_model import CorpusModel, learn_corpus
from stages.clean.count_sums import add_counts, gather_counts
from stages.clean.interface import CleanParams
from stages.clean.judged_rules import NO_VERDICTS, RuleVerdicts
from stages.clean.spelling.correction import Correct
from stages.clean.spelling.source_language import english_sources
from stages.clean.steps import (
    correct_and_filter_documents,
    correct_and_filter_pairs,
    expand_abbreviations_documents,
    expand_abbreviations_pairs,
    strip_markup_documents,
)
from stages.lib.core import tables
from stages.lib.core.tables import Shard, Table
from stages.lib.preprocessing import sharded
from stages.lib.preprocessing.word_lists import Abbreviations
from stages.lib.schemas.corpus_counts import CorpusCounts
from stages.lib.schemas.documents import Documents, Passages
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import Pairs
from stages.lib.text.document_text import TEXT_ALONE


@dataclass(frozen=True)
class PassContext:
    """What the passes read: the parameters, and what earlier passes learned.

    Attributes:
        params: the section `clean` of params.yaml.
        glossary: the abbreviations of the project.
        model_folder: the model whose tokenizer counts the tokens of passages, or None.
        rule_verdicts: what people decided about rules.
        recurring: source to the keys of its recurring lines and sentences that go.
        verdicts: what was decided about each recurring line.
        colliding: hashes of the texts that removals would make equal to another.
        corpus_model: abbreviations and spelling.
        foreign: ids of the documents that are not in English.
        english_sources: sources whose short anchors are in English.
        dropped: ids of the documents that were dropped.
        template: what of a document is embedded, as `pair.document_text`.
    """

    params: CleanParams
    glossary: Abbreviations
    model_folder: Path | None
    rule_verdicts: RuleVerdicts = NO_VERDICTS
    recurring: Recurring = field(default_factory=dict)
    verdicts: Verdicts = field(default_factory=dict)
    colliding: frozenset[str] = frozenset()
    corpus_model: CorpusModel = field(default_factory=CorpusModel)
    foreign: frozenset[str] = frozenset()
    english_sources: frozenset[str] = frozenset()
    dropped: frozenset[str] = frozenset()
    template: str = TEXT_ALONE

    @property
    def shorts(self) -> frozenset[str] | None:
        """The short forms of the word list; None if nothing is written out."""
        return None if self.params.abbreviations == "off" else frozenset(self.glossary.known)

    @property
    def entries(self) -> Entries:
        """The abbreviations of the word list, to write out."""
        return self.corpus_model.entries

    @property
    def defined_entries(self) -> Entries:
        """The abbreviations of the corpus, to write out in documents with their long form."""
        return self.corpus_model.defined_entries

    @property
    def meanings(self) -> Meanings:
        """What people said short forms mean."""
        return self.corpus_model.meanings

    @property
    def correct(self) -> Correct | None:
        """The corrections of words; None if there are none."""
        return self.corpus_model.corrections.get if self.corpus_model.corrections else None


class Pass(NamedTuple):
    """One pass over the shards of a table.

    Attributes:
        name: the name of its folder in scratch.
        step: the function over one shard, from steps.py.
        table: the table that it reads, and writes cleaned.
        uses: the fields of PassContext that are arguments of the step.
        learn: the function from context and counts so far to the next context; None if it
            learns nothing.
        is_needed: whether it has anything to do.
        extra_tables: further tables that it writes, after the rows, the ledger and the counts.
    """

    name: str
    step: Callable[..., list[pd.DataFrame]]
    table: type[Table]
    uses: tuple[str, ...]
    learn: Callable[[PassContext, pd.DataFrame], PassContext] | None = None
    extra_tables: tuple[type[Table], ...] = ()
    is_needed: Callable[[PassContext], bool] = lambda context: True

    def bound_step(self, context: PassContext) -> Callable[[pd.DataFrame], list[pd.DataFrame]]:
        """Return the step as a function of a shard alone, with its arguments from `context`."""
        arguments = {name: getattr(context, name) for name in self.uses}
        return partial(self.step, **arguments)


class CleanedCorpus(NamedTuple):
    """The parts of the cleaned tables, one for each shard, in scratch, and what was learned.

    Attributes:
        documents: parts of Documents.
        passages: parts of Passages.
        pairs: parts of Pairs.
        document_ledgers: ledgers of the documents, with their lines in the order of the passes.
        pair_ledgers: ledgers of the pairs, likewise.
        counts: CorpusCounts, what all passes counted.
        corpus_model: abbreviations and spelling.
        verdicts: what was decided about each recurring line.
    """

    documents: list[Path]
    passages: list[Path]
    pairs: list[Path]
    document_ledgers: list[Path]
    pair_ledgers: list[Path]
    counts: pd.DataFrame
    corpus_model: CorpusModel
    verdicts: Verdicts

    @property
    def ledgers(self) -> list[list[Path]]:
        """The ledgers of documents and of pairs."""
        return [self.document_ledgers, self.pair_ledgers]


def clean(
    documents: Sequence[Shard],
    pairs: Sequence[Shard],
    context: PassContext,
    scratch: Path,
) -> CleanedCorpus:
    """Clean documents and pairs pass by pass, and return their parts in `scratch`.

    `context` has the parameters; each pass adds what it learned.
    """
    shards: dict[type[Table], Sequence[Shard]] = {Documents: documents, Pairs: pairs}
    ledgers: dict[type[Table], list[list[Path]]] = {Documents: [], Pairs: []}
    counts: pd.DataFrame = CorpusCounts.empty()
    passages: list[Path] = []

    for cleaning_pass in PASSES:
        if not cleaning_pass.is_needed(context):
            continue

        # Map the step over all shards. Every pass writes the rows, their ledger and its counts.
        rows, ledger, new_counts, *extra = sharded.map_shards(
            cleaning_pass.bound_step(context),
            shards[cleaning_pass.table],
            reads=cleaning_pass.table,
            writes=(cleaning_pass.table, Ledger, CorpusCounts, *cleaning_pass.extra_tables),
            scratch=scratch / cleaning_pass.name,
        )
        shards[cleaning_pass.table] = [Shard(part) for part in rows]
        ledgers[cleaning_pass.table].append(ledger)
        if cleaning_pass.extra_tables == (Passages,):
            passages = extra[0]

        # Learn from all texts, before the next pass.
        gathered = gather_counts(
            new_counts, params=context.params, scratch=scratch / cleaning_pass.name
        )
        counts = add_counts(counts, gathered)
        context = _context_after(cleaning_pass, context, counts, ledgers=ledger)

    # No document may equal another one that said something else.
    parts = resolve_collisions(
        cleaned_shards(documents, shards[Documents], passages, ledgers=ledgers[Documents]),
        context.params,
        context.model_folder,
        template=context.template,
        scratch=scratch / "collisions",
    )
    pair_ledgers = list(zip(*ledgers[Pairs], strict=True))

    return CleanedCorpus(
        documents=[part.rows for part in parts],
        passages=[part.passages for part in parts],
        pairs=[shard.path for shard in shards[Pairs]],
        document_ledgers=_join_ledgers([part.ledgers for part in parts], scratch / "documents"),
        pair_ledgers=_join_ledgers(pair_ledgers, scratch / "pairs"),
        counts=counts,
        corpus_model=context.corpus_model,
        verdicts=context.verdicts,
    )


def learn_recurring(context: PassContext, counts: pd.DataFrame) -> PassContext:
    """Learn the lines and sentences that recur over each source."""
    return replace(context, recurring=find_recurring(counts, context.params))


def has_recurring(context: PassContext) -> bool:
    """Return whether any source has recurring lines."""
    return bool(context.recurring)


def learn_fields(context: PassContext, counts: pd.DataFrame) -> PassContext:
    """Learn which recurring lines are values of a field."""
    line_verdicts = without_fields(counts, context.recurring)
    return replace(context, recurring=line_verdicts.recurring, verdicts=line_verdicts.verdicts)


def learn_content(context: PassContext, counts: pd.DataFrame) -> PassContext:
    """Learn which recurring lines carry something, and which texts need theirs."""
    so_far = LineVerdicts(context.recurring, context.verdicts)
    line_verdicts = without_content(counts, so_far, context.rule_verdicts.wrong)
    return replace(
        context,
        recurring=line_verdicts.recurring,
        verdicts=line_verdicts.verdicts,
        colliding=line_verdicts.colliding,
    )


def learn_foreign(context: PassContext, counts: pd.DataFrame) -> PassContext:
    """Learn the documents that are not in English; the source decides about short ones."""
    is_short = counts["kind"] == "short_document"
    is_english = counts["source"].isin(english_sources(counts, "document_language"))
    is_foreign = (counts["kind"] == "foreign") | (is_short & ~is_english)

    return replace(context, foreign=frozenset(counts.loc[is_foreign, "item"]))


def learn_corpus_model(context: PassContext, counts: pd.DataFrame) -> PassContext:
    """Learn abbreviations and spelling, and the sources of English anchors."""
    corpus_model = learn_corpus(counts, context.glossary, context.params, context.rule_verdicts)
    return replace(
        context,
        corpus_model=corpus_model,
        english_sources=english_sources(counts, "anchor_language"),
    )


# Documents come first in each round, because the pairs of a dropped document are dropped with it.
PASSES = (
    Pass(
        name="markup",
        step=strip_markup_documents,
        table=Documents,
        uses=("params", "template"),
        learn=learn_recurring,
    ),
    Pass(
        name="families",
        step=count_families_documents,
        table=Documents,
        uses=("recurring",),
        learn=learn_fields,
        is_needed=has_recurring,
    ),
    Pass(
        name="survey",
        step=survey_documents,
        table=Documents,
        uses=("recurring",),
        learn=learn_content,
        is_needed=has_recurring,
    ),
    Pass(
        name="boilerplate",
        step=strip_boilerplate_documents,
        table=Documents,
        uses=("recurring", "colliding", "shorts"),
        learn=learn_corpus_model,
    ),
    Pass(
        name="expansion",
        step=expand_abbreviations_documents,
        table=Documents,
        uses=("params", "entries", "defined_entries", "meanings"),
        learn=learn_foreign,
    ),
    Pass(
        name="expansion-pairs",
        step=expand_abbreviations_pairs,
        table=Pairs,
        uses=("params", "entries", "dropped", "meanings"),
        learn=learn_corpus_model,
    ),
    Pass(
        name="words",
        step=correct_and_filter_documents,
        table=Documents,
        uses=("params", "correct", "foreign", "model_folder", "template"),
        extra_tables=(Passages,),
    ),
    Pass(
        name="words-pairs",
        step=correct_and_filter_pairs,
        table=Pairs,
        uses=("params", "correct", "english_sources", "dropped"),
    ),
)


def _context_after(
    cleaning_pass: Pass,
    context: PassContext,
    counts: pd.DataFrame,
    ledgers: Sequence[Path],
) -> PassContext:
    """Return what is known after a pass, from all counts and the ledgers of the pass."""
    if cleaning_pass.learn:
        context = cleaning_pass.learn(context, counts)

    # The pairs of a dropped document are dropped with it.
    if cleaning_pass.table is Documents:
        context = replace(context, dropped=context.dropped | _dropped_ids(ledgers))

    return context


def _dropped_ids(ledgers: Sequence[Path]) -> frozenset[str]:
    """Return the ids of the rows that were dropped."""
    ids: set[str] = set()
    for part in ledgers:
        frame = tables.read(part, Ledger)
        ids.update(frame.loc[frame["action"] == "drop", "row_id"])

    return frozenset(ids)


def _join_ledgers(ledgers_by_shard: Sequence[Sequence[Path]], scratch: Path) -> list[Path]:
    """Write a ledger for each shard with the lines of all passes; return their paths."""
    paths: list[Path] = []
    for index, parts in enumerate(ledgers_by_shard):
        # Every pass numbered its own lines from 0.
        frames = [tables.read(part, Ledger) for part in parts]
        lines = pd.concat(frames, ignore_index=True)
        lines["seq"] = lines.groupby("row_id").cumcount().astype("int64")
        path = scratch / f"{index:06d}.parquet"
        tables.write(lines, path, Ledger)
        paths.append(path)

    return paths
