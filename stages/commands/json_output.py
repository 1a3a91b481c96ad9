"""What `--json` prints: one document on the standard output, and nothing else there.

Every command with `--json` prints by this file, so all documents have one form: keys sorted, two
spaces a level, UTF-8, and null where there is no number. Messages of the command go to the standard
error then. Exit codes are those of the plain output.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from enum import Enum
from numbers import Integral, Real
from pathlib import Path
from typing import Annotated, Any

import typer

from stages.lib.core.terminal import printable, say, say_error

# The option of a command that prints what it knows.
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def json_text(value: object) -> str:
    r"""Return `value` as one JSON document without a line feed at its end.

    NaN and the infinities become null, since JSON has no such numbers. Characters that a terminal
    would obey are escaped. A tuple is a list, also a named one.

    Args:
        value: mappings, lists, tuples, texts, numbers, paths, enumerations and None.

    Raises:
        TypeError: there is a value of another type, or two keys of one mapping have one text.

    >>> print(json_text({"rows": 3, "mean": float("nan"), "name": "a\x9bb"}))
    {
      "mean": null,
      "name": "a\u009bb",
      "rows": 3
    }
    """
    text = json.dumps(_plain(value), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return printable(text)


def say_json(value: object) -> None:
    """Print `value` as one JSON document; raises TypeError as `json_text` does."""
    say(json_text(value))


def message_printer(as_json: bool) -> Callable[[str], None]:
    """Return what prints messages: to the standard error if a document is on the standard output.

    >>> message_printer(False) is say
    True
    """
    return say_error if as_json else say


def _plain(value: object) -> Any:
    """Return `value` as what `json` knows."""
    if value is None or isinstance(value, bool):
        return value

    # Before texts and numbers: a member of an enumeration may be one of both.
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Path):
        return value.as_posix()

    # Numbers of NumPy are such numbers too.
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        number = float(value)
        return number if math.isfinite(number) else None

    if isinstance(value, Mapping):
        return _plain_mapping(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _plain_mapping(values: Mapping[Any, object]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, value in values.items():
        name = str(_plain(key))
        if name in plain:
            raise TypeError(f"two keys are {name!r} in JSON")
        plain[name] = _plain(value)
    return plain
