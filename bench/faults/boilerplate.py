"""Boilerplate: recurring lines and sentences planted at known rates, taken out again."""

from __future__ import annotations

import random
from collections.abc import Sequence

from bench.faults.corpora import definitions, operations
from stages.clean.boilerplate import count_segments, recurring_segments, remove_recurring
from stages.clean.edits import apply
from stages.clean.interface import CleanParams
from stages.lib.core.params import load_section
from stages.lib.text.normal_form import normal_form

PLANTED = (
    ("Acme Help Center", 1.0),
    ("We use cookies to improve your experience. By continuing you accept our policy.", 0.3),
    ("This page is for information only and does not replace medical advice.", 0.08),
    ("Was this article helpful?", 0.5),
    ("Call our hotline for more details.", 0.15),
)


def measure(seed: int) -> dict[str, float]:
    """Return precision and recall over planted pieces, and whether shuffled documents give the same texts."""
    hits = planted = removed = 0
    same = True
    for texts in (definitions(), operations()):
        draw = random.Random(seed)
        pages = [plant(text, draw) for text in texts]
        cleaned = clean([page for page, _ in pages])
        for (page, held), left in zip(pages, cleaned, strict=True):
            planted += len(held)
            hits += sum(piece not in left for piece in held)
            # Whatever else is missing was taken wrongly.
            wanted = len(normal_form(page)) - sum(len(normal_form(piece)) + 1 for piece in held)
            removed += sum(piece not in left for piece in held) + (
                len(normal_form(left)) < wanted - 1
            )
        shuffled = list(range(len(pages)))
        draw.shuffle(shuffled)
        again = clean([pages[at][0] for at in shuffled])
        same &= [cleaned[at] for at in shuffled] == again
    return {
        "boilerplate.precision": hits / removed,
        "boilerplate.recall": hits / planted,
        "boilerplate.same_under_shuffling": float(same),
    }


def plant(text: str, draw: random.Random) -> tuple[str, list[str]]:
    """Return `text` with pieces before it, behind it, or glued to its last sentence, and the pieces."""
    held = []
    for piece, rate in PLANTED:
        if draw.random() < rate:
            held.append(piece)
            glued = (
                piece.endswith((".", "?")) and len(piece.split()) > 3 and text.endswith((".", "?"))
            )
            place = draw.choice(["before", "behind", "glued"] if glued else ["before", "behind"])
            text = {
                "before": f"{piece}\n{text}",
                "behind": f"{text}\n{piece}",
                "glued": f"{text} {piece}",
            }[place]
    return text, held


def clean(texts: Sequence[str]) -> list[str]:
    """Return `texts` without what recurs over them, by the project's parameters."""
    params = load_section(CleanParams)
    keys = recurring_segments(
        count_segments(texts),
        len(texts),
        params.boilerplate_share or 1.0,
        params.boilerplate_min_documents,
    )
    return [apply(text, remove_recurring(text, keys)) for text in texts]
