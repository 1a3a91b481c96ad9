"""People's verdicts on mined negatives: data/review/negatives.csv, kept in git.

`python -m stages review` writes the negatives to judge into it; whoever judges writes `yes` or `no` into the column
verdict: does the negative answer the anchor after all?
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from stages.lib.errors import Problem

HEADER = ["pair_id", "negative_id", "anchor", "positive", "negative", "verdict"]
_MEANING = {"yes": True, "no": False, "": None}
_REMEDY = "correct the line, or restore the file with git; 'python -m stages review' writes it anew"


class Verdict(NamedTuple):
    """One line of the file."""

    pair_id: str
    negative_id: str
    anchor: str
    positive: str
    negative: str
    verdict: str

    @property
    def answers(self) -> bool | None:
        """Return whether the negative answers the anchor after all; None where nobody has said."""
        return _MEANING[self.verdict.strip().lower()]


def read_verdicts(path: Path) -> list[Verdict]:
    """Return the lines of the file. Raises Problem, naming the line, when it is malformed or at odds with itself."""
    try:
        # A spreadsheet may have put a byte order mark before the header.
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            rows = [(reader.line_num, row) for row in reader if row]
    except FileNotFoundError:
        raise Problem(f"{path} does not exist", f"restore it with 'git checkout {path}'") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise Problem(f"{path} is not a CSV file in UTF-8: {error}", _REMEDY) from None
    if not rows or rows[0][1] != HEADER:
        raise Problem(f"{path}, line 1: the header is not '{','.join(HEADER)}'", _REMEDY)
    found: dict[tuple[str, str], Verdict] = {}
    for line, row in rows[1:]:
        if len(row) != len(HEADER):
            raise Problem(f"{path}, line {line}: {len(row)} fields where {len(HEADER)} are wanted", _REMEDY)
        one = Verdict(*row)
        if one.verdict.strip().lower() not in _MEANING:
            raise Problem(f"{path}, line {line}: the verdict {one.verdict[:40]!r} is neither yes nor no", _REMEDY)
        if found.setdefault((one.pair_id, one.negative_id), one).answers != one.answers:
            raise Problem(f"{path}, line {line}: this negative has another verdict further up", _REMEDY)
    return list(found.values())


def write_verdicts(lines: Iterable[Verdict], path: Path) -> None:
    """Write `lines` with the header to `path`."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(lines)
