"""The verdicts of a queue: one CSV file, which is the only truth and is never overwritten blindly.

Before each change the file is read again if its bytes differ from what was read or written last.
So changes of others are merged by the ids of their rows. A row that another one has judged
meanwhile is refused. Each change is on the disk, whole, before `put` returns. A command that runs
for long calls `atomic.settle` then, so that its end takes nothing back.
"""

from __future__ import annotations

import fcntl
import os
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path

from stages.lib.core import atomic
from stages.lib.core.errors import UserError
from stages.lib.schemas.reviews import (
    AGREED,
    Judgement,
    RowIds,
    judgement_line,
    parse_judgements,
)

_Key = tuple[str, str, str]
_key = attrgetter("key")


class RowChangedError(Exception):
    """A row has another verdict than the one that was shown.

    Attributes:
        current: what the file holds now; a line without verdict and note if it holds nothing.
    """

    def __init__(self, current: Judgement) -> None:
        super().__init__(current)
        self.current = current


class VerdictFile:
    """A file of verdicts that is kept in memory, and written whole at each change.

    Attributes:
        path: the file.
        version: rises whenever the content changes, from here or from outside.
        opinion_version: rises whenever it changes in lines of people, and not only in what they
            agreed on.
    """

    def __init__(self, path: Path, header: Sequence[str], *, is_required: bool = False) -> None:
        """Read the file.

        Args:
            path: the file.
            header: its first line.
            is_required: whether a file that is missing is an error; otherwise it has no verdicts.

        Raises:
            UserError: the file is malformed, or missing and required.
        """
        self.path = path
        self.version = 0
        self.opinion_version = 0
        self._header = tuple(header)
        self._is_required = is_required
        self._content: bytes | None = None
        self._line_of_key: dict[_Key, Judgement] = {}
        # Lines by judge.
        self._line_count: Counter[str] = Counter()
        # In the order of the lines.
        self._keys: list[_Key] = []
        # Whether the content has the form in which it is written here.
        self._is_regular = False
        self.refresh()

    def refresh(self) -> bool:
        """Read the file again if it has changed; return whether it had.

        Raises:
            UserError: the file is malformed, or it is gone with verdicts in it.
        """
        try:
            content: bytes | None = self.path.read_bytes()
        except FileNotFoundError:
            content = None
        if content == self._content and self.version:
            return False
        if content is None and (self._is_required or self._line_of_key):
            raise UserError(
                f"{self.path} does not exist", f"restore it with 'git checkout {self.path}'"
            )

        # Nothing changes here before the whole file is read.
        lines = [] if content is None else parse_judgements(content, self.path, self._header)
        self._content = content
        self._line_of_key = {line.key: line for line in sorted(lines, key=_key)}
        self._keys = list(self._line_of_key)
        self._line_count = Counter(line.judge for line in lines)
        self._is_regular = content == self._rendered(self._line_of_key.values())
        self.version += 1
        self.opinion_version += 1
        return True

    def judges(self) -> list[str]:
        """Return the names of all who have said something, without `agreed`."""
        return sorted(
            judge for judge, count in self._line_count.items() if count and judge != AGREED
        )

    def lines(self) -> list[Judgement]:
        """Return all verdicts and notes, in the order of the file."""
        return [self._line_of_key[key] for key in self._keys]

    def of_judge(self, judge: str) -> dict[RowIds, Judgement]:
        """Return what one person said, by the ids of the row."""
        if not self._line_count[judge]:
            return {}
        return {line.ids: line for line in self._line_of_key.values() if line.judge == judge}

    def get(self, ids: RowIds, judge: str) -> Judgement:
        """Return what a person said of a row; a line without verdict and note if nothing."""
        empty = Judgement(*ids, "", judge)
        return self._line_of_key.get(empty.key, empty)

    def put(self, line: Judgement, seen: Judgement) -> None:
        """Write what a person says of a row. An empty line takes away what was said.

        Args:
            line: the verdict and the note.
            seen: what the person was shown of this row. It must be what the file holds.

        Raises:
            RowChangedError: the file holds something else for this row. Nothing is written.
            UserError: the file has become malformed, or cannot be written.
        """
        with _locked(self.path.parent):
            self.refresh()
            current = self.get(line.ids, line.judge)
            if current == line:
                return
            if current != seen:
                raise RowChangedError(current)
            self._write([line])

    def put_all(self, lines: Sequence[Judgement], seen: Sequence[Judgement] = ()) -> None:
        """Write several lines at once.

        Args:
            lines: the verdicts and notes.
            seen: what the file must still hold, for any of their rows.

        Raises:
            RowChangedError: the file holds something else than what was seen. Nothing is written.
            UserError: the file has become malformed, or cannot be written.
        """
        with _locked(self.path.parent):
            self.refresh()
            for line in seen:
                current = self.get(line.ids, line.judge)
                if current != line:
                    raise RowChangedError(current)
            self._write(lines)

    def _write(self, lines: Sequence[Judgement]) -> None:
        """Replace, add or take away lines, and write the file."""
        if self._is_regular and len(lines) == 1:
            content = self._with_line(lines[0])
        else:
            changed = self._line_of_key | {line.key: line for line in lines}
            kept = [changed[key] for key in sorted(changed)]
            content = self._rendered(line for line in kept if line.verdict or line.note)
        with atomic.write(self.path) as temporary:
            temporary.write_bytes(content)

        # What is in memory changes once the file has.
        self._content = content
        self._is_regular = True
        for line in lines:
            self._remember(line)
        self.version += 1
        self.opinion_version += any(line.judge != AGREED for line in lines)

    def _remember(self, line: Judgement) -> None:
        place = bisect_left(self._keys, line.key)
        is_known = self._line_of_key.pop(line.key, None) is not None
        is_empty = not line.verdict and not line.note
        self._line_count[line.judge] += (not is_empty) - is_known
        if is_empty:
            del self._keys[place : place + is_known]
            return
        self._line_of_key[line.key] = line
        if not is_known:
            self._keys.insert(place, line.key)

    def _with_line(self, line: Judgement) -> bytes:
        """Return the content with one line replaced, added or taken away.

        In a large file this is much faster than to write all lines anew.
        """
        content = self._content or b""
        place = bisect_left(self._keys, line.key)
        start = end = len(content)
        if place < len(self._keys):
            following = judgement_line(self._line_of_key[self._keys[place]])

            # No line holds a line end, so that this is found at the start of a line alone.
            start = end = content.index(b"\n" + following) + 1
            if self._keys[place] == line.key:
                end += len(following)
        is_empty = not line.verdict and not line.note
        return content[:start] + (b"" if is_empty else judgement_line(line)) + content[end:]

    def _rendered(self, lines: Iterable[Judgement]) -> bytes:
        """Return the content of a file of `lines`, which are in the order of their keys."""
        header = ",".join(self._header).encode("ascii") + b"\n"
        return header + b"".join(map(judgement_line, lines))


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one process at a time change the files of a folder. Nothing is left in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
