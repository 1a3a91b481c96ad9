"""Protected spans: code, addresses, identifiers and placeholders, which no repair of words may touch."""

from __future__ import annotations

import re

_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
# Written together with signs that prose does not use within words: snake_case, dotted.names, paths, --flags,
# <placeholders>, $VARIABLES, addresses. And words with digits or with capitals inside: HP:0000003, CD4+, camelCase.
# A plain word, hyphenated or not, with the punctuation around it, is passed over at once.
_TOKEN = re.compile(
    r"""(?<!\S)(?!["'(\u201c\u2018]*[A-Za-z]?[a-z]+(?:['\u2019-][a-z]+)*["'.,;:!?)\u201d\u2019]*(?!\S))\S+"""
)
_SIGNS = re.compile(r"[_\\/@#$%{}<>|=~^0-9\[\]*&+]|\w[.:]\w|\w\(|^-+\w|[a-z][A-Z]|[A-Z]{2}|::")
_EDGES = "\"'\u201c\u201d\u2018\u2019([{<.,;:!?)]}>*"
_PLACEHOLDER = re.compile(r"[<\[{][^\s<>\[\]{}]+[>\]}]")


def spans(text: str) -> list[tuple[int, int]]:
    """Return the protected spans of `text`, sorted and disjoint."""
    code = [match.span() for match in _CODE.finditer(text)] if "`" in text else []
    found, at = [], 0
    for match in _TOKEN.finditer(text):
        start, end = match.span()
        while at < len(code) and code[at][1] <= start:
            at += 1
        if at < len(code) and code[at][0] < end:
            continue  # within code, or glued to it
        token = match[0]
        if token.isalpha() and (token.islower() or token.istitle()):
            continue
        if _PLACEHOLDER.search(token) or _SIGNS.search(token.strip(_EDGES)):
            found.append((start, end))
    return sorted([*code, *found])
