"""The giants of a frozen split: the limit as a number of pairs, and what was done with each.

data/frozen/giants.json has the limit and, by the id of each giant, "train" or "cut". The column
`giant` of data/frozen/splits.csv names the giant of each of its rows. So a component stays a giant,
and one beside it becomes none, whatever happens to rows elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from stages.lib.core.errors import UserError

GIANTS_FILE = "giants.json"
HANDLINGS = ("cut", "train")

_REMEDY = "restore the file with git"


class Giant(NamedTuple):
    """A component above the limit, or one that was frozen as such, and what was done with it.

    Attributes:
        name: the id of the component.
        handling: "train" or "cut".
        pairs: how many pairs it has.
        ties: kind of edge to the number of edges of this kind that hold it together.
    """

    name: str
    handling: str
    pairs: int
    ties: Mapping[str, int]


class FrozenGiants(NamedTuple):
    """What is frozen of giants.

    Attributes:
        limit: the number of pairs above which a component is a giant; None if it is not frozen.
        handling_of: the id of a giant to "train" or "cut".
        giant_of: row id to the giant that it was in.
    """

    limit: int | None = None
    handling_of: Mapping[str, str] = MappingProxyType({})
    giant_of: Mapping[str, str] = MappingProxyType({})


def read_frozen_giants(path: Path, giant_of: Mapping[str, str]) -> FrozenGiants:
    """Return the giants of a frozen split. Without the file none is frozen.

    Args:
        path: the file giants.json.
        giant_of: row id to giant, from the frozen splits.

    Raises:
        UserError: the file is malformed, or it lacks a giant that a row names.
    """
    if not path.exists():
        if giant_of:
            raise UserError(f"{path} does not exist, but rows of splits.csv name giants", _REMEDY)
        return FrozenGiants()

    try:
        content = json.loads(path.read_text("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"{path} is not a JSON file in UTF-8: {error}", _REMEDY) from None

    error_text = _error_in(content)
    if error_text:
        raise UserError(f"{path}: {error_text}", _REMEDY)

    handling_of = dict(content["giants"])
    unknown = sorted(row_id for row_id, giant in giant_of.items() if giant not in handling_of)
    if unknown:
        raise UserError(
            f"{path} lacks the giant {giant_of[unknown[0]]}, which splits.csv gives {unknown[0]}",
            _REMEDY,
        )

    return FrozenGiants(content["limit"], handling_of, dict(giant_of))


def giants_text(limit: int, handling_of: Mapping[str, str]) -> str:
    r"""Return the content of giants.json.

    >>> giants_text(20, {})
    '{"giants": {}, "limit": 20}\n'
    """
    if not handling_of:
        return json.dumps({"giants": {}, "limit": limit}, sort_keys=True) + "\n"

    content = {"giants": dict(handling_of), "limit": limit}
    return json.dumps(content, sort_keys=True, indent=2) + "\n"


def _error_in(content: Any) -> str:
    """Return what is wrong with the content of the file, or "" if nothing is."""
    if not isinstance(content, dict) or sorted(content) != ["giants", "limit"]:
        return "it does not have the two keys 'giants' and 'limit'"

    limit = content["limit"]
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        return f"the limit {limit!r} is no number of pairs"
    if not isinstance(content["giants"], dict):
        return "'giants' is no object of giants"

    for name, handling in content["giants"].items():
        if handling not in HANDLINGS:
            return f"the handling {handling!r} of {name} is none of cut, train"

    return ""
