"""Queries against SQLite and a real PostgreSQL: streams, errors with a remedy, and no password in them."""

import sqlite3
import subprocess
import sys
from urllib.parse import quote

import pytest
from sqlalchemy import create_engine

from stages.commands.fetch.database import open_database, run_query
from stages.lib.core.errors import UserError
from tests.postgres import PASSWORD

SCHEMA = "create table faq (id integer primary key, question text, answer text)"
ROWS = [(1, "How?", "So."), (2, "Why 100 %?", "Because: of it."), (3, "Wo?", None)]


@pytest.fixture
def sqlite_url(tmp_path, monkeypatch):
    with sqlite3.connect(tmp_path / "help desk.db") as connection:
        connection.execute(SCHEMA)
        connection.executemany("insert into faq values (?, ?, ?)", ROWS)
    connection.close()
    monkeypatch.setenv("DESK", f"sqlite:///{tmp_path}/help desk.db")
    return tmp_path / "help desk.db"


@pytest.fixture
def postgres(postgres_url, monkeypatch):
    """Return the server with the table `faq`, and put its URL into the environment."""
    with create_engine(postgres_url).begin() as connection:
        connection.exec_driver_sql("drop table if exists faq")
        connection.exec_driver_sql("create sequence if not exists counter")
        connection.exec_driver_sql(SCHEMA)
        connection.exec_driver_sql("insert into faq values (%s, %s, %s)", ROWS)
    monkeypatch.setenv("DESK", postgres_url)
    return postgres_url


def rows(query):
    database = open_database("DESK", "url_env")
    with run_query(database, query, "query") as result:
        batches = [list(map(tuple, batch)) for batch in result.batches]
        return list(result.columns), [row for batch in batches for row in batch]


def error(query="SELECT 1"):
    with pytest.raises(UserError) as raised:
        rows(query)
    return raised.value


def check_queries():
    assert rows("SELECT * FROM faq ORDER BY id ; \n") == (["id", "question", "answer"], ROWS)
    # Signs that drivers and SQLAlchemy take for parameters.
    query = "SELECT id FROM faq WHERE question LIKE '%100 %?' AND answer LIKE '%: of%' -- :a %s ?"
    assert rows(query) == (["id"], [(2,)])
    assert rows("SELECT id AS a, id AS b FROM faq WHERE id > 9") == (["a", "b"], [])


def check_errors():
    assert error("SELECT * FROM nothing").fact.startswith("query fails: ")
    assert "nothing" in error("SELECT * FROM nothing").fact
    assert "DESK" in error("SELEC").remedy
    for change in ("DELETE FROM faq", "UPDATE faq SET answer = ''", "DROP TABLE faq"):
        assert error(change).fact.startswith("query ")
    assert len(rows("SELECT * FROM faq")[1]) == 3


def test_sqlite_gives_rows(sqlite_url):
    check_queries()


def test_sqlite_is_only_read(sqlite_url):
    before = sqlite_url.read_bytes()
    check_errors()
    assert sqlite_url.read_bytes() == before


@pytest.mark.slow
def test_postgres_gives_rows(postgres):
    check_queries()
    kinds = "SELECT 1.50::numeric, true, DATE '2026-01-31', ARRAY['a', 'b'], '{\"a\": 1}'::jsonb"
    values = rows(kinds)[1][0]
    assert [str(value) for value in values] == [
        "1.50",
        "True",
        "2026-01-31",
        "['a', 'b']",
        "{'a': 1}",
    ]


@pytest.mark.slow
def test_postgres_is_only_read(postgres):
    check_errors()
    assert error("DELETE FROM faq").fact == 'query fails: syntax error at or near "DELETE"'
    fact = "query fails: cannot execute nextval() in a read-only transaction"
    assert error("SELECT nextval('counter')").fact == fact


# ---- no URL, no driver, no server


