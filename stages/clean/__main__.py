"""Repair documents and anchors, rule by rule, and drop what is left empty or out of bounds.

The stage reads the four tables of `collect` and the glossary. It writes the same tables,
cleaned, the passages of the documents, counts over the corpus, and a ledger from which every
text can be restored. Ids never change. The rules, in their order:

    page          the main text of a whole HTML page                       pages/
    markup        HTML as text: 10^9, H₂O, lists, tables; tags spoken of   markup/
    markdown      headings, emphasis, links, notes and tables of Markdown  markup/
    encoding      mojibake, letters of other forms, composed Unicode       unicode.py
    characters    control and zero-width characters                        unicode.py
    whitespace    one space, one line break; anchors on one line           unicode.py
    boilerplate   recurring lines and sentences that carry nothing         boilerplate/
    abbreviation  the first bare "ECG" becomes "electrocardiogram (ECG)"   abbreviations/
    typo          words that nobody knows, one letter from a known one     spelling/
    private_data  e-mail addresses, phone numbers and the like, if wished  private_data.py
    case          lower case, if wished                                    unicode.py

Then filters.py drops texts, and passages.py cuts those that are longer than the model can read.
In the end collision_guard.py keeps documents apart that said different things. A correction, an
abbreviation or a recurring line that a person judged wrong is left alone: judged_rules.py. An
ambiguous short form whose meaning a person chose is written out: abbreviations/meanings.py.
rules.py repeats the rules, steps.py applies them to a shard, and pipeline.py runs the passes,
and corpus_model.py learns between them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow.parquet as parquet

from stages.clean import filters, private_data
from stages.clean.abbreviations.meanings import meaning_notes
from stages.clean.boilerplate.model import recurring_lines
from stages.clean.boilerplate.recurring_lines import JUDGED as JUDGED_LINE
from stages.clean.interface import Inputs, Outputs, Params, check_limits
from stages.clean.judged_rules import (
    BOILERPLATE,
    WrongRule,
    read_rule_verdicts,
    wrong_rule_notes,
)
from stages.clean.pipeline import CleanedCorpus, PassContext, clean
from stages.clean.rules import RULES
from stages.lib.core import tables
from stages.lib.core.interface import Stage
from stages.lib.core.model_files import find_base_model
from stages.lib.preprocessing.language import load_language_model
from stages.lib.preprocessing.table_parts import MergedParts
from stages.lib.preprocessing.word_lists import read_abbreviations
from stages.lib.schemas.corpus_counts import KINDS
from stages.lib.schemas.ledger import Ledger, LedgerWriter, row_accounting

# Every reason for dropping a pair.
PAIR_REASONS = ("empty", "too_short", "too_long", "pattern", "unstable", "document_dropped")


def run(inputs: Inputs, params: Params) -> Outputs:
    """Repair documents and anchors, rule by rule, and drop what is left empty or out of bounds."""
    check_limits(params.clean)
    private_data.check_presidio(params.clean.private_data, params.clean.presidio_model)
    glossary = read_abbreviations(inputs.glossary / "abbreviations.csv")

    # Only passages need the tokenizer of the model.
    needs_tokenizer = params.clean.passage_tokens is not None
    model_folder = find_base_model(params.model) if needs_tokenizer else None

    # Worker processes share the language model that is loaded here.
    load_language_model()

    # The sources outside the domain learn nothing from the others.
    verdicts = read_rule_verdicts(inputs.reviews)
    context = PassContext(params.clean, glossary, model_folder, rule_verdicts=verdicts)
    missing = missing_documents(inputs.documents.path, inputs.pairs.path)
    corpus = clean(
        inputs.documents.shards(),
        inputs.pairs.shards(),
        context=replace(context, dropped=missing, template=params.rendering.document_text),
        scratch=inputs.scratch / "in-domain",
    )
    other_corpus = clean(
        inputs.out_of_domain_documents.shards(),
        inputs.out_of_domain_pairs.shards(),
        context=context,
        scratch=inputs.scratch / "out-of-domain",
    )

    # What stays as it is: short forms of several meanings, frequent ones, and wrong rules.
    wrong = wrong_rules([corpus, other_corpus])
    notes = write_notes(corpus, wrong, inputs.scratch / "notes.parquet")

    # Row accounting of both sets of tables.
    details = cleaning_metrics(inputs.documents.path, inputs.pairs.path, corpus)
    other_details = cleaning_metrics(
        inputs.out_of_domain_documents.path, inputs.out_of_domain_pairs.path, other_corpus
    )
    details |= {f"out_of_domain.{key}": value for key, value in other_details.items()}

    return Outputs(
        documents=MergedParts([corpus.documents]),
        passages=MergedParts([corpus.passages]),
        pairs=MergedParts([corpus.pairs]),
        out_of_domain_documents=MergedParts([other_corpus.documents]),
        out_of_domain_passages=MergedParts([other_corpus.passages]),
        out_of_domain_pairs=MergedParts([other_corpus.pairs]),
        corpus_counts=corpus.counts[corpus.counts["kind"].isin(KINDS)],
        recurring_lines=pd.concat(
            [recurring_lines(part.counts, part.verdicts) for part in (corpus, other_corpus)],
            ignore_index=True,
        ),
        ledger=MergedParts([*corpus.ledgers, *other_corpus.ledgers, [notes]]),
        details={
            **details,
            "ambiguous_abbreviations": len(corpus.corpus_model.ambiguous),
            "judged_wrong": len(wrong),
        },
    )


def missing_documents(documents: Path, pairs: Path) -> frozenset[str]:
    """Return the ids of documents that the Pairs name and that are not among the Documents.

    Only a held-out pair of a given split may name one. It stays in the benchmark as a miss.
    """
    with tables.readable(documents), tables.readable(pairs):
        known = parquet.read_table(documents, columns=["doc_id"]).column(0)
        named = parquet.read_table(pairs, columns=["doc_id"]).column(0)

    return frozenset(named.to_pylist()) - frozenset(known.to_pylist())


def wrong_rules(corpora: Sequence[CleanedCorpus]) -> frozenset[WrongRule]:
    """Return the rules that were not applied, since a person judged them wrong."""
    rules: set[WrongRule] = set()
    for corpus in corpora:
        rules |= corpus.corpus_model.wrong
        for (source, key), verdict in corpus.verdicts.items():
            if verdict == JUDGED_LINE:
                rules.add(WrongRule(BOILERPLATE, source, key))

    return frozenset(rules)


def write_notes(corpus: CleanedCorpus, wrong: Collection[WrongRule], path: Path) -> Path:
    """Write a Ledger of what was decided for all texts, and return its path."""
    model = corpus.corpus_model
    lines = [
        abbreviation_notes(model.ambiguous, model.frequent),
        wrong_rule_notes(wrong),
        meaning_notes(model.meanings),
    ]
    tables.write(pd.concat(lines, ignore_index=True), path, Ledger)
    return path


def abbreviation_notes(
    ambiguous: Mapping[str, list[str]],
    frequent: Mapping[str, float],
) -> pd.DataFrame:
    """Return a Ledger with a line for each short form that is not written out.

    Args:
        ambiguous: short forms with several meanings.
        frequent: short forms to the share of the documents that hold them.
    """
    ledger = LedgerWriter()
    for short, longs in ambiguous.items():
        ledger.note(
            f"glossary:{short}",
            "ambiguous_abbreviation",
            after=" | ".join(longs),
            score=float(len(longs)),
        )
    for short, share in frequent.items():
        ledger.note(f"glossary:{short}", "frequent_abbreviation", after=short, score=share)

    return ledger.frame()


def cleaning_metrics(
    documents: Path,
    pairs: Path,
    corpus: CleanedCorpus,
) -> dict[str, int]:
    """Return the row accounting, the number of edits by rule, and private data by kind.

    `documents` and `pairs` are the tables as collected.
    """
    document_lines = count_lines(corpus.document_ledgers)
    pair_lines = count_lines(corpus.pair_ledgers)

    # Every row that was read was written or dropped.
    document_rows = row_accounting(
        count_rows([documents]),
        count_rows(corpus.documents),
        dropped=_count_by_reason(document_lines, action="drop"),
        reasons=filters.REASONS,
    )
    pair_rows = row_accounting(
        count_rows([pairs]),
        count_rows(corpus.pairs),
        dropped=_count_by_reason(pair_lines, action="drop"),
        reasons=PAIR_REASONS,
    )

    edits = _count_by_reason(document_lines + pair_lines, action="edit")
    private_counts = corpus.counts[corpus.counts["kind"] == "private"]
    texts_by_kind = private_counts.groupby("item")["document_frequency"].sum()

    return {
        **document_rows,
        **{f"pairs.{key}": value for key, value in pair_rows.items()},
        **{f"edits.{rule}": edits[rule] for rule in RULES},
        **{
            f"private.{kind.lower()}": int(texts_by_kind.get(kind, 0))
            for kind in private_data.KINDS
        },
        "passages": count_rows(corpus.passages),
        **page_losses(corpus.document_ledgers),
        "collisions": document_lines["note", "collision"],
    }


def page_losses(ledgers: Sequence[Path]) -> dict[str, int]:
    """Return the number of words that pages lost, and of the pages that lost any."""
    words = pages = 0
    for part in ledgers:
        frame = tables.read(part, Ledger)
        scores = frame.loc[frame["reason"] == "page_loss", "score"]
        words += int(scores.sum())
        pages += len(scores)

    return {"page_loss": words, "page_loss_documents": pages}


def count_lines(ledgers: Sequence[Path]) -> Counter[tuple[str, str]]:
    """Return (action, reason) to the number of ledger lines."""
    line_counts: Counter[tuple[str, str]] = Counter()
    for part in ledgers:
        frame = tables.read(part, Ledger)
        line_counts.update(zip(frame["action"], frame["reason"], strict=True))

    return line_counts


def count_rows(paths: Sequence[Path]) -> int:
    """Return the number of rows of all files together."""
    return sum(parquet.read_metadata(path).num_rows for path in paths)


def _count_by_reason(lines: Counter[tuple[str, str]], action: str) -> Counter[str]:
    """Return reason to the number of ledger lines with this action."""
    # A ledger line has an action and a reason.
    counts: Counter[str] = Counter()
    for (line_action, reason), count in lines.items():
        if line_action == action:
            counts[reason] += count

    return counts


STAGE = Stage(run, groups=("tables", "text"), optional_groups=("presidio",))
main = STAGE.main
app = STAGE.app

if __name__ == "__main__":
    app()
