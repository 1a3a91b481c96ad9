"""Characters that no XML, no SVG and no drawing library can hold, taken out of texts."""

from __future__ import annotations

import re
from typing import Any

# What XML 1.0 leaves out of its production Char: control characters but for tab and line ends,
# halves of surrogate pairs, and two noncharacters.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def without_forbidden(text: str) -> str:
    r"""Return `text` without the characters that XML forbids.

    >>> without_forbidden("a\x00b\x1b[31m\tc")
    'ab[31m\tc'
    """
    return _FORBIDDEN.sub("", text)


def drawable(value: Any) -> Any:
    r"""Return a value as JSON holds it, all its texts and keys without forbidden characters.

    >>> drawable({"a\x01": ["b\x02", 3]})
    {'a': ['b', 3]}
    """
    if isinstance(value, str):
        return without_forbidden(value)
    if isinstance(value, dict):
        return {drawable(key): drawable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [drawable(item) for item in value]
    return value
