"""One person judges one queue: where to go on, what a verdict changes, and how to take it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.commands.review.journal import Change, UndoJournal
from stages.commands.review.queues import ReviewItem, ReviewQueue
from stages.commands.review.verdict_file import RowChangedError, VerdictFile
from stages.lib.core import atomic
from stages.lib.schemas.reviews import ClusteredShare, Judgement, RowIds, clustered_share

# The folder of the journals, beside the files of verdicts. `.gitignore` names it.
JOURNALS = "undo"
_UNJUDGED = -1


class ReviewProgress(NamedTuple):
    """How much of a queue a person has judged, and what the verdicts say.

    Attributes:
        judged_rows: rows with a verdict, and rows that the verdict on another one settles.
        total: rows of the queue.
        share: the share of yes with its interval; None if the queue is no random sample, or fewer
            than two clusters are judged.
    """

    judged_rows: int
    total: int
    share: ClusteredShare | None


class Undone(NamedTuple):
    """What an undo did.

    Attributes:
        ids: the row of the last change; None if there was none.
        is_kept: whether its verdict was changed elsewhere since, and so stays.
    """

    ids: RowIds | None
    is_kept: bool = False


class ReviewSession:
    """What one person does in one queue.

    Attributes:
        queue: the rows.
        judge: the name of the person; "" where one person judges alone.
        file: the verdicts of all persons.
    """

    def __init__(self, queue: ReviewQueue, judge: str, file: VerdictFile | None = None) -> None:
        """Open the file of verdicts and the journal of a queue.

        Args:
            queue: the rows.
            judge: the name of the person.
            file: the verdicts, if they are open already.

        Raises:
            UserError: the file of verdicts is malformed, or missing and required.
        """
        self.queue = queue
        self.judge = judge
        self.file = file or VerdictFile(queue.path, queue.header, is_required=True)
        journal = queue.path.parent / JOURNALS / queue.path.name
        self._journal = UndoJournal(journal, judge)
        self._place_of_ids: dict[RowIds, int] = {}
        self._places_with_rivals: list[int] = []
        self._clusters: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._verdicts: npt.NDArray[np.int8] = np.zeros(0, dtype=np.int8)
        self._version = -1
        self.set_items(queue.items)

    @property
    def items(self) -> Sequence[ReviewItem]:
        """Return the rows of the queue."""
        return self._items

    @property
    def undo_count(self) -> int:
        """Return how many changes can be taken back."""
        return len(self._journal)

    def set_items(self, items: Sequence[ReviewItem]) -> None:
        """Replace the rows of the queue."""
        self._items = items
        self._place_of_ids = {item.ids: place for place, item in enumerate(items)}
        self._places_with_rivals = [i for i, item in enumerate(items) if item.settled_by]
        _, self._clusters = np.unique([item.cluster for item in items], return_inverse=True)
        self._count_verdicts()

    def refresh(self) -> None:
        """Take over what others have changed in the file.

        Raises:
            UserError: the file has become malformed, or is gone.
        """
        self.file.refresh()
        if self._version != self.file.version:
            self._count_verdicts()

    def place(self, ids: RowIds) -> int | None:
        """Return the place of a row in the queue, from 0."""
        return self._place_of_ids.get(ids)

    def line(self, ids: RowIds) -> Judgement:
        """Return what the person said of a row."""
        return self.file.get(ids, self.judge)

    def start(self) -> int | None:
        """Return the place at which to go on: after the last verdict; None if all are judged."""
        last = self._journal.last()
        place = None if last is None else self.place(last.after.ids)
        return self.next_unjudged(-1 if place is None else place)

    def next_unjudged(self, place: int) -> int | None:
        """Return the next place without a verdict, also before `place`; None if there is none."""
        is_open = self._is_open()
        later = is_open[place + 1 :]
        if later.any():
            return place + 1 + int(later.argmax())
        return int(is_open.argmax()) if is_open.any() else None

    def say(self, ids: RowIds, verdict: str, note: str, seen: Judgement) -> None:
        """Write a verdict and a note. They are on the disk when this returns.

        Args:
            ids: the row.
            verdict: `yes`, `no`, or "" for none.
            note: any text in one line.
            seen: what the person was shown of this row.

        Raises:
            RowChangedError: the row has been judged elsewhere since. Nothing is written.
            UserError: the file has become malformed, or cannot be written.
        """
        after = Judgement(*ids, verdict, self.judge, note)
        self.refresh()
        current = self.line(ids)
        if current == after:
            return
        if current != seen:
            raise RowChangedError(current)

        # The journal comes first: an entry that was not carried out is passed over later.
        self._journal.add(Change(current, after))
        self._put(after, current)

    def undo(self) -> Undone:
        """Take the last change back, and return what happened.

        Raises:
            UserError: the file has become malformed, or cannot be written.
        """
        self.refresh()
        while (change := self._journal.last()) is not None:
            ids = change.after.ids
            current = self.line(ids)
            if current == change.after:
                self._put(change.before, current)
                self._journal.drop()
                return Undone(ids)

            # A change that was never carried out is passed over. Another one says so.
            self._journal.drop()
            if current != change.before:
                return Undone(ids, is_kept=True)
        return Undone(None)

    def progress(self) -> ReviewProgress:
        """Return how much is judged, and the rate of yes with its interval."""
        is_judged = self._verdicts != _UNJUDGED
        count = int((~self._is_open()).sum())
        total = len(self._items)
        if not self.queue.is_sample:
            return ReviewProgress(count, total, None)

        # The interval is the one that the stages report, by clusters.
        clusters = self._clusters[is_judged]
        sizes = np.bincount(clusters, minlength=1)
        hits = np.bincount(clusters, weights=self._verdicts[is_judged] == 1, minlength=1)
        is_present = sizes > 0
        if is_present.sum() < 2:
            return ReviewProgress(count, total, None)
        share = clustered_share(hits[is_present].astype(np.int64), sizes[is_present])
        return ReviewProgress(count, total, share)

    def _is_open(self) -> npt.NDArray[np.bool_]:
        """Return for each row whether it has no verdict, and no other one settles it."""
        is_open: npt.NDArray[np.bool_] = self._verdicts == _UNJUDGED
        for place in self._places_with_rivals:
            rivals = map(self.place, self._items[place].settled_by)
            if any(rival is not None and self._verdicts[rival] == 1 for rival in rivals):
                is_open[place] = False
        return is_open

    def _put(self, line: Judgement, seen: Judgement) -> None:
        version = self.file.version
        self.file.put(line, seen)

        # It is on the disk. The end of the command must not put the old file back.
        atomic.settle()
        place = self.place(line.ids)
        if self.file.version == version + 1 and self._version == version:
            if place is not None:
                self._verdicts[place] = _number(line)
            self._version = self.file.version
        else:
            self._count_verdicts()

    def _count_verdicts(self) -> None:
        """Read the verdicts of the person anew."""
        line_of_ids = self.file.of_judge(self.judge)
        verdicts = np.full(len(self._items), _UNJUDGED, dtype=np.int8)
        for ids, line in line_of_ids.items():
            place = self._place_of_ids.get(ids)
            if place is not None:
                verdicts[place] = _number(line)
        self._verdicts = verdicts
        self._version = self.file.version


def _number(line: Judgement) -> int:
    return _UNJUDGED if line.is_relevant is None else int(line.is_relevant)
