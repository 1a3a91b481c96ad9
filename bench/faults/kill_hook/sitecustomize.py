"""Python imports this file first, where its folder is on PYTHONPATH. It kills at a named write.

KILLS_LOG: a file to which the name of each write in the folder KILLS_ROOT is added.
KILLS_AT: the name of a write. Just before it the whole process group is killed.
"""

from __future__ import annotations

import os
import re
import signal
import sys

_ROOT = os.environ.get("KILLS_ROOT", "")
_LOG = os.environ.get("KILLS_LOG", "")
_AT = os.environ.get("KILLS_AT", "")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def _write_name(event: str, arguments: tuple[object, ...]) -> str | None:
    """Return the name of a write below the root; None for all other events."""
    if event == "open":
        path, _, flags = arguments
        if not isinstance(flags, int) or not flags & _WRITING:
            return None
    elif event == "os.rename":
        path = arguments[1]
    else:
        return None
    if not isinstance(path, str | bytes | os.PathLike):
        return None

    name = os.path.relpath(os.fsdecode(path), _ROOT)
    if name.startswith("..") or "__pycache__" in name:
        return None
    # Numbers of processes and drawn names differ from run to run.
    name = re.sub(r"\.\d+\.(new|old)\.tmp", r".PID.\1.tmp", name)
    name = re.sub(r"\.[\w-]{22}\.tmp", ".DRAWN.tmp", name)
    return f"{event} {name}"


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if event not in {"open", "os.rename"}:
        return
    name = _write_name(event, arguments)
    if name is None:
        return
    if _AT and name == _AT:
        os.killpg(os.getpgrp(), signal.SIGKILL)
    if _LOG:
        descriptor = os.open(_LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, f"{name}\n".encode())
        os.close(descriptor)


if _ROOT and (_LOG or _AT):
    sys.addaudithook(_hook)
