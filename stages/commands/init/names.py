"""Names for sources."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from stages.collect.source import OUT_OF_DOMAIN


def source_name(stem: str, default: str = "table") -> str:
    """Return a name of letters, digits, '_' and '-'; `default` where there are none.

    >>> source_name("Häufige Fragen (2)")
    'Haufige_Fragen_2'
    >>> source_name("портал", "documents")
    'documents'
    """
    decomposed = unicodedata.normalize("NFKD", stem)
    ascii_letters = decomposed.encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", ascii_letters).strip("_-")
    return name if name and name != OUT_OF_DOMAIN else default


def free_name(name: str, used: Sequence[str]) -> str:
    """Return `name`, with a number if it is used already.

    >>> free_name("faq", ["faq"])
    'faq_2'
    """
    number = 2
    free = name
    while free in used:
        free = f"{name}_{number}"
        number += 1
    return free
