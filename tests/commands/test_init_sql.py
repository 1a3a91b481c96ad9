"""python -m stages init sql:VARIABLE takes a table of a database as the data."""

import sqlite3
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
from sqlalchemy import create_engine

from stages.collect.kinds.sql import SqlSource
from stages.commands.init.databases import recognise_database
from stages.lib.core.errors import UserError
from stages.lib.core.model_files import file_hash
from tests.commands.test_init import clone, init, params, tree  # noqa: F401  the fixture
from tests.postgres import PASSWORD

TABLES = """
create table faq (nr integer primary key, question text, answer text, topic text, photo {blob}, views int);
create table "Release notes" (id int, "the text" text);
create table visits (visitor int, pages int);
create table empty (question text, answer text);
"""
FAQ = [
    (nr, f"How do I open door {nr}?", f"Turn key {nr} to the left, then push.", ["A", "B"][nr % 2], b"\xff", nr)
    for nr in range(1, 31)
]  # fmt: skip
NOTES = [(nr, f"Door {nr} is new.") for nr in range(1, 11)]


@pytest.fixture
def desk(tmp_path_factory, monkeypatch):
    """Return a file of SQLite whose URL stands in the variable HELPDESK_URL."""
    file = tmp_path_factory.mktemp("own") / "desk.db"
    connection = sqlite3.connect(file)
    connection.executescript(TABLES.format(blob="blob"))
    connection.executemany("insert into faq values (?, ?, ?, ?, ?, ?)", FAQ)
    connection.executemany('insert into "Release notes" values (?, ?)', NOTES)
    connection.execute("insert into visits values (1, 2)")
    connection.commit()
    connection.close()
    monkeypatch.setenv("HELPDESK_URL", f"sqlite:///{file}")
    return file


def columns_of(argument):
    guess = recognise_database(argument, [])
    return dict(guess.inner.guess.columns)


def test_the_table_with_the_most_text_becomes_the_data(clone, desk):  # noqa: F811
    result = init("sql:HELPDESK_URL", "--yes")
    assert result.exit_code == 0, result.output
    snapshot = Path("data/raw/snapshots/faq.parquet")
    assert params()["collect"]["sources"] == {
        "faq": {
            "reader": "sql",
            "url_env": "HELPDESK_URL",
            "query": "SELECT nr, question, answer, topic FROM faq",
            "columns": {"text": "answer", "anchor": "question", "key": "nr", "topic": "topic"},
            "sha256": file_hash(snapshot),
            "rows": 30,
        }
    }
    assert parquet.read_table(snapshot).column_names == ["nr", "question", "answer", "topic"]
    assert Path(f"{snapshot}.dvc").exists()
    assert "Source 'faq': sql:HELPDESK_URL/faq" in result.output
    assert "query: SELECT nr, question, answer, topic FROM faq" in result.output
    assert (
        "note: it has the most text. Other tables with texts: Release notes. Name one as "
        "sql:HELPDESK_URL/Release notes" in result.output
    )
    assert "not read: 'views'" in result.output
    assert "anchor: How do I open door 1?" in result.output
    assert "30 records: 30 documents and 30 pairs" in result.output
    assert str(desk) not in Path("params.yaml").read_text("utf-8")


def test_a_second_run_changes_nothing(clone, desk):  # noqa: F811
    init("sql:HELPDESK_URL", "--yes")
    before = tree()
    assert "Nothing to change" in init("sql:HELPDESK_URL", "--yes").output
    assert tree() == before


def test_a_table_by_name(desk):
    assert columns_of("sql:HELPDESK_URL/faq")["anchor"] == "question"
    guess = recognise_database("sql:HELPDESK_URL/Release notes", ["Release_notes"])
    assert guess.name == "Release_notes_2"
    assert guess.query == 'SELECT id, "the text" FROM "Release notes"'
    assert guess.note == ""


def test_a_query_of_ones_own(clone, desk):  # noqa: F811
    query = "SELECT question, answer || ' %' AS reply\nFROM faq -- :all\nWHERE nr < 5"
    result = init("sql:HELPDESK_URL", "--yes", "--query", query)
    assert result.exit_code == 0, result.output
    source = params()["collect"]["sources"]["helpdesk"]
    assert source["query"] == query
    assert source["columns"] == {"text": "reply", "anchor": "question"}
    assert source["rows"] == 4


