"""Files appear whole or not at all, and a failed run puts back what stood there before."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from stages.lib.core import atomic
from stages.lib.core.errors import UserError
from tests.conftest import ROOT


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def test_a_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "new" / "a.txt"
    with atomic.write(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert names(path.parent) == ["a.txt"]


def test_an_exception_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic.write(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_an_exception_leaves_no_file_where_there_was_none(tmp_path):
    with pytest.raises(RuntimeError), atomic.write(tmp_path / "a.txt"):
        raise RuntimeError
    assert names(tmp_path) == []


def test_a_folder_replaces_a_folder_whole(tmp_path):
    path = tmp_path / "model"
    path.mkdir()
    (path / "old").touch()
    with atomic.write(path, folder=True) as temporary:
        temporary.mkdir()
        (temporary / "new").touch()
    assert names(path) == ["new"]
    assert names(tmp_path) == ["model"]


def test_an_exception_leaves_the_old_folder(tmp_path):
    path = tmp_path / "model"
    path.mkdir()
    (path / "old").touch()
    with pytest.raises(RuntimeError), atomic.write(path, folder=True) as temporary:
        temporary.mkdir()
        (temporary / "new").touch()
        raise RuntimeError
    assert names(path) == ["old"]
    assert names(tmp_path) == ["model"]


def test_a_link_to_a_folder_is_replaced_and_what_it_points_to_stays(tmp_path):
    cached, path = tmp_path / "cached", tmp_path / "model"
    cached.mkdir()
    (cached / "old").touch()
    path.symlink_to(cached)
    with atomic.write(path, folder=True) as temporary:
        temporary.mkdir()
        (temporary / "new").touch()
    assert not path.is_symlink()
    assert names(path) == ["new"]
    assert names(cached) == ["old"]


# ---- a run that fails


def write(path, text):
    with atomic.write(path) as temporary:
        temporary.write_text(text)


def write_model(path, name):
    with atomic.write(path, folder=True) as temporary:
        temporary.mkdir()
        (temporary / name).touch()


def tree(folder):
    """Return each path under `folder`: the text of a file, None for a folder, where a link leads."""
    content = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            content[name] = ("link", str(path.readlink()))
        else:
            content[name] = path.read_text() if path.is_file() else None
    return content


@pytest.fixture
def before(tmp_path):
    """Make files, a folder and links as they stand before a run, in a folder of their own."""
    folder = tmp_path / "project"
    (folder / "model").mkdir(parents=True)
    (folder / "model/old").write_text("weights")
    (folder / "cached").write_text("in the cache")
    (folder / "link").symlink_to(folder / "cached")
    (folder / "dangling").symlink_to(folder / "gone")
    (folder / "verdicts.csv").write_text("yes")
    (folder / "pyproject.toml").write_text("[dependency-groups]")
    return folder


def test_a_rollback_leaves_everything_as_it_was(before):
    expected = tree(before)
    atomic.begin_run()
    write(before / "verdicts.csv", "new")
    write(before / "verdicts.csv", "newer")
    write(before / "link", "no link")
    write(before / "dangling", "no link")
    write(before / "new.csv", "new")
    write(before / "new.csv", "newer")
    write_model(before / "model", "new")
    write_model(before / "other", "new")
    assert (before / "cached").read_text() == "in the cache"
    assert (before / "verdicts.csv").read_text() == "newer"
    atomic.rollback()
    assert tree(before) == expected


def test_a_commit_keeps_what_was_written_and_leaves_nothing_beside_it(before):
    atomic.begin_run()
    write(before / "verdicts.csv", "new")
    write_model(before / "model", "new")
    atomic.commit()
    atomic.rollback()
    assert (before / "verdicts.csv").read_text() == "new"
    assert names(before) == [
        "cached",
        "dangling",
        "link",
        "model",
        "pyproject.toml",
        "verdicts.csv",
    ]
    assert names(before / "model") == ["new"]


def test_without_second_names_for_files_a_rollback_is_the_same(before, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError("this file system has no hard links")

    monkeypatch.setattr(os, "link", refuse)
    test_a_rollback_leaves_everything_as_it_was(before)


@pytest.mark.parametrize("step", ["_keep", "_flush", "_flush_folder"])
def test_an_interruption_at_any_step_of_a_replacement_is_undone(before, monkeypatch, step):
    expected = tree(before)
    atomic.begin_run()
    write(before / "cached", "first")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic, step, interrupt)
    for name in ("verdicts.csv", "new.csv"):
        try:
            write(before / name, "new")
        except KeyboardInterrupt:
            continue
        assert (step, name) == ("_keep", "new.csv")
    with pytest.raises(KeyboardInterrupt):
        write_model(before / "model", "new")
    atomic.rollback()
    assert tree(before) == expected


def fail_to_rename(monkeypatch, is_target):
    replace = Path.replace

    def rename(path, target):
        if is_target(path):
            raise OSError(28, "No space left on device")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", rename)


def test_a_rename_that_fails_is_undone(before, monkeypatch):
    expected = tree(before)
    atomic.begin_run()
    write(before / "cached", "first")
    fail_to_rename(monkeypatch, lambda path: ".new." in path.name)
    for name in ("verdicts.csv", "link", "new.csv"):
        with pytest.raises(UserError, match="the disk is full"):
            write(before / name, "new")
    with pytest.raises(UserError, match="the disk is full"):
        write_model(before / "model", "new")
    atomic.rollback()
    assert tree(before) == expected


def test_what_cannot_be_put_back_is_named_and_the_rest_is(before, monkeypatch):
    atomic.begin_run()
    write(before / "cached", "new")
    write(before / "verdicts.csv", "new")
    write(before / "new.csv", "new")
    fail_to_rename(monkeypatch, lambda path: path.name.startswith(".verdicts.csv"))
    with pytest.raises(UserError) as caught:
        atomic.rollback()
    backup = before / f".verdicts.csv.{os.getpid()}.old.tmp"
    assert caught.value.fact.startswith(f"{before / 'verdicts.csv'} could not be put back")
    assert caught.value.fact.endswith(f"its old content is in {backup}")
    assert backup.read_text() == "yes"
    assert (before / "cached").read_text() == "in the cache"
    assert not (before / "new.csv").exists()


def test_a_rollback_does_not_touch_what_the_run_has_not_written(tmp_path):
    write(tmp_path / "before.txt", "")
    atomic.begin_run()
    (tmp_path / "theirs.txt").touch()
    write(tmp_path / "after.txt", "")
    (tmp_path / "after.txt").unlink()
    atomic.rollback()
    (tmp_path / "after.txt").write_text("written by somebody else, later")
    atomic.rollback()
    assert names(tmp_path) == ["after.txt", "before.txt", "theirs.txt"]


def test_what_is_settled_stays(tmp_path):
    atomic.begin_run()
    write(tmp_path / "one.txt", "")
    atomic.settle()
    write(tmp_path / "two.txt", "")
    atomic.rollback()
    assert names(tmp_path) == ["one.txt"]


def test_what_another_program_writes_in_place_is_put_back(before):
    expected = tree(before)
    atomic.begin_run()
    for name in ("verdicts.csv", "new.csv"):
        atomic.protect(before / name)
        atomic.protect(before / name)
        (before / name).write_text("written in place")
    atomic.move_aside(before / "model")
    atomic.move_aside(before / "never there")
    atomic.move_aside(before / "verdicts.csv")
    assert not (before / "model").exists() and not (before / "verdicts.csv").exists()
    atomic.rollback()
    assert tree(before) == expected


def test_a_transaction_is_all_or_nothing_alone_and_in_a_run(before):
    expected = tree(before)
    with pytest.raises(RuntimeError), atomic.transaction():
        write(before / "verdicts.csv", "new")
        raise RuntimeError
    assert tree(before) == expected

    atomic.begin_run()
    write(before / "cached", "of the run")
    with pytest.raises(RuntimeError), atomic.transaction():
        write(before / "verdicts.csv", "new")
        raise RuntimeError
    assert (before / "cached").read_text() == "of the run"
    with atomic.transaction():
        write(before / "verdicts.csv", "new")
    atomic.rollback()
    assert tree(before) == expected


# ---- what is not replaced


@pytest.mark.parametrize(
    ("path", "fact"),
    [
        ("model", "model is a folder, and a file is written there"),
        ("verdicts.csv/page.html", "verdicts.csv is a file, not a folder"),
        ("verdicts.csv/new/page.html", "verdicts.csv is a file, not a folder"),
    ],
)
def test_a_file_never_replaces_a_folder(before, path, fact):
    expected = tree(before)
    with pytest.raises(UserError) as caught, atomic.write(before / path):
        raise AssertionError("the work began")
    assert caught.value.fact.endswith(fact)
    assert tree(before) == expected


def test_a_folder_never_replaces_a_file(before):
    expected = tree(before)
    with pytest.raises(UserError, match="is a file, and a folder is written there"):
        atomic.check_target(before / "verdicts.csv", folder=True)
    with pytest.raises(UserError, match="is a file, and a folder is written there"):
        write_model(before / "verdicts.csv", "new")
    assert tree(before) == expected


def test_a_writer_that_may_write_either_is_stopped_before_the_rename(before):
    expected = tree(before)
    with pytest.raises(UserError), atomic.write(before / "model", folder=True) as temporary:
        temporary.write_text("a file")
    assert tree(before) == expected


@pytest.mark.parametrize("content", ["a,b\n", "# Text", "{}", "PK\3\4", " <!doctype html>"])
def test_a_page_replaces_no_file_of_another_kind(tmp_path, content):
    path = tmp_path / "notes"
    path.write_text(content)
    with pytest.raises(UserError, match="is no HTML page, and a page would replace it"):
        atomic.check_page(path)


@pytest.mark.parametrize("content", ["", "<!DOCTYPE html>\n<p>", "<!doctype HTML>"])
def test_a_page_replaces_a_page(tmp_path, content):
    (tmp_path / "page.html").write_text(content)
    atomic.check_page(tmp_path / "page.html")
    atomic.check_page(tmp_path / "new/page.html")


def test_a_private_file_stays_private_and_a_file_of_dvc_becomes_writable(tmp_path):
    modes = {"private": 0o600, "script": 0o755, "protected": 0o444}
    for name, mode in modes.items():
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
        write(tmp_path / name, "new")
    written = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in modes}
    assert written["private"] == 0o600 and written["script"] == 0o755
    assert written["protected"] & stat.S_IWUSR


def test_bytes_are_on_the_disk_before_the_name_is(tmp_path, monkeypatch):
    events = []
    fsync, replace = os.fsync, Path.replace

    def logged_fsync(descriptor):
        events.append(("flush", str(Path(f"/proc/self/fd/{descriptor}").readlink())))
        fsync(descriptor)

    def logged_replace(path, target):
        events.append(("rename", str(target)))
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", logged_fsync)
    monkeypatch.setattr(Path, "replace", logged_replace)
    write(tmp_path / "a.csv", "text")
    temporary = str(tmp_path / f".a.csv.{os.getpid()}.new.tmp")
    path = str(tmp_path / "a.csv")
    assert events == [("flush", temporary), ("rename", path), ("flush", str(tmp_path))]


# ---- processes that are ended

ENDLESS = """
import sys, time
from pathlib import Path
from stages.lib.core import atomic
from stages.lib.core.stage import command

