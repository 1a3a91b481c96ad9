"""The command fetch takes the snapshot of a query once, pins it and tracks it, all or nothing."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from sqlalchemy import create_engine
from typer.testing import CliRunner

from stages.collect.interface import CollectParams
from stages.collect.kinds.registry import kind_of
from stages.collect.source import ReadRequest
from stages.commands.fetch.__main__ import app
from stages.commands.init import changes
from stages.lib.core.errors import UserError
from stages.lib.core.model_files import file_hash
from stages.lib.core.params import load_section
from tests.conftest import ROOT, git
from tests.postgres import PASSWORD

SCHEMA = "create table faq (id integer primary key, question text, answer text)"
ROWS = [(index, f"Where is {index}?", f"It is in room {index}.") for index in range(1, 21)]
SNAPSHOT = Path("data/raw/snapshots/faq.parquet")
SOURCE = """\
  sources:
    # The help desk.
    faq:
      reader: sql
      url_env: DESK
      query: {query}
      columns: {{key: id, anchor: question, text: {text}}}
"""


@pytest.fixture
def desk(project, monkeypatch):
    """Stand in a project with a database; tracking with DVC is replaced."""
    connection = sqlite3.connect("desk.db")
    connection.execute(SCHEMA)
    connection.executemany("insert into faq values (?, ?, ?)", ROWS)
    connection.commit()
    connection.close()
    monkeypatch.setenv("DESK", "sqlite:///desk.db")
    use()

    def track(paths):
        for path in paths:
            Path(f"{path}.dvc").write_text("outs:\n", "utf-8")

    monkeypatch.setattr(changes, "_track", track)
    return project


def use(query="SELECT * FROM faq", text="answer"):
    params = (ROOT / "params.yaml").read_text("utf-8")
    head, _, rest = params.partition("  sources:\n")
    tail = rest[rest.index("  # Largest share of a source's") :]
    Path("params.yaml").write_text(head + SOURCE.format(query=query, text=text) + tail, "utf-8")


def fetch(*names):
    wheels = Path("pyproject.toml").read_text("utf-8").partition("[tool.pairsmith.wheels")[0]
    Path("no_wheels.toml").write_text(wheels, "utf-8")
    return CliRunner().invoke(app, [*names, "--pyproject", "no_wheels.toml"])


def change(statement):
    connection = sqlite3.connect("desk.db")
    connection.execute(statement)
    connection.commit()
    connection.close()


def pins():
    source = load_section(CollectParams).sources["faq"]
    return source.sha256, source.rows


def collected():
    source = load_section(CollectParams).sources["faq"]
    return kind_of(source).read(source, ReadRequest("faq", Path("data/raw")))


def tree():
    return {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def test_a_snapshot_is_taken_once_and_read_offline(desk, monkeypatch):
    before = Path("params.yaml").read_text("utf-8").splitlines()
    result = fetch()
    assert result.output == (
        "faq: 20 rows; data/raw/snapshots/faq.parquet is tracked by DVC and pinned in params.yaml\n"
    )
    assert pins() == (file_hash(SNAPSHOT), 20)
    after = Path("params.yaml").read_text("utf-8").splitlines()
    assert [line for line in after if line not in before] == [
        f'      sha256: "{file_hash(SNAPSHOT)}"',
        "      rows: 20",
    ]
    assert [line for line in before if line not in after] == []

    # From here on there is no database.
    Path("desk.db").unlink()
    monkeypatch.delenv("DESK")
    assert fetch().output == "faq: already here\n"
    rows = collected()
    assert (len(rows.documents), len(rows.pairs)) == (20, 20)


def test_a_new_snapshot_is_taken_by_name_alone(desk):
    fetch()
    first = pins()
    assert fetch("faq").output == "faq: unchanged, 20 rows\n"
    change("insert into faq values (21, 'Who?', 'Everybody.')")
    assert fetch().output == "faq: already here\n"
    assert fetch("faq").output.startswith("faq: 21 rows (before: 20); ")
    assert pins()[0] != first[0]
    assert len(collected().documents) == 21


def test_the_order_of_the_rows_does_not_matter(desk):
    fetch()
    first = pins()
    use("SELECT * FROM faq ORDER BY answer DESC")
    fetch()
    assert pins() == first


def test_a_pinned_snapshot_that_is_missing_stops_nobody(desk):
    fetch()
    SNAPSHOT.unlink()
    result = fetch()
    assert result.exit_code == 0
    assert result.output == f"faq: pinned, but not here; 'dvc pull {SNAPSHOT}' brings it\n"
    with pytest.raises(UserError, match="does not exist, the snapshot of"):
        collected()
    assert fetch("faq").output.startswith("faq: 20 rows (before: 20); ")
    assert len(collected().documents) == 20


def test_another_snapshot_than_the_pinned_one_is_an_error(desk):
    fetch()
    SNAPSHOT.write_bytes(b"PAR1")
    result = fetch()
    assert result.exit_code == 1
    assert "run 'dvc checkout'" in result.stderr


@pytest.mark.parametrize(
    ("query", "text", "fact"),
    [
        ("SELECT id, question FROM faq", "answer",
         "collect.sources.faq.query gives no column 'answer'; it gives 'id', 'question'"),
        ("SELECT * FROM faq WHERE id > 99", "answer", "collect.sources.faq.query gives no rows"),
        ("SELECT * FROM fqa", "answer", "collect.sources.faq.query fails: no such table: fqa"),
        ("DROP TABLE faq", "answer", "collect.sources.faq.query"),
        ("SELECT *, x'ff' AS photo FROM faq", "answer", "column 'photo' holds bytes"),
        ("SELECT *, 1 AS id FROM faq", "answer", "more than one column is called 'id'"),
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_used_changes_nothing(query, text, fact, desk):
    use(query, text)
    fetch("nothing")
    before = tree()
    result = fetch()
    assert result.exit_code == 1
    assert fact in result.stderr
    assert "remedy: " in result.stderr
    assert tree() == before


def test_if_dvc_fails_nothing_is_pinned(desk, monkeypatch):
    def fail(paths):
        raise UserError("'dvc add' failed: no space", "correct it")

    monkeypatch.setattr(changes, "_track", fail)
    fetch("nothing")
    before = tree()
    assert fetch().exit_code == 1
    assert tree() == before


def test_an_unknown_name_is_refused(desk):
    assert "has no source 'fqa' that is read from a snapshot" in fetch("fqa").stderr
    assert "name one of: faq" in fetch("fqa").stderr


@pytest.mark.slow
def test_a_snapshot_of_postgres_has_the_same_bytes_and_no_password_anywhere(
    desk, postgres_url, monkeypatch
):
    fetch()
    first = pins()
    with create_engine(postgres_url).begin() as connection:
        connection.exec_driver_sql("drop table if exists faq")
        connection.exec_driver_sql(SCHEMA)
        connection.exec_driver_sql("insert into faq values (%s, %s, %s)", ROWS[::-1])
    monkeypatch.setenv("DESK", postgres_url)
    use()
    result = fetch()
    assert pins() == first

    # A query that fails says no more of the URL.
    use("SELECT * FROM nothing")
    failed = fetch("faq")
    assert failed.exit_code == 1
    written = b"".join(tree().values()) + (result.output + failed.output).encode()
    for secret in (PASSWORD, "s3cret", postgres_url):
        assert secret.encode() not in written


@pytest.mark.slow
def test_dvc_tracks_the_snapshot(project, monkeypatch):
    """With the real DVC, and the command as a person starts it."""
    connection = sqlite3.connect("desk.db")
    connection.execute(SCHEMA)
    connection.executemany("insert into faq values (?, ?, ?)", ROWS)
    connection.commit()
    connection.close()
    monkeypatch.setenv("DESK", "sqlite:///desk.db")
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    use()
    git(project, "init", "-q")
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], check=True)
    Path("stages").symlink_to(ROOT / "stages")
    Path("pyproject.toml").write_text(
        Path("pyproject.toml").read_text("utf-8").partition("[tool.pairsmith.wheels")[0], "utf-8"
    )
    result = subprocess.run(
        [sys.executable, "-m", "stages", "fetch"], capture_output=True, text=True, check=False
    )
    assert result.stdout.startswith("faq: 20 rows; "), result.stderr
    record = YAML(typ="safe").load(Path(f"{SNAPSHOT}.dvc").read_text("utf-8"))
    assert record["outs"][0]["path"] == "faq.parquet"
    assert "/faq.parquet" in Path("data/raw/snapshots/.gitignore").read_text("utf-8")
