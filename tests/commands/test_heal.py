"""What a killed run leaves behind is mended, and nothing that is whole is touched."""

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from stages.commands.heal import at_work, dvc_files, lock_file
from stages.commands.heal.__main__ import MendedLock, app
from stages.commands.heal.dvc_files import Places
from stages.lib.core import atomic
from stages.lib.core.errors import UserError
from stages.lib.core.lock_copy import LOCK_COPY, copy_lock
from tests.commands.results import COMMIT
from tests.conftest import git

MD5 = "0123456789abcdef0123456789abcdef"


def entry(name, outputs=("a", "b"), size=17):
    files = "".join(
        f"    - path: data/{name}/{output}\n      hash: md5\n      md5: {MD5}\n      size: {size}\n"
        for output in outputs
    )
    params = f"    params:\n      params.yaml:\n        {name}:\n          seed: 7\n"
    return f"  {name}:\n    cmd: python -m stages.{name}\n{params}    outs:\n{files}"


def lock(*entries):
    return lock_file.HEADER + "".join(entries)


PIPELINE = {name: [f"data/{name}/a", f"data/{name}/b"] for name in ("one", "two", "three")}
WHOLE = lock(entry("one"), entry("two"), entry("three"))


def why(text, committed=WHOLE, pipeline=None):
    return lock_file.why_damaged(text, committed, PIPELINE if pipeline is None else pipeline)


def test_a_whole_lock_is_not_damaged_with_or_without_a_commit():
    assert why(WHOLE) is None
    assert why(WHOLE, "") is None
    other = WHOLE.replace("size: 17", "size: 18")
    assert why(other) is None
    assert why("schema: '2.0'\n", "") is None
    assert why("", "") == "is empty"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("\0\0\0", "is empty"),
        ("sche", "does not begin as DVC writes it"),
        ("schema: '2.0'\nstages:\n", "ends before the stage 'one'"),
        (lock(entry("one")), "ends before the stage 'two'"),
        (lock(entry("one")) + "  tw", "breaks off in its last line"),
        (WHOLE[:-1], "breaks off or is unreadable in the stage 'three'"),
        (WHOLE[:-10], "breaks off or is unreadable in the stage 'three'"),
        (WHOLE[: -len("      size: 17\n")], "breaks off or is unreadable in the stage 'three'"),
        # Cut at the end of a line: three lacks its last output, and reads well.
        (lock(entry("one"), entry("two"), entry("three", ["a"])), "in the stage 'three'"),
        (WHOLE.replace("seed: 7", "seed: \0", 1), "in the stage 'one'"),
        (WHOLE.replace("hash: md5", "hash md5", 1), "in the stage 'one'"),
        ("- " * 10_000 + "\n" + WHOLE, "does not begin as DVC writes it"),
    ],
)
def test_a_damaged_lock_is_known_by_its_damage(text, reason):
    assert reason in why(text)


def test_an_output_that_nobody_committed_is_not_missed():
    """A stage that got an output in dvc.yaml, and has not run since, is no damage."""
    pipeline = {**PIPELINE, "three": ["data/three/a", "data/three/b", "data/three/new"]}
    assert why(WHOLE.replace("17", "18"), WHOLE, pipeline) is None
    renamed = {**PIPELINE, "three": ["data/three/a"]}
    ran_since = lock(entry("one"), entry("two"), entry("three", ["a"]))
    assert why(ran_since, WHOLE, renamed) is None


@pytest.mark.parametrize("step", [7])
def test_from_every_cut_the_committed_bytes_come_back(step):
    for length in range(0, len(WHOLE), step):
        assert lock_file.rebuild(WHOLE[:length], [WHOLE], PIPELINE).text == WHOLE, length


@pytest.mark.parametrize("step", [7])
def test_without_a_copy_whole_stages_stay_and_parts_go(step):
    texts = {"schema: '2.0'\n", *(lock(*map(entry, names)) for names in (["one"], ["one", "two"]))}
    rebuilt = {
        lock_file.rebuild(WHOLE[:length], [], PIPELINE).text
        for length in range(0, len(WHOLE), step)
    }
    # Cut at the end of the first output, the stage is whole as far as anybody can know.
    short = {lock(*map(entry, ["one", "two"][:count]), entry(name, ["a"])) for count, name in
             enumerate(["one", "two", "three"])}  # fmt: skip
    assert texts <= rebuilt <= texts | short | {lock()}


