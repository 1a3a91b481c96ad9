"""YAML of foreign files: bounded in size, in depth, and in what its anchors stand for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

# A parameter file of ten thousand keys is smaller.
MOST_CHARACTERS = 1_000_000
# Values once each anchor is written out.
_MOST_VALUES = 100_000
_DEEPEST = 100
# Texts hold brackets too, so more than those of the deepest mapping may be open.
_MOST_BRACKETS = 1_000
_SURROGATE = re.compile("[\ud800-\udfff]")
_BRACKET = re.compile(r"[\[\]{}]")


class YamlTextError(ValueError):
    """A text is no YAML, or more than any that people write. The message is one line."""


def load_yaml(text: str, *, is_long: bool = False) -> Any:
    """Return the values of a YAML text. It is YAML 1.2: `2e-5` is a number. Nothing in it is run.

    >>> load_yaml("a: {b: 2e-5}")
    {'a': {'b': 2e-05}}

    Args:
        text: the text.
        is_long: whether a program wrote it, as DVC writes dvc.lock. It may be ten times as long,
            and is read by the library in C.

    Raises:
        YamlTextError: it is no YAML, it is too long or too deep, or its anchors stand for too
            much or for themselves. Its cause is the error of the parser, if there is one.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    most = 10 * MOST_CHARACTERS if is_long else MOST_CHARACTERS
    if len(text) > most:
        raise YamlTextError(f"it is longer than {most:,} characters")
    if _has_deep_brackets(text):
        raise YamlTextError("it is nested too deeply")
    try:
        values = YAML(typ="safe", pure=not is_long).load(text)
    except RecursionError:
        raise YamlTextError("it is nested too deeply") from None
    except YAMLError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise YamlTextError(" ".join(lines)[:300]) from error
    # Dates, tags and numbers that are none raise errors of many types.
    except Exception as error:
        raise YamlTextError(
            f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        ) from error

    _count_values(values, {}, ())
    return values


def _has_deep_brackets(text: str) -> bool:
    """Return whether more brackets are open in one place than people ever write."""
    depth = 0
    for bracket in _BRACKET.finditer(text):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > _MOST_BRACKETS:
            return True
    return False


def _count_values(value: Any, count_of_id: dict[int, int], inside: tuple[int, ...]) -> int:
    """Return how many values `value` holds, with each anchor written out.

    A value that several anchors share is counted anew for each, and looked at once.
    """
    if isinstance(value, str) and _SURROGATE.search(value):
        raise YamlTextError("a text of it holds half of a surrogate pair")
    if not isinstance(value, (Mapping, list, tuple, set)):
        return 1
    if id(value) in inside:
        raise YamlTextError("an anchor stands for itself")
    if len(inside) >= _DEEPEST:
        raise YamlTextError("it is nested too deeply")

    if id(value) not in count_of_id:
        parts: Sequence[Any] = list(value)
        if isinstance(value, Mapping):
            parts = [*value.keys(), *value.values()]
        count = 1
        for part in parts:
            count += _count_values(part, count_of_id, (*inside, id(value)))
        count_of_id[id(value)] = count
    if count_of_id[id(value)] > _MOST_VALUES:
        raise YamlTextError(f"its anchors stand for more than {_MOST_VALUES:,} values")

    return count_of_id[id(value)]
