"""Judge samples of rows: as a local page (--open), or in sheets for spreadsheets.

    python -m stages review --open               a page on this machine, one key a verdict
    python -m stages review                      sheets in data/review/with_texts/
    python -m stages review --open --judge ann   a second person, who does not see the first
    python -m stages review --label-studio new   tasks for Label Studio, beside the sheets
    python -m stages review --label-studio labels.json    its export, taken over

A person says of mined negatives whether they answer the query after all, and of documents that
the fine-tuned model ranks first whether a label is missing. data/review/ holds the verdicts for
git: ids, verdict, judge and note, a line a verdict, without texts. Commit them and run `dvc repro`.
Then `mine` reports the share of false negatives with its interval, and `evaluate` that of label
errors.

In a sheet write `yes` or `no` into the column `verdict`, leave `state` as it is, and run the
command again: it takes over what was edited. Where several people judged, it prints how far they
agree.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from stages.commands.review.agreement import agreements
from stages.commands.review.judge_names import check_name
from stages.commands.review.label_studio.export_file import read_export
from stages.commands.review.label_studio.take_over import take_over_labels
from stages.commands.review.label_studio.tasks import config_path, write_tasks
from stages.commands.review.queues import (
    ReviewQueue,
    first_hits_queue,
    negatives_queue,
    with_removed,
)
from stages.commands.review.sheets import read_edits, sheet_path, write_sheet
from stages.commands.review.suspicions import suspicious_queues
from stages.commands.review.verdict_file import VerdictFile
from stages.lib.core import atomic, tables
from stages.lib.core.errors import UserError
from stages.lib.core.params import RunParams, load_section
from stages.lib.core.stage import command
from stages.lib.core.terminal import say
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.training import Triplets

# Which rows become tasks for Label Studio. Any other value is the path of an export.
_TASKS = ("new", "all")


def main(
    open_: Annotated[
        bool, typer.Option("--open", help="Serve the rows as a page on this machine.")
    ] = False,
    judge: Annotated[
        str, typer.Option(help="Your name, where several people judge. It stands in git.")
    ] = "",
    triplets: Annotated[Path, typer.Option(help="Triplets of the stage mine.")] = Path(
        "data/mine/triplets.parquet"
    ),
    reviews: Annotated[Path, typer.Option(help="Verdicts on negatives.")] = Path(
        "data/review/negatives.csv"
    ),
    runs: Annotated[Path, typer.Option(help="Runs of the stage evaluate.")] = Path(
        "data/evaluate/runs.parquet"
    ),
    data: Annotated[Path, typer.Option(help="Folder of the other tables.")] = Path("data"),
    hits: Annotated[Path, typer.Option(help="Verdicts on first hits.")] = Path(
        "data/review/first_hits.csv"
    ),
    label_studio: Annotated[
        str,
        typer.Option(
            metavar="new|all|FILE",
            help="Write tasks of the rows that are not judged (new), or of all; or take over the "
            "labels of FILE, an export. Then --judge may name several: 7=ann,8=ben.",
        ),
    ] = "",
) -> None:
    """Judge samples of rows: as a local page (--open), or in sheets for spreadsheets."""
    is_export = label_studio not in ("", *_TASKS)
    _check_options(open_, label_studio, "" if is_export else judge)
    labels = read_export(Path(label_studio)) if is_export else []
    queues = _read_queues(data, triplets, reviews, runs, hits)
    if is_export:
        for message in take_over_labels(labels, queues, judge, Path(label_studio)):
            say(message)
        return
    files = _take_over(queues, judge)
    if not runs.exists():
        say(f"{hits}: stays as it is, since {runs} does not exist; run 'make repro' for it")
    if open_:
        _open_page(queues, judge)
        return
    _write_sheets(queues, judge, files)
    if label_studio:
        _write_tasks(queues, judge, files, every=label_studio == "all")
        return
    say(f"judge there and run this again, or use --open; then commit {reviews.parent}/*.csv")


def _check_options(open_: bool, label_studio: str, judge: str) -> None:
    if open_ and label_studio:
        raise UserError("--open and --label-studio do different things", "give one of the two")
    if judge:
        check_name(judge)
    if open_:
        _check_server()


def _write_sheets(queues: list[ReviewQueue], judge: str, files: list[VerdictFile]) -> None:
    """Write the sheets anew with what the files hold now."""
    for queue, file in zip(queues, files, strict=True):
        write_sheet(queue, judge, file)
        say(_count_line(queue, judge, file))
        for agreement in agreements(file.lines()):
            say(f"{queue.path}: {agreement}")


def _write_tasks(
    queues: list[ReviewQueue], judge: str, files: list[VerdictFile], *, every: bool
) -> None:
    """Write tasks for Label Studio, beside the sheets."""
    for queue, file in zip(queues, files, strict=True):
        say(write_tasks(queue, judge, file, every=every))
    say(f"import them into a project with the labelling interface of {config_path(queues[0])}")


def _read_queues(
    data: Path, triplets: Path, reviews: Path, runs: Path, hits: Path
) -> list[ReviewQueue]:
    """Return the queues of the run at hand. First hits need a model that was evaluated."""
    seed = load_section(RunParams).seed
    training = tables.read(triplets, Triplets)
    documents = tables.read(data / "pair/documents.parquet", Documents)
    text_of_document = dict(zip(documents["doc_id"], documents["text"], strict=True))
    mined = with_removed(
        training, tables.read(triplets.parent / "ledger.parquet", Ledger), text_of_document
    )
    queues = [negatives_queue(mined, reviews, seed)]
    if runs.exists():
        queues.append(first_hits_queue(data, runs, hits, seed))
    return queues + suspicious_queues(data, training, reviews.parent)


def _check_server() -> None:
    """Check that the packages of the server are there, before any table is read."""
    missing = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        raise UserError(
            f"the page needs {' and '.join(missing)}, which is not installed", "run 'make setup'"
        )


def _take_over(queues: list[ReviewQueue], judge: str) -> list[VerdictFile]:
    """Write what was edited in the sheets into the files of verdicts, and return these.

    Nothing is written before all files are read: none may lose its verdicts.
    """
    files = [VerdictFile(queue.path, queue.header, is_required=True) for queue in queues]
    edits = [read_edits(queue, judge, file) for queue, file in zip(queues, files, strict=True)]
    for file, lines in zip(files, edits, strict=True):
        if lines:
            file.put_all(lines)
    return files


def _count_line(queue: ReviewQueue, judge: str, file: VerdictFile) -> str:
    judged_ids = {ids for ids, line in file.of_judge(judge).items() if line.verdict}
    count = sum(item.ids in judged_ids for item in queue.items)
    return (
        f"{sheet_path(queue, judge)}: {len(queue.items):,} {queue.title.lower()}, {count:,} of "
        f"them judged; {len(judged_ids) - count:,} verdicts on other rows kept"
    )


def _open_page(queues: list[ReviewQueue], judge: str) -> None:
    """Serve the page until Ctrl-C. What was judged is on the disk in any case."""
    from scipy import stats  # noqa: F401  the first verdict does not wait for this import

    from stages.commands.review.address_guard import LOOPBACK, new_token
    from stages.commands.review.server import open_port, serve
    from stages.commands.review.site import ReviewSite

    # What the sheets gave stays, however the page ends.
    atomic.settle()
    token = new_token()
    site = ReviewSite(queues, judge, token)
    with open_port() as listener:
        port = listener.getsockname()[1]
        say(f"open http://{LOOPBACK}:{port}/{token}/ in a browser on this machine")
        say("Ctrl-C ends it; every verdict is saved when it is given")
        try:
            serve(site, listener, token)
        except (KeyboardInterrupt, SystemExit) as end:
            folder = queues[0].path.parent
            say(f"ended; all verdicts are saved: commit {folder}/*.csv, and run 'dvc repro'")

            # SIGTERM and SIGHUP have a status of their own.
            status = end.code if isinstance(end, SystemExit) else 0
            raise typer.Exit(int(status or 0)) from None


app = command(main)

if __name__ == "__main__":
    app()
