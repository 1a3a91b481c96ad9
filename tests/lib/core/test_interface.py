"""A stage runs from its declaration: options, inputs, outputs, and nothing half-written."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, ClassVar

import pandas as pd
import pyarrow
import pytest
from typer.testing import CliRunner

from stages.lib.core import tables
from stages.lib.core.errors import UserError
from stages.lib.core.interface import (
    AfterWriting,
    CheckedTable,
    Details,
    Folder,
    Item,
    Metrics,
    Reads,
    Scratch,
    Stage,
    TableFile,
    Writes,
    inputs_of,
    outputs_of,
    param_keys,
)
from stages.lib.core.params import ParamsSection
from stages.lib.schemas.documents import Timestamps
from stages.lib.schemas.evaluation_set import Qrels

ID = "d" + 16 * "1"
TIMES = pd.DataFrame({"id": [ID], "time": ["2026-01-31T00:00:00.000000Z"]})


class OneParams(ParamsSection):
    section: ClassVar[str] = "one"
    size: int


class Seed(ParamsSection):
    model_config = {"extra": "ignore"}
    section: ClassVar[str] = "run"
    seed: int


@dataclass(frozen=True)
class Params:
    one: OneParams
    run: Seed


@dataclass(frozen=True)
class EvaluationFiles:
    times: Annotated[TableFile[Timestamps], Reads("times.parquet", "Times of a split.")]


@dataclass(frozen=True)
class Inputs:
    times: Annotated[TableFile[Timestamps], Reads("data/zero/times.parquet", "Times.")]
    qrels: Annotated[TableFile[Qrels], Reads("data/zero/qrels.parquet", "Qrels.", required=False)]
    raw: Annotated[Path, Reads("data/raw", "Files of the user.")]
    test: Annotated[EvaluationFiles, Folder("data/zero/test")]
    scratch: Annotated[Path, Scratch()]


@dataclass(frozen=True)
class EvaluationTables:
    times: Annotated[pd.DataFrame, Writes("times.parquet", "Times of a split.", Timestamps)]


@dataclass(frozen=True)
class Outputs:
    times: Annotated[pd.DataFrame, Writes("data/one/times.parquet", "Times.", Timestamps)]
    checked: Annotated[CheckedTable, Writes("data/one/checked.parquet", "A table of values.")]
    test: Annotated[EvaluationTables, Folder("data/one/test")]
    plot: Annotated[pd.DataFrame, Writes("metrics/plots/one.tsv", "A plot.")]
    page: Annotated[str, Writes("data/one/index.html", "A page.")]
    model: Annotated[Callable[[Path], None], Writes("data/one/model", "A folder.")]
    metrics: Annotated[Metrics, Writes("metrics/one.json", "Metrics.")]
    details: Annotated[Details, Writes("metrics/details/one.json", "Details.")]
    after: Annotated[Callable[[], None], AfterWriting()]


def write_model(folder):
    folder.mkdir()
    (folder / "weights").write_text("w", "utf-8")


def outputs_from(inputs: Inputs, params: Params) -> Outputs:
    (inputs.scratch / "part").write_text("x", "utf-8")
    times = inputs.times.frame()
    return Outputs(
        times=times,
        checked=CheckedTable(times, Timestamps),
        test=EvaluationTables(inputs.test.times.frame()),
        plot=pd.DataFrame({"b": [1], "a": [0.5]}),
        page="<p>ü</p>",
        model=write_model,
        metrics={"pairs": len(times), "gain": 0.12345},
        details={"dropped.empty": 0, "dropped.long": params.one.size, "seed": params.run.seed},
        after=lambda: Path("done").write_text(str(inputs.scratch.exists()), "utf-8"),
    )


def run(inputs: Inputs, params: Params) -> Outputs:
    """Do the work.

    More about it.
    """
    return outputs_from(inputs, params)


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("one:\n  size: 3\nrun:\n  seed: 7\n  threads: 2\n", "utf-8")
    Path("pyproject.toml").write_text("[dependency-groups]\ntables = []\n", "utf-8")
    tables.write(TIMES, Path("data/zero/times.parquet"), Timestamps)
    tables.write(TIMES, Path("data/zero/test/times.parquet"), Timestamps)
    return tmp_path


STAGE = Stage(run, ("tables",))


def test_names_and_paths_follow_from_the_fields():
    assert inputs_of(Inputs) == [
        Item("times", "data/zero/times.parquet", "Times.", Timestamps),
        Item("qrels", "data/zero/qrels.parquet", "Qrels.", Qrels, required=False),
        Item("raw", "data/raw", "Files of the user.", None),
        Item("test_times", "data/zero/test/times.parquet", "Times of a split.", Timestamps),
    ]
    assert [(item.name, item.path) for item in outputs_of(Outputs)] == [
        ("out_times", "data/one/times.parquet"),
        ("out_checked", "data/one/checked.parquet"),
        ("out_test_times", "data/one/test/times.parquet"),
        ("out_plot", "metrics/plots/one.tsv"),
        ("out_page", "data/one/index.html"),
        ("out_model", "data/one/model"),
        ("metrics", "metrics/one.json"),
        ("details", "metrics/details/one.json"),
    ]


def test_a_model_that_ignores_keys_reads_single_keys():
    assert param_keys(Params) == ["one", "run.seed"]


def test_each_output_is_written_by_its_type(project):
    STAGE.main()
    assert tables.read(Path("data/one/times.parquet"), Timestamps)["id"].tolist() == [ID]
    assert tables.read(Path("data/one/checked.parquet"), Timestamps)["id"].tolist() == [ID]
    assert tables.read(Path("data/one/test/times.parquet"), Timestamps)["id"].tolist() == [ID]
    assert Path("metrics/plots/one.tsv").read_bytes() == b"b\ta\n1\t0.5\n"
    assert Path("data/one/index.html").read_text("utf-8") == "<p>ü</p>"
    assert Path("data/one/model/weights").read_text("utf-8") == "w"
    assert json.loads(Path("metrics/one.json").read_text()) == {"gain": 0.1235, "pairs": 1}
    details = json.loads(Path("metrics/details/one.json").read_text())
    assert details == {"dropped": {"empty": 0, "long": 3}, "seed": 7}
    # The scratch folder was gone when the last function ran.
    assert Path("done").read_text() == "False"


def test_paths_can_be_given_by_keyword_and_by_option(project):
    STAGE.main(out_page=Path("a.html"), times=Path("data/zero/test/times.parquet"))
    assert Path("a.html").is_file()
    result = CliRunner().invoke(STAGE.app, ["--out-test-times", "t.parquet"])
    assert result.exit_code == 0, result.output
    assert Path("t.parquet").is_file()
    with pytest.raises(TypeError, match="no argument 'pairs'"):
        STAGE.main(pairs=Path("x"))


def test_help_names_every_option(project):
    text = CliRunner().invoke(STAGE.app, ["--help"]).output
    assert "Do the work." in text
    for option in ("--times", "--test-times", "--raw", "--out-model", "--details"):
        assert option in text
    assert "Files of the user." in text


def test_a_missing_table_is_an_error_before_the_work_begins(project):
    Path("data/zero/test/times.parquet").unlink()

    def never(inputs: Inputs, params: Params) -> Outputs:
        """Do nothing."""
        raise AssertionError("the work began")

    with pytest.raises(UserError, match=r"data/zero/test/times.parquet does not exist"):
        Stage(never, ("tables",)).main()


def test_an_optional_table_fails_only_when_it_is_read(project):
    def reads(inputs: Inputs, params: Params) -> Outputs:
        """Read the optional table."""
        inputs.qrels.frame()
        raise AssertionError("the table was there")

    with pytest.raises(UserError, match=r"data/zero/qrels.parquet does not exist"):
        Stage(reads, ("tables",)).main()


def test_a_failed_run_leaves_no_output(project):
    def broken(inputs: Inputs, params: Params) -> Outputs:
        """Return an output that breaks its contract."""
        outputs = outputs_from(inputs, params)
        return replace(outputs, test=EvaluationTables(pd.concat([TIMES, TIMES])))

    result = CliRunner().invoke(Stage(broken, ("tables",)).app)
    assert result.exit_code == 1
    assert "key_is_unique" in result.stderr
    assert not Path("data/one/times.parquet").exists()
    assert not Path("metrics").exists() or not list(Path("metrics").rglob("*.json"))


def test_a_handle_reads_whole_in_batches_and_by_value(project, monkeypatch):
    monkeypatch.setattr(tables, "SHARD_ROWS", 2)
    ids = [f"d{number:016x}" for number in range(5)]
    frame = pd.DataFrame({"id": ids, "time": ["2026-01-31T00:00:00.000000Z"] * 5})
    tables.write(frame, Path("t.parquet"), Timestamps)
    handle = TableFile(Path("t.parquet"), Timestamps)
    assert handle.frame()["id"].tolist() == ids
    assert [batch["id"].tolist() for batch in handle.batches()] == [ids[:2], ids[2:4], ids[4:]]
    assert handle.frame(id=ids[3])["id"].tolist() == [ids[3]]
    assert len(handle.shards()) == 3


def test_a_frame_without_a_column_is_read_in_batches(project, monkeypatch):
    monkeypatch.setattr(tables, "SHARD_ROWS", 2)
    ids = [f"d{number:016x}" for number in range(5)]
    time = "2026-01-31T00:00:00.000000Z"
    handle = TableFile(Path("t.parquet"), Timestamps)
    tables.write(pd.DataFrame({"id": ids, "time": [time] * 5}), handle.path, Timestamps)
    pd.testing.assert_frame_equal(handle.frame_without("time"), handle.frame()[["id"]])

    tables.write(Timestamps.empty(), handle.path, Timestamps)
    pd.testing.assert_frame_equal(handle.frame_without("time"), handle.frame()[["id"]])

    # An id that comes twice, in two row groups.
    twice = pyarrow.table({"id": [*ids[:4], *ids[3:]], "time": [time] * 6})
    tables.write_arrow(twice, handle.path)
    with pytest.raises(UserError, match="key_is_unique"):
        handle.frame_without("time")


def test_a_batch_that_breaks_the_contract_is_refused(project):
    frame = pd.DataFrame({"id": [ID], "time": ["yesterday"]})
    tables.write_arrow(pyarrow.Table.from_pandas(frame, preserve_index=False), Path("t.parquet"))
    with pytest.raises(UserError, match="breaks the contract of"):
        list(TableFile(Path("t.parquet"), Timestamps).batches())


def test_a_field_without_a_declaration_is_a_bug():
    @dataclass(frozen=True)
    class Bare:
        path: Path

    with pytest.raises(TypeError, match="has no declaration"):
        inputs_of(Bare)


@pytest.mark.parametrize("keys", [("a", "a.b"), ("a.b", "a"), ("a.b.c", "a.b")])
def test_a_key_of_details_is_no_beginning_of_another(project, keys):
    def clash(inputs: Inputs, params: Params) -> Outputs:
        """Return details with two keys that clash."""
        return replace(outputs_from(inputs, params), details=dict.fromkeys(keys, 1))

    with pytest.raises(ValueError, match=r"the key 'a"):
        Stage(clash, ("tables",)).main()


@pytest.mark.slow
def test_an_option_never_replaces_a_folder_of_the_user(project):
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("years", "utf-8")
    for option in ("--out-model", "--out-page", "--out-times", "--metrics"):
        result = CliRunner().invoke(STAGE.app, [option, "mine"])
        assert result.exit_code == 1
        assert "error: mine is a folder with files in it, which would be replaced" in result.stderr
        assert [path.name for path in Path("mine").iterdir()] == ["thesis.txt"]

    # The declared folder is of DVC, and an empty one holds nothing.
    Path("empty").mkdir()
    for path in ("data/one/model", "data/one/model", "empty"):
        assert CliRunner().invoke(STAGE.app, ["--out-model", path]).exit_code == 0
        assert Path(path, "weights").is_file()


@pytest.mark.slow
def test_a_run_that_fails_late_leaves_the_outputs_of_the_run_before(project):
    assert CliRunner().invoke(STAGE.app, []).exit_code == 0
    files = [path for path in sorted(Path().rglob("*")) if path.is_file()]
    before = {path: path.read_bytes() for path in files}

    def broken(inputs: Inputs, params: Params) -> Outputs:
        def fail():
            raise OSError(28, "No space left on device")

        return replace(outputs_from(inputs, params), page="other", after=fail)

    assert CliRunner().invoke(Stage(broken, groups=()).app, []).exit_code == 1
    after = [path for path in sorted(Path().rglob("*")) if path.is_file()]
    assert {path: path.read_bytes() for path in after} == before
