"""Passages: a document that is longer than the model reads is cut on sentence boundaries, with overlap."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import pandas as pd

from stages.lib.contracts.passages import Passages
from stages.lib.sentences import sentences

Count = Callable[[Sequence[str]], list[int]]
_WORDS = re.compile(r"\S+\s*|\s+")


def passages(
    documents: pd.DataFrame, budget: int | None, overlap: int, count: Count | None
) -> pd.DataFrame:
    """Return the Passages of `documents`; without a budget each document is one passage."""
    texts = list(documents["text"])
    parts = cut(texts, budget, overlap, count) if budget and count else [[text] for text in texts]
    rows = [
        (f"{doc_id}-{at:04d}", doc_id, at, text)
        for doc_id, stretches in zip(documents["doc_id"], parts, strict=True)
        for at, text in enumerate(stretches)
    ]
    empty = Passages.empty()
    return pd.DataFrame(rows, columns=list(empty.columns)).astype(empty.dtypes.to_dict())


def cut(texts: Sequence[str], budget: int, overlap: int, count: Count) -> list[list[str]]:
    """Return the passages of each text: whole sentences, at most `budget` tokens by `count`.

    A passage repeats up to `overlap` tokens of whole sentences from the one before. A sentence over the budget
    is cut between words, and a word over the budget between characters.
    """
    # No tokenizer makes more tokens than bytes, of the text as it stands or as it is normalized, and one for the start.
    doubtful = [at for at, text in enumerate(texts) if _most_bytes(text) >= budget]
    lengths = (
        dict(zip(doubtful, count([texts[at] for at in doubtful]), strict=True)) if doubtful else {}
    )
    return [
        [text]
        if lengths.get(at, 0) <= budget
        else _pack(_pieces(text, budget, count), budget, overlap, count)
        for at, text in enumerate(texts)
    ]


def _pack(pieces: list[str], budget: int, overlap: int, count: Count) -> list[str]:
    sizes = count(pieces)
    found: list[str] = []
    start = 0
    while start < len(pieces):
        end, used = start, 0
        while end < len(pieces) and (end == start or used + sizes[end] <= budget):
            used, end = used + sizes[end], end + 1
        end = _fitting(pieces, start, end, budget, count)
        found.append("".join(pieces[start:end]).strip())
        if end == len(pieces):
            break
        # Step back over whole sentences worth `overlap`, but always forward from where this passage began.
        back, kept = end, 0
        while (
            back - 1 > start
            and kept + sizes[back - 1] <= overlap
            and kept + sizes[back - 1] + sizes[end] <= budget
        ):
            back -= 1
            kept += sizes[back]
        start = back
    return [text for text in found if text]


def _pieces(text: str, budget: int, count: Count) -> list[str]:
    """Return `text` in sentences with the white space after them, those over the budget cut further."""
    found = sentences(text)
    pieces: list[str] = []
    for sentence, size in zip(found, count(found), strict=True):
        pieces += (
            [sentence] if size <= budget else _grouped(_WORDS.findall(sentence), budget, count)
        )
    return pieces


def _grouped(parts: list[str], budget: int, count: Count) -> list[str]:
    """Return `parts` joined, as many as fit at a time; a word over the budget is cut between its characters."""
    sizes = count(parts)
    groups: list[str] = []
    start = 0
    while start < len(parts):
        if sizes[start] > budget and len(parts[start]) > 1:
            groups += _grouped(list(parts[start]), budget, count)
            start += 1
            continue
        end, used = start, 0
        while end < len(parts) and (end == start or used + sizes[end] <= budget):
            used, end = used + sizes[end], end + 1
        end = _fitting(parts, start, end, budget, count)
        groups.append("".join(parts[start:end]))
        start = end
    return groups


def _fitting(parts: list[str], start: int, end: int, budget: int, count: Count) -> int:
    """Return the last end at which `parts` fit when joined: a whole word may have more tokens than its halves."""
    while end - start > 1 and count(["".join(parts[start:end]).strip()])[0] > budget:
        end -= 1
    return end


def _most_bytes(text: str) -> int:
    return max(len(text.encode()), len(unicodedata.normalize("NFKD", text).encode()))


@lru_cache(maxsize=1)
def token_counter(folder: Path) -> Count:
    """Return the counter of tokens, special ones left out, of the model in `folder`."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return lambda texts: [
        len(found.ids) for found in tokenizer.encode_batch(list(texts), add_special_tokens=False)
    ]
