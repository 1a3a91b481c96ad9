"""Documents and pairs that are easy to read, and what recipes make of them."""

import pandas as pd

from stages.clean.passages import passages
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.pairs import Pairs
from stages.lib.text import hash_hex
from stages.pair.render import sources


def d(name: str) -> str:
    return "d" + hash_hex(name)


def p(name: str) -> str:
    return "p" + hash_hex(name)


def documents(*rows: tuple[str, ...]) -> pd.DataFrame:
    """Make documents of (name, title, text) and, where given, topic."""
    made = [(d(name), "faq", title, text, "".join(topic), "") for name, title, text, *topic in rows]
    return pd.DataFrame(made, columns=list(Documents.empty().columns)).astype(
        Documents.empty().dtypes.to_dict()
    )


def pairs(
    *rows: tuple[str, str, str], source: str = "faq", score: float = 1.0, relation: str = "exact"
):
    """Make pairs of (name, anchor, name of the document)."""
    made = [
        (p(name), anchor, d(document), relation, score, source) for name, anchor, document in rows
    ]
    return pd.DataFrame(made, columns=list(Pairs.empty().columns)).astype(
        Pairs.empty().dtypes.to_dict()
    )


def count(texts):
    """Count words, as a tokenizer would."""
    return [len(text.split()) for text in texts]


def read(*rows: tuple[str, ...], words: int | None = None, overlap: int = 0):
    """Return documents of (name, title, text[, topic]) as recipes read them; passages have at most so many words."""
    frame = documents(*rows)
    return sources(frame, passages(frame, words, overlap, count if words else None))


def told(proposals):
    """Return anchor and positive of each proposal."""
    return [(one.anchor, one.positive) for one in proposals]
