"""The queues that one person judges, and the rows on which people differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from stages.commands.review.agreement import agreements, with_opinions
from stages.commands.review.queues import ReviewQueue
from stages.commands.review.session import ReviewProgress, ReviewSession
from stages.lib.schemas.reviews import AGREED

_CONFLICTS = "conflicts"


class QueueRow(NamedTuple):
    """A queue in the list of queues: its name, its heading, what it is for, what is judged."""

    name: str
    title: str
    purpose: str
    progress: ReviewProgress


class ReviewSite:
    """The queues that one person judges, by their names.

    Attributes:
        judge: the name of the person.
        root: what every address begins with.
    """

    def __init__(self, queues: Sequence[ReviewQueue], judge: str, token: str) -> None:
        """Open the files of all queues.

        Raises:
            UserError: a file is malformed, or missing and required.
        """
        self.judge = judge
        self.root = f"/{token}"
        self._sessions = {queue.name: ReviewSession(queue, judge) for queue in queues}
        self._conflicts = {
            name: _conflict_session(session) for name, session in self._sessions.items()
        }
        # What was found in the lines of people, and when.
        self._agreements: dict[str, list[str]] = {}
        self._versions: dict[str, int] = {}

    def session(self, name: str) -> ReviewSession | None:
        """Return the session of a queue, or of its conflicts, as its file is now.

        Raises:
            UserError: the file has become malformed, or is gone.
        """
        base, _, part = name.partition(".")
        session = self._sessions.get(base)
        if session is None or part not in ("", _CONFLICTS):
            return None
        session.refresh()
        if not part:
            return session

        self._find_conflicts(base)
        conflicts = self._conflicts[base]
        conflicts.refresh()
        return conflicts

    def _find_conflicts(self, name: str) -> None:
        """Look anew on which rows people differ, if anybody has judged since."""
        session = self._sessions[name]
        version = session.file.opinion_version
        if self._versions.get(name) == version:
            return
        lines = session.file.lines() if len(session.file.judges()) > 1 else []
        self._conflicts[name].set_items(with_opinions(session.items, lines, self.judge))
        own = [agreement for agreement in agreements(lines) if self.judge in agreement.judges]
        self._agreements[name] = [f"{session.queue.title}: {agreement}" for agreement in own]
        self._versions[name] = version

    def overview(self) -> list[QueueRow]:
        """Return a row for each queue that has rows."""
        rows = []
        for name in self._sessions:
            for full_name in (name, f"{name}.{_CONFLICTS}"):
                session = self.session(full_name)
                if session is not None and (session.items or full_name == name):
                    title = session.queue.title
                    purpose = session.queue.purpose
                    rows.append(QueueRow(full_name, title, purpose, session.progress()))
        return rows

    def agreement_lines(self) -> list[str]:
        """Return how far this judge agrees with each other one, in words."""
        lines = []
        for name in self._sessions:
            self.session(f"{name}.{_CONFLICTS}")
            lines += self._agreements[name]
        return lines


def _conflict_session(session: ReviewSession) -> ReviewSession:
    queue = replace(
        session.queue,
        name=f"{session.queue.name}.{_CONFLICTS}",
        title=f"{session.queue.title}: conflicts",
        items=(),
        purpose="where you and others differ; what you agree on decides",
        is_sample=False,
    )
    return ReviewSession(queue, AGREED, session.file)
