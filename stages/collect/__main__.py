"""Read every configured source into documents and pairs, and give the ids.

Reads data/raw/ (the user's files; sources that come as packages or wheels are pinned in pyproject.toml),
writes documents, pairs, times and who stands above whom, the first two tables also for the out-of-domain
source, a ledger of every record left out, and a data card. This is the only stage that gives ids: all later
ones can then tell the same row from run to run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar

import pandas as pd
from pydantic import Field, StringConstraints

from stages.collect import aws, hpo, table
from stages.collect.formats import TableSource
from stages.collect.records import (
    OUT_OF_DOMAIN,
    Collected,
    documents_frame,
    hierarchy_frame,
    pairs_frame,
    times_frame,
)
from stages.lib import tables, written
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.hierarchy import Hierarchy
from stages.lib.contracts.ledger import Ledger as LedgerTable
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.times import Times
from stages.lib.errors import Problem
from stages.lib.ledger import Ledger, balance
from stages.lib.params import Section, load
from stages.lib.stage import command, write_metrics

# Rules of a source leave a record out; a fault of the record itself gets it rejected.
RULES = ("obsolete", "no_definition")
TOPICS_SHOWN = 10

AnySource = Annotated[hpo.HpoSource | TableSource | aws.AwsSource, Field(discriminator="reader")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$")]


class Collect(Section):
    """Where the data comes from."""

    section: ClassVar[str] = "collect"
    sources: dict[Name, AnySource] = Field(min_length=1)
    out_of_domain: AnySource | None


def collect(sources: Mapping[str, AnySource], raw: Path, ledger: Ledger) -> dict[str, Collected]:
    """Return what each source gave, by name; what was left out goes to `ledger`.

    Raises Problem when a source is wrongly configured, missing or broken.
    """
    for name, source in sources.items():
        if isinstance(source, TableSource):
            table.check_settings(name, source, sources)
    found: dict[str, Collected] = {}
    # Pairs that lead to the documents of another source come after it.
    for name, source in sorted(
        sources.items(), key=lambda item: (_target(item[1]) is not None, item[0])
    ):
        if isinstance(source, hpo.HpoSource):
            found[name] = hpo.read(name, ledger)
        elif isinstance(source, aws.AwsSource):
            found[name] = aws.read(name, source)
        else:
            target = _target(source)
            known = set(found[target].documents["doc_id"]) if target is not None else ()
            found[name] = table.read(name, source, raw, ledger, known)
    return dict(sorted(found.items()))


def _target(source: AnySource) -> str | None:
    return source.documents_of if isinstance(source, TableSource) else None


def together(found: Mapping[str, Collected]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the Documents and the Pairs of all sources; empty tables when there are none."""
    return (
        pd.concat(
            [documents_frame([]), *(one.documents for one in found.values())], ignore_index=True
        ),
        pd.concat([pairs_frame([]), *(one.pairs for one in found.values())], ignore_index=True),
    )


def measure(
    found: Mapping[str, Collected], aside: Mapping[str, Collected], ledger: Ledger
) -> dict[str, int]:
    """Return the metrics of the sources `found` and of the out-of-domain source `aside`.

    A row of `rows_in` is a raw record, of whichever source: a row of a file, a term or a synonym of the
    ontology, an operation or a title of the sample. A row of `rows_out` is a record that became a
    document, a pair or both.
    """
    everything = [*found.values(), *aside.values()]
    dropped = ledger.dropped()
    rows_in, rows_out = sum(one.records for one in everything), sum(one.kept for one in everything)
    metrics = balance(rows_in, rows_out, dropped, (*RULES, *table.REASONS))
    metrics["rejected"] = sum(dropped[reason] for reason in table.REASONS)
    for prefix, part in (("", found), ("out_of_domain_", aside)):
        metrics[f"{prefix}documents"] = sum(len(one.documents) for one in part.values())
        metrics[f"{prefix}pairs"] = sum(len(one.pairs) for one in part.values())
    metrics["hierarchy_edges"] = sum(len(one.hierarchy) for one in found.values())
    metrics["bad_parents"] = int((ledger.frame()["reason"] == table.BAD_PARENT).sum())
    for name, one in found.items():
        metrics[f"source.{name}.documents"] = len(one.documents)
        metrics[f"source.{name}.pairs"] = len(one.pairs)
    return metrics