def test_a_person_corrects_the_columns(desk, monkeypatch):
    confirmed = iter([False, True])
    monkeypatch.setattr("typer.confirm", lambda *_, **__: next(confirmed))
    fields = {"text": "topic", "anchor": "answer"}
    monkeypatch.setattr("typer.prompt", lambda text, default: fields.get(text.strip(), "-"))
    guess = recognise_database("sql:HELPDESK_URL", []).ask()
    assert guess.query == "SELECT answer, topic FROM faq"


@pytest.mark.parametrize(
    ("arguments", "fact"),
    [
        (["sql:NO_URL"], "sql:NO_URL: the environment variable NO_URL is not set"),
        (["sql:postgresql://me:s3cret@host/base"], "what follows sql: is not the name of an environment"),
        (["sql:"], "what follows sql: is not the name of an environment"),
        (["sql:HELPDESK_URL/fqa"], "there is no table 'fqa'; its tables are Release notes, empty, faq, visits"),
        (["sql:HELPDESK_URL/visits"], "no table holds texts; its tables are visits"),
        (["sql:HELPDESK_URL/empty"], "no table holds texts; its tables are empty"),
        (["sql:HELPDESK_URL SELECT nr, views FROM faq"], "no column of the query holds texts"),
        (["sql:HELPDESK_URL SELECT nope FROM faq"], "no such column: nope"),
        (["sql:HELPDESK_URL DELETE FROM faq"], "sql:HELPDESK_URL"),
        (["faq.csv", "--query", "SELECT 1"], "--query is the query of one database"),
        (["sql:HELPDESK_URL", "--query", " "], "--query is the query of one database"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_and_nothing_is_written(clone, desk, arguments, fact):  # noqa: F811
    before = tree()
    bytes_before = desk.read_bytes()
    result = init(*arguments, "--yes")
    assert result.exit_code == 1
    assert fact in result.stderr
    assert "s3cret" not in result.output
    assert tree() == before
    assert desk.read_bytes() == bytes_before


def test_the_settings_of_a_guess_are_those_of_the_kind(desk):
    settings = recognise_database("sql:HELPDESK_URL", []).settings()
    assert SqlSource.model_validate(settings).sha256 == ""


def test_other_arguments_are_no_databases():
    assert recognise_database("exports/sql:faq.csv", []) is None


@pytest.mark.slow
def test_tables_of_postgres_in_several_schemas(clone, postgres_url, monkeypatch):  # noqa: F811
    with create_engine(postgres_url).begin() as connection:
        for schema in ("desk", "100 % ours"):
            connection.exec_driver_sql(
                f'drop schema if exists "{schema}" cascade'.replace("%", "%%")
            )
            connection.exec_driver_sql(f'create schema "{schema}"'.replace("%", "%%"))
        connection.exec_driver_sql(
            'create table desk.faq ("Frage" text, "Antwort %%" text, wrong text[], photo bytea)'
        )
        connection.exec_driver_sql('create table "100 %% ours".notes (line text)')
        for nr in range(30):
            row = (f"Wo ist Raum {nr}?", f"Im Stock {nr} auf der linken Seite.", ["Hier."], b"\xff")
            connection.exec_driver_sql("insert into desk.faq values (%s, %s, %s, %s)", row)
        connection.exec_driver_sql(
            "insert into \"100 %% ours\".notes values ('A short line of text.')"
        )
    monkeypatch.setenv("HELPDESK_URL", postgres_url)
    result = init("sql:HELPDESK_URL/desk.faq", "--yes")
    assert result.exit_code == 0, result.output
    source = params()["collect"]["sources"]["faq"]
    assert source["query"] == 'SELECT "Frage", "Antwort %" FROM desk.faq'
    assert source["columns"] == {"text": "Antwort %", "anchor": "Frage"}
    assert source["rows"] == 30

    # Among all schemas the table with the most text is taken.
    guess = recognise_database("sql:HELPDESK_URL", [])
    assert "desk.faq" in (guess.origin + guess.note)
    assert "100 % ours.notes" in guess.note
    written = b"".join(tree().values()) + result.output.encode()
    assert PASSWORD.encode() not in written
    assert postgres_url.encode() not in written


def test_a_database_that_is_gone_is_an_error(desk):
    desk.unlink()
    with pytest.raises(UserError, match="which does not exist"):
        recognise_database("sql:HELPDESK_URL", [])
