"""Draw held-out passages into a sheet in which people write real questions.

Half of the passages are from validation and half from test. The topics take turns, and no
connected component gives a second passage before each has given its first. A hash of the seed
decides, so the same run draws the same passages, and a larger number adds to them.
"""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import pandas as pd
import typer

from stages.commands.json_output import AsJson, say_json
from stages.commands.run_at_hand import refuse_sample
from stages.lib.core import atomic, tables
from stages.lib.core.errors import UserError
from stages.lib.core.ids import hash_hex
from stages.lib.core.params import RunParams, load_section
from stages.lib.core.stage import command
from stages.lib.core.terminal import say
from stages.lib.schemas.documents import Documents, Passages
from stages.lib.schemas.splits import EVALUATION_SPLITS, Splits
from stages.lib.schemas.written_queries import SHEET, SheetLine, read_sheet, write_sheet

PASSAGES = Path("data/pair/passages.parquet")
DOCUMENTS = Path("data/pair/documents.parquet")
SPLITS = Path("data/split/splits.parquet")
FOLDER = Path("data/written_queries")


class _Candidate(NamedTuple):
    """A held-out passage: how often its component came before it, its place, and its line."""

    round: int
    order: str
    line: SheetLine


def draw(
    passages: pd.DataFrame, documents: pd.DataFrame, splits: pd.DataFrame, *, number: int, seed: int
) -> list[SheetLine]:
    """Return lines for up to `number` held-out passages, half from validation and half from test.

    Args:
        passages: the Passages that are searched.
        documents: the Documents that are searched.
        splits: a Splits table.
        number: how many passages to draw.
        seed: the seed of the run.
    """
    rows = passages.merge(splits, left_on="doc_id", right_on="id")
    rows = rows.merge(documents[["doc_id", "title", "topic"]], on="doc_id")

    lines: list[SheetLine] = []
    for index, split in enumerate(EVALUATION_SPLITS):
        # Of an odd number the first split gets one more.
        share = (number + 1 - index) // 2
        held_out = rows[(rows["split"] == split) & (rows["text"].str.strip() != "")]
        lines += list(_take_turns(held_out, share, seed))

    return lines


def _take_turns(rows: pd.DataFrame, number: int, seed: int) -> Iterator[SheetLine]:
    """Yield lines for `number` of the passages; the topics take turns."""
    # Within a topic: first one passage of each component, then a second one, and so on.
    candidates_of_topic: dict[str, list[_Candidate]] = defaultdict(list)
    hashed = [hash_hex("written", str(seed), passage_id) for passage_id in rows["passage_id"]]
    ordered = rows.assign(order=hashed).sort_values("order")
    rounds = ordered.groupby("component_id").cumcount()
    columns = ["order", "doc_id", "split", "topic", "title", "text"]
    for round_number, row in zip(rounds, ordered[columns].itertuples(index=False), strict=True):
        order, doc_id, split, topic, title, text = map(str, row)
        line = SheetLine(doc_id, split, topic, title, text, "")
        candidate = _Candidate(int(round_number), order, line)
        candidates_of_topic[candidate.line.topic].append(candidate)

    # The topics in the order of their names, one passage a turn.
    queues = [iter(sorted(candidates_of_topic[topic])) for topic in sorted(candidates_of_topic)]
    count = 0
    while queues and count < number:
        for queue in list(queues):
            taken = next(queue, None)
            if taken is None:
                queues.remove(queue)
            elif count < number:
                count += 1
                yield taken.line


def merge(sheet: Sequence[SheetLine], passages: Sequence[SheetLine]) -> list[SheetLine]:
    """Return the passages with the queries that the sheet holds for them, and its other queries."""
    written = [line for line in sheet if line.is_written]
    lines_of_passage: dict[tuple[str, str], list[SheetLine]] = defaultdict(list)
    for line in written:
        lines_of_passage[line.doc_id, line.passage].append(line)

    # A passage may have several queries. Queries for other passages stay at the end.
    lines: list[SheetLine] = []
    for passage in passages:
        known = lines_of_passage.pop((passage.doc_id, passage.passage), [])
        lines += [passage._replace(query=line.query) for line in known] or [passage]
    for others in lines_of_passage.values():
        lines += others
    return lines


def main(
    number: Annotated[
        int, typer.Option(min=2, help="Passages to draw, half from each held-out split.")
    ] = 100,
    git: Annotated[
        bool, typer.Option("--git", help="Leave the sheet to git; it holds texts of documents.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Draw held-out passages into a sheet in which people write real questions."""
    splits = tables.read(SPLITS, Splits)
    refuse_sample(splits, "no passage of theirs would be drawn")
    passages = draw(
        tables.read(PASSAGES, Passages),
        tables.read(DOCUMENTS, Documents),
        splits,
        number=number,
        seed=load_section(RunParams).seed,
    )
    if not passages:
        raise UserError(
            "no document is held out",
            "run 'dvc repro split'; with documents alone, name recipes in pair.recipes first",
        )

    path = FOLDER / SHEET
    lines = merge(read_sheet(path), passages)
    with atomic.write(path) as temporary:
        write_sheet(lines, temporary)

    # The sheet holds private text. DVC writes its own files beside it in place.
    tracking = "commit it"
    if not git:
        for beside in (path.with_name(f"{path.name}.dvc"), path.parent / ".gitignore"):
            atomic.protect(beside)
        _track(path)
        tracking = f"commit {path}.dvc"

    written = sum(line.is_written for line in lines)
    if as_json:
        counts = {"passages": len(passages), "written": written}
        say_json({"file": path, **counts, "tracked_by_dvc": not git})
        return
    say(
        f"{path}: {len(passages):,} passages ({written:,} queries written). Write queries into the "
        f"column 'query', run 'dvc repro', and {tracking}."
    )


def _track(path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "dvc", "add", "--quiet", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        reason = process.stderr.strip().partition("\n")[0].removeprefix("ERROR: ")
        raise UserError(
            f"'dvc add {path}' failed: {reason}",
            "if git holds the sheet already, add --git, or take it out with 'git rm --cached'",
        )


app = command(main)

if __name__ == "__main__":
    app()
