"""TensorBoard reads the scalars; Weights & Biases too, and a missing package is an error."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from stages.finetune.tracking import Tracker, check_wandb
from stages.lib.core.errors import UserError
from tests.conftest import ROOT


def test_tensorboard_reads_every_scalar_in_its_place(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tracker = Tracker(tmp_path / "logs", "off", {})
    for step, loss in ((5, 0.5), (10, 0.25)):
        tracker.add("train/loss", loss, step)
        tracker.add("validation/ndcg_at_10", 1.0 - loss, step)
    tracker.close()
    assert tracker.history("train/loss") == [(5, 0.5), (10, 0.25)]
    events = EventAccumulator(str(tmp_path / "logs"))
    events.Reload()
    read_scalars = {
        tag: [(scalar.step, scalar.value) for scalar in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }
    assert read_scalars == {
        "train/loss": [(5, 0.5), (10, 0.25)],
        "validation/ndcg_at_10": [(5, 0.5), (10, 0.75)],
    }


def recorded(folder):
    """Return the steps and values that TensorBoard reads in a folder."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return [(scalar.step, scalar.value) for scalar in events.Scalars("train/loss")]


def test_the_last_whole_curve_stays_until_another_one_is_whole(tmp_path):
    first = Tracker(tmp_path / "logs", "off", {})
    first.add("train/loss", 0.5, 1)
    first.close()

    # Two runs are interrupted, and the third one ends.
    for loss in (4.0, 8.0):
        interrupted = Tracker(tmp_path / "logs", "off", {})
        interrupted.add("train/loss", loss, 1)
        interrupted._writer.flush()
        assert recorded(tmp_path / "logs.before") == [(1, 0.5)]
        assert recorded(tmp_path / "logs") == [(1, loss)]

    third = Tracker(tmp_path / "logs", "off", {})
    third.add("train/loss", 0.25, 1)
    third.close()
    assert recorded(tmp_path / "logs") == [(1, 0.25)]
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]


def test_a_missing_tracker_is_an_error_with_a_remedy():
    check_wandb("off")
    if find_spec("wandb"):
        pytest.skip("it is installed")
    with pytest.raises(
        UserError, match=r"finetune.wandb is offline(.|\n)*pip install -r requirements-wandb\.txt"
    ):
        check_wandb("offline")


# A .wandb file is a LevelDB log: blocks of 32 KiB, in them pieces of records, each with checksum, length and kind.
WANDB = """
import json, struct, sys
from pathlib import Path
from wandb.proto.wandb_internal_pb2 import Record
from stages.finetune.tracking import Tracker, check_wandb

check_wandb("offline")
tracker = Tracker(Path("logs/run"), "offline", {"learning_rate": 5.0e-5, "merge": [0.5]})
for step in range(5, 2005, 5):
    tracker.add("train/loss", 1.0 / step, step)
tracker.close()

(path,) = Path("logs/run/wandb").glob("offline-run-*/*.wandb")
content, at, part, told = path.read_bytes(), 7, b"", {"config": {}, "losses": [], "hosts": []}
while at + 7 <= len(content):
    if 32768 - at % 32768 < 7:
        at += 32768 - at % 32768
        continue
    _, size, kind = struct.unpack("<IHB", content[at : at + 7])
    part += content[at + 7 : at + 7 + size]
    at += 7 + size
    if kind in (1, 4):
        record = Record.FromString(part)
        part = b""
        for one in record.run.config.update:
            told["config"][one.key] = json.loads(one.value_json)
        told["hosts"] += [record.run.host] if record.run.run_id else []
        row = {one.nested_key[0]: json.loads(one.value_json) for one in record.history.item if one.nested_key}
        if "train/loss" in row:
            told["losses"].append([row["_step"], row["train/loss"]])
print(json.dumps(told))
"""


@pytest.mark.prove
@pytest.mark.timeout(900)
def test_an_offline_run_is_readable_and_asks_no_network(tmp_path):
    """In an environment of its own, with what requirements-wandb.txt adds, behind a cut network."""
    packages = tmp_path / "packages"
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(packages),
    ]
    subprocess.run([*install, "-r", str(ROOT / "requirements-wandb.txt")], check=True)
    (tmp_path / "home").mkdir()
    places = {"PYTHONPATH": f"{packages}{os.pathsep}{ROOT}", "HOME": str(tmp_path / "home")}
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())

    def run(code):
        return subprocess.run(
            ["unshare", "-rn", sys.executable, "-c", code],
            cwd=tmp_path,
            env={**os.environ, **places},
            capture_output=True,
            text=True,
            check=False,
        )

    done = run(WANDB)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert told["config"]["learning_rate"] == 5.0e-5
    assert told["config"]["merge"] == [0.5]
    assert told["losses"] == [[step, pytest.approx(1.0 / step)] for step in range(5, 2005, 5)]
    assert told["hosts"] == ["-"], "no name of this machine"

    online = "from pathlib import Path; from stages.finetune.tracking import Tracker; Tracker(Path('x'), 'online', {})"
    assert "wandb login" in run(online).stderr
