"""Judgements by people of what a model retrieved: files in data/review/, kept in git.

`python -m stages review` writes rows without a judgement into them. A person writes `yes` or `no`
into the column verdict: is the retrieved document relevant after all?
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.lib.core.csv_cells import cell_text, safe_row
from stages.lib.core.errors import UserError

# The headers of the files: of mined negatives, and of the documents that the fine-tuned model
# ranks first.
NEGATIVES = ("pair_id", "negative_id", "anchor", "positive", "negative", "verdict")
FIRST_HITS = ("query_id", "doc_id", "query", "answer", "found", "verdict")
_MEANING = {"yes": True, "no": False, "": None}
_REMEDY = "correct the line, or restore the file with git"

# For each retrieved document: whether it is relevant, or None without a judgement.
Judgements = Sequence[bool | None]


class Judgement(NamedTuple):
    """One row of a file: a query, a retrieved document, and a person's judgement of it.

    `query_id` and `query` are the id and text of the query (of the pair and its anchor, for mined
    negatives). `doc_id` and `retrieved` are those of the retrieved document. `positive` is the text
    of the known relevant document. `verdict` is as it was written.
    """

    query_id: str
    doc_id: str
    query: str
    positive: str
    retrieved: str
    verdict: str

    @property
    def is_relevant(self) -> bool | None:
        """Return whether the retrieved document is relevant; None without a judgement.

        >>> Judgement("q1", "d1", "query", "positive", "retrieved", "Yes ").is_relevant
        True
        """
        return _MEANING[_normal_verdict(self.verdict)]


def _normal_verdict(text: str) -> str:
    return text.strip().lower()


def read_judgements(path: Path, header: Sequence[str]) -> list[Judgement]:
    """Return the rows of the file, without repetitions.

    Raises UserError, with the number of the line, if the file is malformed or contradicts itself.
    """
    numbered_rows = _read_csv(path)
    if not numbered_rows or numbered_rows[0][1] != list(header):
        raise UserError(f"{path}, line 1: the header is not '{','.join(header)}'", _REMEDY)

    verdict_of_ids: dict[tuple[str, str], Judgement] = {}
    for line_number, row in numbered_rows[1:]:
        place = f"{path}, line {line_number}"

        # The row must have all fields and a judgement that we know.
        if len(row) != len(header):
            fact = f"{place}: {len(row)} fields where {len(header)} are expected"
            raise UserError(fact, _REMEDY)
        verdict = Judgement(*row)
        if _normal_verdict(verdict.verdict) not in _MEANING:
            fact = f"{place}: the verdict {verdict.verdict[:40]!r} is neither yes nor no"
            raise UserError(fact, _REMEDY)

        # A repeated row must agree with the first one.
        ids = (verdict.query_id, verdict.doc_id)
        first_verdict = verdict_of_ids.setdefault(ids, verdict)
        if first_verdict.is_relevant != verdict.is_relevant:
            fact = f"{place}: the same two ids have another verdict further up"
            raise UserError(fact, _REMEDY)

    return list(verdict_of_ids.values())


def _read_csv(path: Path) -> list[tuple[int, list[str]]]:
    """Return the rows that are not empty, with their line numbers."""
    try:
        # A spreadsheet may have put a byte order mark before the header.
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            return [(reader.line_num, list(map(cell_text, row))) for row in reader if row]
    except FileNotFoundError:
        raise UserError(
            f"{path} does not exist", f"restore it with 'git checkout {path}'"
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} is not a CSV file in UTF-8: {error}", _REMEDY) from None


def write_judgements(lines: Iterable[Judgement], path: Path, header: Sequence[str]) -> None:
    """Write the rows `lines` to `path`, under the `header`."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(map(safe_row, lines))


def judgements_of(keys: Iterable[tuple[str, str]], lines: Iterable[Judgement]) -> Judgements:
    """Return the judgement in `lines` of each key, or None if there is none.

    A key has the id of a query and of a retrieved document. Other rows of `lines` are ignored.

    >>> judgements_of([("q1", "d1"), ("q1", "d2")], [Judgement("q1", "d1", "", "", "", "no")])
    [False, None]
    """
    judgement_of_ids = {(line.query_id, line.doc_id): line.is_relevant for line in lines}
    return [judgement_of_ids.get(ids) for ids in keys]


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
