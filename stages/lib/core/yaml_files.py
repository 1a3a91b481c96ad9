"""YAML files that people edit: read with errors that name the line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stages.lib.core.errors import UserError
from stages.lib.core.yaml_text import YamlTextError, load_yaml

# What an anchor or an alias looks like. Most of these stand in a text, so the parser decides.
_MAYBE_ANCHOR = re.compile(r"(?:^|[\s\[{,])[&*][^\s,\]}]")


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in `path`. It is YAML 1.2, as DVC writes it: `2e-5` is a number.

    Raises:
        UserError: the file is missing, no YAML, or no mapping. The message names the line.
    """
    from ruamel.yaml.error import YAMLError

    try:
        values = load_yaml(path.read_text("utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"{path} does not exist in {Path.cwd().name}/", "run from the root of the project"
        ) from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise UserError(
            f"{path} is not valid YAML: line {line}: the bytes are no UTF-8",
            "save the file as UTF-8",
        ) from None
    except YamlTextError as error:
        cause = error.__cause__
        if isinstance(cause, YAMLError):
            raise _syntax_error(path, cause) from None
        if cause is not None:
            # A date such as 2024-99-99.
            raise UserError(
                f"{path} holds a value that cannot be read: {cause}",
                "write it in quotes, or correct it",
            ) from None
        raise UserError(f"{path} is not valid YAML: {error}", _restore(path)) from None
    if not isinstance(values, dict):
        raise UserError(f"{path} holds no sections", _restore(path))
    return values


def refuse_anchors(path: Path) -> None:
    """Check that each value of `path` stands where it counts.

    An anchor or alias gives a value two places. `dvc exp run -S` changes both of them, and a diff
    shows one.

    Raises:
        UserError: the file has an anchor, an alias or a merge key. The message names the line.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.events import AliasEvent

    text = path.read_text("utf-8")
    if not _MAYBE_ANCHOR.search(text):
        return
    for event in YAML(typ="safe", pure=True).parse(text):
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            kind = "the alias *" if isinstance(event, AliasEvent) else "the anchor &"
            raise UserError(
                f"{path}, line {event.start_mark.line + 1}: {kind}{anchor}",
                "write the value out in both places",
            )


def line_of(path: Path, keys: Sequence[str]) -> int | None:
    """Return the line, from 1, of the deepest of the nested `keys` that the file has.

    None if it has none of them, or cannot be read.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        values: Any = YAML(typ="rt", pure=True).load(path.read_text("utf-8"))
    except (YAMLError, ValueError, OSError, RecursionError):
        return None

    line: int | None = None
    for key in keys:
        position: int | str = key
        if isinstance(values, list) and key.isdigit() and int(key) < len(values):
            position = int(key)
        elif not isinstance(values, dict) or key not in values:
            break
        # The parser keeps the line of each key and item in `lc`.
        places: Any = values
        line = int((places.lc.item if isinstance(values, list) else places.lc.key)(position)[0]) + 1
        values = values[position]
    return line


def _syntax_error(path: Path, error: Exception) -> UserError:
    """Return the error for a file that is no YAML: the line, what is wrong there, a remedy."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    text = path.read_text("utf-8")
    # A character that YAML forbids has a position instead of a mark.
    position = getattr(error, "position", 0)
    index = mark.line if mark else text[:position].count("\n")
    problem = str(getattr(error, "problem", None) or error).partition("\n")[0][:200]
    remedy = f"correct the line named above, or restore the file with 'git checkout {path}'"
    if path.name == "dvc.lock":
        remedy = "run 'python -m stages heal'"
    elif "duplicate key" in problem:
        remedy = "remove one of the two"
    elif "\t" in "".join(text.splitlines()[index : index + 1]):
        remedy = "indent with blanks, not with tabs"
    return UserError(f"{path} is not valid YAML: line {index + 1}: {problem}", remedy)


def _restore(path: Path) -> str:
    if path.name == "dvc.lock":
        return "run 'python -m stages heal'"
    return f"restore it with 'git checkout {path}'"
