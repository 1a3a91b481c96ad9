"""Temporary folders go with their process, also when it is stopped, and after a kill with the next one."""

import os
import signal
import subprocess
import sys
import tempfile

import pytest

from stages.lib.core.errors import UserError
from stages.lib.core.temporary_folders import (
    remove_left,
    temporary_folder,
    temporary_root,
)
from tests.conftest import ROOT

# Larger than the largest number of a process on Linux.
NOBODY = 2**22 + 1

STAGE = """
import sys, time
from stages.lib.core.database import connect
from stages.lib.core.stage import command
from stages.lib.core.temporary_folders import lasting_folder, temporary_folder

def main() -> None:
    with temporary_folder() as folder, connect():
        (folder / "a.txt").write_text("a")
        (lasting_folder() / "b.txt").write_text("b")
        print("works", flush=True)
        sys.stdin.read()

command(lambda: main())(args=[])
"""


def stage(folder):
    return subprocess.Popen(
        [sys.executable, "-c", STAGE],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize("number", [None, signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_leaves_no_folder_however_it_ends(tmp_path, number):
    with stage(tmp_path) as process:
        assert process.stdout.readline() == "works\n"
        names = [folder.name for folder in tmp_path.iterdir()]
        assert len(names) == 3
        assert all(name.startswith(f"pairsmith-{process.pid}-") for name in names)
        # None of them is taken for one that was left.
        assert remove_left(tmp_path) == []
        if number is None:
            process.stdin.close()
        else:
            process.send_signal(number)
        process.wait(timeout=60)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_what_a_killed_run_left_goes_with_the_next_one(tmp_path):
    with stage(tmp_path) as killed:
        assert killed.stdout.readline() == "works\n"
        killed.kill()
    left = set(tmp_path.iterdir())
    assert len(left) == 3
    with stage(tmp_path) as process:
        assert process.stdout.readline() == "works\n"
        assert left.isdisjoint(tmp_path.iterdir())
    assert list(tmp_path.iterdir()) == []


def test_only_folders_of_processes_that_are_gone_are_removed(tmp_path, monkeypatch):
    left = tmp_path / f"pairsmith-{NOBODY}-left"
    (left / "inner").mkdir(parents=True)
    target = tmp_path / "target"
    target.mkdir()
    link = tmp_path / f"pairsmith-{NOBODY}-link"
    link.symlink_to(target)
    file = tmp_path / f"pairsmith-{NOBODY}-file"
    file.write_text("a")
    own = tmp_path / f"pairsmith-{os.getpid()}-own"
    own.mkdir()
    other = tmp_path / "pairsmith-notes"
    other.mkdir()
    assert remove_left(tmp_path) == [left]
    assert set(tmp_path.iterdir()) == {target, link, file, own, other}

    # The number is that of nobody here, but somebody holds the lock, as from another container.
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(os, "getpid", lambda: NOBODY)
        block = temporary_folder()
        folder = block.__enter__()
        assert folder.name.startswith(f"pairsmith-{NOBODY}-")
        assert remove_left(tmp_path) == []
        block.__exit__(None, None, None)
    assert not folder.exists()


# In a process of its own: in the fork of one with threads, an exit function may wait for ever.
FORK = """
import atexit, os
from stages.lib.core.temporary_folders import lasting_folder
folder = lasting_folder()
child = os.fork()
if not child:
    atexit._run_exitfuncs()
    os._exit(0)
os.waitpid(child, 0)
print(folder.is_dir())
"""


def test_a_forked_process_does_not_remove_the_folder_of_its_parent(tmp_path):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", FORK],
        capture_output=True,
        text=True,
        env=environment,
        cwd=ROOT,
        check=True,
        timeout=60,
    )
    assert run.stdout == "True\n"
    # The parent has removed it at its own end.
    assert list(tmp_path.iterdir()) == []


def test_no_folder_that_can_be_written_is_an_error_with_a_remedy(monkeypatch):
    def none():
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    with pytest.raises(UserError) as caught:
        temporary_root()
    assert caught.value.fact == (
        "there is no folder for temporary files: No usable temporary directory found in ['/tmp']"
    )
    assert "set TMPDIR" in caught.value.remedy
