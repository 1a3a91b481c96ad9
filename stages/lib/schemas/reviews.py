"""Judgements by people of what a model retrieved: files in data/review/, kept in git.

A file has one line a verdict, with the ids of the row, the verdict, who judged, and a note. It
holds no texts. The lines are in the order of their ids, so that a new verdict is one new line in a
diff. `python -m stages review` shows the rows with their texts, and takes the verdicts.
The stages that read a file follow its verdicts, which outrank their own rules.

Several people may judge the same row. Where they agree, the row has that verdict. Where they do
not, it has none until a line of the judge `agreed` decides.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.lib.core.csv_cells import cell_text, safe_row
from stages.lib.core.errors import UserError

_VERDICT_COLUMNS = ("verdict", "judge", "note")
# The headers of the files: of mined negatives, and of the documents that the fine-tuned model
# ranks first.
NEGATIVES = ("pair_id", "negative_id", *_VERDICT_COLUMNS)
FIRST_HITS = ("query_id", "doc_id", *_VERDICT_COLUMNS)
# The headers of rows that look wrong, from which nothing is estimated.
MISPAIRED = ("pair_id", "doc_id", *_VERDICT_COLUMNS)
NEAR_EDGES = ("left_id", "right_id", *_VERDICT_COLUMNS)
VARIANTS = ("parent_id", "pair_id", *_VERDICT_COLUMNS)
# The header of rules of cleaning: the id of a rule, and the kind of edit that it makes.
EDITS = ("rule_id", "edit", *_VERDICT_COLUMNS)
# The headers of older files, which had columns for texts, by the header of today.
_OLDER_HEADERS: Mapping[tuple[str, ...], tuple[str, ...]] = {
    NEGATIVES: ("pair_id", "negative_id", "anchor", "positive", "negative", "verdict"),
    FIRST_HITS: ("query_id", "doc_id", "query", "answer", "found", "verdict"),
}
# The judge of verdicts that several people agreed on after they had judged differently.
AGREED = "agreed"

_MEANING = {"yes": True, "no": False, "": None}
_REMEDY = "correct the line, or restore the file with git"

# For each retrieved document: whether it is relevant, or None without a judgement.
Judgements = Sequence[bool | None]
# The ids of a row: of the query (or pair), and of the retrieved document.
RowIds = tuple[str, str]


class Judgement(NamedTuple):
    """One line of a file: what a person says of a query and a retrieved document.

    Attributes:
        query_id: the query; for mined negatives the pair.
        doc_id: the retrieved document.
        verdict: `yes`, `no`, or "" for a note without a verdict.
        judge: who judged; "" where one person judges alone.
        note: any text in one line.
    """

    query_id: str
    doc_id: str
    verdict: str
    judge: str = ""
    note: str = ""

    @property
    def is_relevant(self) -> bool | None:
        """Return whether the retrieved document is relevant; None without a verdict.

        >>> Judgement("q1", "d1", "yes").is_relevant
        True
        """
        return _MEANING[self.verdict]

    @property
    def ids(self) -> RowIds:
        """Return the ids of the row."""
        return self.query_id, self.doc_id

    @property
    def key(self) -> tuple[str, str, str]:
        """Return what one line alone has: the ids of the row, and the judge."""
        return self.query_id, self.doc_id, self.judge


def normal_verdict(text: str) -> str | None:
    """Return a verdict as files hold it, or None if the text is none.

    >>> normal_verdict(" Yes "), normal_verdict(""), normal_verdict("perhaps")
    ('yes', '', None)
    """
    verdict = text.strip().lower()
    return verdict if verdict in _MEANING else None


def read_judgements(path: Path, header: Sequence[str]) -> list[Judgement]:
    """Return the verdicts and notes of the file, without repetitions.

    Raises UserError, with the number of the line, if the file is malformed or contradicts itself.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise UserError(
            f"{path} does not exist", f"restore it with 'git checkout {path}'"
        ) from None
    return parse_judgements(content, path, header)