def main():
    atomic.write_text(Path("verdicts.csv"), "new")
    atomic.write_text(Path("new.csv"), "new")
    with atomic.write(Path("late.csv")) as temporary:
        temporary.write_text("half")
        print("ready", flush=True)
        time.sleep(60)

command(main)()
"""


def end(folder, number):
    """Run a command in `folder` until it has written, end it with the signal, return its exit."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", ENDLESS],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    process.communicate()
    return process.returncode


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_ended_puts_back_what_it_changed(before, number):
    expected = tree(before)
    assert end(before, number) != 0
    assert tree(before) == expected


@pytest.mark.slow
def test_after_a_kill_the_next_run_removes_what_lies_about(before):
    assert end(before, signal.SIGKILL) == -signal.SIGKILL
    left = [path.name for path in before.iterdir() if atomic.is_temporary(path)]
    assert len(left) == 2
    assert (before / "verdicts.csv").read_text() == "new"
    write(before / "verdicts.csv", "newer")
    assert names(before) == [
        "cached",
        "dangling",
        "link",
        "model",
        "new.csv",
        "pyproject.toml",
        "verdicts.csv",
    ]


@pytest.mark.parametrize("is_known", [True, False])
def test_what_a_killed_run_had_moved_away_comes_back(before, is_known):
    # Until its parent asks for its end, a killed process keeps its id.
    gone = subprocess.Popen([sys.executable, "-c", ""])
    if is_known:
        gone.wait()
    else:
        os.waitid(os.P_PID, gone.pid, os.WEXITED | os.WNOWAIT)
    alive = before / f".verdicts.csv.{os.getppid()}.new.tmp"
    alive.write_text("of a run that goes on")
    (before / "model").rename(before / f".model.{gone.pid}.old.tmp")
    (before / f".model.{gone.pid}.new.tmp").mkdir()
    (before / f".cached.{gone.pid}.old.tmp").write_text("older")
    write(before / "a.csv", "")
    assert names(before / "model") == ["old"]
    assert alive.exists()
    assert sorted(path.name for path in before.iterdir() if atomic.is_temporary(path)) == [
        alive.name
    ]
    gone.wait()


def test_git_and_dvc_ignore_temporary_files(tmp_path):
    for name in (".gitignore", ".dvcignore"):
        lines = (ROOT / name).read_text("utf-8").splitlines()
        assert {".*.new.tmp", ".*.old.tmp"} <= set(lines)
    paths = ["dvc.yaml", "data/review/negatives.csv", "data/frozen/splits.csv", "docs/terms.md"]
    beside = [str(atomic._beside(Path(path), state)) for path in paths for state in ("new", "old")]
    ignored = subprocess.run(
        ["git", "check-ignore", "--no-index", *beside],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ignored.stdout.splitlines() == beside
