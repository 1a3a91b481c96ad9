"""Write the page that a person reads: what was measured, where rows went, where the model fails, what to try.

Reads the metrics of every other stage, the plots, the per-query results, the slices, and the texts of the validation
queries, of their answers and of what was found first. Writes one HTML file that opens offline, and how many charts and
tables it has. Test queries are counted and never shown: whoever reads them starts to choose by them.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from stages.lib import tables, written
from stages.lib.contracts.aliases import Aliases
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.qrels import Qrels
from stages.lib.contracts.queries import Queries
from stages.lib.contracts.runs import Runs
from stages.lib.measured import Metrics, read_metrics
from stages.lib.params import Section, load
from stages.lib.stage import command, write_metrics
from stages.report.inputs import Held, read_plot, read_results, read_slices
from stages.report.sections import Evidence, write_page


class Report(Section):
    """What the page shows."""

    section: ClassVar[str] = "report"
    worst_queries: int = Field(ge=0, le=500)


def main(
    collect: Path = Path("metrics/collect.json"),
    clean: Path = Path("metrics/clean.json"),
    deduplicate: Path = Path("metrics/deduplicate.json"),
    pair: Path = Path("metrics/pair.json"),
    split: Path = Path("metrics/split.json"),
    augment: Path = Path("metrics/augment.json"),
    mine: Path = Path("metrics/mine.json"),
    tokenize: Path = Path("metrics/tokenize.json"),
    validate: Path = Path("metrics/validate.json"),
    finetune: Path = Path("metrics/finetune.json"),
    evaluate: Path = Path("metrics/evaluate.json"),
    validation_results: Path = Path("metrics/queries/validation.tsv"),
    test_results: Path = Path("metrics/queries/test.tsv"),
    separation: Path = Path("metrics/plots/separation.tsv"),
    loss: Path = Path("metrics/plots/loss.tsv"),
    recall: Path = Path("metrics/plots/recall.tsv"),
    slices: Path = Path("metrics/slices.tsv"),
    runs: Path = Path("data/evaluate/runs.parquet"),
    documents: Path = Path("data/pair/documents.parquet"),
    aliases: Path = Path("data/deduplicate/aliases.parquet"),
    queries: Path = Path("data/split/validation/queries.parquet"),
    qrels: Path = Path("data/split/validation/qrels.parquet"),
    out_page: Path = Path("data/report/index.html"),
    metrics: Path = Path("metrics/report.json"),
) -> None:
    """Read everything that was measured and write the page."""
    params = load(Report)
    files = [
        collect,
        clean,
        deduplicate,
        pair,
        split,
        augment,
        mine,
        tokenize,
        validate,
        finetune,
        evaluate,
    ]
    evidence = Evidence(
        metrics=Metrics(read_metrics(files)),
        validation=read_results(validation_results, "validation"),
        test=read_results(test_results, "test"),
        separation=read_plot(separation, ("panel", "kind"), ("cosine", "share")),
        loss=read_plot(loss, (), ("step", "loss")),
        recall=read_plot(recall, ("split", "system"), ("k", "recall")),
        slices=read_slices(slices),
        held=Held(
            tables.read(documents, Documents),
            tables.read(aliases, Aliases),
            tables.read(queries, Queries),
            tables.read(qrels, Qrels),
            tables.read(runs, Runs, split="validation", system="finetuned", rank=1),
        ),
    )
    page = write_page(evidence, params.worst_queries)
    with written.atomically(out_page) as temporary:
        temporary.write_text(page, "utf-8", newline="\n")
    # Data is escaped, so these can only be the page's own.
    write_metrics({"charts": page.count("<figure>"), "tables": page.count("<table>")}, metrics)


app = command(main, "tables", "page")
if __name__ == "__main__":
    app()
