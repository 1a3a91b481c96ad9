"""Pin a hash in the text of params.yaml. Every other line, comments included, stays as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from stages.lib.core.errors import UserError

# A plain or quoted value on one line.
_VALUE = re.compile(r"""("(?:[^"\\]|\\.)*"|'[^']*'|[^\s,}#]*)""")


def pin(text: str, path: Sequence[str], values: Mapping[str, str | int], *, after: str) -> str:
    r"""Return `text` with other values of keys in the mapping at `path`.

    A key that is missing is added behind the key `after`.

    >>> text = "sources:\n  faq:\n    reader: sql  # ours\n    rows: 1\n"
    >>> pin(text, ["sources", "faq"], {"sha256": "ab", "rows": 2}, after="reader")
    'sources:\n  faq:\n    reader: sql  # ours\n    sha256: "ab"\n    rows: 2\n'

    Raises:
        UserError: the text has a form in which a program cannot set the values.
    """
    expected = _load(text)
    _mapping(expected, path).update(values)

    # The last first, since each goes directly behind `after`.
    pinned = text
    try:
        for key, value in reversed(list(values.items())):
            pinned = _set(pinned, path, key, value=value, after=after)
        is_right = _load(pinned) == expected
    except (KeyError, IndexError, YAMLError):
        is_right = False

    # The new text says what was meant, and nothing else has changed.
    if not is_right:
        raise _unchangeable(path, values)
    return pinned


def _unchangeable(path: Sequence[str], values: Mapping[str, str | int]) -> UserError:
    listed = ", ".join(f"{key}: {value}" for key, value in values.items())
    return UserError(
        f"params.yaml: {'.'.join(path)} cannot be changed by a program",
        f"write there by hand: {listed}",
    )


def _set(text: str, path: Sequence[str], key: str, *, value: str | int, after: str) -> str:
    mapping = _mapping(YAML(typ="rt", pure=True).load(text), path)
    lines = text.splitlines(keepends=True)
    written = f'"{value}"' if isinstance(value, str) else str(value)

    # A value that is there is replaced where it stands.
    if key in mapping:
        line, column = mapping.lc.value(key)
        old = _VALUE.match(lines[line], column)
        end = old.end() if old else column
        lines[line] = f"{lines[line][:column]}{written}{lines[line][end:]}"
        return "".join(lines)

    # A new key stands on a line of its own, or in the braces of the others.
    line, column = mapping.lc.key(after)
    if mapping.fa.flow_style():
        lines[line] = f"{lines[line][:column]}{key}: {written}, {lines[line][column:]}"
    else:
        if not lines[line].endswith("\n"):
            lines[line] += "\n"
        lines.insert(line + 1, f"{' ' * column}{key}: {written}\n")
    return "".join(lines)


def _mapping(document: Any, path: Sequence[str]) -> Any:
    for key in path:
        document = document[key]
    return document


def _load(text: str) -> Any:
    # Two keys may name the same mapping. As JSON each has its own.
    return json.loads(json.dumps(YAML(typ="safe", pure=True).load(text), default=str))