def test_newer_entries_come_before_copies_and_the_copy_before_the_commit():
    new = [entry(name, size=30) for name in ("one", "two")]
    copy = lock(entry("one", size=20), entry("two", size=20))
    rebuilt = lock_file.rebuild(lock(new[0], new[1][:-5]), [copy, WHOLE], PIPELINE)
    assert rebuilt.text == lock(new[0], entry("two", size=20), entry("three", size=17))
    assert (rebuilt.kept, rebuilt.copied) == (["one"], [["two"], ["three"]])


def test_a_stage_that_left_the_pipeline_does_not_come_back():
    pipeline = {name: PIPELINE[name] for name in ("one", "two")}
    assert lock_file.rebuild("", [WHOLE], pipeline).text == lock(entry("one"), entry("two"))


@pytest.fixture
def places(tmp_path):
    places = Places(tmp_path / "cache", tmp_path / "state")
    places.objects.mkdir(parents=True)
    places.state.mkdir()
    return places


def test_runs_that_were_never_finished_are_known(places):
    """DVC takes the newest file of the folder, whatever its name and length."""
    folder = places.runs / "ab" / ("a" * 64)
    folder.mkdir(parents=True)
    whole = f"cmd: x\nouts:\n- path: a\n  hash: md5\n  md5: {MD5}\n  size: 5\n"
    (folder / ("b" * 64)).write_text(whole, "utf-8")
    unfinished = {
        "c" * 64: "",
        "d" * 64: whole[:-1],
        "e" * 64: whole[:-9],
        ".Xa_b-0123456789abcdefg.tmp": whole,
    }
    for name, text in unfinished.items():
        (folder / name).write_text(text, "utf-8")
    assert {path.name for path in dvc_files.unfinished_runs(places)} == set(unfinished)


