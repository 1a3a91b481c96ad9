"""Set values in the text of params.yaml. Every other line, comments included, stays as it is."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq

from stages.lib.core.errors import UserError

_STEP = 2


def set_values(text: str, value_of_key: Mapping[str, Any]) -> str:
    r"""Return `text` with other values under keys such as "split.train".

    The lines of a key are its own, and the deeper ones below it up to the next key.

    >>> set_values("split:\n  # A share.\n  train: 0.8\n", {"split.train": 0.6})
    'split:\n  # A share.\n  train: 0.6\n'

    Raises:
        UserError: a key is missing, or the result would hold other values.
    """
    for key, value in value_of_key.items():
        text = _set_value(text, key, value)

    # The text says what was meant.
    values = YAML(typ="safe", pure=True).load(text)
    for key, value in value_of_key.items():
        section, name = key.split(".")
        if values[section][name] != value:
            raise UserError(
                f"params.yaml: {key} cannot be set by a program", "set it by hand, as docs show"
            )
    return text


def _set_value(text: str, key: str, value: Any) -> str:
    section, name = key.split(".")
    document = YAML(typ="rt", pure=True).load(text)
    if name not in document.get(section, {}):
        raise UserError(
            f"params.yaml has no key {key}", "restore the file with 'git checkout params.yaml'"
        )

    # The lines of the key: from its own to the last one that is deeper.
    lines = text.splitlines(keepends=True)
    start, indent = document[section].lc.key(name)
    end = start + 1
    while end < len(lines) and _is_inside(lines[end], indent):
        end += 1

    return "".join([*lines[:start], *_value_lines(name, value, indent), *lines[end:]])


def _is_inside(line: str, indent: int) -> bool:
    return bool(line.strip()) and len(line) - len(line.lstrip(" ")) > indent


def _value_lines(name: str, value: Any, indent: int) -> list[str]:
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 10_000
    yaml.allow_unicode = True
    yaml.indent(mapping=_STEP, sequence=2 * _STEP, offset=_STEP)
    yaml.representer.add_representer(type(None), _null)

    # A list of plain values stands on the line of its key.
    if isinstance(value, list):
        value = CommentedSeq(value)
        value.fa.set_flow_style()
    stream = io.StringIO()
    yaml.dump({name: value}, stream)
    return [f"{' ' * indent}{line}" for line in stream.getvalue().splitlines(keepends=True)]


def _null(representer: Any, value: None) -> Any:
    return representer.represent_scalar("tag:yaml.org,2002:null", "null")
