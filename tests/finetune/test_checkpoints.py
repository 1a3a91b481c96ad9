"""A killed run ends at the same bits; a damaged or foreign checkpoint is not loaded."""

import json
import os
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from stages.finetune import checkpoints
from stages.finetune.checkpoints import (
    MAX_ABANDONED,
    Checkpoints,
    State,
    checkpoint_key,
    code_files,
)
from tests.conftest import ROOT


@cache
def saved_state():
    import torch

    return State(
        step=5,
        model={"weight": torch.tensor([1.0, 2.0])},
        optimizer={
            "state": {0: {"step": torch.tensor(5.0)}},
            "param_groups": [{"lr": 0.1, "params": [0]}],
        },
        schedule={"last_epoch": 5},
        rng_state=checkpoints.get_rng_state("cpu"),
        scalars=[("train/loss", 0.5, 5)],
        early_stopping={},
    )


def process(folder, *arguments):
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.finetune.killed",
            str(folder / "cache"),
            str(folder / "logs"),
            *arguments,
        ],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "random"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize(("loss", "patience"), [("auto", "0"), ("CachedGIST", "100")])
def test_a_killed_run_ends_at_the_bits_of_one_that_was_not(tmp_path, loss, patience):
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    once = json.loads(process(whole, loss, patience, "0").stdout.splitlines()[-1])
    assert once["batches"] == once["result"]["steps"] == 20

    for kill_at in ("8", "9"):  # counted anew: after step 5, and after step 10
        killed = process(parted, loss, patience, kill_at)
        assert killed.returncode == -signal.SIGKILL
        assert killed.stdout == ""
    (remaining,) = (parted / "cache").iterdir()
    assert json.loads(remaining.read_bytes()[:512])["step"] == 10

    done = process(parted, loss, patience, "0")
    again = json.loads(done.stdout.splitlines()[-1])
    assert again["batches"] == 10, "it went on, and did not begin again"
    assert again["result"] == once["result"]
    assert "training goes on after step 10 of 20" in done.stderr


def test_a_checkpoint_is_read_back_and_removed(tmp_path):
    own = Checkpoints("a", tmp_path)
    assert own.read() is None
    own.write(saved_state())
    own.write(saved_state()._replace(step=10))
    assert [path.name for path in tmp_path.iterdir()] == ["a.checkpoint"], (
        "the latest alone, and nothing half-written"
    )
    state = Checkpoints("a", tmp_path).read()
    assert state.step == 10
    assert state.model["weight"].tolist() == [1.0, 2.0]
    assert [tuple(scalar) for scalar in state.scalars] == saved_state().scalars
    assert Checkpoints("b", tmp_path).read() is None
    own.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content[: len(content) // 2], "its content is damaged"),
        (
            lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
            "its content is damaged",
        ),
        (lambda content: content.replace(b'"key": "a"', b'"key": "b"'), "it is of another run"),
        (lambda content: b"", "training starts anew"),
        (lambda content: b"\x80\x04\x95 not a checkpoint", "training starts anew"),
        (lambda content: b'{"step": 5}\n', "training starts anew"),
    ],
)
def test_a_damaged_or_foreign_checkpoint_is_removed(tmp_path, capsys, damage, message):
    own = Checkpoints("a", tmp_path)
    own.write(saved_state())
    path = tmp_path / "a.checkpoint"
    path.write_bytes(damage(path.read_bytes()))
    assert own.read() is None
    assert message in capsys.readouterr().err
    assert not path.exists()


def test_a_checkpoint_runs_no_code(tmp_path, capsys):
    own = Checkpoints("a", tmp_path)
    own.write(saved_state()._replace(early_stopping={"evil": os.system}))
    assert own.read() is None
    assert "training starts anew" in capsys.readouterr().err


def test_a_write_that_fails_leaves_the_one_before(tmp_path):
    own = Checkpoints("a", tmp_path)
    own.write(saved_state())
    with pytest.raises(AttributeError):
        own.write(saved_state()._replace(step=10, early_stopping={"no": lambda: None}))
    assert [path.name for path in tmp_path.iterdir()] == ["a.checkpoint"]
    assert own.read().step == 5


