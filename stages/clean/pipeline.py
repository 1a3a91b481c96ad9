"""The passes over a set of documents and pairs; each one learns from all texts.

A pass maps one step over the shards of a table. The counts of all shards are added up by item,
on disk. So memory depends on the size of a shard and of the vocabulary, and no byte depends on
the order of rows or the number of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from stages.clean import boilerplate
from stages.clean.abbreviation_expansion import Entries
from stages.clean.corpus_model import CorpusModel, learn_corpus
from stages.clean.interface import CleanParams
from stages.clean.spelling import Correct
from stages.clean.steps import (
    correct_and_filter_documents,
    correct_and_filter_pairs,
    expand_abbreviations_documents,
    expand_abbreviations_pairs,
    strip_boilerplate_documents,
    strip_markup_documents,
)
from stages.lib.core import tables
from stages.lib.core.tables import Shard, Table
from stages.lib.preprocessing import sharded, table_parts
from stages.lib.preprocessing.word_lists import Abbreviations
from stages.lib.schemas.corpus_counts import CorpusCounts
from stages.lib.schemas.documents import Documents, Passages
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import Pairs

_COUNT_KEY = ["kind", "source", "item"]


@dataclass(frozen=True)
class PassContext:
    """What the passes read: the parameters, and what earlier passes learned.

    Attributes:
        params: the section `clean` of params.yaml.
        glossary: the abbreviations of the project.
        model_folder: the model whose tokenizer counts the tokens of passages, or None.
        recurring: source to the keys of its recurring lines and sentences.
        corpus_model: abbreviations and spelling.
        foreign: ids of the documents that are not in English.
        dropped: ids of the documents that were dropped.
    """

    params: CleanParams
    glossary: Abbreviations
    model_folder: Path | None
    recurring: Mapping[str, frozenset[str]] = field(default_factory=dict)
    corpus_model: CorpusModel = field(default_factory=CorpusModel)
    foreign: frozenset[str] = frozenset()
    dropped: frozenset[str] = frozenset()

    @property
    def shorts(self) -> frozenset[str] | None:
        """The short forms of the word list; None if nothing is written out."""
        return None if self.params.abbreviations == "off" else frozenset(self.glossary.known)

    @property
    def entries(self) -> Entries:
        """The abbreviations of the word list, to write out."""
        return self.corpus_model.entries

    @property
    def learned(self) -> Entries:
        """The abbreviations of the corpus, to write out in documents with their long form."""
        return self.corpus_model.learned

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
        extra_tables: further tables that it writes, after the rows, the ledger and the counts.
    """

    name: str
    step: Callable[..., list[pd.DataFrame]]
    table: type[Table]
    uses: tuple[str, ...]
    learn: Callable[[PassContext, pd.DataFrame], PassContext] | None = None
    extra_tables: tuple[type[Table], ...] = ()

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
    """

    documents: list[Path]
    passages: list[Path]
    pairs: list[Path]
    document_ledgers: list[Path]
    pair_ledgers: list[Path]
    counts: pd.DataFrame
    corpus_model: CorpusModel

    @property
    def ledgers(self) -> list[list[Path]]:
        """The ledgers of documents and of pairs."""
        return [self.document_ledgers, self.pair_ledgers]


class MergedParts:
    """A table that is merged from its parts while it is written.

    Args:
        sequences: lists of part files; the keys of the parts of one list ascend.
    """

    def __init__(self, sequences: Sequence[Sequence[Path]]) -> None:
        self._sequences = sequences

    def write(self, path: Path, table: type[Table] | None) -> None:
        """Write the rows of all parts to `path`, by the key of `table`."""
        assert table is not None, "merged parts need the contract of their table"
        table_parts.merge_sorted(self._sequences, path, table)


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
        # Map the step over all shards. Every pass writes the rows, their ledger and its counts.
        rows, ledger, new_counts, *extra = sharded.map_shards(
            cleaning_pass.bound_step(context),
            shards[cleaning_pass.table],
            reads=cleaning_pass.table,
            writes=(cleaning_pass.table, Ledger, CorpusCounts, *cleaning_pass.extra_tables),
            scratch=scratch / cleaning_pass.name,
        )
        shards[cleaning_pass.table] = _whole_files(rows)
        ledgers[cleaning_pass.table].append(ledger)
        if cleaning_pass.extra_tables == (Passages,):
            passages = extra[0]

        # Learn from all texts, before the next pass.
        gathered = _gather_counts(
            new_counts, params=context.params, scratch=scratch / cleaning_pass.name
        )
        counts = add_counts(counts, gathered)
        if cleaning_pass.learn:
            context = cleaning_pass.learn(context, counts)

        # The pairs of a dropped document are dropped with it.
        if cleaning_pass.table is Documents:
            context = replace(context, dropped=context.dropped | _dropped_ids(ledger))

    return CleanedCorpus(
        documents=[shard.path for shard in shards[Documents]],
        passages=passages,
        pairs=[shard.path for shard in shards[Pairs]],
        document_ledgers=_join_ledgers(ledgers[Documents], scratch / "document-ledger"),
        pair_ledgers=_join_ledgers(ledgers[Pairs], scratch / "pair-ledger"),
        counts=counts,
        corpus_model=context.corpus_model,
    )


def learn_recurring(context: PassContext, counts: pd.DataFrame) -> PassContext:
    """Learn the lines and sentences that recur over each source."""
    params = context.params
    if params.boilerplate_share is None:
        return context

    # How many texts each source has.
    texts = counts[counts["kind"] == "text"]
    texts_of_source = dict(zip(texts["source"], texts["document_frequency"], strict=True))

    # A segment recurs if enough texts of its source hold it.
    recurring: dict[str, frozenset[str]] = {}
    for source, rows in counts[counts["kind"] == "boilerplate"].groupby("source"):
        recurring[str(source)] = boilerplate.recurring_segments(
            dict(zip(rows["item"], rows["document_frequency"], strict=True)),
            int(texts_of_source[source]),
            share=params.boilerplate_share,
            minimum=params.boilerplate_min_documents,
        )

    return replace(context, recurring=recurring)


def learn_foreign(context: PassContext, counts: pd.DataFrame) -> PassContext:
    """Learn the documents that are not in English."""
    return replace(context, foreign=frozenset(counts.loc[counts["kind"] == "foreign", "item"]))


def learn_corpus_model(context: PassContext, counts: pd.DataFrame) -> PassContext:
    """Learn abbreviations and spelling."""
    corpus_model = learn_corpus(counts, context.glossary, context.params)
    return replace(context, corpus_model=corpus_model)


# Documents come first in each round, because the pairs of a dropped document are dropped with it.
PASSES = (
    Pass(
        name="markup",
        step=strip_markup_documents,
        table=Documents,
        uses=("params",),
        learn=learn_recurring,
    ),
    Pass(
        name="boilerplate",
        step=strip_boilerplate_documents,
        table=Documents,
        uses=("recurring", "shorts"),
        learn=learn_corpus_model,
    ),
    Pass(
        name="expansion",
        step=expand_abbreviations_documents,
        table=Documents,
        uses=("params", "entries", "learned"),
        learn=learn_foreign,
    ),
    Pass(
        name="expansion-pairs",
        step=expand_abbreviations_pairs,
        table=Pairs,
        uses=("params", "entries", "foreign", "dropped"),
        learn=learn_corpus_model,
    ),
    Pass(
        name="words",
        step=correct_and_filter_documents,
        table=Documents,
        uses=("params", "correct", "foreign", "model_folder"),
        extra_tables=(Passages,),
    ),
    Pass(
        name="words-pairs",
        step=correct_and_filter_pairs,
        table=Pairs,
        uses=("params", "correct", "foreign", "dropped"),
    ),
)


def add_counts(counts: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    """Return CorpusCounts with the counts of both tables, added up by item."""
    if not len(more):
        return counts

    both = pd.concat([counts, more], ignore_index=True)
    summed = both.groupby(_COUNT_KEY, sort=False, as_index=False)["document_frequency"].sum()
    return pd.DataFrame(summed)


def sum_counts(frame: pd.DataFrame, minimum: int) -> list[pd.DataFrame]:
    """Return the CorpusCounts of a partition: counts of one item added up.

    Lines and sentences in fewer than `minimum` documents are left out: they cannot be boilerplate.
    """
    # `frame` holds all rows of an item, from all shards.
    summed = frame.groupby(_COUNT_KEY, sort=False, as_index=False)["document_frequency"].sum()
    is_rare = (summed["kind"] == "boilerplate") & (summed["document_frequency"] < minimum)

    return [summed[~is_rare].astype(CorpusCounts.empty().dtypes.to_dict())]


def count_key(frame: pd.DataFrame) -> pd.Series[str]:
    """Return what each row counts, as one string."""
    return frame["kind"] + "\n" + frame["source"] + "\n" + frame["item"]


def _gather_counts(
    parts: Sequence[Path],
    params: CleanParams,
    scratch: Path,
) -> pd.DataFrame:
    """Return the counts of all shards as one CorpusCounts table."""
    summed_parts = sharded.group_by_key(
        partial(sum_counts, minimum=params.boilerplate_min_documents),
        count_key,
        _whole_files(parts),
        reads=CorpusCounts,
        writes=(CorpusCounts,),
        scratch=scratch / "counts",
    )

    return sharded.concat_parts(summed_parts[0], CorpusCounts)


def _whole_files(parts: Sequence[Path]) -> list[Shard]:
    return [Shard(part) for part in parts]


def _dropped_ids(ledgers: Sequence[Path]) -> frozenset[str]:
    """Return the ids of the rows that were dropped."""
    ids: set[str] = set()
    for part in ledgers:
        frame = tables.read(part, Ledger)
        ids.update(frame.loc[frame["action"] == "drop", "row_id"])

    return frozenset(ids)


def _join_ledgers(ledgers_by_pass: Sequence[Sequence[Path]], scratch: Path) -> list[Path]:
    """Write a ledger for each shard with the lines of all passes; return their paths."""
    paths: list[Path] = []
    for index, parts in enumerate(zip(*ledgers_by_pass, strict=True)):
        # Every pass numbered its own lines from 0.
        frames = [tables.read(part, Ledger) for part in parts]
        lines = pd.concat(frames, ignore_index=True)
        lines["seq"] = lines.groupby("row_id").cumcount().astype("int64")
        path = scratch / f"{index:06d}.parquet"
        tables.write(lines, path, Ledger)
        paths.append(path)

    return paths