def test_a_database_that_sqlite_refuses_is_known(places):
    for name in ("good", "garbage", "short", "flipped"):
        path = places.state / name / "cache.db"
        path.parent.mkdir()
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE numbers (n INTEGER PRIMARY KEY, text TEXT)")
            connection.executemany(
                "INSERT INTO numbers VALUES (?, 'x')", [(n,) for n in range(999)]
            )
        connection.close()
    content = path.read_bytes()
    (places.state / "garbage/cache.db").write_bytes(b"no database at all" * 99)
    (places.state / "short/cache.db").write_bytes(content[: len(content) // 2])
    (places.state / "flipped/cache.db").write_bytes(
        content[:4096] + b"\x5a" * (len(content) - 4096)
    )
    damaged = dvc_files.damaged_databases(places)
    assert [path.parent.name for path in damaged] == ["flipped", "garbage", "short"]
    dvc_files.remove(damaged[0])
    assert not damaged[0].parent.exists()


def test_a_cached_output_of_another_size_is_replaced_by_the_right_file(places, tmp_path):
    right = b"a table"
    md5 = hashlib.md5(right).hexdigest()
    text = f"    - path: {tmp_path}/out\n      hash: md5\n      md5: {md5}\n      size: 7\n"
    cached = dvc_files.object_path(places, md5)
    cached.parent.mkdir()

    cached.write_bytes(right)
    assert not list(dvc_files.damaged_objects(text, places, deep=True))
    cached.write_bytes(b"a tabel")
    assert not list(dvc_files.damaged_objects(text, places, deep=False))
    assert list(dvc_files.damaged_objects(text, places, deep=True)) == [(tmp_path / "out", cached)]
    cached.write_bytes(b"a t")
    assert list(dvc_files.damaged_objects(text, places, deep=False)) == [(tmp_path / "out", cached)]

    (tmp_path / "out").write_bytes(right)
    assert dvc_files.replace_object(tmp_path / "out", cached)
    assert cached.read_bytes() == right
    (tmp_path / "out").write_bytes(b"edited")
    assert not dvc_files.replace_object(tmp_path / "out", cached)
    assert not cached.exists()


def test_what_a_killed_stage_was_writing_goes_and_what_it_moved_away_comes_back(project):
    folder = Path("data/split")
    folder.mkdir(parents=True)
    alive = folder / f".a.parquet.{os.getpid()}.new.tmp"
    kept = [alive, folder / "notes.tmp", folder / ".hidden.tmp"]
    left = [folder / ".a.parquet.99999999.new.tmp", folder / ".b.csv.99999999.old.tmp"]
    for path in (*kept, *left):
        path.touch()
    left[1].write_text("old", "utf-8")
    assert atomic.remove_abandoned(Path("data")) == [str(path) for path in left]
    assert sorted(folder.iterdir()) == sorted([*kept, folder / "b.csv"])
    assert (folder / "b.csv").read_text("utf-8") == "old"


def test_what_dvc_was_linking_goes_and_names_of_others_stay(places):
    folder = Path("data/collect")
    (folder / "inner").mkdir(parents=True)
    kept = [folder / ".notes.tmp", folder / "ona_CCtbS8YsJEXTxoKZ0w.tmp"]
    left = [folder / ".ona_CCtbS8YsJEXTxoKZ0w.tmp", folder / "inner/.-na4CCtbS8YsJEXTxoKZ0w.tmp"]
    for path in (*kept, *left):
        path.touch()
    assert dvc_files.temporary_files(places, [Path("data"), Path("metrics")]) == sorted(left)


def rwlock(**processes):
    at_work.RWLOCK.parent.mkdir(parents=True, exist_ok=True)
    write = {path: {"pid": pid, "cmd": "repro"} for path, pid in processes.items()}
    at_work.RWLOCK.write_text(json.dumps({"write": write, "read": {}}), "utf-8")


def test_who_is_at_work_is_named_and_who_is_gone_is_not(project):
    rwlock(out=os.getpid())
    assert at_work.live_holders() == [f"{os.getpid()} (repro)"]
    with pytest.raises(UserError, match=f"process {os.getpid()}"), at_work.alone():
        pass
    rwlock(out=99999999)
    assert at_work.live_holders() == []
    assert not at_work.is_damaged()


def test_a_number_that_another_process_has_meanwhile_holds_nobody_up(project):
    rwlock(out=os.getpid())
    os.utime(at_work.RWLOCK, (1, 1))
    assert at_work.live_holders() == []
    assert at_work.is_damaged()


def test_a_killed_process_is_not_at_work_before_its_parent_knows(project):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, gone.pid, os.WEXITED | os.WNOWAIT)
    rwlock(out=gone.pid)
    assert at_work.live_holders() == []
    assert at_work.is_damaged()
    gone.wait()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"write": 5}', '{"write": {"a": {}}}', '{"read": {"a": [7]}}']
)
def test_a_list_of_who_is_at_work_that_was_cut_is_damaged(project, text):
    rwlock()
    at_work.RWLOCK.write_text(text, "utf-8")
    assert at_work.is_damaged()


def test_a_stage_whose_dvc_is_gone_is_ended_with_its_workers(project):
    rwlock()
    code = (
        "import subprocess; worker = subprocess.Popen(['sleep', '99']); "
        "print(worker.pid, flush=True); worker.wait()"
    )
    environment = {**os.environ, "DVC_STAGE": "split", "DVC_ROOT": str(Path.cwd())}
    stage = subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True
    )
    worker = psutil.Process(int(stage.stdout.readline()))
    assert at_work.end_orphans() == [f"{stage.pid} (split)"]
    assert not psutil.pid_exists(stage.pid)
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
    stage.stdout.close()
    assert at_work.end_orphans() == []


def test_a_stage_of_another_clone_goes_on(project):
    environment = {**os.environ, "DVC_STAGE": "split", "DVC_ROOT": "/elsewhere"}
    with subprocess.Popen(["sleep", "99"], env=environment) as stage:
        assert at_work.end_orphans() == []
        assert stage.poll() is None
        stage.kill()


