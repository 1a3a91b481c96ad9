"""Keys and passwords of the environment: read whole, and kept out of every message."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

from stages.lib.core.errors import UserError

# Settings behind '?' of a URL that may hold a secret.
SECRET_NAME = re.compile("pass|pwd|secret|token|key|cred|sig|auth|odbc", re.IGNORECASE)
HIDDEN = "***"
# A shorter one stands in ordinary words: to hide it would spoil every message.
_LEAST_CHARACTERS = 4
_USER_OF_URL = re.compile(r"(?<=://)[^\s/?#@'\"]{1,500}(?:@[^\s/?#@'\"]{1,500}){0,5}@")
_SETTING_OF_URL = re.compile(r"(?<=[?&;])([\w.-]{1,100})=([^\s&;#'\"]{1,2000})")


def read_key(variable: str, environment: Mapping[str, str]) -> str:
    """Return the key in an environment variable without what surrounds it; "" if there is none.

    A file of keys ends its lines, and a line end in a header would begin another header.

    Raises:
        UserError: the key holds a line break, a space or a character outside ASCII.
    """
    key = environment.get(variable, "").strip()
    if not all("!" <= character <= "~" for character in key):
        raise UserError(
            f"the environment variable {variable} holds no key: a space, a line break or a "
            "character outside ASCII stands in it",
            "set it to the key alone",
        )
    return key


def hide_secrets(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` without `secrets`, and without users, passwords and keys in URLs.

    >>> hide_secrets("http://me:pw@host/v1?key=abc&page=2 refuses abcd", ["abcd"])
    'http://***@host/v1?key=***&page=2 refuses ***'
    """
    for secret in spellings(secrets):
        if len(secret) >= _LEAST_CHARACTERS:
            text = text.replace(secret, HIDDEN)
    text = _USER_OF_URL.sub(f"{HIDDEN}@", text)

    return _SETTING_OF_URL.sub(_hidden_setting, text)


def spellings(secrets: Iterable[str]) -> list[str]:
    """Return secrets as they stand and as they are written in a URL, the longest first."""
    forms: set[str] = set()
    for secret in secrets:
        forms |= {secret, quote(secret, ""), quote_plus(secret)}
    forms.discard("")

    return sorted(forms, key=lambda form: (-len(form), form))


def _hidden_setting(match: re.Match[str]) -> str:
    return f"{match[1]}={HIDDEN}" if SECRET_NAME.search(match[1]) else match[0]
