"""Boilerplate: recurring lines and sentences planted at known rates, taken out again.

Other sources have recurring lines that carry something beside a footer that does not.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from bench.faults.corpora import definitions, operations
from stages.clean.interface import CleanParams
from stages.clean.pipeline import PassContext
from stages.clean.pipeline import clean as stage_clean
from stages.lib.core import tables
from stages.lib.core.ids import hash_hex
from stages.lib.core.params import load_section
from stages.lib.preprocessing.table_parts import MergedParts
from stages.lib.preprocessing.word_lists import Abbreviations
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.pairs import Pairs
from stages.lib.text.normal_form import normal_form

PLANTED = (
    ("Acme Help Center", 1.0),
    ("We use cookies to improve your experience. By continuing you accept our policy.", 0.3),
    ("This page is for information only and does not replace medical advice.", 0.08),
    ("Was this article helpful?", 0.5),
    ("Call our hotline for more details.", 0.15),
)

# Lines that carry something, by kind. A document of the kind holds one of each tuple.
CONTENT = {
    "fields": (
        ("Width: 20 cm", "Width: 30 cm", "Width: 45 cm"),
        ("Material: solid oak", "Material: powder-coated steel"),
        ("Made in Italy", "Made in South Korea", "Made in Portugal"),
    ),
    "answers": (
        (
            "Yes, this is covered in full.",
            "No, this is never covered.",
            "Only after you paid the deductible.",
        ),
    ),
    "clauses": (
        (
            "This agreement is governed by the laws of Delaware.",
            "This agreement is governed by the laws of New York.",
        ),
        ("The deposit is refundable.", "The deposit is not refundable."),
    ),
    "presence": (("Dishwasher safe and oven safe", ""),),
    "units": (("mg per day", "g per day"), ("Unit = mmol / l", "Unit = mg / dl")),
    "languages": (
        ("Farbe: rot lackiert", "Farbe: blau matt"),
        ("\u989c\u8272\uff1a\u6df1\u7ea2\u8272", "\u989c\u8272\uff1a\u6d45\u84dd\u8272"),
        (
            "\u0426\u0432\u0435\u0442: \u043a\u0440\u0430\u0441\u043d\u044b\u0439",
            "\u0426\u0432\u0435\u0442: \u0441\u0438\u043d\u0438\u0439",
        ),
    ),
}
FOOTER = "Was this page of any help to you?"


def measure_content(seed: int) -> dict[str, float]:
    """Return the shares of content that stays and of footers that go, and documents made equal."""
    draw = random.Random(seed)
    held = kept = footers = left = equal = 0
    for kind, choices in sorted(CONTENT.items()):
        pages: list[str] = []
        lines: list[list[str]] = []
        for text in draw.sample(operations(), 600):
            # Each text stands there twice where presence is all that differs.
            variants = choices[0] if kind == "presence" else [None]
            for variant in variants:
                chosen = (
                    [draw.choice(values) for values in choices] if variant is None else [variant]
                )
                lines.append([line for line in chosen if line])
                pages.append("\n".join([text, *lines[-1], FOOTER]))
        cleaned = clean(pages)
        for page_lines, text in zip(lines, cleaned, strict=True):
            held += len(page_lines)
            kept += sum(line in text for line in page_lines)
            footers += 1
            left += FOOTER in text
        equal += len(set(pages)) - len(set(cleaned))
    return {
        "boilerplate.content_kept": kept / held,
        "boilerplate.footers_removed": 1 - left / footers,
        "boilerplate.documents_made_equal": float(equal),
    }


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
        **measure_content(seed),
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
    """Return `texts` without what recurs over them, as the stage cleans one source."""
    rows = [("d" + hash_hex(str(at)), "s", "", text, "", "") for at, text in enumerate(texts)]
    frame = pd.DataFrame(rows, columns=list(Documents.empty().columns))
    params = load_section(CleanParams).model_copy(
        update={
            "abbreviations": "off",
            "typos": "off",
            "max_symbol_share": None,
            "max_repetition": None,
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        read, none, written = (Path(folder) / f"{name}.parquet" for name in ("a", "b", "c"))
        tables.write(frame.astype(Documents.empty().dtypes.to_dict()), read, Documents)
        tables.write(Pairs.empty(), none, Pairs)
        corpus = stage_clean(
            tables.shards(read),
            tables.shards(none),
            PassContext(params, Abbreviations({}, {}), None),
            Path(folder) / "scratch",
        )
        MergedParts([corpus.documents]).write(written, Documents)
        cleaned = tables.read(written, Documents).set_index("doc_id")["text"]
    return [cleaned[row[0]] for row in rows]