def test_a_failing_disk_does_not_stop_training(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    own = Checkpoints("a", tmp_path / "file" / "folder", seconds=0.0)
    own.write(saved_state())
    assert "training goes on without it" in capsys.readouterr().err
    assert own.read() is None
    own.remove()


def test_half_written_files_are_not_read_and_are_removed_later(tmp_path):
    old, fresh = tmp_path / ".a.checkpoint.1.tmp", tmp_path / ".a.checkpoint.2.tmp"
    for path in (old, fresh):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    own = Checkpoints("a", tmp_path)
    assert own.read() is None
    own.remove()
    assert list(tmp_path.iterdir()) == [fresh], "another run may be writing it"


def test_the_latest_abandoned_checkpoints_stay(tmp_path):
    for index in range(MAX_ABANDONED + 2):
        Checkpoints(f"old{index}", tmp_path).write(saved_state())
        os.utime(tmp_path / f"old{index}.checkpoint", (index, index))
    own = Checkpoints("a", tmp_path)
    own.write(saved_state())
    own.remove()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"old{index}.checkpoint" for index in (2, 3, 4)
    ]


def test_slow_checkpoints_are_due_less_often(tmp_path):
    assert Checkpoints("a", tmp_path, seconds=0.0).is_due()
    slow = Checkpoints("a", tmp_path, seconds=0.0)
    slow.write(saved_state())
    slow._write_seconds = 60.0
    assert not slow.is_due()
    assert not Checkpoints("a", tmp_path).is_due()


@pytest.mark.slow
def test_the_key_names_all_that_decides():
    assert checkpoint_key("a", "b") == checkpoint_key("a", "b")
    assert (
        len(
            {
                checkpoint_key("a", "b"),
                checkpoint_key("ab"),
                checkpoint_key("b", "a"),
                checkpoint_key("a"),
            }
        )
        == 4
    )


@pytest.mark.slow
def test_edited_code_is_another_run(tmp_path, monkeypatch):
    before = checkpoint_key("a")
    stage_file = tmp_path / "finetune/losses.py"
    loaded_file = tmp_path / "lib/models.py"
    other_file = tmp_path / "lib/charts.py"
    for file in (stage_file, loaded_file, other_file):
        file.parent.mkdir(exist_ok=True)
        file.write_text("")
    module = ModuleType("stages.lib.edited")
    module.__file__ = str(loaded_file)
    monkeypatch.setitem(sys.modules, "stages.lib.edited", module)
    monkeypatch.setattr(checkpoints, "_STAGES", tmp_path)

    empty = checkpoint_key("a")
    stage_file.write_text("edited = True")
    edited_stage = checkpoint_key("a")
    loaded_file.write_text("edited = True")
    edited_lib = checkpoint_key("a")
    assert len({before, empty, edited_stage, edited_lib}) == 4
    other_file.write_text("edited = True")
    assert checkpoint_key("a") == edited_lib, "no file of this stage imports it"


CODE_FILES = """
import stages.finetune.__main__
from stages.finetune.checkpoints import code_files
print(*code_files(), sep="\\n")
"""


@pytest.mark.slow
def test_the_key_hashes_the_stage_and_its_imports_only():
    done = subprocess.run(
        [sys.executable, "-c", CODE_FILES], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = {Path(line).relative_to(ROOT / "stages").as_posix() for line in done.stdout.split()}
    stage_files = (ROOT / "stages/finetune").rglob("*.py")
    assert {file.relative_to(ROOT / "stages").as_posix() for file in stage_files} <= names
    lib_names = {Path(name).stem for name in names if name.startswith("lib/")}
    assert {"model_files", "ranking_metrics", "encoder", "training", "tables"} <= lib_names
    assert lib_names.isdisjoint(
        {"charts", "intervals", "normal_form", "similarity_join", "sharded", "gates"}
    )


def test_the_key_has_no_file_twice():
    files = code_files()
    assert len(files) == len(set(files))


def test_the_random_generators_go_on_where_they_were():
    import random

    import numpy as np
    import torch

    def draw():
        return random.random(), float(np.random.rand()), float(torch.rand(1))  # noqa: NPY002

    before = checkpoints.get_rng_state("cpu")
    first = draw()
    assert draw() != first
    checkpoints.set_rng_state(before)
    assert draw() == first


def test_without_a_cache_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAIRSMITH_CACHE", "off")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "mine.checkpoint").touch()
    checkpoints = Checkpoints("mine", seconds=0.0)
    assert not checkpoints.is_due()
    assert checkpoints.read() is None
    checkpoints.remove()
    assert (tmp_path / "checkpoints" / "mine.checkpoint").exists()
