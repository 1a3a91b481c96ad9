"""Data sets come from a hub on loopback: Parquet alone, at a commit, through the real libraries."""

from pathlib import Path

import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest

from stages.collect.interface import CollectParams
from stages.collect.kinds.huggingface import HuggingFaceSource
from stages.collect.kinds.registry import kind_of
from stages.collect.source import ReadRequest
from stages.commands.fetch.hub import Repository, find_repository
from stages.commands.fetch.huggingface import take_snapshot, write_splits
from stages.commands.init import changes
from stages.lib.core.errors import UserError
from stages.lib.core.model_files import file_hash
from stages.lib.core.params import load_section
from tests.commands.fetch.test_sql import fetch, pins
from tests.conftest import ROOT

SNAPSHOT = Path("data/raw/snapshots/faq.parquet")
SETTINGS = {
    "reader": "huggingface",
    "id": "help/desk",
    "splits": {"train": "train", "test": "test", "validation": "validation"},
    "columns": {"anchor": "question", "text": "answer"},
}
SOURCE = """\
  sources:
    faq:
      reader: huggingface
      id: help/desk
      splits: {train: train, validation: validation, test: test}
      columns: {anchor: question, text: answer}
"""
COUNTS = {"train": 5, "validation": 2, "test": 3}


def write_split(folder, split, count, **more):
    folder.mkdir(parents=True, exist_ok=True)
    values = {
        "question": [f"Where is {split} {index}?" for index in range(count)],
        "answer": [f"In room {index}." for index in range(count)],
        "photo": [{"bytes": b"\xff", "path": "a.png"}] * count,
        **{column: [value] * count for column, value in more.items()},
    }
    parquet.write_table(arrow.table(values), folder / f"{split}-00000-of-00001.parquet")


# Each test starts processes that talk to the hub.
pytestmark = pytest.mark.slow


@pytest.fixture
def desk(hub):
    folder = hub.folder("datasets", "help/desk")
    for split, count in COUNTS.items():
        write_split(folder / "data", split, count)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# Help desk\n", "utf-8")
    (folder / "load.py").write_text("raise SystemExit('this code is run')\n", "utf-8")
    return folder


def use(source=SOURCE):
    params = (ROOT / "params.yaml").read_text("utf-8")
    head, _, rest = params.partition("  sources:\n")
    tail = rest[rest.index("  # Largest share of a source's") :]
    Path("params.yaml").write_text(head + source + tail, "utf-8")


def take(path, **settings):
    source = HuggingFaceSource.model_validate({**SETTINGS, **settings})
    return take_snapshot("faq", source, path)


@pytest.fixture
def refused(tmp_path):
    """Return what is wrong with settings, as the error says it."""

    def refuse(**settings):
        with pytest.raises(UserError) as raised:
            take(tmp_path / "faq.parquet", **settings)
        return raised.value

    return refuse


def test_a_snapshot_is_pinned_with_its_commit(desk, hub, project, monkeypatch):
    monkeypatch.setattr(changes, "_track", lambda paths: None)
    use()
    result = fetch()
    assert result.output.startswith("faq: 10 rows; data/raw/snapshots/faq.parquet is tracked"), (
        result.output
    )
    assert pins() == (file_hash(SNAPSHOT), 10)
    source = load_section(CollectParams).sources["faq"]
    assert source.revision == hub.commit("datasets", "help/desk")

    # Rows in the order of the files, without columns of bytes.
    table = parquet.read_table(SNAPSHOT)
    assert table.column_names == ["question", "answer", "hf_split"]
    assert table["hf_split"].to_pylist() == ["test"] * 3 + ["train"] * 5 + ["validation"] * 2

    # From here on there is no hub.
    asked = len(hub.requests)
    assert fetch().output == "faq: already here\n"
    rows = kind_of(source).read(source, ReadRequest("faq", Path("data/raw")))
    assert sorted(rows.given_splits["split"]) == ["test"] * 3 + ["train"] * 5 + ["validation"] * 2
    assert len(hub.requests) == asked

    # A pinned commit that the hub does not have any more.
    write_split(desk / "data", "train", 6)
    assert "has no revision" in fetch("faq").stderr


def test_the_same_commit_gives_the_same_bytes(desk, tmp_path):
    for name in ("a.parquet", "b.parquet"):
        take(tmp_path / name)
    assert file_hash(tmp_path / "a.parquet") == file_hash(tmp_path / "b.parquet")


