"""Write samples for people to label: negatives.csv and first_hits.csv in data/review/.

The first file has mined negatives. The second has documents that the fine-tuned model ranks first
on validation although they have no label as relevant. Both are for git, and hold ids and labels
alone. Beside them `with_texts/` has the same rows with their texts, which git ignores. There write
`yes` into the column `verdict` if the document answers the query, and `no` if it does not. Leave it
empty if you have not looked. Run the command again, which takes the labels over, and commit the
files without texts. Then `mine` reports the share of false negatives with its interval, and
`evaluate` that of label errors.

With `git.texts: texts` in params.yaml the files for git have the texts too, and are labelled
themselves. When the command runs again, it keeps the labels. Labels of rows that are no longer in
the sample move to the end of the file and do not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import pandas as pd
import typer

from stages.evaluate.diagnostics import sample_errors
from stages.evaluate.interface import EvaluateParams
from stages.lib.core import atomic, tables
from stages.lib.core.errors import UserError
from stages.lib.core.git_texts import GitParams
from stages.lib.core.params import RunParams, load_section
from stages.lib.core.stage import command
from stages.lib.core.terminal import say
from stages.lib.evaluation.evaluation_set import EvaluationSet, read_evaluation_set
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.duplicates import Aliases
from stages.lib.schemas.reviews import (
    FIRST_HITS,
    NEGATIVES,
    Judgement,
    read_judgements,
    write_judgements,
)
from stages.lib.schemas.runs import Runs
from stages.lib.schemas.training import Triplets
from stages.mine import false_negatives
from stages.mine.interface import MineParams

# The folder of the files with texts, beside the files for git. `.gitignore` names it.
WITH_TEXTS = "with_texts"


class Update(NamedTuple):
    """The new lines of a file: those of the sample, and labels of rows outside of it.

    Attributes:
        path: the file for git.
        header: its first line.
        lines: the lines of the sample, with their labels.
        others: labelled lines that the sample lacks.
        noun: what a line of the sample is, in the plural.
        has_texts: whether the file for git holds texts.
    """

    path: Path
    header: Sequence[str]
    lines: list[Judgement]
    others: list[Judgement]
    noun: str
    has_texts: bool

    @property
    def sheet(self) -> Path:
        """The file that people label."""
        return self.path if self.has_texts else sheet_of(self.path)


def sheet_of(path: Path) -> Path:
    """Return the file with texts that belongs to a file for git."""
    return path.parent / WITH_TEXTS / path.name


def prepare_update(
    sampled: Iterable[Judgement],
    path: Path,
    header: Sequence[str],
    *,
    noun: str,
    has_texts: bool,
) -> Update:
    """Return the sampled lines with the labels that the files have.

    Raises:
        UserError: the file at `path` is missing, one is malformed, or both label a row differently.
    """
    labelled = _labelled(path, header)
    sheet = sheet_of(path)
    if sheet.exists():
        for ids, line in _labelled(sheet, header).items():
            known = labelled.get(ids, line)
            if known.is_relevant != line.is_relevant:
                ids_of_row = " and ".join(ids)
                raise UserError(
                    f"{sheet} labels {ids_of_row} {line.verdict!r}, {path} {known.verdict!r}",
                    "write the right verdict into both files",
                )
            labelled[ids] = line

    # Sampled lines take their label along; the labels that are left go to the end.
    lines = []
    for line in sampled:
        known_line = labelled.pop((line.query_id, line.doc_id), None)
        lines.append(line._replace(verdict=known_line.verdict if known_line else ""))
    return Update(path, header, lines, sorted(labelled.values()), noun, has_texts)


def write_update(update: Update) -> str:
    """Write the file for git and that with texts, and return a line of counts."""
    lines = [*update.lines, *update.others]
    if update.has_texts:
        with atomic.write(update.path) as temporary:
            write_judgements(lines, temporary, update.header)
    else:
        bare_lines = [line._replace(query="", positive="", retrieved="") for line in lines]
        with (
            atomic.write(update.sheet) as temporary_sheet,
            atomic.write(update.path) as temporary,
        ):
            write_judgements(lines, temporary_sheet, update.header)
            write_judgements(bare_lines, temporary, update.header)

    count = sum(line.is_relevant is not None for line in update.lines)
    return (
        f"{update.sheet}: {len(update.lines):,} {update.noun}, {count:,} of them labelled; "
        f"{len(update.others):,} labels of other rows kept"
    )


def _labelled(path: Path, header: Sequence[str]) -> dict[tuple[str, str], Judgement]:
    """Return the labelled lines of a file by the two ids of each."""
    lines = read_judgements(path, header)
    return {(line.query_id, line.doc_id): line for line in lines if line.is_relevant is not None}


def sample_negatives(triplets: pd.DataFrame, size: int, seed: int) -> list[Judgement]:
    """Return lines for about `size` mined negatives."""
    rows = false_negatives.sample_negatives(triplets, size, seed)
    columns = ["pair_id", "negative_id", "anchor", "positive", "negative"]

    return [
        Judgement(*map(str, (*values, "")))
        for values in rows[columns].itertuples(index=False, name=None)
    ]


def describe_first_hits(
    errors: pd.DataFrame, evaluation_set: EvaluationSet, documents: pd.DataFrame
) -> list[Judgement]:
    """Return lines for sampled errors on the first rank, each with the best known document.

    Args:
        errors: the columns query_id and doc_id.
        evaluation_set: the queries of validation with their relevant documents.
        documents: the Documents that are searched.
    """
    text_of_document = {}
    rows = documents[["doc_id", "title", "text"]].itertuples(index=False, name=None)
    for doc_id, title, text in rows:
        text_of_document[doc_id] = f"{title}: {text}" if title else text

    queries = evaluation_set.queries
    text_of_query = dict(zip(queries["query_id"], queries["text"], strict=True))

    # A relevant document may have been dropped since the queries were collected.
    lines = []
    for query_id, doc_id in zip(errors["query_id"], errors["doc_id"], strict=True):
        best_id = evaluation_set.best_document(query_id)
        missing = f"{best_id}, which is no longer in the corpus"
        lines.append(
            Judgement(
                query_id=query_id,
                doc_id=doc_id,
                query=text_of_query[query_id],
                positive=text_of_document.get(best_id, missing),
                retrieved=text_of_document.get(doc_id, doc_id),
                verdict="",
            )
        )
    return lines


def main(
    triplets: Annotated[Path, typer.Option(help="Triplets of the stage mine.")] = Path(
        "data/mine/triplets.parquet"
    ),
    reviews: Annotated[Path, typer.Option(help="File of negatives to label.")] = Path(
        "data/review/negatives.csv"
    ),
    runs: Annotated[Path, typer.Option(help="Runs of the stage evaluate.")] = Path(
        "data/evaluate/runs.parquet"
    ),
    documents: Annotated[Path, typer.Option(help="Documents that are searched.")] = Path(
        "data/pair/documents.parquet"
    ),
    aliases: Annotated[Path, typer.Option(help="Dropped copies and what was kept.")] = Path(
        "data/deduplicate/aliases.parquet"
    ),
    queries: Annotated[Path, typer.Option(help="Queries of validation.")] = Path(
        "data/split/validation/queries.parquet"
    ),
    qrels: Annotated[Path, typer.Option(help="Qrels of validation.")] = Path(
        "data/split/validation/qrels.parquet"
    ),
    hits: Annotated[Path, typer.Option(help="File of first hits to label.")] = Path(
        "data/review/first_hits.csv"
    ),
) -> None:
    """Write samples for people to label: negatives.csv and first_hits.csv in data/review/."""
    seed = load_section(RunParams).seed
    has_texts = load_section(GitParams).has_texts

    # Mined negatives.
    size = load_section(MineParams).judged_negatives
    negatives = sample_negatives(tables.read(triplets, Triplets), size, seed)
    updates = [prepare_update(negatives, reviews, NEGATIVES, noun="negatives", has_texts=has_texts)]

    # First hits need a model that was evaluated.
    note = f"{hits}: stays as it is, since {runs} does not exist; run 'make repro' for it"
    if runs.exists():
        note = ""
        copies = tables.read(aliases, Aliases)
        kept_id = dict(zip(copies["doc_id"], copies["kept_id"], strict=True))
        evaluation_set = read_evaluation_set(queries, qrels, kept_id)
        first_ranks = tables.read(runs, Runs, split="validation", system="finetuned", rank=1)
        errors = sample_errors(
            first_ranks, evaluation_set, load_section(EvaluateParams).judged_errors, seed
        )
        first_hits = describe_first_hits(errors, evaluation_set, tables.read(documents, Documents))
        updates.append(
            prepare_update(first_hits, hits, FIRST_HITS, noun="first hits", has_texts=has_texts)
        )

    # Nothing is written before all inputs are read: neither file may lose its labels.
    for update in updates:
        say(write_update(update))
    if not has_texts:
        names = " and ".join(str(update.path) for update in updates)
        say(f"label them there and run this again; then commit {names}, which hold ids")
    if note:
        say(note)


app = command(main)

if __name__ == "__main__":
    app()