def parse_judgements(content: bytes, path: Path, header: Sequence[str]) -> list[Judgement]:
    """Return the verdicts and notes of a file with this `content`, as `read_judgements` does."""
    numbered_rows = read_cells(content, path)
    columns = tuple(numbered_rows[0][1]) if numbered_rows else ()
    if columns not in (tuple(header), _OLDER_HEADERS.get(tuple(header))):
        raise UserError(f"{path}, line 1: the header is not '{','.join(header)}'", _REMEDY)

    judgement_of_key: dict[tuple[str, str, str], Judgement] = {}
    for line_number, row in numbered_rows[1:]:
        place = f"{path}, line {line_number}"
        if len(row) != len(columns):
            fact = f"{place}: {len(row)} fields where {len(columns)} are expected"
            raise UserError(fact, _REMEDY)

        # Older files have neither judge nor note.
        cells = dict(zip(columns, row, strict=True))
        verdict = normal_verdict(cells["verdict"])
        if verdict is None:
            fact = f"{place}: the verdict {cells['verdict'][:40]!r} is neither yes nor no"
            raise UserError(fact, _REMEDY)
        note = one_line(cells.get("note", ""))
        judgement = Judgement(row[0], row[1], verdict, cells.get("judge", ""), note)

        # A repeated line must agree with the first one.
        first = judgement_of_key.setdefault(judgement.key, judgement)
        if first.verdict != judgement.verdict:
            fact = f"{place}: the same two ids have another verdict further up"
            raise UserError(fact, _REMEDY)

    return [line for line in judgement_of_key.values() if line.verdict or line.note]


def read_cells(content: bytes, path: Path) -> list[tuple[int, list[str]]]:
    """Return the rows of a CSV file that are not empty, with their line numbers.

    Raises:
        UserError: the content is no CSV file in UTF-8.
    """
    try:
        # A spreadsheet may have put a byte order mark before the header.
        stream = io.StringIO(content.decode("utf-8-sig"), newline="")
        reader = csv.reader(stream, strict=True)
        return [(reader.line_num, list(map(cell_text, row))) for row in reader if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} is not a CSV file in UTF-8: {error}", _REMEDY) from None


def write_judgements(lines: Iterable[Judgement], path: Path, header: Sequence[str]) -> None:
    """Write the verdicts `lines` to `path`, under the `header`, in the order of ids and judges."""
    encoded = [judgement_line(line) for line in sorted(lines, key=lambda line: line.key)]
    path.write_bytes(b"".join([_line(header), *encoded]))


def judgement_line(line: Judgement) -> bytes:
    r"""Return a line of a file.

    >>> judgement_line(Judgement("q1", "d1", "no", "", "two\nlines"))
    b'q1,d1,no,,two lines\n'
    """
    return _line(line._replace(note=one_line(line.note)))


def one_line(text: str) -> str:
    r"""Return a text with single spaces alone, so that a line of a file stays one line.

    >>> one_line(" a\n b ")
    'a b'
    """
    return " ".join(text.split())


def _line(cells: Iterable[str]) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow(safe_row(cells))
    return stream.getvalue().encode("utf-8")


def verdict_of_rows(lines: Iterable[Judgement]) -> dict[RowIds, bool | None]:
    """Return whether each judged row is relevant; None where judges contradict each other.

    A line of the judge `agreed` decides.

    >>> lines = [Judgement("q1", "d1", "yes", "a"), Judgement("q1", "d1", "no", "b")]
    >>> verdict_of_rows(lines)
    {('q1', 'd1'): None}
    >>> verdict_of_rows([*lines, Judgement("q1", "d1", "no", AGREED)])
    {('q1', 'd1'): False}
    """
    verdicts: dict[RowIds, set[bool]] = {}
    agreed: dict[RowIds, bool | None] = {}
    for line in lines:
        if line.is_relevant is None:
            continue
        verdicts.setdefault(line.ids, set()).add(line.is_relevant)
        if line.judge == AGREED:
            agreed[line.ids] = line.is_relevant

    decided: dict[RowIds, bool | None] = {
        ids: next(iter(values)) if len(values) == 1 else None for ids, values in verdicts.items()
    }
    return decided | agreed


class Verdicts(NamedTuple):
    """The rows of a file that people decided, by their ids."""

    yes: frozenset[RowIds] = frozenset()
    no: frozenset[RowIds] = frozenset()


def read_verdicts(path: Path, header: Sequence[str]) -> Verdicts:
    """Return what people decided, as rules for a stage. Rows on which they differ are in neither.

    Raises:
        UserError: the file is missing, malformed, or contradicts itself. The message has the line.
    """
    verdicts = verdict_of_rows(read_judgements(path, header))
    return Verdicts(
        yes=frozenset(ids for ids, verdict in verdicts.items() if verdict is True),
        no=frozenset(ids for ids, verdict in verdicts.items() if verdict is False),
    )