def test_what_the_settings_name_must_be_there(desk, refused):
    problem = refused(splits={"train": None, "trian": None})
    assert (
        "the data set help/desk has no split 'trian'; it has train, validation, test"
        in problem.fact
    )
    problem = refused(columns={"anchor": "question", "text": "reply"})
    assert (
        "columns.text: the data set has no column 'reply'; it has 'question', 'answer'"
        in problem.fact
    )
    problem = refused(config="plain")
    assert "has no configuration 'plain'" in problem.fact
    assert problem.remedy == "choose one of them (config): default"


def test_of_several_configurations_one_is_chosen(hub, refused, tmp_path):
    folder = hub.folder("datasets", "help/desk")
    for config, count in (("small", 1), ("large", 4)):
        write_split(folder / config, "train", count)
    configs = "".join(
        f"- config_name: {name}\n  data_files: {name}/*.parquet\n" for name in ("small", "large")
    )
    (folder / "README.md").write_text(f"---\nconfigs:\n{configs}---\n", "utf-8")
    problem = refused(splits={"train": None})
    assert "the data set help/desk has several configurations" in problem.fact
    assert problem.remedy == "choose one of them (config): small, large"
    assert take(tmp_path / "a.parquet", config="large", splits={"train": None})[0] == 4


def test_other_formats_are_refused(hub, refused):
    folder = hub.folder("datasets", "help/desk")
    (folder / "train.csv").write_text("question,answer\na,b\n", "utf-8")
    problem = refused()
    assert "has files of the format 'csv', not Parquet" in problem.fact
    assert "set revision to refs/convert/parquet" in problem.remedy


def test_code_of_a_data_set_is_not_run(hub, refused):
    folder = hub.folder("datasets", "help/desk")
    (folder / "desk.py").write_text("raise SystemExit('this code is run')\n", "utf-8")
    problem = refused()
    assert "this code is run" not in str(problem)
    assert "the data set help/desk is made by a script, which is never run" in problem.fact
    assert "set revision to refs/convert/parquet" in problem.remedy


def test_a_hub_that_says_no(hub, desk, refused):
    assert (
        "the hub has no such data set help/dekc, or it is private" in refused(id="help/dekc").fact
    )
    assert "has no revision 'v1'" in refused(revision="v1").fact
    hub.gated.add("help/desk")
    problem = refused()
    assert "the data set help/desk is gated" in problem.fact
    assert "accept its terms" in problem.remedy


def test_a_hub_that_cannot_be_reached(monkeypatch, refused):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    problem = refused()
    assert "the hub at http://127.0.0.1:1 cannot be reached" in problem.fact
    assert "HF_ENDPOINT" in problem.remedy


# ---- files


def write(hub, tmp_path, files):
    repository = Repository("dataset", "help/desk", hub.commit("datasets", "help/desk"), ())
    return write_splits(repository, files, tmp_path / "a.parquet", "params.yaml: faq")


def test_files_of_a_split_must_have_the_same_columns(desk, hub, tmp_path):
    parquet.write_table(arrow.table({"question": ["a"]}), desk / "data/other.parquet")
    files = {"train": ["data/train-00000-of-00001.parquet", "data/other.parquet"]}
    with pytest.raises(
        UserError, match=r"data/other\.parquet has other columns than the files before"
    ):
        write(hub, tmp_path, files)


def test_a_damaged_file_is_named(desk, hub, tmp_path):
    (desk / "data/bad.parquet").write_bytes(b"no Parquet")
    with pytest.raises(
        UserError, match=r"data/bad\.parquet of the data set help/desk is not a readable"
    ):
        write(hub, tmp_path, {"train": ["data/bad.parquet"]})


def test_no_rows_are_an_error(desk, hub, tmp_path):
    write_split(desk / "data", "none", 0)
    with pytest.raises(UserError, match="the data set help/desk holds no rows"):
        write(hub, tmp_path, {"none": ["data/none-00000-of-00001.parquet"]})


def test_a_column_that_names_the_splits_already_is_refused(desk, hub, tmp_path):
    write_split(desk / "data", "train", 1, hf_split="a")
    with pytest.raises(UserError, match="has a column 'hf_split', which names the splits"):
        write(hub, tmp_path, {"train": ["data/train-00000-of-00001.parquet"]})


def test_the_main_branch_is_a_commit(desk, hub):
    repository = find_repository("dataset", "help/desk", "", "faq")
    assert repository.commit == hub.commit("datasets", "help/desk")
    assert "load.py" in repository.files
