"""Verbatim spans: code, addresses, identifiers and placeholders, which no correction may change."""

from __future__ import annotations

import re

# Code between backticks: a block (to the end of the text if it is not closed), or within a line.
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
# A token between white space. A plain word, hyphenated or not, with the punctuation around it, is
# skipped at once.
_TOKEN = re.compile(
    r"""(?<!\S)(?!["'(\u201c\u2018]*[A-Za-z]?[a-z]+(?:['\u2019-][a-z]+)*"""
    r"""["'.,;:!?)\u201d\u2019]*(?!\S))\S+"""
)
# Signs that prose does not use within words: snake_case, dotted.names, paths, --flags,
# <placeholders>, $VARIABLES, addresses. Also digits and capitals inside of words: HP:0000003, CD4+,
# camelCase.
_SIGNS = re.compile(r"[_\\/@#$%{}<>|=~^0-9\[\]*&+]|\w[.:]\w|\w\(|^-+\w|[a-z][A-Z]|[A-Z]{2}|::")
_EDGES = "\"'\u201c\u201d\u2018\u2019([{<.,;:!?)]}>*"
_PLACEHOLDER = re.compile(r"[<\[{][^\s<>\[\]{}]+[>\]}]")


def spans(text: str) -> list[tuple[int, int]]:
    """Return the verbatim spans of `text` as (start, end), sorted and disjoint.

    >>> text = "Use --max-items with `aws s3 ls` now"
    >>> [text[start:end] for start, end in spans(text)]
    ['--max-items', '`aws s3 ls`']
    """
    code_spans: list[tuple[int, int]] = []
    if "`" in text:
        code_spans = [match.span() for match in _CODE.finditer(text)]

    token_spans: list[tuple[int, int]] = []
    code_index = 0
    for match in _TOKEN.finditer(text):
        start, end = match.span()

        # Go to the first code span that ends after the start of the token.
        while code_index < len(code_spans) and code_spans[code_index][1] <= start:
            code_index += 1

        # A token that overlaps code is a part of it, or is written together with it.
        if code_index < len(code_spans) and code_spans[code_index][0] < end:
            continue
        if _is_verbatim(match[0]):
            token_spans.append((start, end))

    return sorted([*code_spans, *token_spans])


def _is_verbatim(token: str) -> bool:
    # A quick answer for plain words in any script.
    if token.isalpha() and (token.islower() or token.istitle()):
        return False
    return bool(_PLACEHOLDER.search(token) or _SIGNS.search(token.strip(_EDGES)))
