"""Collisions: documents that said different things as collected, and are equal after cleaning.

Equal means one strict form of what is embedded. What a document said is counted by other means
than those of the rules: another parser (Lexbor) reads its markup, and no word is left out. So a
rule that loses what tells two documents apart does not decide whether it did.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.clean.pages.loss import main_element_text
from stages.lib.core.ids import hash_hex

# The target of a link in Markdown is not read.
_LINK_TARGET = re.compile(r"(?<=\])\([^()\s]*(?:\s\"[^\"]*\")?\)")

# Letters and digits, and the signs that are content and never markup: C++, C#, CD4+, -5, 5 %.
_CONTENT = re.compile(r"[^\W_]+|(?<=\w)[+#]+|-(?=\d)|[<>≤≥](?=\s?\d)|[%°±=$€£¥]")
_NOT_A_LETTER = re.compile(r"[\W_]+")


class Candidate(NamedTuple):
    """A cleaned document that may equal another one.

    Attributes:
        doc_id: its id.
        form: the hash of the strict form of what is embedded.
        content: the hash of what it said as collected.
        is_changed: whether it says something else after cleaning.
    """

    doc_id: str
    form: str
    content: str
    is_changed: bool


def coarse_hashes(texts: Iterable[str]) -> np.ndarray:
    """Return the hashes of the letters and digits of `texts`, as unsigned integers.

    Texts with one strict form have one hash. The reverse does not hold.
    """
    forms: list[str] = []
    for text in texts:
        composed = text if text.isascii() else unicodedata.normalize("NFC", text)
        forms.append(_NOT_A_LETTER.sub("", composed.lower()))

    return pd.util.hash_array(np.array(forms, dtype=object), categorize=False)


def hash_content(text: str, title: str, *, is_markup: bool) -> str:
    """Return the hash of what `title` and `text` say to a reader, as letters, digits and signs.

    With `is_markup`, tags and entities are read as markup, and what HTML itself calls furniture
    is left out.
    """
    pieces: list[str] = []
    for field in (title, text):
        has_markup = is_markup and ("<" in field or "&" in field)
        seen = main_element_text(field) if has_markup else field
        folded = unicodedata.normalize("NFKC", _LINK_TARGET.sub("", seen))
        pieces.append("".join(_CONTENT.findall(folded)))

    return hash_hex("\n".join(pieces))


def find_collisions(candidates: Iterable[Candidate]) -> dict[str, str]:
    """Return the id of each document that collides to the id of one that it equals.

    Documents collide if they said different things and have one form. Those that cleaning did
    not change are no keys.

    >>> find_collisions([Candidate("d1", "x", "x", False), Candidate("d2", "x", "xy", True)])
    {'d2': 'd1'}
    """
    group_of_form: defaultdict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        group_of_form[candidate.form].append(candidate)

    partner_of_id: dict[str, str] = {}
    for group in group_of_form.values():
        # The first two ids that say different things are partners enough.
        first = min(group, key=lambda candidate: candidate.doc_id)
        others = [candidate for candidate in group if candidate.content != first.content]
        if not others:
            continue

        second = min(others, key=lambda candidate: candidate.doc_id)
        for candidate in group:
            partner = second if candidate.content == first.content else first
            if candidate.is_changed:
                partner_of_id[candidate.doc_id] = partner.doc_id

    return dict(sorted(partner_of_id.items()))
