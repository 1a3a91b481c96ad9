"""Serve rows in a process of its own, for tests that kill it: python -m ... FOLDER NUMBER."""

import sys

from stages.commands.review.address_guard import new_token
from stages.commands.review.server import open_port, serve
from stages.commands.review.site import ReviewSite
from stages.lib.core import atomic
from tests.commands.review.cases import review_queue

if __name__ == "__main__":
    folder, number = sys.argv[1:]
    queue = review_queue(folder, ["a text"] * int(number))
    token = new_token()

    # A command writes in a run, which a failure would take back.
    atomic.begin_run()
    with open_port() as listener:
        sys.stdout.write(f"{listener.getsockname()[1]} {token}\n")
        sys.stdout.flush()
        serve(ReviewSite([queue], "", token), listener, token)
