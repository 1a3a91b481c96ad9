"""Repair documents and anchors, rule by rule, and drop what is left empty or out of bounds.

Reads collect's four tables and data/glossary/; writes the same tables, cleaned, the passages of the documents, what
the corpus taught, and a ledger from which every text can be put back. Ids never change. The rules, in their order:

    page           the main text of a whole HTML page                       html_pages.py
    markup         HTML tags and entities; lists, code and tables readable  markup.py
    markdown       headings, emphasis, links and tables of Markdown         markdown.py
    encoding       mojibake, ligatures, composed Unicode                    unicode.py
    characters     control and zero-width characters                        unicode.py
    whitespace     one space, one line break; anchors on one line           unicode.py
    boilerplate    lines and sentences that recur over a source             boilerplate.py
    abbreviation   the first bare "ECG" becomes "electrocardiogram (ECG)"   abbreviation_definitions.py, abbreviation_expansion.py
    typo           words that nobody knows, one letter from a known one     spelling.py
    private_data   e-mail addresses, phone numbers and the like, if wished  private_data.py
    case           lower case, if wished                                    unicode.py

Then filters.py drops, and passages.py cuts what is longer than the model can read. rules.py tells how rules are
repeated, pipeline.py how each step learns from the one before.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from stages.clean import private_data
from stages.clean.account import account
from stages.clean.interface import CleanParams, check_limits
from stages.clean.pipeline import Cleaned, clean
from stages.lib import languages, tables
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.knowledge import Knowledge
from stages.lib.contracts.ledger import Ledger as LedgerTable
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.passages import Passages
from stages.lib.glossary import read_abbreviations
from stages.lib.ledger import Ledger
from stages.lib.models import find_model
from stages.lib.params import Model, load
from stages.lib.stage import command, write_metrics


def notes(ambiguous: dict[str, list[str]]) -> pd.DataFrame:
    """Return a ledger line for each short form that is not expanded because it has several meanings."""
    ledger = Ledger()
    for short, longs in ambiguous.items():
        ledger.note(
            f"glossary:{short}",
            "ambiguous_abbreviation",
            after=" | ".join(longs),
            score=float(len(longs)),
        )
    return ledger.frame()


def main(
    documents: Path = Path("data/collect/documents.parquet"),
    pairs: Path = Path("data/collect/pairs.parquet"),
    out_of_domain_documents: Path = Path("data/collect/out_of_domain_documents.parquet"),
    out_of_domain_pairs: Path = Path("data/collect/out_of_domain_pairs.parquet"),
    glossary: Path = Path("data/glossary"),
    out_documents: Path = Path("data/clean/documents.parquet"),
    out_passages: Path = Path("data/clean/passages.parquet"),
    out_pairs: Path = Path("data/clean/pairs.parquet"),
    out_out_of_domain_documents: Path = Path("data/clean/out_of_domain_documents.parquet"),
    out_out_of_domain_passages: Path = Path("data/clean/out_of_domain_passages.parquet"),
    out_out_of_domain_pairs: Path = Path("data/clean/out_of_domain_pairs.parquet"),
    out_knowledge: Path = Path("data/clean/knowledge.parquet"),
    out_ledger: Path = Path("data/clean/ledger.parquet"),
    metrics: Path = Path("metrics/clean.json"),
) -> None:
    """Repair documents and anchors, rule by rule, and drop what is left empty or out of bounds."""
    params = load(CleanParams)
    check_limits(params)
    given = read_abbreviations(glossary / "abbreviations.csv")
    model = find_model(load(Model)) if params.passage_tokens is not None else None
    languages.warm()
    private_data.check(params.private_data, params.presidio_model)
    with TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        own = clean(documents, pairs, params, given, model, scratch / "own")
        other = clean(
            out_of_domain_documents, out_of_domain_pairs, params, given, model, scratch / "other"
        )
        accounts = account(documents, pairs, own)
        other_accounts = account(out_of_domain_documents, out_of_domain_pairs, other)
        tables.write(notes(own.learned.ambiguous), scratch / "notes.parquet", LedgerTable)
        tables.interleave(
            [
                *(ledgers for part in (own, other) for ledgers in _ledgers(part)),
                [scratch / "notes.parquet"],
            ],
            out_ledger,
            LedgerTable,
        )
        tables.write(own.knowledge[own.knowledge["kind"] != "foreign"], out_knowledge, Knowledge)
        tables.merge(own.documents, out_documents, Documents)
        tables.merge(own.passages, out_passages, Passages)
        tables.merge(own.pairs, out_pairs, Pairs)
        tables.merge(other.documents, out_out_of_domain_documents, Documents)
        tables.merge(other.passages, out_out_of_domain_passages, Passages)
        tables.merge(other.pairs, out_out_of_domain_pairs, Pairs)
    other_metrics = {f"out_of_domain.{key}": value for key, value in other_accounts.items()}
    write_metrics(
        {**accounts, **other_metrics, "ambiguous_abbreviations": len(own.learned.ambiguous)},
        metrics,
    )


def _ledgers(part: Cleaned) -> list[list[Path]]:
    return [part.document_ledgers, part.pair_ledgers]


app = command(main, "tables", "text")
if __name__ == "__main__":
    app()
