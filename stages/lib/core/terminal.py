"""The one place that prints: characters that command a terminal are shown, and never sent.

A text of a foreign file, server or commit may hold escape sequences, which recolour the screen,
rename the window or write to the clipboard, and marks that turn the direction of a line around.
"""

from __future__ import annotations

import re

import typer

from stages.lib.core.secrets import hide_secrets

# C0 and C1 without tab and line feed, marks of direction that reach over words, line separators,
# and halves of surrogate pairs, which no terminal can be sent.
_COMMANDS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def say(text: str) -> None:
    """Print a text to the standard output."""
    typer.echo(printable(text))


def say_error(text: str) -> None:
    """Print a text to the standard error, without passwords and keys in URLs."""
    typer.echo(printable(hide_secrets(text)), err=True)


def printable(text: str) -> str:
    r"""Return `text` with the code of each character that a terminal would obey.

    >>> printable("a\x1b[31mb\tc")
    'a\\u001b[31mb\tc'
    """
    return _COMMANDS.sub(_code, text.replace("\r\n", "\n"))


def _code(match: re.Match[str]) -> str:
    # The form of JSON, so that a report as JSON stays one.
    return f"\\u{ord(match[0]):04x}"
