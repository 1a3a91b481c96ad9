"""Faults of the machine are one message with fact and remedy, nothing half-written, and no traceback."""

import errno
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as arrow
import pytest

from stages.lib.core import atomic, tables
from stages.lib.core.database import connect
from stages.lib.core.errors import UserError
from stages.lib.core.machine_faults import exit_code, machine_fault, problem_of
from stages.lib.core.process_locks import (
    clone_lock,
    forget_killed_run,
    killed_run,
    lock_holders,
    note_work,
)
from stages.lib.schemas.documents import Documents
from stages.lib.text.text_file import TextFile
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("error", "fact"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "this user may not store more (quota)"),
        (OSError(errno.EFBIG, "File too large"), "a file grew above the limit of this process"),
        (OSError(errno.EROFS, "Read-only file system"), "the file system can only be read"),
        (PermissionError(errno.EACCES, "Permission denied"), "this user has no permission"),
        (PermissionError(errno.EPERM, "Operation not permitted"), "this user has no permission"),
        (OSError(errno.EMFILE, "Too many open files"), "too many files are open"),
        (OSError(errno.ENFILE, "Too many open files in system"), "too many files are open"),
        (OSError(errno.EIO, "Input/output error"), "the disk reports an error"),
        (OSError(errno.ESTALE, "Stale file handle"), "the network file system lost the file"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "the memory was not enough"),
        (BlockingIOError(errno.EAGAIN, "try again"), "the system starts no more threads or processes"),
        (MemoryError(), "the memory was not enough"),
        (arrow.ArrowMemoryError("malloc of size 64 failed"), "the memory was not enough"),
        (OSError("100000 requested and 25584 written"), "the disk is full"),
        (RuntimeError("unexpected pos 576 vs 534"), "the disk is full"),
        (RuntimeError("I/O error: No space left on device (os error 28)"), "the disk is full"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 4 TB"), "the memory was not enough"),
        (RuntimeError("can't start new thread"), "the system starts no more threads or processes"),
        (RuntimeError('IO Error: Cannot open file "a": Too many open files'), "too many files are open"),
    ],
)  # fmt: skip
def test_each_fault_has_a_fact_and_a_remedy(error, fact):
    problem = machine_fault(error, Path("data/a.parquet"))
    assert problem.fact.startswith(f"{fact}: data/a.parquet")
    assert problem.remedy.endswith("then run the same command again")


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a bug"),
        KeyError("memory"),
        FileNotFoundError(errno.ENOENT, "No such file or directory"),
        OSError("a page is damaged"),
        BrokenPipeError(errno.EPIPE, "Broken pipe"),
        UserError("No space left on device", "read"),
        SystemExit(3),
    ],
)
def test_other_errors_are_no_faults_of_the_machine(error):
    assert machine_fault(error) is None


def test_a_bug_stays_a_bug_and_a_signal_has_its_code():
    assert problem_of(ValueError("a bug")) is None
    assert problem_of(SystemExit(3)) is None
    assert "interrupted" in problem_of(SystemExit(143)).fact
    assert exit_code(ValueError("a bug")) == 1


def test_a_file_of_the_error_is_named_before_that_of_the_caller():
    error = PermissionError(errno.EACCES, "Permission denied", "other.txt")
    assert machine_fault(error, Path("a.txt")).fact == (
        "this user has no permission: other.txt (Permission denied)"
    )
    error = PermissionError(errno.EACCES, "Permission denied", "data/.a.txt.17.tmp")
    assert "data/a.txt (" in machine_fault(error, Path("data/a.txt")).fact


OFFLOAD = (
    "Out of Memory Error: failed to offload data block of size 96.0 KiB (4.4 MiB/4.5 MiB used)."
)
ALLOCATE = "Out of Memory Error: failed to allocate data of size 16.0 MiB (48.0 MiB/57.2 MiB used)"


CUDA = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 15.77 GiB."


@pytest.mark.parametrize(
    ("error", "fact", "variable"),
    [
        (RuntimeError(CUDA), f"the memory of the GPU was not enough: {CUDA}", "run.device"),
        (
            OSError(errno.EFBIG, "File too large"),
            "a file grew above the limit of this process: most likely a temporary file in /scratch (File "
            "too large)",
            "ulimit",
        ),
        (
            RuntimeError(OFFLOAD),
            f"the disk is full: most likely a temporary file in /scratch ({OFFLOAD})",
            "TMPDIR",
        ),
        (
            RuntimeError(ALLOCATE),
            f"the database needs more memory than it may use: {ALLOCATE}",
            "PAIRSMITH_MEMORY to more",
        ),
        (
            RuntimeError(
                'IO Error: Could not write file "/scratch/a.tmp": No space left on device'
            ),
            'the disk is full: IO Error: Could not write file "/scratch/a.tmp": No space left on device',
            "TMPDIR",
        ),
    ],
)
def test_what_stops_temporary_files_names_their_place(monkeypatch, error, fact, variable):
    monkeypatch.setattr(tempfile, "tempdir", "/scratch")
    problem = problem_of(error)
    assert problem.fact == fact
    assert variable in problem.remedy


