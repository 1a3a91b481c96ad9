"""Extraction: tags left and list items lost in API documentation, and the text of made-up and of annotated pages."""

from __future__ import annotations

import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

from bench.faults.page_samples import samples
from stages.clean.markup.fragments import strip_html
from stages.clean.markup.html_tokens import is_element
from stages.clean.pages.extraction import main_text
from stages.clean.pages.loss import page_loss
from stages.clean.pages.structure_text import words_of
from stages.collect import wheels
from stages.collect.kinds import aws

_ITEM = re.compile(
    r"<li\b[^<>]*>(.*?)(?=<li\b|</li>|<ul\b|<ol\b|</ul>|</ol>|$)", re.IGNORECASE | re.DOTALL
)
_MARK = re.compile(r"^ *(?:-|-?[0-9]+\.|[A-Za-z]+\.) ")
_TAG = re.compile(r"</?([A-Za-z][\w-]*)[^<>]*>")
_CODE = re.compile(r"`[^`\n]*`")
DOCUMENTS = 100


def measure(seed: int) -> dict[str, float]:
    """Return what is left and lost in 100 raw documents of the wheel awscli, and `made_up()`."""
    everything = sorted(
        operation.documentation
        for operation in aws.documented_operations(wheels.find_wheel("awscli"))
    )
    documents = random.Random(seed).sample([text for text in everything if "<" in text], DOCUMENTS)
    left = lost = 0
    for html in documents:
        text = strip_html(html)
        # A tag that the source had escaped is content, and stands as code; "<domain name>" is prose.
        left += sum(is_element(name) for name in _TAG.findall(_CODE.sub("", text)))
        marked = [(_MARK.match(line), line) for line in text.splitlines()]
        items = [_letters(line[mark.end() :]) for mark, line in marked if mark]
        for item in _ITEM.findall(html):
            begin = _letters(unescape(_TAG.sub("", item)))[:40]
            lost += bool(begin) and not any(_begins(line, begin) for line in items)
    return {
        "extraction.tags_left": float(left),
        "extraction.list_items_lost": float(lost),
        "extraction.documents": float(len(documents)),
        **made_up(),
    }


def made_up() -> dict[str, float]:
    """Return F1 over the words of made-up pages by kind, ours and trafilatura's, with what our text lost and counted.

    `worst_against_trafilatura` is the smallest difference of F1 over all pages. `uncounted` are words of the gold text
    that our text lacks beyond those that `page_loss` counts.
    """
    import trafilatura

    ours: dict[str, list[float]] = {}
    theirs: dict[str, list[float]] = {}
    uncounted = 0
    pages = samples()
    for sample in pages:
        gold = words_of(sample.gold)
        text = _without_marks(main_text(sample.html))
        ours.setdefault(sample.kind, []).append(_word_f1(gold, words_of(text)))
        their_text = _without_marks(trafilatura.extract(sample.html) or "")
        theirs.setdefault(sample.kind, []).append(_word_f1(gold, words_of(their_text)))
        lost = (gold - words_of(text)).total()
        uncounted += max(0, lost - page_loss(sample.html, text).lost)

    figures: dict[str, float] = {
        "made_up.pages": float(len(pages)),
        "made_up.uncounted": float(uncounted),
    }
    differences: list[float] = []
    for kind, scores in ours.items():
        figures[f"made_up.{kind}.f1"] = sum(scores) / len(scores)
        figures[f"made_up.{kind}.f1_trafilatura"] = sum(theirs[kind]) / len(scores)
        differences += [own - other for own, other in zip(scores, theirs[kind], strict=True)]
    figures["made_up.worst_against_trafilatura"] = min(differences)
    return figures


def pages(folder: Path) -> dict[str, float]:
    """Return F1 over the segments of `folder`/gold.jsonl (to keep: "with", to drop: "without"), and our pace.

    A segment counts as kept when it stands in the text, both with single spaces (trafilatura's own evaluation).
    The pace is trafilatura's seconds of CPU by ours, in one run: 1 is equal, less is slower.
    """
    import trafilatura

    lines = (folder / "gold.jsonl").read_text(encoding="utf-8").splitlines()
    gold = [json.loads(line) for line in lines]
    read = [
        (folder / "pages" / row["file"]).read_bytes().decode("utf-8", "replace") for row in gold
    ]
    trafilatura.extract(read[0])  # what is loaded once is nobody's time
    theirs, their_seconds = _f1(gold, read, lambda html: trafilatura.extract(html) or "")
    ours, our_seconds = _f1(gold, read, main_text)
    return {
        "pages.f1": ours,
        "pages.f1_trafilatura": theirs,
        "pages.pace_vs_trafilatura": their_seconds / our_seconds,
    }


def _f1(
    gold: list[dict[str, Any]], read: list[str], function: Callable[[str], str]
) -> tuple[float, float]:
    begun = time.process_time()
    texts = [function(html) for html in read]
    seconds = time.process_time() - begun
    kept = missed = wrong = 0
    for row, text in zip(gold, texts, strict=True):
        flat = " ".join(text.split())
        found = [" ".join(segment.split()) in flat for segment in row["with"]]
        kept += sum(found)
        missed += len(found) - sum(found)
        wrong += sum(" ".join(segment.split()) in flat for segment in row["without"])
    return 2 * kept / max(1, 2 * kept + missed + wrong), seconds


def _without_marks(text: str) -> str:
    """Return a text without bullets and numbers of lists, which the gold texts do not have."""
    return "\n".join(_MARK.sub("", line, count=1) for line in text.splitlines())


def _word_f1(gold: Counter[str], words: Counter[str]) -> float:
    return 2 * (gold & words).total() / max(1, gold.total() + words.total())


def _begins(line: str, begin: str) -> bool:
    # An item of several paragraphs goes on in the next line.
    return line.startswith(begin) or (len(line) >= 8 and begin.startswith(line))


def _letters(text: str) -> str:
    return "".join(character for character in text if character.isalnum())
