"""Freeze writes what split reads: every id in training or held out, sorted, the same bytes each time."""

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from stages.commands.freeze import app
from stages.lib.core import tables
from stages.lib.schemas.splits import GiantRows, Splits
from stages.split.constraints import read_frozen, read_frozen_folder
from stages.split.frozen_giants import FrozenGiants
from tests.conftest import ROOT

D1, D2, D3, P1, P2, P3 = (letter + str(digit) * 16 for letter in "dp" for digit in (1, 2, 3))


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    return tmp_path


def write_splits(**split):
    ids = {"D1": D1, "D2": D2, "D3": D3, "P1": P1, "P2": P2, "P3": P3}
    frame = pd.DataFrame(
        {"id": [ids[name] for name in split], "component_id": D1, "split": list(split.values())}
    )
    tables.write(frame, Path("data/split/splits.parquet"), Splits)
    write_giants()


def write_giants(*rows):
    frame = pd.DataFrame(rows, columns=list(GiantRows.empty().columns))
    frame = frame.astype(GiantRows.empty().dtypes.to_dict())
    tables.write(frame, Path("data/split/giants.parquet"), GiantRows)
    Path("metrics/details").mkdir(parents=True, exist_ok=True)
    Path("metrics/details/split.json").write_text('{"component_limit": 20}\n', "utf-8")


def test_ids_in_training_and_held_out_are_frozen_and_no_others(project):
    write_splits(P2="train", D1="train", P1="test", D2="validation", D3="corpus", P3="protected")
    result = CliRunner().invoke(app, [])
    assert (result.exit_code, result.output) == (
        0,
        "data/frozen/splits.csv: 4 ids keep their split (train 2, validation 1, test 1); commit it\n",
    )
    content = Path("data/frozen/splits.csv").read_bytes()
    assert content.decode() == f"id,split\n{D1},train\n{D2},validation\n{P1},test\n{P2},train\n"
    assert read_frozen(Path("data/frozen/splits.csv")) == {
        D1: "train",
        D2: "validation",
        P1: "test",
        P2: "train",
    }
    assert CliRunner().invoke(app, []).exit_code == 0
    assert Path("data/frozen/splits.csv").read_bytes() == content
    files = sorted(path.name for path in Path("data/frozen").iterdir())
    assert files == ["giants.json", "splits.csv"]
    assert Path("data/frozen/giants.json").read_text("utf-8") == '{"giants": {}, "limit": 20}\n'


def test_rows_of_giants_are_frozen_with_their_giant_and_whether_they_are_sampled_or_not(project):
    write_splits(P2="corpus", D1="test", P1="left_out", D2="validation", D3="corpus", P3="train")
    write_giants((D1, D1, "cut", "test"), (P1, D1, "cut", "left_out"), (P2, D1, "cut", "train"))
    result = CliRunner().invoke(app, [])
    assert (result.exit_code, result.output) == (
        0,
        "data/frozen/splits.csv: 5 ids keep their split "
        "(train 2, validation 1, test 1, left_out 1); commit it\n",
    )
    assert Path("data/frozen/splits.csv").read_text("utf-8") == (
        f"id,split,giant\n{D1},test,{D1}\n{D2},validation,\n"
        f"{P1},left_out,{D1}\n{P2},train,{D1}\n{P3},train,\n"
    )
    frozen, giants = read_frozen_folder(Path("data/frozen"))
    assert frozen == {D1: "test", D2: "validation", P1: "left_out", P2: "train", P3: "train"}
    assert giants == FrozenGiants(20, {D1: "cut"}, {D1: D1, P1: D1, P2: D1})


def test_a_split_from_before_giants_is_refused_with_what_to_run(project):
    write_splits(P2="train")
    Path("metrics/details/split.json").write_text("{}\n", "utf-8")
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 1
    assert "metrics/details/split.json has no number 'component_limit'" in result.stderr
    assert not Path("data/frozen").exists()


def test_before_the_first_split_there_is_nothing_to_freeze(project):
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 1
    assert "data/split/splits.parquet does not exist" in result.stderr
    assert not Path("data/frozen").exists()


def test_the_committed_file_is_readable():
    read_frozen(ROOT / "data/frozen/splits.csv")