def fill(folder, kind):
    """Write about a megabyte by one of the ways of the stages."""
    if kind == "table":
        letters = np.random.default_rng(1).integers(97, 122, (3000, 400), dtype=np.uint8)
        frame = Documents.empty().reindex(range(3000)).fillna("")
        frame = frame.assign(
            doc_id=[f"d{number:016x}" for number in range(3000)],
            source="faq",
            text=[row.tobytes().decode() for row in letters],
        )
        tables.write(frame, folder / "table.parquet", Documents)
        return
    if kind == "texts":
        texts = TextFile()
        texts.append("text " * 300_000)
        texts.order()
    if kind == "database":
        with connect() as connection:
            connection.execute("CREATE TEMP TABLE a AS SELECT random() AS b FROM range(5_000_000)")
    with atomic.write(folder / f"{kind}.out") as temporary:
        if kind == "text":
            temporary.write_text("text " * 300_000)
        elif kind == "numpy":
            np.save(temporary.open("wb"), np.zeros(200_000))
        elif kind == "csv":
            pd.DataFrame({"a": np.random.default_rng(1).random(50_000)}).to_csv(temporary)


SCRIPT = """
import os, resource, sys
from pathlib import Path
from stages.lib.core import atomic
from stages.lib.core.stage import command
from tests.lib.core.test_machine_faults import fill

def main() -> None:
    folder, kind, fault, amount = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    with atomic.write(folder / "first.txt") as temporary:
        temporary.write_text("first")
    if fault == "size":
        resource.setrlimit(resource.RLIMIT_FSIZE, (amount, amount))
    if fault == "files":
        kept = [open(os.devnull) for _ in range(20)]
        resource.setrlimit(resource.RLIMIT_NOFILE, (amount, amount))
    if fault == "user":
        os.setuid(amount)
    fill(folder, kind)

command(lambda: main())(args=[])
"""


def run(folder, kind, fault, amount=0):
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder), kind, fault, str(amount)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def check(process, folder, fact, name):
    """Check one message, exit code 1, and a folder that is as it was before the run."""
    first, *others = process.stderr.splitlines()
    assert first.startswith(f"error: {fact}: {folder}/{name}"), process.stderr
    assert others[-1].startswith("  remedy: ")
    assert len(others) == 1
    assert process.returncode == 1
    assert list(folder.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("texts", "most likely a temporary file in FOLDER (File too large)"),
        ("database", 'IO Error: Could not write file "FOLDER/pairsmith-'),
    ],
)
def test_temporary_files_that_grow_above_a_limit(tmp_path, monkeypatch, kind, place):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setenv("PAIRSMITH_MEMORY", "20MB")
    monkeypatch.setenv("PAIRSMITH_WORKERS", "1")
    process = run(tmp_path, kind, "size", 100_000)
    first, second = process.stderr.splitlines()
    assert first.startswith(
        f"error: a file grew above the limit of this process: {place.replace('FOLDER', str(temporary))}"
    )
    assert second.startswith("  remedy: raise the limit ('ulimit -f unlimited')")
    assert process.returncode == 1
    assert list(temporary.iterdir()) == []
    assert list(tmp_path.iterdir()) == [temporary]


