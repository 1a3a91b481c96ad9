"""A server that is killed at random moments loses no verdict that it has acknowledged."""

import random
import signal
import subprocess
import sys
import threading

import pytest

from stages.commands.review.session import ReviewSession
from tests.commands.review.cases import Address, ids, review_queue, verdicts_of
from tests.conftest import ROOT

ROWS = 3000


def judged_until_killed(folder, numbers, count, delay):
    """Serve rows, judge them one by one, and kill the server while it works.

    The kill comes `delay` seconds after `count` verdicts are acknowledged. So it does not depend on
    the speed of the machine how many of the rows are used up.

    Returns the verdicts that it has acknowledged, and the number of the one that it has not.
    """
    command = [sys.executable, "-m", "tests.commands.review.serve_rows", str(folder), str(ROWS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        timer = threading.Timer(delay, process.kill)
        try:
            port, token = process.stdout.readline().split()
            address = Address(int(port), token)
            acknowledged = {}
            for number in numbers:
                verdict = "yes" if number % 3 else "no"
                try:
                    reply = address.post(number, verdict, f"note {number}")
                except OSError:
                    break
                assert reply.status == 303, reply.text
                acknowledged[number] = verdict
                if len(acknowledged) == count:
                    timer.start()
            timer.join()
        finally:
            process.kill()
    assert process.returncode == -signal.SIGKILL
    assert acknowledged.keys() < set(numbers), "all rows are judged"
    return acknowledged, number


def check_kills(folder, times):
    draw = random.Random(13)
    queue = review_queue(folder, ["a text"] * ROWS)
    expected = {}
    next_number = 1
    for _ in range(times):
        numbers = range(next_number, ROWS + 1)
        count = draw.randint(1, 20)
        delay = draw.uniform(0, 0.02)
        acknowledged, last = judged_until_killed(folder, numbers, count, delay)
        expected |= acknowledged

        # What was under way when the server was killed may be there, or not.
        saved = verdicts_of(queue)
        assert {number: saved.get(number) for number in expected} == expected
        assert saved.keys() - expected.keys() <= {last}
        expected = saved
        next_number = last + 1
    assert len(expected) >= times

    # All of it can be taken back, in the order in which it was given.
    session = ReviewSession(queue, "")
    undone = []
    while (ids_of_row := session.undo().ids) is not None:
        undone.append(ids_of_row)
    assert undone == [ids(number) for number in sorted(expected, reverse=True)]
    assert verdicts_of(queue) == {}
    assert [path.name for path in folder.rglob("*.tmp")] == []


@pytest.mark.slow
def test_a_few_kills_lose_nothing(tmp_path):
    check_kills(tmp_path, 3)


@pytest.mark.prove
def test_fifty_kills_lose_nothing(tmp_path):
    check_kills(tmp_path, 50)
