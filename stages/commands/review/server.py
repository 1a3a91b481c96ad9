"""The local server of the review page: addresses, forms, and what follows from them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs

from stages.commands.review import pages
from stages.commands.review.address_guard import LOOPBACK, AddressGuard
from stages.commands.review.session import ReviewSession
from stages.commands.review.site import ReviewSite
from stages.commands.review.verdict_file import RowChangedError
from stages.lib.core.errors import UserError
from stages.lib.core.plain_names import without_forbidden
from stages.lib.schemas.reviews import Judgement, RowIds, one_line

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

_MAX_FORM = 2**16  # bytes
_FOLDER = Path(__file__).parent
_VERDICTS = ("yes", "no")


class PostedForm(NamedTuple):
    """What a form of the page sends.

    Attributes:
        action: the button.
        note: the note, in one line.
        seen: the verdict and the note that the page showed.
    """

    action: str
    note: str
    seen: tuple[str, str]


def review_app(site: ReviewSite) -> Starlette:
    """Return the application that serves a site. `AddressGuard` must stand before it."""
    from starlette.applications import Starlette
    from starlette.routing import Route

    answers = ReviewAnswers(site)
    row = f"{site.root}/{{queue}}/{{query_id}}/{{doc_id}}"
    return Starlette(
        routes=[
            Route(f"{site.root}/", answers.index),
            _asset_route(site, "review.css", "text/css"),
            _asset_route(site, "review.js", "text/javascript"),
            Route(f"{site.root}/{{queue}}", answers.queue),
            Route(row, answers.show, methods=["GET"]),
            Route(row, answers.judge, methods=["POST"]),
        ]
    )


class ReviewAnswers:
    """What the server answers to each kind of request.

    All work is done in the thread of the server, one request after the other. So no two requests
    of several tabs can meet in a file.
    """

    def __init__(self, site: ReviewSite) -> None:
        self._site = site

    async def index(self, request: Request) -> Response:
        """Return the list of queues."""
        site = self._site
        try:
            rows = site.overview()
            agreement = site.agreement_lines()
        except UserError as problem:
            return _page(pages.problem_page(site.root, problem), 409)
        return _page(pages.index_page(site.root, rows, agreement, site.judge))

    async def queue(self, request: Request) -> Response:
        """Lead to the row at which to go on."""
        return self._answer(request, self._resume)

    async def show(self, request: Request) -> Response:
        """Return a row."""
        flash = request.query_params.get("did", "")

        def shown(session: ReviewSession) -> Response:
            place = session.place(_ids(request))
            if place is None:
                return self._missing("This row is not in the queue.")
            return _page(pages.item_page(self._site.root, session, place, flash=flash))

        return self._answer(request, shown)

    async def judge(self, request: Request) -> Response:
        """Take a verdict, a note or a wish, and lead to the row that comes next."""
        form = await _posted(request)
        if form is None:
            return _page(pages.message_page(self._site.root, "The form is too long."), 413)

        def judged(session: ReviewSession) -> Response:
            place = session.place(_ids(request))
            if place is None:
                return self._missing("This row is not in the queue.")
            return self._carried_out(session, place, form)

        return self._answer(request, judged)

    def _answer(self, request: Request, answer: Callable[[ReviewSession], Response]) -> Response:
        """Answer for a queue. A file that cannot be read or written is an answer too."""
        site = self._site
        try:
            session = site.session(request.path_params["queue"])
            if session is None:
                return self._missing("There is no such queue.")
            return answer(session)
        except UserError as problem:
            return _page(pages.problem_page(site.root, problem), 409)

    def _missing(self, text: str) -> Response:
        return _page(pages.message_page(self._site.root, text), 404)

    def _resume(self, session: ReviewSession) -> Response:
        place = session.start()
        if place is None:
            return _page(pages.done_page(self._site.root, session))
        return self._lead_to(session, place)

    def _lead_to(self, session: ReviewSession, place: int, flash: str = "") -> Response:
        from starlette.responses import RedirectResponse

        address = pages.item_address(self._site.root, session, place)
        return RedirectResponse(f"{address}?did={flash}" if flash else address, 303)

    def _carried_out(self, session: ReviewSession, place: int, form: PostedForm) -> Response:
        """Save what the form says, and lead on. What cannot be saved is shown again."""
        ids = session.items[place].ids
        seen = Judgement(*ids, form.seen[0], session.judge, form.seen[1])
        if form.action == "undo":
            return self._undone(session, place, form, seen)

        # Every other button keeps the note, and all but two keep the verdict.
        verdict = form.action if form.action in _VERDICTS else seen.verdict
        if form.action == "clear":
            verdict = ""
        try:
            session.say(ids, verdict, form.note, seen)
        except RowChangedError as change:
            wish = Judgement(*ids, verdict, session.judge, form.note)
            text = pages.changed_page(self._site.root, session, place, wish, change.current)
            return _page(text, 409)

        last = len(session.items) - 1
        if form.action == "back":
            return self._lead_to(session, max(place - 1, 0))
        if form.action == "forward":
            return self._lead_to(session, min(place + 1, last))
        if form.action == "clear":
            return self._lead_to(session, place, "clear")

        # A verdict leads to the next row without one.
        following = session.next_unjudged(place)
        if following is None:
            return _page_of_end(self._site.root, session)
        return self._lead_to(session, following, form.action)

    def _undone(
        self, session: ReviewSession, place: int, form: PostedForm, seen: Judgement
    ) -> Response:
        """Take the last change back. A note that was typed meanwhile is saved after that."""
        undone = session.undo()
        ids = session.items[place].ids
        if form.note != seen.note:
            shown = session.line(ids) if undone.ids == ids else seen
            try:
                session.say(ids, shown.verdict, form.note, shown)
            except RowChangedError as change:
                wish = shown._replace(note=form.note)
                text = pages.changed_page(self._site.root, session, place, wish, change.current)
                return _page(text, 409)

        if undone.ids is None:
            return self._lead_to(session, place, "nothing")
        target = session.place(undone.ids)
        flash = "kept" if undone.is_kept else "undone"
        return self._lead_to(session, place if target is None else target, flash)


def serve(site: ReviewSite, listener: socket.socket, token: str) -> None:
    """Serve a site until the process is told to end, as `review_server` says."""
    asyncio.run(review_server(site, listener, token).serve(sockets=[listener]))


def review_server(site: ReviewSite, listener: socket.socket, token: str) -> uvicorn.Server:
    """Return the server of a site, which is not started yet.

    Args:
        site: the queues.
        listener: the open port, on the loopback address.
        token: the secret that begins every address.
    """
    import uvicorn

    port = listener.getsockname()[1]
    config = uvicorn.Config(
        AddressGuard(review_app(site), port, token),
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        # A browser keeps connections open. They must not hold up the end.
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def open_port() -> socket.socket:
    """Return a socket that listens on a free port of the loopback address."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind((LOOPBACK, 0))
    listener.listen()
    return listener