def data_card(
    found: Mapping[str, Collected], aside: Mapping[str, Collected], dropped: Mapping[str, int]
) -> str:
    """Return the data card: for each source its origin, release, licence, citation and what it gave."""
    lines = ["# Data card", "", "Written by the stage `collect`.", ""]
    for name, one in {**found, **aside}.items():
        lines += [f"## {name}", ""]
        if name in aside:
            lines += ["Never trained on: it shows what fine-tuning costs outside the domain.", ""]
        facts = one.facts
        for label, value in (
            ("Origin", facts.origin),
            ("Release", facts.release),
            ("Licence", facts.licence),
            ("Citation", facts.citation),
        ):
            lines.append(f"- {label}: {value or 'not stated'}")
        lines.append(f"- Records: {one.records:,} read, {one.records - one.kept:,} left out")
        lines.append(f"- Documents: {len(one.documents):,}")
        lines.append(f"- Pairs: {len(one.pairs):,}")
        lines += ["", *_counts("Relation", "Pairs", one.pairs["relation"])]
        lines += _counts("Topic", "Documents", one.documents["topic"])
    lines += [
        "## Left out, and why",
        "",
        "Each of these records has its line in `data/collect/ledger.parquet`.",
        "",
    ]
    lines += ["| Reason | Records |", "|---|---:|"]
    lines += [f"| {reason} | {dropped.get(reason, 0):,} |" for reason in (*RULES, *table.REASONS)]
    return "\n".join(lines) + "\n"


def _counts(label: str, counted: str, values: pd.Series[str]) -> list[str]:
    counts = sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))
    if not counts:
        return []
    shown = [
        (" ".join(value.split()).replace("|", "\\|") or "(none)", count)
        for value, count in counts[:TOPICS_SHOWN]
    ]
    if rest := counts[TOPICS_SHOWN:]:
        shown.append((f"{len(rest)} more", sum(count for _, count in rest)))
    return [
        f"| {label} | {counted} |",
        "|---|---:|",
        *(f"| {value} | {count:,} |" for value, count in shown),
        "",
    ]


def main(
    raw: Path = Path("data/raw"),
    out_documents: Path = Path("data/collect/documents.parquet"),
    out_pairs: Path = Path("data/collect/pairs.parquet"),
    out_times: Path = Path("data/collect/times.parquet"),
    out_hierarchy: Path = Path("data/collect/hierarchy.parquet"),
    out_out_of_domain_documents: Path = Path("data/collect/out_of_domain_documents.parquet"),
    out_out_of_domain_pairs: Path = Path("data/collect/out_of_domain_pairs.parquet"),
    out_ledger: Path = Path("data/collect/ledger.parquet"),
    out_data_card: Path = Path("metrics/data_card.md"),
    metrics: Path = Path("metrics/collect.json"),
) -> None:
    """Read every configured source into documents and pairs, and give the ids."""
    params, ledger = load(Collect), Ledger()
    if OUT_OF_DOMAIN in params.sources:
        raise Problem(
            f"params.yaml: collect.sources.{OUT_OF_DOMAIN} has a name that is taken",
            "call the source something else, or move it to collect.out_of_domain",
        )
    found = collect(params.sources, raw, ledger)
    aside = collect(
        {OUT_OF_DOMAIN: params.out_of_domain} if params.out_of_domain else {}, raw, ledger
    )
    documents, pairs = together(found)
    other_documents, other_pairs = together(aside)
    tables.write(documents, out_documents, Documents)
    tables.write(pairs, out_pairs, Pairs)
    times = pd.concat([times_frame([]), *(one.times for one in found.values())], ignore_index=True)
    tables.write(times, out_times, Times)
    edges = pd.concat(
        [hierarchy_frame([]), *(one.hierarchy for one in found.values())], ignore_index=True
    )
    tables.write(edges, out_hierarchy, Hierarchy)
    tables.write(other_documents, out_out_of_domain_documents, Documents)
    tables.write(other_pairs, out_out_of_domain_pairs, Pairs)
    tables.write(ledger.frame(), out_ledger, LedgerTable)
    with written.atomically(out_data_card) as temporary:
        temporary.write_text(data_card(found, aside, ledger.dropped()), "utf-8", newline="\n")
    write_metrics(dict(measure(found, aside, ledger)), metrics)


app = command(main, "tables", "hpo")

if __name__ == "__main__":
    app()
