"""Files appear whole or not at all, and a failed run takes back what it wrote."""

import pytest

from stages.lib.core import atomic


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
    with atomic.write(path) as temporary:
        temporary.mkdir()
        (temporary / "new").touch()
    assert names(path) == ["new"]
    assert names(tmp_path) == ["model"]


def test_an_exception_leaves_the_old_folder(tmp_path):
    path = tmp_path / "model"
    path.mkdir()
    (path / "old").touch()
    with pytest.raises(RuntimeError), atomic.write(path) as temporary:
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
    with atomic.write(path) as temporary:
        temporary.mkdir()
        (temporary / "new").touch()
    assert not path.is_symlink()
    assert names(path) == ["new"]
    assert names(cached) == ["old"]


def test_discard_removes_files_and_folders_that_were_written_and_no_others(tmp_path):
    (tmp_path / "theirs.txt").touch()
    with atomic.write(tmp_path / "a.txt") as temporary:
        temporary.touch()
    with atomic.write(tmp_path / "model") as temporary:
        temporary.mkdir()
        (temporary / "weights").touch()
    atomic.rollback()
    assert names(tmp_path) == ["theirs.txt"]


def test_discard_forgets_and_does_not_mind_what_is_gone(tmp_path):
    path = tmp_path / "a.txt"
    with atomic.write(path) as temporary:
        temporary.touch()
    path.unlink()
    atomic.rollback()
    path.write_text("written by somebody else, later")
    atomic.rollback()
    assert path.exists()


def test_a_run_does_not_take_back_what_stood_before_it_began(tmp_path):
    for name in ("before.txt", "after.txt"):
        if name == "after.txt":
            atomic.begin_run()
        with atomic.write(tmp_path / name) as temporary:
            temporary.touch()
    atomic.rollback()
    assert names(tmp_path) == ["before.txt"]
