"""People's verdicts on what a model found: files in data/review/, kept in git.

`python -m stages review` writes what is to be judged into them; whoever judges writes `yes` or `no` into the column
verdict: does what was found answer what was asked after all?
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.lib.errors import Problem
from stages.lib.statistics import clustered_share

# The headers of the files: mined negatives, and the documents that the fine-tuned model ranks first.
NEGATIVES = ("pair_id", "negative_id", "anchor", "positive", "negative", "verdict")
FIRST_HITS = ("query_id", "doc_id", "query", "answer", "found", "verdict")
_MEANING = {"yes": True, "no": False, "": None}
_REMEDY = "correct the line, or restore the file with git; 'python -m stages review' writes it anew"

Verdicts = Sequence[
    bool | None
]  # per find: whether it answers after all; None where the judge has no opinion


class Verdict(NamedTuple):
    """One line of a file: who asked and what was found, the text of both and of the known answer, and the verdict."""

    asked_id: str
    found_id: str
    asked: str
    answer: str
    found: str
    verdict: str

    @property
    def answers(self) -> bool | None:
        """Return whether what was found answers after all; None where nobody has said."""
        return _MEANING[self.verdict.strip().lower()]


def read_verdicts(path: Path, header: Sequence[str]) -> list[Verdict]:
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
    if not rows or rows[0][1] != list(header):
        raise Problem(f"{path}, line 1: the header is not '{','.join(header)}'", _REMEDY)
    found: dict[tuple[str, str], Verdict] = {}
    for line, row in rows[1:]:
        if len(row) != len(header):
            raise Problem(
                f"{path}, line {line}: {len(row)} fields where {len(header)} are wanted", _REMEDY
            )
        one = Verdict(*row)
        if one.verdict.strip().lower() not in _MEANING:
            raise Problem(
                f"{path}, line {line}: the verdict {one.verdict[:40]!r} is neither yes nor no",
                _REMEDY,
            )
        if found.setdefault((one.asked_id, one.found_id), one).answers != one.answers:
            raise Problem(
                f"{path}, line {line}: the same two ids have another verdict further up", _REMEDY
            )
    return list(found.values())


def write_verdicts(lines: Iterable[Verdict], path: Path, header: Sequence[str]) -> None:
    """Write `lines` with the `header` to `path`."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(lines)


def said(keys: Iterable[tuple[str, str]], lines: Iterable[Verdict]) -> Verdicts:
    """Return what people said of the finds with these ids (asked, found); what they said of others does not count."""
    known = {(line.asked_id, line.found_id): line.answers for line in lines}
    return [known.get(key) for key in keys]


def estimated(name: str, clusters: Sequence[str], verdicts: Verdicts) -> dict[str, float | int]:
    """Return <name>.judged, rate, low and high: the share of finds that answer, with its 95 % interval.

    `clusters` says which finds were drawn, and vary, together. Nothing where fewer than two of them were judged.
    """
    judged = [
        (cluster, answers)
        for cluster, answers in zip(clusters, verdicts, strict=True)
        if answers is not None
    ]
    _, of = np.unique([cluster for cluster, _ in judged], return_inverse=True)
    hits: npt.NDArray[np.int64] = np.bincount(
        of, weights=[answers for _, answers in judged]
    ).astype(np.int64)
    if len(hits) < 2:
        return {}
    found = clustered_share(hits, np.bincount(of).astype(np.int64))
    return {f"{name}.judged": len(judged)} | {
        f"{name}.{key}": value for key, value in found._asdict().items()
    }
