"""The kernel ends a process whose memory is not enough: the work goes on in halves, or its rows are named.

Nothing stands in for the kernel here. The processes of a test share a control group with little
memory, which only root may make.
"""

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pandas as pd
import pytest

from stages.lib.core import tables
from stages.lib.core.process_locks import killed_run
from stages.lib.schemas.documents import Documents
from tests.conftest import ROOT
from tests.lib.preprocessing.shard_functions import write_five_shards

pytestmark = pytest.mark.slow

LIMIT = 600_000_000
# Control groups of version 1 and 2: a folder, the file of the limit, and that of the limit with swap.
GROUPS = [
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.memsw.limit_in_bytes"),
    (Path("/sys/fs/cgroup"), "memory.max", "memory.swap.max"),
]

WORK = """
import sys
from pathlib import Path

from stages.lib.core import tables
from stages.lib.core.errors import UserError
from stages.lib.core.process_locks import clone_lock
from stages.lib.preprocessing import sharded
from stages.lib.schemas.documents import Documents
from tests.lib.preprocessing import shard_functions

function, path, kind = getattr(shard_functions, sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
shards = [tables.Shard(path)] if kind == "one shard" else tables.shards(path)
with clone_lock():
    try:
        (parts,) = sharded.map_shards(function, shards, Documents, [Documents], path.parent)
    except UserError as error:
        sys.exit(str(error))
tables.write(sharded.concat_parts(parts, Documents), path.parent / "result.parquet", Documents)
"""


@pytest.fixture
def little_memory():
    """Return a control group with 600 MB of memory and no swap, where this user may make one."""
    for parent, limit, limit_with_swap in GROUPS:
        folder = parent / f"pairsmith-{uuid.uuid4().hex}"
        try:
            folder.mkdir()
            (folder / limit).write_text(str(LIMIT))
        except OSError:
            if folder.exists():
                folder.rmdir()
            continue

        # A kernel without swap has no such file.
        if (folder / limit_with_swap).exists():
            is_sum = limit_with_swap.startswith("memory.memsw")
            (folder / limit_with_swap).write_text(str(LIMIT) if is_sum else "0")
        yield folder
        folder.rmdir()
        return

    pytest.skip("this user may not make a control group with a limit of memory")


def run(function, path, group, kind="all shards", workers=2):
    """Run `function` on the shards of a table, in processes that share the memory of `group`, if any."""
    (path.parent / ".dvc").mkdir(exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PAIRSMITH_WORKERS": str(workers)}
    return subprocess.run(
        [sys.executable, "-c", WORK, function, str(path), kind],
        cwd=path.parent,
        env=environment,
        preexec_fn=lambda: group and (group / "cgroup.procs").write_text(str(os.getpid())),
        capture_output=True,
        text=True,
        check=False,
    )


def killed_processes(group):
    """Return how many processes of a control group the kernel has ended."""
    for name in ("memory.oom_control", "memory.events"):
        if (group / name).exists():
            lines = dict(line.split() for line in (group / name).read_text().splitlines())
            return int(lines["oom_kill"])


@pytest.fixture
def path(tmp_path, monkeypatch):
    return write_five_shards(tmp_path, monkeypatch)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_shard_that_is_too_large_goes_in_halves(path, little_memory, workers):
    process = run("take_12_mb_a_row", path, little_memory, workers=workers)
    assert (process.returncode, process.stderr) == (0, "")
    assert killed_processes(little_memory) >= 1
    result = tables.read(path.parent / "result.parquet", Documents)
    pd.testing.assert_frame_equal(result, tables.read(path, Documents))


def test_rows_that_need_more_than_there_is_are_named(path, little_memory):
    process = run("take_2_gb_at_text_50", path, little_memory)
    assert process.returncode == 1
    assert process.stderr.splitlines() == [
        "a worker process died twice (take 2 gb at text 50), most likely since the memory was not "
        "enough: at 20 rows, doc_id d0000000000000028 to d000000000000003b",
        "  remedy: end other programs or set PAIRSMITH_WORKERS=1, then run the same command again; "
        "if it does not help, look at these rows: a text may be very long",
    ]
    assert not (path.parent / "result.parquet").exists()


def test_a_stage_that_is_ended_itself_is_explained_and_runs_again(path, little_memory):
    process = run("take_12_mb_a_row", path, little_memory, kind="one shard")
    assert process.returncode == -signal.SIGKILL
    assert not (path.parent / "result.parquet").exists()
    killed = killed_run(path.parent / ".dvc/tmp/pairsmith.lock")
    assert killed.fact.endswith(
        "it was at: take 12 mb a row, 167 rows, doc_id d0000000000000000 to d00000000000000a6"
    )

    # With the memory that it needs, the same stage ends well.
    again = run("take_12_mb_a_row", path, None, kind="one shard")
    assert again.returncode == 0
    result = tables.read(path.parent / "result.parquet", Documents)
    pd.testing.assert_frame_equal(result, tables.read(path, Documents))
