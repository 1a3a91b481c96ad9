"""The journal of a queue: what each verdict replaced, so that every one can be taken back.

It is a file of its own that git ignores, and never the truth: an entry that the file of verdicts
contradicts is passed over. Entries are appended. A killed process leaves at most half a line,
which is passed over too.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from stages.lib.core import atomic
from stages.lib.core.csv_cells import cell_text, safe_row
from stages.lib.schemas.reviews import Judgement

_HEADER = (
    *("action", "query_id", "doc_id", "judge"),
    *("verdict_before", "note_before", "verdict", "note"),
)
_JUDGED = "judged"
_UNDONE = "undone"


class Change(NamedTuple):
    """A change of one line: what it was before, and what it became."""

    before: Judgement
    after: Judgement


class UndoJournal:
    """The changes that one person made in a queue and has not taken back."""

    def __init__(self, path: Path, judge: str) -> None:
        """Read the journal, if there is one.

        Args:
            path: the file, which all judges of the queue share.
            judge: whose changes are read.
        """
        self._path = path
        self._judge = judge
        self._changes: list[Change] = []
        content = path.read_bytes() if path.exists() else b""

        # What a killed process began to write ends without a line end.
        self._is_torn = bool(content) and not content.endswith(b"\n")
        for line in content.decode("utf-8", "replace").split("\n"):
            self._read(line)

    def __len__(self) -> int:
        """Return how many changes can be taken back."""
        return len(self._changes)

    def last(self) -> Change | None:
        """Return the last change that was not taken back."""
        return self._changes[-1] if self._changes else None

    def add(self, change: Change) -> None:
        """Note a change before it is made."""
        self._append(_JUDGED, change)
        self._changes.append(change)

    def drop(self) -> None:
        """Note that the last change was taken back, or does not hold any more."""
        change = self._changes.pop()
        self._append(_UNDONE, change)

    def _read(self, line: str) -> None:
        cells = [cell_text(cell) for cell in next(csv.reader([line]), [])]
        if len(cells) != len(_HEADER) or cells[3] != self._judge:
            return
        action, query_id, doc_id, judge, verdict_before, note_before, verdict, note = cells
        if action == _JUDGED:
            before = Judgement(query_id, doc_id, verdict_before, judge, note_before)
            after = Judgement(query_id, doc_id, verdict, judge, note)
            self._changes.append(Change(before, after))
        elif action == _UNDONE and self._changes:
            self._changes.pop()

    def _append(self, action: str, change: Change) -> None:
        before, after = change
        rows = [
            (
                *(action, after.query_id, after.doc_id, after.judge),
                *(before.verdict, before.note, after.verdict, after.note),
            )
        ]
        if not self._path.exists():
            atomic.write_text(self._path, _text([_HEADER]))
            atomic.settle()

        # One call writes the whole line. It is not flushed: after a power cut the last undo may be
        # lost, and no verdict.
        text = ("\n" if self._is_torn else "") + _text(rows)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(descriptor, text.encode("utf-8"))
        finally:
            os.close(descriptor)
        self._is_torn = False


def _text(rows: Sequence[Sequence[str]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(map(safe_row, rows))
    return stream.getvalue()
