"""Who may talk to the review page: this machine, with the token, from the page itself.

A server on the loopback address can be reached by every page that the browser shows. So each
address begins with a secret token, the name in `Host` must be the loopback address itself, against
names that are pointed there later (DNS rebinding), and a form must come from the page (`Origin`).
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = "127.0.0.1"
# Nothing is loaded but the own style and script, and nothing frames the page.
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}


def new_token() -> str:
    """Return a secret that nobody can guess, as part of an address.

    >>> len(new_token())
    43
    """
    return secrets.token_urlsafe(32)


class AddressGuard:
    """An ASGI application that answers for another one, and refuses what is not from the page."""

    def __init__(self, app: ASGIApp, port: int, token: str) -> None:
        """Guard `app`.

        Args:
            app: the application, whose addresses begin with the token.
            port: the port of the server.
            token: the secret.
        """
        self._app = app
        self._host = f"{LOOPBACK}:{port}"
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", []), *headers]}
            await send(message)

        refusal = self.refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send_with_headers)
            return
        status, reason = refusal
        start = {
            "type": "http.response.start",
            "status": status,
            "headers": [(b"content-type", b"text/plain; charset=utf-8")],
        }
        await send_with_headers(start)
        await send({"type": "http.response.body", "body": f"{reason}\n".encode()})

    def refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Return the status and the reason of a refusal; None for a request of the page."""
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        if host != self._host:
            return 400, f"This server answers to {self._host} alone."

        # A browser names the origin of every form. Other pages have another one.
        origin = headers.get(b"origin", b"").decode("latin-1")
        is_own = origin == f"http://{self._host}"
        if not is_own and (origin or scope["method"] not in ("GET", "HEAD")):
            return 403, "This request does not come from the review page."

        token = scope["path"].removeprefix("/").partition("/")[0].encode()
        if not hmac.compare_digest(token, self._token.encode()):
            return 403, "The address lacks the token. Open the address that the command printed."
        return None
