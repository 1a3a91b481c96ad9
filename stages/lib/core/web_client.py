"""A request to a foreign server, which may be slow, endless, broken or hostile.

No redirect is followed, so no key goes to another host. An answer has a limit of size, and all
attempts together a deadline. A server that is busy (429, 503) is asked again, later each time.
"""

from __future__ import annotations

import http.client
import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from threading import Timer
from typing import Any, NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from stages.lib.core.secrets import HIDDEN, SECRET_NAME, hide_secrets

# An answer is one line of a model. A page of an error is longer.
MOST_BYTES = 4_000_000
# All attempts of a request together, and one of them.
MOST_SECONDS = 600.0
ATTEMPT_SECONDS = 120.0
# Seconds before the next attempts, if the server names none.
WAITS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
_MOST_WAIT = 120.0
_BUSY = (429, 503)
_SHOWN_CHARACTERS = 200
_CHUNK_BYTES = 65_536


class AnswerError(Exception):
    """A server gives no answer of use. The message is a cause that holds no secret."""


class Address(NamedTuple):
    """The address of a server.

    Attributes:
        url: what is requested, without a user and a password.
        shown: the same without what may be secret: for messages and keys of caches.
        user: `user:password`, if the address named them.
        secrets: what no message may hold.
    """

    url: str
    shown: str
    user: str
    secrets: tuple[str, ...]


def parse_address(text: str) -> Address | None:
    """Return the parts of an address; None if it is none of http or https.

    >>> parse_address("http://me:pw@host:80/v1/?key=abc").shown
    'http://host:80/v1?key=***'
    """
    if any(character <= " " or character == "\x7f" for character in text.strip()):
        return None
    try:
        parts = urlsplit(text.strip())
        host = parts.hostname or ""
        has_port = parts.port is not None
        host.encode("idna")
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None

    # A host of IPv6 stands in brackets.
    place = f"[{host}]" if ":" in host else host
    if has_port:
        place = f"{place}:{parts.port}"
    user = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"

    # The settings behind '?', once as they are and once without secrets.
    settings = parse_qsl(parts.query, keep_blank_values=True)
    hidden = [(name, HIDDEN if SECRET_NAME.search(name) else value) for name, value in settings]
    secrets = [value for name, value in settings if SECRET_NAME.search(name)]
    if parts.password:
        secrets.append(unquote(parts.password))

    plain = parts._replace(netloc=place, path=parts.path.rstrip("/"), fragment="")
    return Address(
        url=urlunsplit(plain),
        shown=urlunsplit(plain._replace(query=urlencode(hidden, safe="*"))),
        user=user if user != ":" else "",
        secrets=tuple(secrets),
    )


def below(address: Address, path: str) -> str:
    """Return the URL of `path` below an address; its settings stay behind."""
    parts: SplitResult = urlsplit(address.url)
    return urlunsplit(parts._replace(path=f"{parts.path}/{path}"))


def post_json(
    url: str, body: Mapping[str, Any], headers: Mapping[str, str], *, secrets: Sequence[str]
) -> Any:
    """Return the answer of a server to `body`, from JSON.

    Raises:
        AnswerError: it cannot be reached, refuses, redirects, stays busy, or does not answer in
            time, in size, or as JSON.
    """
    request = urllib.request.Request(url, json.dumps(body).encode(), dict(headers))
    end = time.monotonic() + MOST_SECONDS
    for wait in (*WAITS, None):
        try:
            answer = _attempt(request, min(ATTEMPT_SECONDS, end - time.monotonic()))
            return json.loads(answer)
        except urllib.error.HTTPError as error:
            with error:
                cause = _refusal(error, secrets)
                pause = _pause(error, wait)
        except (ValueError, RecursionError):
            raise AnswerError("gives an answer that is no JSON") from None
        # What these say may hold pieces of the address or of the answer.
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            said = hide_secrets(str(reason), secrets)[:_SHOWN_CHARACTERS]
            raise AnswerError(f"gives no answer ({type(reason).__name__}: {said})") from None

        if pause is None or time.monotonic() + pause > end:
            raise AnswerError(cause)
        time.sleep(pause)

    raise AssertionError("the last attempt returns or raises")


def _attempt(request: urllib.request.Request, seconds: float) -> bytes:
    """Return the bytes of the answer to one request."""
    sockets: list[socket.socket] = []
    late = TimeoutError(f"no whole answer within {seconds:.0f} seconds")
    if seconds <= 0:
        raise late

    # A server that sends a byte now and then would never run into the limit of one read.
    end = time.monotonic() + seconds
    timer = Timer(seconds, _shut_down, [sockets])
    timer.daemon = True
    timer.start()
    try:
        with _opener(sockets).open(request, timeout=seconds) as response:
            answer = _read(response)
    except urllib.error.HTTPError:
        raise
    except (OSError, ValueError, AttributeError, http.client.HTTPException):
        if time.monotonic() >= end:
            raise late from None
        raise
    finally:
        timer.cancel()

    # A connection that is shut down reads like an end.
    if time.monotonic() >= end:
        raise late
    return answer


def _read(response: Any) -> bytes:
    parts: list[bytes] = []
    size = 0
    while part := response.read1(_CHUNK_BYTES):
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            raise OSError(f"the answer is longer than {MOST_BYTES:,} bytes")
    return b"".join(parts)


def _refusal(error: urllib.error.HTTPError, secrets: Sequence[str]) -> str:
    """Return what a refusal says, without secrets."""
    if 300 <= error.code < 400:
        return f"redirects to another address ({error.code}), which is not followed"
    try:
        reply = error.read(_CHUNK_BYTES).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        reply = ""
    # First whole, then cut: a secret that is cut in two would be no longer known.
    said = " ".join(hide_secrets(reply, secrets).split())[:_SHOWN_CHARACTERS]
    return f"answers {error.code}: {said}"


def _pause(error: urllib.error.HTTPError, wait: float | None) -> float | None:
    """Return the seconds up to the next attempt; None if there is none."""
    if error.code not in _BUSY or wait is None:
        return None
    asked_for = (error.headers.get("Retry-After") or "").strip()
    if asked_for.isascii() and asked_for.isdigit() and len(asked_for) <= 9:
        return min(max(wait, float(asked_for)), _MOST_WAIT)
    return wait


def _shut_down(sockets: Sequence[socket.socket]) -> None:
    """End the reads that wait on these sockets."""
    for opened in sockets:
        try:
            opened.shutdown(socket.SHUT_RDWR)
        except OSError:
            continue


def _opener(sockets: list[socket.socket]) -> urllib.request.OpenerDirector:
    """Return an opener that follows no redirect, and lists each socket that it opens."""

    class PlainConnection(http.client.HTTPConnection):
        def connect(self) -> None:
            super().connect()
            sockets.append(self.sock)

    class SecureConnection(http.client.HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            sockets.append(self.sock)

    class PlainHandler(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> Any:
            return self.do_open(PlainConnection, req)

    class SecureHandler(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> Any:
            return self.do_open(SecureConnection, req)

    class NoRedirect(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *args: Any, **kwargs: Any) -> None:
            return None

    return urllib.request.build_opener(PlainHandler, SecureHandler, NoRedirect)