NAMES = {"table": "table.parquet", "text": "text.out", "numpy": "numpy.out", "csv": "csv.out"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", NAMES)
def test_a_file_that_grows_above_a_limit(tmp_path, kind):
    fact = "the disk is full" if kind == "numpy" else "a file grew above the limit of this process"
    check(run(tmp_path, kind, "size", 100_000), tmp_path, fact, NAMES[kind])
    assert run(tmp_path, kind, "none").returncode == 0
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.slow
def test_too_many_open_files(tmp_path):
    check(run(tmp_path, "text", "files", 20), tmp_path, "too many files are open", "text.out")


@pytest.mark.slow
@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_a_folder_in_which_this_user_may_not_write(tmp_path):
    process = run(tmp_path, "text", "user", 65534)
    error = process.stderr.rpartition("error: ")[2]
    assert error.startswith(f"this user has no permission: {tmp_path}")
    assert "Traceback" not in process.stderr
    assert process.returncode == 1
    assert not (tmp_path / "text.out").exists()


@pytest.fixture
def small_disk(tmp_path):
    """Return a folder on a file system of its own with 300 kB, where this is possible."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "none", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("kind", NAMES)
def test_a_full_disk(small_disk, kind):
    check(run(small_disk, kind, "none"), small_disk, "the disk is full", NAMES[kind])


@pytest.mark.slow
def test_a_disk_that_can_only_be_read(small_disk):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    process = run(small_disk, "text", "none")
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    check(process, small_disk, "the file system can only be read", "first.txt")


def test_a_table_that_cannot_be_opened_is_not_called_damaged(tmp_path):
    path = tmp_path / "documents.parquet"
    tables.write(Documents.empty(), path, Documents)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    with ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        with suppress(OSError):
            while True:
                stack.enter_context(Path(os.devnull).open())
        with pytest.raises(UserError) as caught:
            tables.read(path, Documents)
    assert caught.value.fact == f"too many files are open: {path} (Too many open files)"


# Two runs at once.

HOLDER = """
import sys
from pathlib import Path
from stages.lib.core.process_locks import clone_lock

with clone_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return process


@pytest.mark.slow
@pytest.mark.parametrize("end", ["close", "kill"])
def test_a_second_run_waits_and_says_for_whom(tmp_path, end):
    path = tmp_path / ".dvc/tmp/pairsmith.lock"
    path.parents[1].mkdir()
    first = holder(path)
    assert first.stdout.readline() == "held\n"
    assert lock_holders(path) == [first.pid]
    second = holder(path)
    assert second.stderr.readline() == (
        f"waiting for process {first.pid} ('-c {path}'), which works in this folder "
        "(Ctrl-C to stop)\n"
    )
    assert second.poll() is None
    if end == "kill":
        first.kill()
    else:
        first.stdin.close()
    assert second.stdout.readline() == "held\n"
    second.communicate("")
    first.wait()
    assert second.returncode == 0


@pytest.mark.slow
def test_a_lock_on_a_full_disk_says_nothing_and_holds(small_disk):
    path = small_disk / ".dvc/tmp/pairsmith.lock"
    path.parent.mkdir(parents=True)
    path.touch()
    with suppress(OSError), (small_disk / "full").open("wb", buffering=0) as stream:
        while True:
            stream.write(b"a" * 4096)
    with clone_lock(path):
        note_work("rows")
        second = holder(path)
        assert second.stderr.readline().startswith("waiting for another process")
    assert second.stdout.readline() == "held\n"
    second.communicate("")


def test_without_dvc_nobody_waits(tmp_path):
    with clone_lock(tmp_path / ".dvc/tmp/pairsmith.lock"):
        assert list(tmp_path.iterdir()) == []


AT_WORK = """
import sys
from pathlib import Path
from stages.lib.core.process_locks import clone_lock, note_work

with clone_lock(Path(sys.argv[1])):
    note_work("apply rules, 3 rows, doc_id a to c")
    print("works", flush=True)
    sys.stdin.read()
"""


@pytest.mark.slow
def test_what_was_killed_is_told_by_the_next_one_once(tmp_path, capsys):
    path = tmp_path / ".dvc/tmp/pairsmith.lock"
    path.parents[1].mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", AT_WORK, str(path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "works\n"
        assert killed_run(path) is None
        process.kill()
    killed = killed_run(path)
    assert killed.fact == (
        f"process {process.pid} ('-c {path}') was killed before it ended, as the system does when the "
        "memory is not enough; it was at: apply rules, 3 rows, doc_id a to c"
    )
    assert killed.remedy == (
        "end other programs, or set PAIRSMITH_WORKERS=1 and a lower PAIRSMITH_MEMORY, then run the same "
        "command again; if it does not help, look at these rows: a text may be very long"
    )

    # The next run says it, and the one after that does not.
    for expected in (f"note: {killed}\n", ""):
        with clone_lock(path):
            assert killed_run(path) is None
        assert capsys.readouterr().err == expected


def test_one_that_left_no_work_is_told_too_and_heal_forgets_it(tmp_path):
    path = tmp_path / "lock"
    path.write_text("process 17 ('stages.split')\n")
    assert killed_run(path).fact == (
        "process 17 ('stages.split') was killed before it ended, as the system does when the memory "
        "is not enough"
    )
    forget_killed_run(path)
    assert killed_run(path) is None


STAGE = """
import time
from stages.lib.core.stage import command

def main() -> None:
    print("works", flush=True)
    time.sleep(60)

command(main)(args=[])
"""
DVC = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], env={**os.environ, "DVC_STAGE": "clean"})
print(child.pid, flush=True)
child.wait()
"""


@pytest.mark.slow
def test_a_stage_ends_when_the_dvc_that_runs_it_is_killed():
    process = subprocess.Popen(
        [sys.executable, "-c", DVC, STAGE], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    stage_id = int(process.stdout.readline())
    assert process.stdout.readline() == "works\n"
    process.kill()
    process.wait()
    for _ in range(200):
        if not Path(f"/proc/{stage_id}").exists():
            break
        time.sleep(0.1)
    assert not Path(f"/proc/{stage_id}").exists()
