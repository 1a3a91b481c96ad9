"""Queues of a few rows, and a server of them on the loopback address, in this process."""

import asyncio
import http.client
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from stages.commands.review.address_guard import new_token
from stages.commands.review.queues import ReviewItem, ReviewQueue
from stages.commands.review.server import open_port, review_server
from stages.commands.review.site import ReviewSite
from stages.lib.schemas.reviews import NEGATIVES, Judgement, read_judgements, write_judgements

FORM = "application/x-www-form-urlencoded"
HOSTILE = (
    "<script>document.title = 'run'</script>",
    "]]><img src=x onerror=\"document.title = 'run'\"> </textarea></form>",
    '" autofocus onfocus="document.title = 1" x="&lt;b&gt;&amp;',
    "שלום עולם \u202etxet desrever\u202c, 👩‍⚕️ e\u0301",
    "a long text " * 900,
    "w" * 1_000_000,
)


def ids(number):
    return (f"p{number:016}", f"d{number:016}")


def review_queue(folder, texts=("one", "two", "three"), **changes):
    """Return a queue with a row for each text, and write its empty file."""
    items = [
        ReviewItem(
            ids(number),
            cluster=f"c{number}",
            texts=(f"query {number}", f"the answer {number}", text),
            evidence=(f"cosine 0.{number}",),
        )
        for number, text in enumerate(texts, 1)
    ]
    settings = {
        "name": "negatives",
        "title": "Mined negatives",
        "question": "Does it answer?",
        "labels": ("Query", "Its document", "The negative"),
        "meanings": ("a false negative", "a negative"),
        "text_columns": ("anchor", "positive", "negative"),
        "header": NEGATIVES,
        "path": Path(folder, "negatives.csv"),
        "items": items,
        "purpose": "a sample",
    }
    queue = ReviewQueue(**(settings | changes))
    if not queue.path.exists():
        write_judgements([], queue.path, queue.header)
    return queue


def lines_of(queue):
    """Return the lines of the file without its header."""
    return queue.path.read_text("utf-8").splitlines()[1:]


def verdicts_of(queue):
    """Return the number of each judged row with its verdict."""
    return {int(line.query_id[1:]): line.verdict for line in read_judgements(queue.path, NEGATIVES)}


def line(number, verdict="", judge="", note=""):
    return Judgement(*ids(number), verdict, judge, note)


class Reply(NamedTuple):
    """The answer to a request: its status, headers and text."""

    status: int
    headers: dict
    text: str


class Address(NamedTuple):
    """Where a page is served."""

    port: int
    token: str

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/{self.token}/"

    def row(self, number, queue="negatives"):
        return f"/{self.token}/{queue}/{'/'.join(ids(number))}"

    def ask(self, path, method="GET", body=None, **headers):
        """Send a request, with the headers of a browser unless others are given."""
        given = {"Host": f"127.0.0.1:{self.port}", **headers}
        if method == "POST":
            given = {"Origin": f"http://127.0.0.1:{self.port}", "Content-Type": FORM, **given}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in given.items():
            if value is not None:
                connection.putheader(name, value)
        content = (body or "").encode()
        if method == "POST":
            connection.putheader("Content-Length", str(len(content)))
        connection.endheaders(content if method == "POST" else None)
        response = connection.getresponse()
        text = response.read().decode("utf-8")
        connection.close()
        return Reply(response.status, dict(response.getheaders()), text)

    def post(self, number, action, note="", seen="", seen_note="", queue="negatives"):
        fields = {"action": action, "note": note, "seen_verdict": seen, "seen_note": seen_note}
        return self.ask(self.row(number, queue), "POST", urlencode(fields))


@contextmanager
def served(*queues, judge=""):
    """Serve queues, and yield their address."""
    token = new_token()
    site = ReviewSite(queues, judge, token)
    listener = open_port()
    server = review_server(site, listener, token)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
    thread.start()
    try:
        yield Address(listener.getsockname()[1], token)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
