"""Ask the process that talks to a hub, and get its reply or the reason why there is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stages.lib.core.secrets import hide_secrets

DEFAULT_ENDPOINT = "https://huggingface.co"
_WORKER = Path(__file__).with_name("hub_worker.py")
# Settings that make the libraries print each request, with its headers.
_TALKATIVE = ("HF_DEBUG", "HF_HUB_VERBOSITY")
_KEYS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")


class HubError(Exception):
    """A hub gives no answer of use.

    Attributes:
        names: the class of the error and those above it; none if the process broke off.
        cause: what the libraries say, without secrets.
        status: the status of the answer; None if there was none.
    """

    def __init__(self, names: Sequence[str], cause: str, status: int | None = None) -> None:
        super().__init__(names, cause, status)
        self.names = names
        self.cause = cause
        self.status = status


def ask_hub(operation: str, *, seconds: float, **arguments: Any) -> Any:
    """Return the result of an operation of `hub_worker`.

    Args:
        operation: its name.
        seconds: when the process is ended.
        arguments: those of the operation, which JSON can hold.

    Raises:
        HubError: the hub refuses, cannot be reached, or is too late.
    """
    request = json.dumps({"operation": operation, "arguments": arguments})
    # A person sees the bars of a long transfer.
    is_terminal = sys.stderr.isatty() and not os.environ.get("CI")
    environment = {name: value for name, value in os.environ.items() if name not in _TALKATIVE}
    try:
        process = subprocess.run(
            [sys.executable, "-P", str(_WORKER)],
            input=request,
            stdout=subprocess.PIPE,
            stderr=None if is_terminal else subprocess.PIPE,
            text=True,
            encoding="utf-8",
            check=False,
            env=environment,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        cause = f"the hub gives no whole answer within {seconds} seconds"
        raise HubError(["Late"], cause) from None
    if process.returncode:
        lines = [line for line in (process.stderr or "").splitlines() if line.strip()]
        reason = lines[-1] if lines else f"exit {process.returncode}"
        raise HubError([], _without_keys(reason))

    reply = json.loads(process.stdout)
    if "error" in reply:
        raise HubError(reply["error"], _without_keys(reply["message"]), reply["status"])
    return reply["result"]


def is_unreachable(fault: HubError) -> bool:
    """Return whether no connection to the hub was made."""
    unreachable = {"ConnectError", "ConnectTimeout", "TransportError", "ConnectionError"}
    return not unreachable.isdisjoint(fault.names)


def shown_endpoint() -> str:
    """Return the address of the hub, without what may be secret."""
    return hide_secrets(os.environ.get("HF_ENDPOINT") or DEFAULT_ENDPOINT)


def _without_keys(text: str) -> str:
    """Return one line of `text`, without the keys of the hub that the environment holds."""
    keys = [os.environ[name].strip() for name in _KEYS if os.environ.get(name, "").strip()]
    return " ".join(hide_secrets(text, keys).split())[:300]
