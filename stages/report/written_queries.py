"""Sentences of the page on the queries that people wrote, and on those that recipes made."""

from __future__ import annotations

from stages.lib.analysis.intervals import MIN_COMPONENTS
from stages.lib.reporting.details import StageDetails
from stages.lib.reporting.html import Html, paragraph

_SPLITS = ("test", "validation")
_DRAW = "`python -m stages queries` draws passages for which people can write some."


def written_queries(metrics: StageDetails) -> list[Html]:
    """Return what the model gains on written queries; a warning where recipes made all queries."""
    parts: list[Html] = []
    if metrics.get("evaluate", "synthetic_exam"):
        parts.append(paragraph(f"Recipes made all queries; nobody asked them. {_DRAW}", "bad"))

    for split in _SPLITS:
        count = metrics.get("evaluate", f"written_{split}.queries")
        if count:
            parts.append(paragraph(_sentence(metrics, split, int(count))))

    # Written queries that cannot be asked.
    reasons = {
        "not_held_out": "their document is no longer held out in the split of the line",
        "not_in_corpus": "their document is no longer in the corpus",
        "equals_training": "training has an equal anchor",
    }
    for reason, meaning in reasons.items():
        left_out = metrics.get("evaluate", f"written.left_out.{reason}")
        if left_out:
            sentence = f"{left_out:,} written queries are not asked: {meaning}."
            parts.append(paragraph(sentence, "note"))

    return parts


def _sentence(metrics: StageDetails, split: str, count: int) -> str:
    prefix = f"written_{split}"
    gain = f"{prefix}.gain.over_base.ndcg_at_10"
    score = metrics.require("evaluate", f"{prefix}.finetuned.ndcg_at_10")
    mean = metrics.require("evaluate", f"{gain}.mean")
    sentence = (
        f"On {count:,} queries that people wrote for {split}, nDCG@10 of the fine-tuned model is "
        f"{score:.3f}, {mean:+z.3f} over the base model"
    )

    # A handful of components gives no verdict.
    low = metrics.get("evaluate", f"{gain}.low")
    high = metrics.get("evaluate", f"{gain}.high")
    if low is None or high is None:
        components = metrics.require("evaluate", f"{prefix}.components")
        return (
            f"{sentence}. They are in {components:,} components. Under {MIN_COMPONENTS} there is "
            "no interval, and no verdict."
        )
    return f"{sentence} (95 % interval {low:+z.3f} to {high:+z.3f})."
