"""Read every configured source into documents and pairs, and give the ids.

Reads data/raw/ (the user's files; sources that come as packages or wheels are pinned in
pyproject.toml). Writes documents, pairs, times and parents, documents and pairs also for the
out-of-domain source, a ledger of every record that is left out, and a data card. No later stage
changes an id, so rows can be compared from run to run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from heapq import nsmallest
from pathlib import Path

from stages.collect.caps import OVER_CAP, cap_pairs
from stages.collect.id_set import IdSet
from stages.collect.interface import Inputs, Outputs, Params
from stages.collect.kinds.registry import kind_of
from stages.collect.markdown_text import markdown_cell
from stages.collect.origins import Origins
from stages.collect.parents import BAD_PARENT
from stages.collect.record_rows import EMPTY_ANCHOR, MISSING_DOCUMENT
from stages.collect.record_tables import FAULTS, KIND_FAULTS, KIND_RULES
from stages.collect.records import SourceRows, params_path
from stages.collect.sorted_rows import ValueCounts
from stages.collect.source import OUT_OF_DOMAIN, ReadRequest, Source
from stages.collect.stored_tables import MergedTables
from stages.lib.core.errors import UserError
from stages.lib.core.git_texts import label_id
from stages.lib.core.interface import Stage
from stages.lib.core.terminal import say_error
from stages.lib.schemas.ledger import LARGE_SHARE, row_accounting
from stages.lib.text.document_text import TEXT_ALONE

# A source leaves some records out by rule. `FAULTS` are faults of the record itself.
SOURCE_RULES = ("obsolete", "no_definition")
DROP_REASONS = (*SOURCE_RULES, *FAULTS)
TOPICS_SHOWN = 10


def run(inputs: Inputs, params: Params) -> Outputs:
    """Read every configured source into documents and pairs, and give the ids."""
    settings = params.collect
    if OUT_OF_DOMAIN in settings.sources:
        raise UserError(
            f"params.yaml: collect.sources.{OUT_OF_DOMAIN} has a name that is taken",
            "call the source something else, or move it to collect.out_of_domain",
        )

    # The sources to train on, and the one that shows the cost of fine-tuning in other domains.
    template = params.rendering.document_text
    max_share = settings.max_rejected_share
    sources = read_sources(settings.sources, inputs.raw, template, max_rejected_share=max_share)
    out_of_domain: dict[str, SourceRows] = {}
    if settings.out_of_domain is not None:
        out_of_domain = read_sources(
            {OUT_OF_DOMAIN: settings.out_of_domain}, inputs.raw, max_rejected_share=max_share
        )

    # The ledger holds the out-of-domain source too.
    details = collection_metrics(sources, out_of_domain)
    rows = sources.values()
    other_rows = out_of_domain.values()
    return Outputs(
        documents=MergedTables([source.documents for source in rows]),
        pairs=MergedTables([source.pairs for source in rows]),
        times=MergedTables([source.times for source in rows]),
        given_splits=MergedTables([source.given_splits for source in rows]),
        grades=MergedTables([source.grades for source in rows]),
        hierarchy=MergedTables([source.hierarchy for source in rows]),
        out_of_domain_documents=MergedTables([source.documents for source in other_rows]),
        out_of_domain_pairs=MergedTables([source.pairs for source in other_rows]),
        ledger=MergedTables([source.ledger for source in (*rows, *other_rows)]),
        data_card=data_card(sources, out_of_domain, has_labels=params.git.has_labels),
        details=details,
        print_left_out=partial(print_left_out, details),
    )


def read_sources(
    settings: Mapping[str, Source],
    raw: Path,
    template: str = TEXT_ALONE,
    *,
    max_rejected_share: float,
    origins: Origins | None = None,
) -> dict[str, SourceRows]:
    """Return the rows of each source, by name; `template` says what of a document is embedded.

    `origins` notes the places of rows.

    Raises:
        UserError: a source has wrong settings, its data is missing or broken, or a larger share
            of its records than `max_rejected_share` is rejected.
    """
    # All settings first: their errors are the cheapest to find.
    for name, source in settings.items():
        kind_of(source).check(name, source, settings)

    # Pairs that lead to the documents of another source come after that source.
    rows_of_source: dict[str, SourceRows] = {}
    for name in sorted(settings, key=lambda name: (settings[name].target != "", name)):
        source = settings[name]
        target = source.target
        request = ReadRequest(
            name,
            raw,
            known_documents=IdSet(row[0] for row in rows_of_source[target].documents)
            if target
            else (),
            template=template,
            max_rejected_share=max_rejected_share,
            origins=origins,
        )
        rows = kind_of(source).read(source, request)
        rows_of_source[name] = cap_pairs(rows, source.max_pairs)

    return dict(sorted(rows_of_source.items()))


def collection_metrics(
    sources: Mapping[str, SourceRows], out_of_domain: Mapping[str, SourceRows]
) -> dict[str, int]:
    """Return the row accounting and the sizes, over all sources and by source.

    A row of `rows_in` is a raw record of any source: a row of a file, a term or a synonym of the
    ontology, an operation or a title of the sample. A row of `rows_out` is a record that became a
    document, a pair or both.
    """
    # Row accounting covers all sources.
    all_sources = [*sources.values(), *out_of_domain.values()]
    dropped = count_dropped(all_sources)
    metrics = row_accounting(
        sum(source.records_read for source in all_sources),
        sum(source.records_kept for source in all_sources),
        dropped=dropped,
        reasons=shown_reasons(dropped),
    )
    over_cap = sum(source.ledger.dropped()[OVER_CAP] for source in all_sources)
    if over_cap:
        metrics[f"left_out.{OVER_CAP}"] = over_cap
    metrics["rejected"] = sum(dropped[reason] for reason in (*FAULTS, *KIND_FAULTS))

    # Sizes are given apart for the out-of-domain source.
    for prefix, group in (("", sources), ("out_of_domain_", out_of_domain)):
        metrics[f"{prefix}documents"] = sum(len(source.documents) for source in group.values())
        metrics[f"{prefix}pairs"] = sum(len(source.pairs) for source in group.values())

    # Parents, and parents that do not exist.
    metrics["hierarchy_edges"] = sum(len(source.hierarchy) for source in sources.values())
    metrics["bad_parents"] = sum(source.ledger.noted()[BAD_PARENT] for source in all_sources)

    for name, source in sources.items():
        metrics |= {f"source.{name}.{key}": count for key, count in source_metrics(source).items()}

    return metrics


def source_metrics(source: SourceRows) -> dict[str, int]:
    """Return the sizes of a source, and its given splits, grades and notes if it has any."""
    metrics = {"documents": len(source.documents), "pairs": len(source.pairs)}
    metrics |= {f"given.{split}": count for split, count in source.given_splits.counts["split"]}
    metrics |= {f"grades.{role}": count for role, count in source.grades.counts["role"]}

    notes = source.ledger.noted()
    present = {
        "missing_documents": notes[MISSING_DOCUMENT],
        "documents_without_anchor": notes[EMPTY_ANCHOR],
        OVER_CAP: source.ledger.dropped()[OVER_CAP],
    }
    metrics |= {key: count for key, count in present.items() if count}
    metrics |= {f"placeholders.{column}": count for column, count in source.placeholders.items()}
    return metrics | dict(source.counts)


def count_dropped(sources: Iterable[SourceRows]) -> Counter[str]:
    """Return the number of dropped records of all sources, by reason.

    A pair that is over the cap of its source is no record.
    """
    counts: Counter[str] = Counter()
    for source in sources:
        counts.update(source.ledger.dropped())

    del counts[OVER_CAP]
    return counts


def shown_reasons(dropped: Mapping[str, int]) -> list[str]:
    """Return the reasons of all sources, and of those that only some kinds know the present ones.

    >>> shown_reasons({"unknown_query": 1})[-2:]
    ['duplicate_key', 'unknown_query']
    """
    of_kinds = [reason for reason in (*KIND_FAULTS, *KIND_RULES) if dropped.get(reason)]
    return [*DROP_REASONS, *of_kinds]


def print_left_out(details: Mapping[str, int | float | str | bool]) -> None:
    """Print how many pairs were left out, and how many records rejected if they are many."""
    suffix = f".{OVER_CAP}"
    for key, count in details.items():
        if key.startswith("source.") and key.endswith(suffix):
            name = key.removeprefix("source.").removesuffix(suffix)
            kept = int(details[f"source.{name}.pairs"])
            say_error(
                f"{params_path(name)}.max_pairs leaves out {count:,} of {kept + int(count):,} "
                "pairs; their documents stay. data/collect/ledger.parquet names them as "
                f"{OVER_CAP}.",
            )

    rejected = int(details["rejected"])
    rows_in = int(details["rows_in"])
    if rejected < LARGE_SHARE * rows_in or not rejected:
        return

    reasons = [
        f"{details[f'dropped.{reason}']:,} {reason}"
        for reason in (*FAULTS, *KIND_FAULTS)
        if details.get(f"dropped.{reason}")
    ]
    say_error(
        f"WARNING: {rejected:,} of {rows_in:,} records were rejected "
        f"({100 * rejected / rows_in:.0f} %): {', '.join(reasons)}. "
        "data/collect/ledger.parquet names each of them, with its file and line.",
    )


def data_card(
    sources: Mapping[str, SourceRows],
    out_of_domain: Mapping[str, SourceRows],
    *,
    has_labels: bool,
) -> str:
    """Return the data card as Markdown: origin, licence, citation and counts of each source.

    Without `has_labels` an id stands for the name of each topic and relation.
    """
    lines = ["# Data card", "", "Written by the stage `collect`.", ""]
    for name, source in sources.items():
        lines += [f"## {name}", "", *_card_section(source, has_labels)]

    for name, source in out_of_domain.items():
        lines += [f"## {name}", ""]
        lines += [
            "Never trained on: it shows what fine-tuning costs outside the domain.",
            "",
        ]
        lines += _card_section(source, has_labels)

    # The reasons of all sources together.
    dropped = count_dropped([*sources.values(), *out_of_domain.values()])
    lines += [
        "## Left out, and why",
        "",
        "Each of these records has its line in `data/collect/ledger.parquet`.",
        "",
        "| Reason | Records |",
        "|---|---:|",
    ]
    lines += [f"| {reason} | {dropped[reason]:,} |" for reason in shown_reasons(dropped)]

    return "\n".join(lines) + "\n"


def _card_section(source: SourceRows, has_labels: bool) -> Iterator[str]:
    """Yield the lines of one source: facts, counts, and its most frequent relations and topics."""
    facts = source.facts
    left_out = source.records_read - source.records_kept
    yield f"- Origin: {facts.origin or 'not stated'}"
    yield f"- Release: {facts.release or 'not stated'}"
    yield f"- Licence: {facts.licence or 'not stated'}"
    yield f"- Citation: {facts.citation or 'not stated'}"
    yield f"- Records: {source.records_read:,} read, {left_out:,} left out"
    yield f"- Documents: {len(source.documents):,}"
    yield f"- Pairs: {len(source.pairs):,}"
    if over_cap := source.ledger.dropped()[OVER_CAP]:
        yield f"- Pairs over `max_pairs`: {over_cap:,}, left out"
    for label, values in (
        ("Given splits", source.given_splits.counts["split"]),
        ("Grades", source.grades.counts["grade"]),
    ):
        counts = [f"{value} {count:,}" for value, count in values]
        if counts:
            yield f"- {label}: {', '.join(counts)}"
    yield ""

    # What the source is about.
    relations = source.pairs.counts["relation"]
    topics = source.documents.counts["topic"]
    yield from _count_table("Relation", "Pairs", relations, has_labels=has_labels)
    yield from _count_table("Topic", "Documents", topics, has_labels=has_labels)


def _count_table(
    label: str, counted: str, values: ValueCounts, *, has_labels: bool
) -> Iterator[str]:
    """Yield a Markdown table of the most frequent values; nothing when there are no values."""
    # The most frequent first, and equal counts in the order of the values.
    most_frequent = nsmallest(TOPICS_SHOWN, values, key=lambda item: (-item[1], item[0]))
    if not most_frequent:
        return

    yield f"| {label} | {counted} |"
    yield "|---|---:|"

    for value, count in most_frequent:
        name = value if has_labels else label_id(value)
        cell = markdown_cell(name) or "(none)"
        yield f"| {cell} | {count:,} |"

    # All others together.
    counts = [count for _, count in most_frequent]
    value_count = row_count = 0
    for _, count in values:
        value_count += 1
        row_count += count
    if value_count > len(counts):
        yield f"| {value_count - len(counts)} more | {row_count - sum(counts):,} |"

    yield ""


STAGE = Stage(run, groups=("tables", "excel", "documents", "hpo"), wheels=True)
main = STAGE.main
app = STAGE.app

if __name__ == "__main__":
    app()