@pytest.mark.parametrize(
    ("url", "fact", "remedy"),
    [
        (None, "the environment variable DESK is not set", "such as postgresql+psycopg://user:password@"),
        (" ", "the environment variable DESK is empty", "sqlite:///path/of/file.db"),
        ("s3cret", "DESK holds no URL of a database", "write @ as %40"),
        ("postgresql://me:s3cret@host:port/base", "DESK holds no URL of a database", "write @ as %40"),
        ("postgresql://me:pw@s3cret@host/base", "DESK holds no URL of a database", "@ as %40"),
        ("postgresql://me:pw@s3cret/x@host/base", "DESK holds no URL of a database", "/ as %2F"),
        ("postgres://me:s3cret@host/base", "knows no database 'postgres'", "write postgresql://"),
        ("oracel://me:s3cret@host/base", "knows no database 'oracel'", "correct the part before ://"),
        ("mysql+pymysql://me:s3cret@host/base", "the driver 'pymysql' of the URL in DESK", "pip install"),
        ("mssql+pyodbc://me:s3cret@host/base", "the driver 'pyodbc' of the URL in DESK", "pip install"),
        ("sqlite://", "names no file: a database in memory", "sqlite:///path/of/file.db"),
        ("sqlite:///:memory:", "names no file: a database in memory", "four slashes"),
        ("sqlite:///missing/desk.db", "the file missing/desk.db, which does not exist", "four before an absolute"),
        ("postgresql://me:s3cret@127.0.0.1:1/base", "in DESK cannot be reached: ", "check the server"),
        ("postgresql://127.0.0.1:1/base?password=s3cret", "cannot be reached: ", "check the server"),
    ],
)  # fmt: skip
def test_a_url_that_cannot_be_used(url, fact, remedy, monkeypatch):
    monkeypatch.delenv("DESK", raising=False)
    if url is not None:
        monkeypatch.setenv("DESK", url)
    problem = error()
    assert fact in problem.fact
    assert remedy in problem.remedy
    assert "s3cret" not in str(problem)


def test_a_file_that_is_no_database(tmp_path, monkeypatch):
    (tmp_path / "desk.db").write_text("no database, " * 100, "utf-8")
    monkeypatch.setenv("DESK", f"sqlite:///{tmp_path}/desk.db")
    assert "file is not a database" in error("SELECT * FROM faq").fact


@pytest.mark.slow
def test_a_wrong_password_is_refused_and_not_shown(postgres, monkeypatch):
    wrong = postgres.replace(quote(PASSWORD, ""), quote("wr0ng/p@ss", ""))
    monkeypatch.setenv("DESK", wrong)
    problem = error()
    assert 'password authentication failed for user "reader"' in problem.fact
    assert "wr0ng" not in str(problem)


@pytest.mark.parametrize("spelling", [PASSWORD, quote(PASSWORD, ""), "{url}"])
def test_a_driver_that_says_the_password_is_not_shown(spelling, monkeypatch):
    url = f"postgresql+psycopg://reader:{quote(PASSWORD, '')}@127.0.0.1:1/postgres"
    monkeypatch.setenv("DESK", url)
    database = open_database("DESK", "url_env")
    text = database.cause(ValueError(f"cannot use {spelling.format(url=url)} here"))
    assert text == "ValueError (its message is not shown)"
    assert database.cause(ValueError("no\n  route")) == "no route"


@pytest.mark.slow
def test_postgres_streams(postgres):
    """300 MB of rows pass through a process that grows by a small part of them."""
    code = """
from bench.process_memory import status
from stages.commands.fetch.database import open_database, run_query
database = open_database("DESK", "url_env")
for count in (10_000, 300_000):
    query = f"SELECT i, repeat('x', 1000) || i AS t FROM generate_series(1, {count}) AS i"
    with run_query(database, query, "query") as result:
        rows = sum(len(batch) for batch in result.batches)
    print(rows, status("VmHWM") // 1024)
"""
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert (output[0], output[2]) == ("10000", "300000")
    assert int(output[3]) - int(output[1]) < 60