def _page(text: str, status: int = 200) -> Response:
    from starlette.responses import HTMLResponse

    return HTMLResponse(text, status)


def _page_of_end(root: str, session: ReviewSession) -> Response:
    from starlette.responses import RedirectResponse

    return RedirectResponse(f"{root}/{session.queue.name}", 303)


def _asset_route(site: ReviewSite, name: str, media_type: str) -> Route:
    from starlette.responses import Response
    from starlette.routing import Route

    content = (_FOLDER / name).read_bytes()

    async def answer(request: Request) -> Response:
        return Response(content, media_type=media_type)

    return Route(f"{site.root}/{name}", answer)


def _ids(request: Request) -> RowIds:
    return request.path_params["query_id"], request.path_params["doc_id"]


async def _posted(request: Request) -> PostedForm | None:
    """Return what a form sends; None if it is too long."""
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > _MAX_FORM:
            return None
    values = parse_qs(content.decode("utf-8", "replace"), keep_blank_values=True)
    fields = {name: texts[0] for name, texts in values.items()}
    note = one_line(without_forbidden(fields.get("note", "")))
    if len(note) > pages.MAX_NOTE:
        return None
    return PostedForm(
        action=fields.get("action", ""),
        note=note,
        seen=(fields.get("seen_verdict", ""), one_line(fields.get("seen_note", ""))),
    )
