"""Documents and pairs that are easy to read, and the candidates that recipes make of them."""

import pandas as pd

from stages.clean.passages import passages
from stages.lib.core.ids import hash_hex
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.pairs import Pairs
from stages.pair.render import source_documents

TWO_PASSAGES = "Hold the round button down. The lamp blinks two times. Then let the button go. It starts anew at once."


def d(name: str) -> str:
    return "d" + hash_hex(name)


def p(name: str) -> str:
    return "p" + hash_hex(name)


def documents(*rows: tuple[str, ...]) -> pd.DataFrame:
    """Return documents of (name, title, text) and, where given, topic."""
    columns_of_rows = [
        (d(name), "faq", title, text, "".join(topic), "") for name, title, text, *topic in rows
    ]
    return pd.DataFrame(columns_of_rows, columns=list(Documents.empty().columns)).astype(
        Documents.empty().dtypes.to_dict()
    )


def pairs(
    *rows: tuple[str, str, str], source: str = "faq", score: float = 1.0, relation: str = "exact"
):
    """Return pairs of (name, anchor, name of the document)."""
    columns_of_rows = [
        (p(name), anchor, d(document), relation, score, source) for name, anchor, document in rows
    ]
    return pd.DataFrame(columns_of_rows, columns=list(Pairs.empty().columns)).astype(
        Pairs.empty().dtypes.to_dict()
    )


def count_words(texts):
    """Return the number of words of each text, as a tokenizer would."""
    return [len(text.split()) for text in texts]


def read_sources(*rows: tuple[str, ...], words: int | None = None, overlap: int = 0):
    """Return documents of (name, title, text[, topic]) as recipes read them; passages have at most so many words."""
    frame = documents(*rows)
    return source_documents(frame, passages(frame, words, overlap, count_words if words else None))


def texts_of(candidates):
    """Return anchor and positive of each candidate."""
    return [(candidate.anchor, candidate.positive) for candidate in candidates]
