"""A worker that dies costs time: its rows are tried again in halves, and named if that fails too."""

import os
import signal
import subprocess
import sys
import time
from functools import partial

import pandas as pd
import psutil
import pytest

from stages.lib.core import tables
from stages.lib.core.errors import UserError
from stages.lib.core.process_locks import killed_run
from stages.lib.preprocessing import shard_work, sharded
from stages.lib.schemas.documents import Documents
from tests.conftest import ROOT
from tests.lib.preprocessing.shard_functions import (
    by_topic,
    contents,
    die_above_20_rows,
    die_at_text_50,
    grouped,
    mapped,
    sizes,
    topic_or_death,
    upper_and_counts,
    write_five_shards,
)


@pytest.fixture
def path(tmp_path, monkeypatch):
    """Write a table of five shards, and let three processes work on it."""
    monkeypatch.setenv("PAIRSMITH_WORKERS", "3")
    return write_five_shards(tmp_path, monkeypatch)


@pytest.fixture
def new_children():
    """Give the child processes that were started after the test began."""
    process = psutil.Process()

    # Other tests of this process may have left a database server running.
    before = set(process.children(recursive=True))
    return lambda: set(process.children(recursive=True)) - before


@pytest.mark.slow
def test_a_worker_that_dies_once_changes_no_byte(path, tmp_path):
    expected = mapped(upper_and_counts, path, tmp_path / "a")
    function = partial(upper_and_counts, mark=tmp_path / "died")
    assert contents(mapped(function, path, tmp_path / "b")) == contents(expected)
    assert (tmp_path / "died").exists()


@pytest.mark.slow
def test_groups_are_the_same_bytes_when_a_worker_dies(path, tmp_path):
    expected = contents(grouped(sizes, by_topic, path, tmp_path / "a"))
    function = partial(sizes, mark=tmp_path / "reduce")
    key = partial(topic_or_death, mark=tmp_path / "scatter")
    assert contents(grouped(function, key, path, tmp_path / "b")) == expected
    assert (tmp_path / "reduce").exists()
    assert (tmp_path / "scatter").exists()


@pytest.mark.slow
def test_shards_that_are_too_large_go_in_halves(path, tmp_path):
    (parts,) = mapped(die_above_20_rows, path, tmp_path / "a", [Documents])
    frame = sharded.concat_parts(parts, Documents)
    pd.testing.assert_frame_equal(frame, tables.read(path, Documents))


@pytest.mark.slow
def test_rows_at_which_a_worker_dies_twice_are_named(path, tmp_path, new_children):
    with pytest.raises(UserError) as caught:
        mapped(die_at_text_50, path, tmp_path / "a", [Documents])
    assert caught.value.fact == (
        "a worker process died twice (die at text 50), most likely since the memory was not "
        "enough: at 20 rows, doc_id d0000000000000028 to d000000000000003b"
    )
    assert new_children() == set()


@pytest.mark.slow
def test_one_worker_that_dies_is_a_message_too(path, tmp_path, monkeypatch):
    """It works in a process of its own, so that this one can name the rows."""
    monkeypatch.setenv("PAIRSMITH_WORKERS", "1")
    with pytest.raises(UserError) as caught:
        mapped(die_at_text_50, path, tmp_path / "a", [Documents])
    assert caught.value.fact.endswith("at 20 rows, doc_id d0000000000000028 to d000000000000003b")
    (parts,) = mapped(die_above_20_rows, path, tmp_path / "a", [Documents])
    pd.testing.assert_frame_equal(
        sharded.concat_parts(parts, Documents), tables.read(path, Documents)
    )


SMALL = """
import sys
from pathlib import Path
from stages.lib.core import tables
from stages.lib.core.process_locks import clone_lock
from stages.lib.preprocessing import sharded
from stages.lib.schemas.documents import Documents
from tests.lib.preprocessing.shard_functions import die_at_text_50

path = Path(sys.argv[1])
with clone_lock():
    sharded.map_shards(die_at_text_50, [tables.Shard(path)], Documents, [Documents], path.parent)
"""


@pytest.mark.slow
def test_a_stage_that_is_killed_with_its_only_shard_is_explained_afterwards(path, tmp_path):
    """No message of its own is possible: DVC shows the exit code, and `heal` or the next run says why."""
    (tmp_path / ".dvc").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", SMALL, str(path)], cwd=tmp_path, env=environment, check=False
    )
    assert done.returncode == -signal.SIGKILL
    killed = killed_run(tmp_path / ".dvc/tmp/pairsmith.lock")
    assert killed.fact.endswith(
        "it was at: die at text 50, 167 rows, doc_id d0000000000000000 to d00000000000000a6"
    )


def refuse_late(frame):
    """Refuse each shard, the first one last."""
    if "text 0" in set(frame["text"]):
        time.sleep(0.3)
    raise UserError(f"{frame['doc_id'].iloc[0]} is wrong", "mend it")


@pytest.mark.slow
def test_the_error_is_that_of_the_first_shard_however_slow(path, tmp_path, new_children):
    with pytest.raises(UserError) as caught:
        mapped(refuse_late, path, tmp_path / "a", [Documents])
    assert caught.value.fact == "d0000000000000000 is wrong"
    assert new_children() == set()


def test_halves_that_share_a_key_of_other_columns_are_a_bug(tmp_path):
    frame = pd.DataFrame({"key": ["a", "a"], "text": ["b", "c"]})
    with pytest.raises(ValueError, match="rows of both halves have the same key"):
        shard_work._added_up(frame, ["key"])


SLEEPER = """
import os, sys, time
from pathlib import Path
from stages.lib.core import tables
from stages.lib.core.stage import command
from stages.lib.preprocessing import sharded
from stages.lib.schemas.documents import Documents

tables.SHARD_ROWS = 40

def sleep(frame):
    os.write(1, b"works\\n")
    time.sleep(60)

def main() -> None:
    path = Path(sys.argv[1])
    sharded.map_shards(sleep, tables.shards(path), Documents, [Documents], path.parent)

command(lambda: main())(args=[])
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, None), (signal.SIGKILL, -signal.SIGKILL)],
)
def test_no_worker_outlives_its_parent(path, number, code):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEPER, str(path)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        for _ in range(3):
            assert process.stdout.readline() == "works\n"
        workers = psutil.Process(process.pid).children(recursive=True)
        assert len(workers) == 3
        process.send_signal(number)
        _, alive = psutil.wait_procs(workers, timeout=20)
        assert alive == []
        process.wait(timeout=20)
        errors = process.stderr.read()
    assert process.returncode == code or (code is None and process.returncode in {-15, 143})
    if number == signal.SIGINT:
        assert errors.splitlines() == [
            "error: the run was interrupted, and what it wrote was taken back",
            "  remedy: run the same command again",
        ]
