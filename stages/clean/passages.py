"""Passages: a document longer than the model reads is cut between sentences, with overlap."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import pandas as pd

from stages.lib.core.model_loading import loading
from stages.lib.preprocessing.language import split_sentences
from stages.lib.schemas.documents import Passages

# From texts to the number of tokens of each.
TokenCounter = Callable[[Sequence[str]], list[int]]
_WORDS = re.compile(r"\S+\s*|\s+")


def passages(
    documents: pd.DataFrame,
    budget: int | None,
    overlap: int,
    count: TokenCounter | None,
) -> pd.DataFrame:
    """Return the Passages of `documents`; without a budget, each document is one passage."""
    texts = list(documents["text"])
    if budget and count:
        texts_by_document = cut(texts, budget, overlap=overlap, count=count)
    else:
        texts_by_document = [[text] for text in texts]

    # Ids number the passages of a document.
    rows: list[tuple[str, str, int, str]] = []
    for doc_id, passage_texts in zip(documents["doc_id"], texts_by_document, strict=True):
        for index, text in enumerate(passage_texts):
            rows.append((f"{doc_id}-{index:04d}", doc_id, index, text))

    empty = Passages.empty()

    return pd.DataFrame(rows, columns=list(empty.columns)).astype(empty.dtypes.to_dict())


def cut(
    texts: Sequence[str],
    budget: int,
    overlap: int,
    count: TokenCounter,
) -> list[list[str]]:
    """Return the passages of each text: whole sentences, at most `budget` tokens by `count`.

    A passage repeats up to `overlap` tokens of whole sentences from the passage before it. A
    sentence over the budget is cut between words, and a word over the budget between
    characters.
    """
    # A tokenizer makes at most one token a byte, and one for the start. So only long texts are
    # counted.
    long_indices = [index for index, text in enumerate(texts) if _most_bytes(text) >= budget]
    token_counts = count([texts[index] for index in long_indices]) if long_indices else []
    count_of_index = dict(zip(long_indices, token_counts, strict=True))

    result: list[list[str]] = []
    for index, text in enumerate(texts):
        if count_of_index.get(index, 0) <= budget:
            result.append([text])
        else:
            pieces = _pieces(text, budget, count)
            result.append(_pack(pieces, budget, overlap=overlap, count=count))

    return result


@lru_cache(maxsize=1)
def token_counter(folder: Path) -> TokenCounter:
    """Return the counter of tokens, without special ones, of the model in `folder`."""
    from tokenizers import Tokenizer

    with loading(folder):
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def count(texts: Sequence[str]) -> list[int]:
        encodings = tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [len(encoding.ids) for encoding in encodings]

    return count


def _most_bytes(text: str) -> int:
    """Return the number of bytes of the text, or of its normalized form if that is longer."""
    return max(len(text.encode()), len(unicodedata.normalize("NFKD", text).encode()))


def _pack(
    pieces: list[str],
    budget: int,
    overlap: int,
    count: TokenCounter,
) -> list[str]:
    """Return passages of whole `pieces`, each of which fits the budget."""
    # Sizes alone are a first guess of the end; a count of the joined text decides.
    sizes = count(pieces)
    packed: list[str] = []
    start = 0
    while start < len(pieces):
        end = _end_by_sizes(sizes, start, budget)
        end = _end_by_count(pieces, start, end=end, budget=budget, count=count)
        packed.append("".join(pieces[start:end]).strip())
        if end == len(pieces):
            break

        start = _overlap_start(sizes, start, end=end, budget=budget, overlap=overlap)

    return [text for text in packed if text]


def _overlap_start(
    sizes: list[int],
    start: int,
    end: int,
    budget: int,
    overlap: int,
) -> int:
    """Return the start of the next passage, up to `overlap` tokens before `end`."""
    # Go back over whole sentences while they are within the overlap.
    next_start = end
    repeated = 0
    while next_start - 1 > start:
        longer = repeated + sizes[next_start - 1]
        # The first new piece must still fit behind what is repeated.
        if longer > overlap or longer + sizes[end] > budget:
            break

        repeated = longer
        next_start -= 1

    return next_start


def _pieces(
    text: str,
    budget: int,
    count: TokenCounter,
) -> list[str]:
    """Return the sentences of `text` with the white space after them; long ones are cut."""
    # Whole sentences if possible.
    text_sentences = split_sentences(text)
    pieces: list[str] = []
    for sentence, size in zip(text_sentences, count(text_sentences), strict=True):
        if size <= budget:
            pieces.append(sentence)
        else:
            pieces += _group(_WORDS.findall(sentence), budget, count)

    return pieces


def _group(
    parts: list[str],
    budget: int,
    count: TokenCounter,
) -> list[str]:
    """Return `parts` joined, as many as fit at a time; words over the budget are cut."""
    sizes = count(parts)
    groups: list[str] = []
    start = 0
    while start < len(parts):
        # A single word over the budget.
        if sizes[start] > budget and len(parts[start]) > 1:
            groups += _group(list(parts[start]), budget, count)
            start += 1
            continue

        end = _end_by_sizes(sizes, start, budget)
        end = _end_by_count(parts, start, end=end, budget=budget, count=count)
        groups.append("".join(parts[start:end]))
        start = end

    return groups


def _end_by_sizes(
    sizes: list[int],
    start: int,
    budget: int,
) -> int:
    """Return the last end up to which the sum of `sizes` fits; the first one is always included."""
    end = start + 1
    total = sizes[start]
    while end < len(sizes) and total + sizes[end] <= budget:
        total += sizes[end]
        end += 1

    return end


def _end_by_count(
    parts: list[str],
    start: int,
    end: int,
    budget: int,
    count: TokenCounter,
) -> int:
    """Return the last end up to `end` at which the joined `parts` fit.

    A joined text may have more tokens than its parts together.
    """
    while end - start > 1:
        joined = "".join(parts[start:end]).strip()
        if count([joined])[0] <= budget:
            break

        end -= 1

    return end
