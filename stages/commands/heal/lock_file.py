"""Read a dvc.lock that a killed run left damaged, and rebuild it.

DVC writes dvc.lock in place, so a kill leaves the beginning of it. A stage in it is whole if its
entry is complete. The others are taken from copies: the one that each stage makes when it begins,
then the commit at HEAD. A stage that is in none stays out, and DVC runs it anew.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

HEADER = "schema: '2.0'\nstages:\n"
# What DVC writes of a stage, in this order.
_KEYS = ("cmd", "deps", "params", "outs")
_STAGE_LINE = re.compile(r"^  ([^\s:#'\"-][^:\n]*):$", re.M)
_CONFLICT = re.compile(r"^(<{7} |>{7} |={7}$|\|{7} )", re.M)
# Name to paths of the outputs of each stage of dvc.yaml.
Pipeline = Mapping[str, Collection[str]]
_MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")


class RebuiltLock(NamedTuple):
    """A dvc.lock that was rebuilt.

    Attributes:
        text: the new content of dvc.lock.
        kept: stages whose entry in the damaged file was whole.
        copied: stages whose entry comes from a copy, a list for each copy.
    """

    text: str
    kept: list[str]
    copied: list[list[str]]


def has_conflict(text: str) -> bool:
    r"""Return whether git left its markers of a merge conflict in `text`.

    >>> has_conflict("stages:\n<<<<<<< HEAD\n  a:\n=======\n")
    True
    """
    return _CONFLICT.search(text) is not None


def decode(content: bytes) -> str:
    """Return `content` as text. Bytes that are no UTF-8 make the entry around them unreadable."""
    return content.decode("utf-8", "replace")


def whole_stages(text: str, copies: Sequence[str], pipeline: Pipeline) -> dict[str, str]:
    """Return name to entry, as it is written, of each whole stage of a dvc.lock.

    Only the last entry can be cut at the end of a line, so only there every field is demanded, and
    the outputs that both a copy and dvc.yaml name.
    """
    entries = _entries(text)
    names = list(entries)
    whole = {}
    for name, entry in entries.items():
        needed = None
        if name == names[-1]:
            recorded = [path for copy in copies for path in _outputs(name, copy)]
            needed = [path for path in recorded if path in pipeline.get(name, ())]
        if _is_whole(name, entry, needed):
            whole[name] = entry
    return whole


def why_damaged(text: str, committed: str, pipeline: Pipeline) -> str | None:
    """Return what is wrong with `text`, a dvc.lock; None if nothing is.

    Args:
        text: the content of dvc.lock.
        committed: its content at HEAD; empty if there is none.
        pipeline: the outputs of each stage of dvc.yaml. A committed stage or output that is still
            in dvc.yaml and is missing in `text` was cut off.
    """
    if text and text == committed:
        return None
    if not text.strip("\0\ufeff \n\t"):
        return "is empty"
    if not text.startswith(HEADER) and not _has_other_header(text):
        return "does not begin as DVC writes it"

    entries = _entries(text)
    whole = whole_stages(text, [committed], pipeline)
    broken = [name for name in entries if name not in whole]
    if broken:
        return f"breaks off or is unreadable in the stage {broken[0]!r}"
    if not text.endswith("\n"):
        return "breaks off in its last line"
    missing = [name for name in pipeline if name in _entries(committed) and name not in whole]
    if missing:
        return f"ends before the stage {missing[0]!r}"
    return None


def rebuild(text: str, copies: Sequence[str], pipeline: Pipeline) -> RebuiltLock:
    """Return the dvc.lock with all that is whole in `text`, and what the copies have of the rest.

    The stages keep their order: those of `text`, then the others as a copy has them. So the file
    has the same bytes as without the kill, once all stages have run.
    """
    entries = whole_stages(text, copies, pipeline)
    kept = list(entries)
    copied = []
    for copy in copies:
        added = {
            name: entry
            for name, entry in whole_stages(copy, [], pipeline).items()
            if name in pipeline and name not in entries
        }
        entries.update(added)
        copied.append(list(added))
    new_text = HEADER + "".join(entries.values()) if entries else "schema: '2.0'\n"
    return RebuiltLock(new_text, kept, copied)


def _entries(text: str) -> dict[str, str]:
    """Return name to lines of each stage that begins in `text`."""
    # The name of the next stage, or of a section, may be cut. The stage before it is whole then.
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n") and not lines[-1].startswith("    "):
        lines.pop()
    text = "".join(lines)

    matches = list(_STAGE_LINE.finditer(text))
    ends = [*(match.start() for match in matches[1:]), len(text)]
    return {match[1]: text[match.start() : end] for match, end in zip(matches, ends, strict=False)}


def _outputs(name: str, text: str) -> list[str]:
    """Return the paths of the outputs that a dvc.lock records for the stage `name`."""
    values = _load(_entries(text).get(name, "")).get(name)
    if not isinstance(values, dict) or not _has_form(values):
        return []
    return [file["path"] for file in values.get("outs", [])]


def _is_whole(name: str, entry: str, outputs: Collection[str] | None) -> bool:
    """Return whether `entry` is what DVC writes of the stage `name`.

    With `outputs` they must all be there, and each file needs its hash and its size.
    """
    if not entry.endswith("\n") or "\0" in entry or "\ufffd" in entry:
        return False
    values = _load(entry).get(name)
    if not isinstance(values, dict) or not _has_form(values):
        return False
    if outputs is None:
        return True

    written = values.get("outs", [])
    paths = {file["path"] for file in written}
    files = [*values.get("deps", []), *written]
    return bool(written) and set(outputs) <= paths and all(_has_size(file) for file in files)


def _load(entry: str) -> dict[str, Any]:
    """Return the YAML mapping in `entry`; an empty one if it is none."""
    try:
        loaded = YAML(typ="safe", pure=True).load(entry)
    except (YAMLError, ValueError, RecursionError):
        # What DVC writes has few levels.
        return {}
    return loaded if isinstance(loaded, dict) else {}


def _has_form(values: Mapping[str, Any]) -> bool:
    """Return whether a stage has the form that DVC demands before it reads the file."""
    if not set(values) <= set(_KEYS) or not isinstance(values.get("cmd"), str | list):
        return False
    for key in ("deps", "outs"):
        files = values.get(key, [])
        if not isinstance(files, list) or not all(_has_path(file) for file in files):
            return False
    params = values.get("params", {})
    return isinstance(params, dict) and all(isinstance(keys, dict) for keys in params.values())


def _has_path(file: Any) -> bool:
    return isinstance(file, dict) and isinstance(file.get("path"), str)


def _has_size(file: Mapping[str, Any]) -> bool:
    """Return whether the entry of a file is complete: its hash and size, and files of a folder."""
    md5 = file.get("md5")
    if md5 is None and "hash" not in file:
        # A file of a remote has another hash, such as an etag.
        return len(file) > 1
    if not isinstance(md5, str) or not _MD5.fullmatch(md5):
        return False
    numbers = ("size", "nfiles") if md5.endswith(".dir") else ("size",)
    return all(isinstance(file.get(name), int) for name in numbers)


def _has_other_header(text: str) -> bool:
    """Return whether what stands before the first stage is valid, as with data sets or comments."""
    first = _STAGE_LINE.search(text)
    return _load(text[: first.start()] if first else text).get("schema") == "2.0"
