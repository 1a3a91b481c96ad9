"""Freeze writes what split reads: every id in training or held out, sorted, the same bytes each time."""

import json
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


# ---- freezing again


def freeze(*options):
    return CliRunner().invoke(app, options)


def freeze_four(project):
    write_splits(P1="test", D1="train", D2="validation", P2="train")
    assert freeze().exit_code == 0


def test_an_id_that_is_absent_for_one_run_stays(project):
    freeze_four(project)
    write_splits(D1="train", P3="train")
    result = freeze()
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "data/frozen/splits.csv: 5 ids keep their split (train 3, validation 1, test 1); commit it",
        "3 of them are not in the last run and stay (--drop-absent removes them)",
    ]
    assert Path("data/frozen/splits.csv").read_text("utf-8") == (
        f"id,split\n{D1},train\n{D2},validation\n{P1},test\n{P2},train\n{P3},train\n"
    )


@pytest.mark.parametrize("state", ["corpus", "protected", "left_out", "none at all"])
def test_a_frozen_id_that_is_in_no_split_now_is_absent(project, state):
    freeze_four(project)
    rows = {"D1": "train", **({} if state == "none at all" else {"P1": state})}
    write_splits(**rows)
    assert freeze().exit_code == 0
    assert read_frozen(Path("data/frozen/splits.csv"))[P1] == "test"


def test_absent_ids_leave_by_a_named_option_and_are_counted(project):
    freeze_four(project)
    write_splits(D1="train", P3="train")
    result = freeze("--drop-absent")
    assert result.stdout.splitlines()[1:] == ["3 ids left the list (--drop-absent)"]
    assert read_frozen(Path("data/frozen/splits.csv")) == {D1: "train", P3: "train"}


def test_absent_rows_of_giants_keep_their_giant(project):
    write_splits(D1="test", P1="left_out", D2="validation")
    write_giants((D1, D1, "cut", "test"), (P1, D1, "cut", "left_out"))
    assert freeze().exit_code == 0
    write_splits(D2="validation")
    assert freeze().exit_code == 0
    frozen, giants = read_frozen_folder(Path("data/frozen"))
    assert frozen == {D1: "test", D2: "validation", P1: "left_out"}
    assert giants == FrozenGiants(20, {D1: "cut"}, {D1: D1, P1: D1})
    assert freeze("--drop-absent").exit_code == 0
    assert read_frozen_folder(Path("data/frozen")) == (
        {D2: "validation"},
        FrozenGiants(20, {}, {}),
    )


@pytest.mark.parametrize(
    ("before", "now", "is_refused"),
    [
        ("test", "train", True),
        ("test", "validation", True),
        ("validation", "train", True),
        ("train", "test", False),
        ("train", "validation", False),
        ("validation", "test", False),
        ("test", "test", False),
    ],
)
def test_an_id_moves_nearer_to_training_only_by_a_named_option(project, before, now, is_refused):
    write_splits(P1=before, P2="train")
    assert freeze().exit_code == 0
    content = Path("data/frozen/splits.csv").read_bytes()
    write_splits(P1=now, P2="train")
    result = freeze()
    assert result.exit_code == is_refused
    if is_refused:
        assert f"{P1} is frozen in {before} and in {now} in the last run" in result.stderr
        assert Path("data/frozen/splits.csv").read_bytes() == content
        result = freeze("--accept-moves")
        counted = "1 ids have another split than before, 1 of them nearer to training"
        assert counted in result.stdout
    assert read_frozen(Path("data/frozen/splits.csv")) == {P1: now, P2: "train"}


def test_a_late_failure_leaves_both_files_as_they_were(project, monkeypatch):
    freeze_four(project)
    before = {path: path.read_bytes() for path in Path("data/frozen").iterdir()}
    write_splits(P1="test", P3="train")

    def fail(*_):
        raise OSError(28, "No space left on device")

    for function in ("giants_text", "_find_changes"):
        with monkeypatch.context() as patched:
            patched.setattr(f"stages.commands.freeze.{function}", fail)
            assert freeze().exit_code == 1
        assert {path: path.read_bytes() for path in Path("data/frozen").iterdir()} == before


@pytest.mark.parametrize("file", ["splits.csv", "giants.json"])
def test_a_broken_list_is_an_error_and_not_a_new_list(project, file):
    freeze_four(project)
    path = Path("data/frozen", file)
    path.write_text("nonsense", "utf-8")
    result = freeze()
    assert result.exit_code == 1
    assert f"data/frozen/{file}" in result.stderr and "restore the file with git" in result.stderr
    assert path.read_text("utf-8") == "nonsense"


def test_the_committed_file_is_readable():
    read_frozen(ROOT / "data/frozen/splits.csv")


def test_json_counts_the_ids_and_what_changed(project):
    write_splits(P2="train", D1="train", P1="test", D2="validation")
    CliRunner().invoke(app, [])
    write_splits(P2="train", D1="train", P1="train", P3="train")
    result = CliRunner().invoke(app, ["--accept-moves", "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {
        "absent_kept": 1,
        "file": "data/frozen/splits.csv",
        "ids": 5,
        "left": 0,
        "nearer_to_training": 1,
        "other_split": 1,
        "splits": {"test": 0, "train": 4, "validation": 1},
    }


def test_json_of_a_refusal_is_empty(project):
    write_splits(P1="test")
    CliRunner().invoke(app, [])
    write_splits(P1="train")
    result = CliRunner().invoke(app, ["--json"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "1 ids would move nearer to training" in result.stderr
