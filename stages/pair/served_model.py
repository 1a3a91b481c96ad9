"""A model behind an OpenAI-compatible address ("/chat/completions"), at temperature 0."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from stages.lib.core.errors import UserError
from stages.lib.core.stage import workers
from stages.lib.core.web_client import AnswerError, below, parse_address, post_json

URL_VARIABLE = "PAIRSMITH_GENERATE_URL"
KEY_VARIABLE = "PAIRSMITH_GENERATE_KEY"


class ServedGenerator:
    """A served model. Its address and its name are part of the key of the cache; no secret is.

    Args:
        model: the name under which the address serves it.
        max_tokens: the most tokens of an answer.
        url: the address, up to and with /v1. It may name a user and a password.
        key: the key of the server; "" for none.

    Raises:
        UserError: `url` is no address.
    """

    def __init__(self, model: str, max_tokens: int, url: str, *, key: str) -> None:
        address = parse_address(url)
        if address is None:
            # It may hold a password, so it is not shown.
            raise UserError(
                f"what {URL_VARIABLE} holds is no address",
                "write it with http:// or https://, up to and with /v1",
            )

        self.key = f"served {address.shown} {model} temperature 0 {max_tokens}"
        self._model = model
        self._max_tokens = max_tokens
        self._address = address
        self._secrets = tuple(secret for secret in (key, *address.secrets) if secret)

        # The secrets are sent, and never stored.
        self._headers = {"Content-Type": "application/json"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        elif address.user:
            encoded = base64.b64encode(address.user.encode()).decode("ascii")
            self._headers["Authorization"] = f"Basic {encoded}"

    def generate(self, prompts: Sequence[str]) -> list[str]:
        """Return the answer to each of `prompts`. Several requests run at a time.

        Raises:
            UserError: the server gives no answer.
        """
        with ThreadPoolExecutor(workers()) as pool:
            return list(pool.map(self._answer, prompts))

    def _answer(self, prompt: str) -> str:
        body = {
            "model": self._model,
            "messages": [{"role": "user", "content": prompt}],
            "temperature": 0,
            "seed": 0,
            "max_tokens": self._max_tokens,
        }
        url = below(self._address, "chat/completions")
        try:
            reply = post_json(url, body, self._headers, secrets=self._secrets)
        except AnswerError as error:
            raise self._problem(str(error)) from None

        content = _content(reply)
        if content is None:
            raise self._problem("gives an answer without a text (choices[0].message.content)")
        return content

    def _problem(self, cause: str) -> UserError:
        return UserError(
            f"{self._address.shown}, the address in {URL_VARIABLE}, {cause}",
            f"check that it serves '{self._model}' and that {KEY_VARIABLE} is right, "
            "then run again: the answers so far are kept",
        )


def _content(reply: Any) -> str | None:
    """Return the text of an answer; None if there is none."""
    try:
        content = reply["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        return None
    if not isinstance(content, str):
        return None

    # Half of a surrogate pair can be written nowhere.
    return content.encode("utf-8", "replace").decode("utf-8")
