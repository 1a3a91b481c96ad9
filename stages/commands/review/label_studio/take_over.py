"""Labels from Label Studio become lines of the files of verdicts, all of them or none.

What a file holds stays. A label fills in what is empty there: a verdict, a note, or both. Where
both hold something and differ, nothing is written: a person decides which of the two is right.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from stages.commands.review.agreement import agreements
from stages.commands.review.judge_names import judges_of
from stages.commands.review.label_studio.export_file import ExportedLabel
from stages.commands.review.queues import ReviewQueue
from stages.commands.review.verdict_file import RowChangedError, VerdictFile
from stages.lib.core.errors import UserError
from stages.lib.core.ids import DOC_ID, PAIR_ID, QUERY_ID
from stages.lib.schemas.reviews import Judgement

# What an id looks like, by its column in the file of verdicts. A rule of cleaning begins with e.
_PAIR = re.compile(PAIR_ID)
_DOCUMENT = re.compile(DOC_ID)
_EITHER = re.compile(rf"{DOC_ID}|{PAIR_ID}")
_FORM_OF_COLUMN = {
    "pair_id": _PAIR,
    "parent_id": _PAIR,
    "query_id": re.compile(QUERY_ID),
    "doc_id": _DOCUMENT,
    "negative_id": _DOCUMENT,
    "left_id": _EITHER,
    "right_id": _EITHER,
    "rule_id": re.compile(r"e[0-9a-f]{16}"),
}
# Ids of other columns are words.
_WORD = re.compile(r"[^\s,]{1,100}")


class _Taken(NamedTuple):
    """A line that an export gives, and the task that it comes from."""

    line: Judgement
    place: str


def take_over_labels(
    labels: Sequence[ExportedLabel], queues: Sequence[ReviewQueue], judge: str, path: Path
) -> list[str]:
    """Write labels into the files of verdicts, and return lines that say what was written.

    Args:
        labels: what the export says.
        queues: the queues at hand.
        judge: what the option --judge says: a name, or names by annotators.
        path: the export, for messages.

    Raises:
        UserError: a label is of no queue or of no row, an annotator has no name, labels
            contradict each other or a file, or a file has changed meanwhile. Nothing is written.
    """
    judge_of = judges_of((label.annotator for label in labels), judge, path)
    queue_of_name = {queue.name: queue for queue in queues}
    taken_of_queue: dict[str, dict[tuple[str, str, str], _Taken]] = {}
    for label in labels:
        _check_row(label, queue_of_name)
        line = Judgement(*label.ids, label.verdict, judge_of[label.annotator], label.note)
        taken = taken_of_queue.setdefault(label.queue, {})
        first = taken.get(line.key)
        taken[line.key] = _Taken(
            line if first is None else _joined(line, first, label), label.place
        )

    # All files are compared before one of them is written.
    changes: list[tuple[VerdictFile, list[Judgement], list[Judgement]]] = []
    messages: list[str] = []
    for name, taken in taken_of_queue.items():
        queue = queue_of_name[name]
        file = VerdictFile(queue.path, queue.header, is_required=True)
        lines = [_compared(entry, file) for entry in taken.values()]
        seen = [file.get(line.ids, line.judge) for line in lines]
        changes.append((file, lines, seen))
        new_count = sum(line != before for line, before in zip(lines, seen, strict=True))
        row_ids = {item.ids for item in queue.items}
        other_count = sum(line.ids not in row_ids for line in lines)
        messages.append(
            f"{queue.path}: {new_count:,} lines taken over, {len(lines) - new_count:,} were there; "
            f"{other_count:,} of them on rows that the queue no longer has"
        )
    for file, lines, seen in changes:
        _write(file, lines, seen)

    for file, _, _ in changes:
        messages += [f"{file.path}: {agreement}" for agreement in agreements(file.lines())]
    return messages or [f"{path}: nobody has labelled anything"]


def _check_row(label: ExportedLabel, queue_of_name: Mapping[str, ReviewQueue]) -> None:
    """Check that a label names a queue at hand, and ids that its rows can have."""
    queue = queue_of_name.get(label.queue)
    if queue is None:
        raise UserError(
            f"{label.place}: there is no queue {label.queue[:40]!r}, but "
            f"{', '.join(queue_of_name)}",
            "export the project into which the tasks of 'review --label-studio new' were imported, "
            "after a run that has this queue",
        )
    for column, value in zip(queue.header[:2], label.ids, strict=True):
        if not _FORM_OF_COLUMN.get(column, _WORD).fullmatch(value):
            raise UserError(
                f"{label.place}: {value[:40]!r} is no {column} of the queue {queue.name!r}",
                "import the tasks of 'review --label-studio new' as they are, and export again",
            )


def _joined(line: Judgement, first: _Taken, label: ExportedLabel) -> Judgement:
    """Return what two annotations of one person say together of one row."""
    joined = _filled(first.line, line)
    if joined is None:
        raise UserError(
            f"{label.place}: {label.annotator or line.judge} says {_said(line)} here, and "
            f"{_said(first.line)} in {first.place}",
            "let this person decide in Label Studio, and export again",
        )
    return joined


def _compared(entry: _Taken, file: VerdictFile) -> Judgement:
    """Return the line that the file will have, after checking that it contradicts nothing there."""
    current = file.get(entry.line.ids, entry.line.judge)
    filled = _filled(current, entry.line)
    if filled is None:
        raise UserError(
            f"{entry.place}: {' and '.join(current.ids)} is {_said(entry.line)} of "
            f"{current.judge!r} here, and {_said(current)} in {file.path}",
            f"write what is right into {file.path}, or remove its line there; nothing was written",
        )
    return filled


def _filled(current: Judgement, other: Judgement) -> Judgement | None:
    """Return a line with what it lacks from another one; None if the two contradict each other."""
    is_other_verdict = current.verdict and other.verdict and current.verdict != other.verdict
    is_other_note = current.note and other.note and current.note != other.note
    if is_other_verdict or is_other_note:
        return None
    return current._replace(
        verdict=current.verdict or other.verdict, note=current.note or other.note
    )


def _said(line: Judgement) -> str:
    """Return a verdict and a note for a message."""
    note = f" with the note {line.note[:40]!r}" if line.note else ""
    return f"{line.verdict!r}{note}"


def _write(file: VerdictFile, lines: Sequence[Judgement], seen: Sequence[Judgement]) -> None:
    """Write lines into a file that must still hold what was seen there."""
    try:
        file.put_all(lines, seen)
    except RowChangedError as error:
        raise UserError(
            f"{file.path}: {' and '.join(error.current.ids)} was judged meanwhile",
            "run the command again",
        ) from None
