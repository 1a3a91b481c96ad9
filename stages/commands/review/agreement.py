"""How far two people agree who judged the same rows, and the rows on which they do not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

from stages.commands.review.queues import ReviewItem
from stages.lib.schemas.reviews import AGREED, Judgement, RowIds


class JudgeAgreement(NamedTuple):
    """Two judges of a queue.

    Attributes:
        judges: their names.
        rows: rows that both judged.
        conflicts: rows on which they differ.
        kappa: Cohen's kappa; None if both gave one and the same verdict alone.
    """

    judges: tuple[str, str]
    rows: int
    conflicts: int
    kappa: float | None

    def __str__(self) -> str:
        first, second = (judge or "(no name)" for judge in self.judges)
        kappa = "not defined" if self.kappa is None else f"{self.kappa:.2f}"
        return (
            f"{first} and {second}: {self.rows:,} rows judged by both, {self.conflicts:,} "
            f"conflicts, Cohen's kappa {kappa}"
        )


def agreements(lines: Iterable[Judgement]) -> list[JudgeAgreement]:
    """Return the agreement of every two judges who share rows, by their names."""
    verdicts: dict[str, dict[RowIds, bool]] = {}
    for line in lines:
        if line.is_relevant is not None and line.judge != AGREED:
            verdicts.setdefault(line.judge, {})[line.ids] = line.is_relevant

    results = []
    for first, second in combinations(sorted(verdicts), 2):
        shared = [ids for ids in verdicts[first] if ids in verdicts[second]]
        if shared:
            first_verdicts = [verdicts[first][ids] for ids in shared]
            second_verdicts = [verdicts[second][ids] for ids in shared]
            results.append(_agreement((first, second), first_verdicts, second_verdicts))
    return results


def _agreement(
    judges: tuple[str, str], first: Sequence[bool], second: Sequence[bool]
) -> JudgeAgreement:
    # Where both know one verdict alone, chance explains all, and kappa is 0 / 0.
    kappa = None
    if len({*first, *second}) > 1:
        from sklearn.metrics import cohen_kappa_score

        kappa = float(cohen_kappa_score(first, second))
    conflicts = sum(left != right for left, right in zip(first, second, strict=True))
    return JudgeAgreement(judges, len(first), conflicts, kappa)


def conflicting(lines: Iterable[Judgement]) -> set[RowIds]:
    """Return the rows on which judges differ, also those on which they have agreed since.

    >>> lines = [Judgement("q1", "d1", "yes", "a"), Judgement("q1", "d1", "no", "b")]
    >>> conflicting([*lines, Judgement("q2", "d1", "yes", "a")])
    {('q1', 'd1')}
    """
    verdicts: dict[RowIds, set[bool]] = {}
    for line in lines:
        if line.is_relevant is not None and line.judge != AGREED:
            verdicts.setdefault(line.ids, set()).add(line.is_relevant)
    return {ids for ids, values in verdicts.items() if len(values) > 1}


def with_opinions(
    items: Sequence[ReviewItem], lines: Sequence[Judgement], judge: str
) -> list[ReviewItem]:
    """Return the rows on which judges differ, each with what they said.

    Args:
        items: the rows of a queue.
        lines: all verdicts of the queue.
        judge: who looks. Rows that this judge has not judged are left out, and stay unseen.
    """
    differing = conflicting(lines)
    if not differing:
        return []
    own = {line.ids for line in lines if line.judge == judge and line.is_relevant is not None}
    opinions: dict[RowIds, list[str]] = {ids: [] for ids in differing & own}
    for line in lines:
        if line.ids in opinions and line.judge != AGREED:
            note = f" ({line.note})" if line.note else ""
            opinions[line.ids].append(f"{line.judge or '(no name)'}: {line.verdict}{note}")
    return [
        item._replace(opinions=tuple(opinions[item.ids])) for item in items if item.ids in opinions
    ]
