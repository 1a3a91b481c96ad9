"""A run that was killed goes on and ends at the same bits; no damaged or foreign checkpoint is believed."""

import json
import os
import signal
import subprocess
import sys

import pytest
import torch

from stages.finetune import checkpoints
from stages.finetune.checkpoints import KEPT, Checkpoints, State
from tests.conftest import ROOT

STATE = State(
    step=5,
    model={"weight": torch.tensor([1.0, 2.0])},
    optimizer={
        "state": {0: {"step": torch.tensor(5.0)}},
        "param_groups": [{"lr": 0.1, "params": [0]}],
    },
    schedule={"last_epoch": 5},
    chance=checkpoints.drawn("cpu"),
    scalars=[("train/loss", 0.5, 5)],
    stopping={},
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
    (left,) = (parted / "cache").iterdir()
    assert json.loads(left.read_bytes()[:512])["step"] == 10

    done = process(parted, loss, patience, "0")
    again = json.loads(done.stdout.splitlines()[-1])
    assert again["batches"] == 10, "it went on, and did not begin again"
    assert again["result"] == once["result"]
    assert "training goes on after step 10 of 20" in done.stderr


def test_a_checkpoint_comes_back_as_it_was_and_goes_when_it_is_removed(tmp_path):
    kept = Checkpoints("a", tmp_path)
    assert kept.read() is None
    kept.write(STATE)
    kept.write(STATE._replace(step=10))
    assert [path.name for path in tmp_path.iterdir()] == ["a.checkpoint"], (
        "the latest alone, and nothing half-written"
    )
    found = Checkpoints("a", tmp_path).read()
    assert found.step == 10
    assert torch.equal(found.model["weight"], STATE.model["weight"])
    assert [tuple(scalar) for scalar in found.scalars] == STATE.scalars
    assert Checkpoints("b", tmp_path).read() is None
    kept.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("harm", "told"),
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
def test_what_is_damaged_or_of_another_run_is_told_and_removed_and_never_loaded(
    tmp_path, capsys, harm, told
):
    kept = Checkpoints("a", tmp_path)
    kept.write(STATE)
    path = tmp_path / "a.checkpoint"
    path.write_bytes(harm(path.read_bytes()))
    assert kept.read() is None
    assert told in capsys.readouterr().err
    assert not path.exists()


def test_a_checkpoint_runs_no_code(tmp_path, capsys):
    kept = Checkpoints("a", tmp_path)
    kept.write(STATE._replace(stopping={"evil": os.system}))
    assert kept.read() is None
    assert "training starts anew" in capsys.readouterr().err


def test_a_write_that_fails_leaves_the_one_before(tmp_path):
    kept = Checkpoints("a", tmp_path)
    kept.write(STATE)
    with pytest.raises(AttributeError):
        kept.write(STATE._replace(step=10, stopping={"no": lambda: None}))
    assert [path.name for path in tmp_path.iterdir()] == ["a.checkpoint"]
    assert kept.read().step == 5


def test_a_disk_that_takes_nothing_costs_the_way_back_and_not_the_run(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    kept = Checkpoints("a", tmp_path / "file" / "folder", seconds=0.0)
    kept.write(STATE)
    assert "training goes on without it" in capsys.readouterr().err
    assert kept.read() is None
    kept.remove()


def test_what_a_kill_left_half_written_is_never_read_and_goes_in_time(tmp_path):
    old, fresh = tmp_path / ".a.checkpoint.1.tmp", tmp_path / ".a.checkpoint.2.tmp"
    for path in (old, fresh):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    kept = Checkpoints("a", tmp_path)
    assert kept.read() is None
    kept.remove()
    assert list(tmp_path.iterdir()) == [fresh], "another run may be writing it"


def test_of_runs_that_never_came_back_the_latest_stay(tmp_path):
    for at in range(KEPT + 2):
        Checkpoints(f"old{at}", tmp_path).write(STATE)
        os.utime(tmp_path / f"old{at}.checkpoint", (at, at))
    kept = Checkpoints("a", tmp_path)
    kept.write(STATE)
    kept.remove()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"old{at}.checkpoint" for at in (2, 3, 4)
    ]


def test_a_checkpoint_is_due_seldom_and_seldomer_where_it_takes_long(tmp_path):
    assert Checkpoints("a", tmp_path, seconds=0.0).is_due()
    slow = Checkpoints("a", tmp_path, seconds=0.0)
    slow.write(STATE)
    slow._took = 60.0
    assert not slow.is_due()
    assert not Checkpoints("a", tmp_path).is_due()


def test_the_key_names_all_that_decides():
    assert checkpoints.key("a", "b") == checkpoints.key("a", "b")
    assert (
        len(
            {
                checkpoints.key("a", "b"),
                checkpoints.key("ab"),
                checkpoints.key("b", "a"),
                checkpoints.key("a"),
            }
        )
        == 4
    )


def test_edited_code_is_another_run(tmp_path, monkeypatch):
    before = checkpoints.key("a")
    for name in ("finetune/losses.py", "lib/models.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    monkeypatch.setattr(checkpoints, "__file__", str(tmp_path / "finetune/checkpoints.py"))
    empty = checkpoints.key("a")
    (tmp_path / "finetune/losses.py").write_text("edited = True")
    edited = checkpoints.key("a")
    (tmp_path / "lib/models.py").write_text("edited = True")
    assert len({before, empty, edited, checkpoints.key("a")}) == 4


def test_chance_goes_on_where_it_stood():
    import random

    import numpy as np

    def draw():
        return random.random(), float(np.random.rand()), float(torch.rand(1))  # noqa: NPY002

    stood = checkpoints.drawn("cpu")
    first = draw()
    assert draw() != first
    checkpoints.draw_on(stood)
    assert draw() == first
