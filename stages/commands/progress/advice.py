"""Whether iterating still pays, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stages.commands.compare.verdicts import Verdict
from stages.commands.progress.steps import Step

SETTLED = 3  # so many changes that are all equivalent say that iterating pays no more
_THEY = {True: "it", False: "they"}
_NUMBERS = {3: "three"}


def advice(
    found: Sequence[Step], delta: float, together: Callable[[Step, Step], Verdict | None]
) -> str:
    """Say in a sentence whether iterating still pays.

    `together` judges the last of several changes against the version before the first of them: small steps in one
    direction can add up.
    """
    words = [step.word for step in found[1:]]
    if not words:
        return "There is one version. Change something, run `make repro`, and ask again."
    if len(words) >= SETTLED and set(words[-SETTLED:]) == {"equivalent"}:
        told = f"The last {_NUMBERS[SETTLED]} changes are equivalent within {delta:g}"
        sum_of = together(found[-SETTLED - 1], found[-1])
        if sum_of is not None and sum_of.word in ("better", "worse") and sum_of.effect is not None:
            return f"{told} each, and {sum_of.word} together ({sum_of.effect.mean:+.4f}): small steps, but steps."
        return f"{told}: fine-tune longer or on more of them, or bring new data."
    told_of = {
        "better": "The last change helped: go on.",
        "worse": "The last change did harm: take it back.",
        "equivalent": f"The last change is equivalent within {delta:g}: try something larger.",
        "no evidence": "The last change could not be told from chance: a larger one could, or more queries.",
        "not comparable": "The last change cannot be compared with what was before: ask `python -m stages compare`.",
    }
    return told_of[words[-1]]


def advice_on_tries(tried: Sequence[Step]) -> str:
    """Say in a sentence which of the experiments is worth keeping; empty where there is none."""
    if not tried:
        return ""
    better = [
        step for step in tried if step.word == "better" and step.verdict and step.verdict.effect
    ]
    count = f"{len(tried)} experiment{'s' * (len(tried) != 1)}"
    if not better:
        return f"Of {count}, none is better than the version it started from."
    best = max(
        better,
        key=lambda step: step.verdict.effect.mean if step.verdict and step.verdict.effect else 0.0,
    )
    told = f"Of {count}, {len(better)} {'is' if len(better) == 1 else 'are'} better than what {_THEY[len(better) == 1]}"
    return f"{told} started from, `{best.side.name}` most: keep it with `dvc exp apply {best.side.name}`."
