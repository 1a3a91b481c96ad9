"""A queue of 100,000 rows, most of them judged: each action takes under 100 ms."""

from time import perf_counter

import pytest

from stages.lib.schemas.reviews import write_judgements
from tests.commands.review.cases import line, review_queue, served

ROWS = 100_000
ROUNDS = 15
LIMIT = 0.1  # seconds


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    folder = tmp_path_factory.mktemp("large")
    queue = review_queue(folder, ["a text of some words"] * ROWS)
    lines = [line(number, "no", note="a note") for number in range(1, ROWS - 200)]
    write_judgements(lines, queue.path, queue.header)
    with served(queue) as address:
        yield address


def seconds(action):
    start = perf_counter()
    reply = action()
    assert reply.status in (200, 303), reply.text
    return perf_counter() - start


@pytest.mark.prove
def test_each_action_on_a_large_queue_is_fast(large):
    first = ROWS - 150
    seconds(lambda: large.post(first - 1, "yes"))
    actions = {
        "show": lambda number: large.ask(large.row(number)),
        "yes": lambda number: large.post(number, "yes"),
        "undo": lambda number: large.post(number, "undo", seen="yes"),
        "no": lambda number: large.post(number, "no", "a note"),
        "skip": lambda number: large.post(number, "skip", "a note", "no", "a note"),
        "back": lambda number: large.post(number, "back", "a note", "no", "a note"),
        "resume": lambda number: large.ask(f"/{large.token}/negatives"),
        "index": lambda number: large.ask(f"/{large.token}/"),
    }
    times = {name: [] for name in actions}
    for number in range(first, first + ROUNDS):
        for name, action in actions.items():
            times[name].append(seconds(lambda: action(number)))  # noqa: B023  called at once

    # The best of all rounds: other programs share the machine.
    best = {name: round(min(values), 3) for name, values in times.items()}
    assert max(best.values()) < LIMIT, best
