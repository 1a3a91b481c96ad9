"""`python -m stages review --open` as a process: it tells its address, and ends without a loss."""

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from stages.lib.schemas.reviews import FIRST_HITS, NEGATIVES, write_judgements
from tests.commands.review.cases import Address
from tests.commands.review.test_command import FILE, FIRST, HITS, SECOND, edit, mined, run
from tests.conftest import ROOT

pytestmark = pytest.mark.slow
SHEET = Path("data/review/with_texts/negatives.csv")


@pytest.fixture
def ready(project):
    FILE.parent.mkdir(parents=True, exist_ok=True)
    write_judgements([], FILE, NEGATIVES)
    write_judgements([], HITS, FIRST_HITS)
    mined((1, "fever", 11), (2, "rash", 12))


@contextmanager
def started(*options):
    """Start the command, and yield its process and where it serves."""
    command = [sys.executable, "-m", "stages", "review", "--open", *options]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, **streams) as process:
        try:
            text = ""
            while "Ctrl-C" not in text:
                line = process.stdout.readline()
                assert line, text
                text += line
            url = urlsplit(re.search(r"open (http://127\.0\.0\.1:\d+/\S+/) in", text)[1])
            yield process, Address(url.port, url.path.strip("/"))
        finally:
            process.kill()


def judge(address):
    """Say no to the row at which the review goes on, and return its ids."""
    place = address.ask(f"/{address.token}/negatives").headers["location"]
    body = "action=no&note=&seen_verdict=&seen_note="
    assert address.ask(place, "POST", body).status == 303
    return ",".join(place.split("/")[-2:])


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_verdicts_stay_when_the_command_ends(ready, number, status):
    with started() as (process, address):
        row = judge(address)
        process.send_signal(number)
        text = process.stdout.read()
        assert process.wait() == status
    assert "ended; all verdicts are saved: commit data/review/*.csv" in text
    assert "taken back" not in text
    assert FILE.read_text("utf-8").splitlines()[1:] == [f"{row},no,,"]


def test_a_sheet_is_taken_over_before_the_page_opens(ready):
    assert run().exit_code == 0
    edit(SHEET, ("text 11,", "text 11,yes"))
    with started() as (process, address):
        assert FILE.read_text("utf-8").splitlines()[1:] == [f"{FIRST},yes,,"]
        assert judge(address) == SECOND
        process.send_signal(signal.SIGINT)
        process.wait()
    assert FILE.read_text("utf-8").splitlines()[1:] == [f"{FIRST},yes,,", f"{SECOND},no,,"]


def test_without_the_packages_the_remedy_is_named(ready, monkeypatch):
    monkeypatch.setattr(
        "stages.commands.review.__main__.find_spec", lambda name: None if name == "uvicorn" else 1
    )
    result = run("--open")
    assert result.exit_code == 1
    assert "the page needs uvicorn, which is not installed" in result.stderr
    assert "run 'make setup'" in result.stderr