def test_a_stage_that_dvc_starts_copies_the_lock(project, monkeypatch):
    LOCK_COPY.parent.mkdir(parents=True)
    Path("dvc.lock").write_text("first", "utf-8")
    monkeypatch.delenv("DVC_STAGE", raising=False)
    copy_lock()
    assert not LOCK_COPY.exists()
    monkeypatch.setenv("DVC_STAGE", "split")
    copy_lock()
    assert LOCK_COPY.read_text("utf-8") == "first"
    Path("dvc.lock").unlink()
    copy_lock()
    assert not LOCK_COPY.exists()


def test_with_merge_markers_nothing_is_healed_and_the_recipe_is_printed(project):
    dvc_project(project)
    text = WHOLE.replace("  two:\n", "<<<<<<< HEAD\n  two:\n=======\n  twice:\n>>>>>>> other\n")
    Path("dvc.lock").write_text(text, "utf-8")
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 1
    assert "git checkout --theirs dvc.lock metrics" in result.output
    assert Path("dvc.lock").read_text("utf-8") == text
    assert not list(Path().glob("dvc.lock.*"))


def dvc_project(project):
    """Make `project` a repository of git and DVC with a pipeline of three stages, and commit it."""
    (project / ".dvc/tmp").mkdir(parents=True)
    (project / ".dvc/config").write_text("[core]\n    analytics = false\n", "utf-8")
    stages = "".join(
        f"  {name}:\n    cmd: python -m stages.{name}\n    params:\n    - run\n    outs:\n"
        + "".join(f"    - {path}\n" for path in paths)
        for name, paths in PIPELINE.items()
    )
    (project / "dvc.yaml").write_text("stages:\n" + stages, "utf-8")
    git(project, "init", "-q")


def test_the_check_changes_nothing_and_names_the_command(project, tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    dvc_project(project)
    Path("dvc.lock").write_text(WHOLE, "utf-8")
    git(project, "add", "-A")
    git(project, *COMMIT, "run")
    result = CliRunner().invoke(app, ["--check"])
    assert (result.exit_code, result.output) == (0, "nothing is damaged\n")

    Path("dvc.lock").write_text(WHOLE[:200], "utf-8")
    at_work.RWLOCK.write_text("", "utf-8")
    result = CliRunner().invoke(app, ["--check", "--quiet"])
    assert result.exit_code == 1
    assert "dvc.lock breaks off or is unreadable in the stage 'one'" in result.output
    assert ".dvc/tmp/rwlock is damaged" in result.output
    assert "remedy: run 'python -m stages heal', or 'make repro'" in result.output
    assert Path("dvc.lock").read_text("utf-8") == WHOLE[:200]
    assert at_work.RWLOCK.read_text("utf-8") == ""


def test_json_names_what_is_damaged_and_the_exit_code_stays(project, tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    dvc_project(project)
    Path("dvc.lock").write_text(WHOLE, "utf-8")
    result = CliRunner().invoke(app, ["--check", "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"damaged": [], "killed_run": None}
    assert result.stderr == "nothing is damaged\n"

    at_work.RWLOCK.write_text("", "utf-8")
    result = CliRunner().invoke(app, ["--check", "--json"])
    assert result.exit_code == 1
    assert json.loads(result.stdout)["damaged"] == [".dvc/tmp/rwlock is damaged"]
    assert "remedy: run 'python -m stages heal'" in result.stderr

    result = CliRunner().invoke(app, ["--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "done": ["removed .dvc/tmp/rwlock, a list of who is at work, which was damaged"],
        "killed_run": None,
        "lock": None,
    }


def test_the_words_on_a_mended_lock_are_those_of_its_figures():
    mended = MendedLock("breaks off", Path("saved"), 2, 1, 0, cached=["mine"], computed=[])
    assert mended.lines == [
        "dvc.lock breaks off; it is saved as saved. Kept: 2 stages; from its copy: 1; "
        "from HEAD: 0.",
        "From the run cache: mine. Computed anew: none.",
    ]