def judgements_of(keys: Iterable[RowIds], lines: Iterable[Judgement]) -> Judgements:
    """Return the judgement in `lines` of each key, or None if there is none.

    A key has the id of a query and of a retrieved document. Other rows of `lines` are ignored.

    >>> judgements_of([("q1", "d1"), ("q1", "d2")], [Judgement("q1", "d1", "no")])
    [False, None]
    """
    verdict_of_ids = verdict_of_rows(lines)
    return [verdict_of_ids.get(ids) for ids in keys]


def rate_with_interval(
    name: str, clusters: Sequence[str], verdicts: Judgements
) -> dict[str, float | int]:
    """Return the share of retrieved documents that are relevant, with its 95 % interval.

    The keys are <name>.judged (the number of judgements), <name>.rate, <name>.low and
    <name>.high. `clusters` names the cluster of each document: those of a cluster were sampled
    together. The result is empty if fewer than two clusters have judgements.

    >>> metrics = rate_with_interval("label_error", ["a", "b", "c"], [True, False, None])
    >>> metrics["label_error.judged"], metrics["label_error.rate"]
    (2, 0.5)
    """
    # Leave out documents without a judgement.
    labelled_clusters: list[str] = []
    is_relevant: list[bool] = []
    for cluster, verdict in zip(clusters, verdicts, strict=True):
        if verdict is not None:
            labelled_clusters.append(cluster)
            is_relevant.append(verdict)

    # Count relevant and all documents of each cluster.
    _, cluster_numbers = np.unique(labelled_clusters, return_inverse=True)
    hits = np.bincount(cluster_numbers, weights=is_relevant).astype(np.int64)
    sizes = np.bincount(cluster_numbers).astype(np.int64)
    if len(hits) < 2:
        return {}

    share = clustered_share(hits, sizes)
    return {
        f"{name}.judged": len(is_relevant),
        f"{name}.rate": share.rate,
        f"{name}.low": share.low,
        f"{name}.high": share.high,
    }


class ClusteredShare(NamedTuple):
    """A share and its 95 % interval."""

    rate: float
    low: float
    high: float


def clustered_share(hits: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]) -> ClusteredShare:
    """Return the share of hits among items that were sampled in clusters.

    `hits` and `sizes` have shape (clusters,): the hits and the items of each cluster.

    The interval is Wilson's, with the number of items divided by the design effect: how much more
    the clusters vary than single items would. The design effect is never below 1. If all items
    are hits, or none is, it is that of clusters whose items are all alike. The interval covers
    93 to 97 % from about ten hits on. With fewer hits, all in a few clusters, it covers 91 %.

    Raises ValueError if there are fewer than two clusters.

    >>> share = clustered_share(np.array([1, 0, 0, 1]), np.array([2, 1, 1, 2]))
    >>> [round(value, 3) for value in share]
    [0.333, 0.05, 0.826]
    """
    from scipy import stats

    clusters = len(sizes)
    items = float(sizes.sum())
    if clusters < 2:
        raise ValueError(f"{clusters} cluster(s) give no interval")

    # The interval is as wide as that of so many independent items.
    rate = float(hits.sum()) / items
    effective = items / _design_effect(hits, sizes, rate)
    bound = float(stats.t.ppf(0.975, clusters - 1))

    # Wilson's interval: its centre lies between the rate and one half.
    weight = 1.0 + bound**2 / effective
    centre = (rate + bound**2 / (2.0 * effective)) / weight
    variance = (rate * (1.0 - rate) + bound**2 / (4.0 * effective)) / effective
    half_width = bound * variance**0.5 / weight
    return ClusteredShare(rate, max(0.0, centre - half_width), min(1.0, centre + half_width))


def _design_effect(
    hits: npt.NDArray[np.int64],
    sizes: npt.NDArray[np.int64],
    rate: float,
) -> float:
    clusters = len(sizes)
    items = float(sizes.sum())

    # All items are hits, or none is: nothing shows how alike the items of a cluster are.
    if not 0.0 < rate < 1.0:
        return float((sizes.astype(np.float64) ** 2).sum()) / items

    # The variance between clusters over that of as many independent items.
    squares = float(((hits - rate * sizes) ** 2).sum())
    variance = clusters / (clusters - 1) * squares / items**2
    return max(1.0, variance * items / (rate * (1.0 - rate)))
