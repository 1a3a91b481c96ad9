"""init joins questions and documents that stand in two tables of a database."""

import sqlite3

import pandas as pd
import pytest
from sqlalchemy import create_engine

from stages.collect.__main__ import main as collect
from stages.commands.init.databases import recognise_database
from stages.commands.init.recognition import guess_sources
from tests.commands.test_init import clone, init, params  # noqa: F401  the fixture

COUNT = 30
FORUM = """
create table users (id integer primary key, name text, bio text);
create table questions (id integer primary key, title text, body text, user_id int references users(id));
create table answers (id integer primary key, question_id int {key}, body text, votes int, author int references users);
"""
HELP = """
create table articles (id integer primary key, heading text, body text, author text);
create table searches (nr integer primary key, query text, article_id int references articles (id), relevance int);
"""
JUDGED = """
create table documents (id integer primary key, body text);
create table queries (id integer primary key, words text);
create table judgements (query_id int references queries(id), document_id int references documents(id), grade int);
"""


def forum(key="references questions(id)"):
    users = [(n, f"user {n}", "I like to ask.") for n in range(5)]
    questions = [(n, f"Door {n} is stuck", f"I tried door {n} twice.", n % 5) for n in range(COUNT)]
    answers = [(n, n // 2, f"Turn key {n} to the left, then push it hard.", n, n % 5) for n in range(2 * COUNT)]  # fmt: skip
    return FORUM.format(key=key), {"users": users, "questions": questions, "answers": answers}


def help_pages():
    articles = [(n, f"Door {n}", f"Door {n} opens to the left side of hall {n}.", "Ann") for n in range(COUNT)]  # fmt: skip
    searches = [(n, f"open door {n}", n, n % 2) for n in range(COUNT - 10)]
    return HELP, {"articles": articles, "searches": searches}


def judged():
    documents = [(n, f"Door {n} opens to the left side of hall {n}.") for n in range(COUNT)]
    queries = [(n, f"open the door {n}") for n in range(COUNT)]
    judgements = [(n, (n + other) % COUNT, other) for n in range(COUNT) for other in range(3)]
    return JUDGED, {"documents": documents, "queries": queries, "judgements": judgements}


@pytest.fixture
def database(tmp_path_factory, monkeypatch):
    """Return a function that makes a file of SQLite, whose URL stands in DESK_URL."""

    def make(tables, rows_of_table):
        file = tmp_path_factory.mktemp("own") / "desk.db"
        connection = sqlite3.connect(file)
        connection.executescript(tables)
        for table, rows in rows_of_table.items():
            marks = ", ".join("?" * len(rows[0]))
            connection.executemany(f"insert into {table} values ({marks})", rows)
        connection.commit()
        connection.close()
        monkeypatch.setenv("DESK_URL", f"sqlite:///{file}")

    return make


@pytest.mark.parametrize("key", ["references questions(id)", "references questions", ""])
def test_answers_are_read_with_their_questions(clone, database, key):  # noqa: F811
    database(*forum(key))
    result = init("sql:DESK_URL", "--yes")
    assert result.exit_code == 0, result.output
    source = params()["collect"]["sources"]["answers"]
    assert source["query"] == (
        "SELECT answers.id AS answer_id, answers.body AS answer_body, questions.title "
        "FROM answers JOIN questions ON answers.question_id = questions.id"
    )
    assert source["columns"] == {"text": "answer_body", "key": "answer_id", "anchor": "title"}
    assert source["rows"] == 2 * COUNT
    assert "Source 'answers': sql:DESK_URL/answers with questions" in result.output
    assert (
        "note: a guess: column 'question_id' of answers names the question, a row of questions. "
        "Without questions: sql:DESK_URL/answers" in result.output
    )
    assert "60 records: 60 documents and 60 pairs" in result.output
    assert "anchor: Door 0 is stuck" in result.output


def test_a_table_that_is_named_is_read_alone(database):
    database(*forum())
    guess = recognise_database("sql:DESK_URL/answers", [])
    assert guess.query == "SELECT id, body FROM answers"
    assert not guess.questions


def test_questions_that_name_a_document_are_a_source_of_their_own(clone, database):  # noqa: F811
    database(*help_pages())
    result = init("sql:DESK_URL", "--yes")
    assert result.exit_code == 0, result.output
    sources = params()["collect"]["sources"]
    assert sources["articles"]["columns"] == {"text": "body", "title": "heading", "key": "id"}
    assert sources["searches"]["query"] == 'SELECT "query", article_id, relevance FROM searches'
    assert sources["searches"]["documents_of"] == "articles"
    assert sources["searches"]["columns"] == {
        "anchor": "query",
        "document_key": "article_id",
        "score": "relevance",
    }
    # Documents without a question are kept, and collect reads what init has shown.
    assert "50 records: 30 documents and 20 pairs" in result.output
    collect()
    assert len(pd.read_parquet("data/collect/documents.parquet")) == COUNT
    assert sorted(pd.read_parquet("data/collect/pairs.parquet")["score"]) == [0.0] * 10 + [1.0] * 10


def test_a_third_table_may_link_questions_and_documents(clone, database):  # noqa: F811
    database(*judged())
    result = init("sql:DESK_URL", "--yes")
    assert result.exit_code == 0, result.output
    sources = params()["collect"]["sources"]
    assert sources["queries"]["query"] == (
        "SELECT judgements.document_id, judgements.grade, queries.words "
        "FROM judgements JOIN queries ON judgements.query_id = queries.id"
    )
    assert sources["queries"]["columns"] == {
        "anchor": "words",
        "document_key": "document_id",
        "grade": "grade",
    }
    assert "120 records: 30 documents and 90 pairs" in result.output
    assert "column 'document_id' of judgements names the document, a row of documents" in result.output  # fmt: skip


@pytest.mark.parametrize(
    ("tables", "rows"),
    [
        # People are no questions, and a table with both questions and answers needs no other.
        ("create table users (id int, bio text); create table answers (id int, user_id int references users(id), body text);",
         {"users": [(1, "I like it here.")], "answers": [(n, 1, f"Turn key {n} to the left side.") for n in range(9)]}),
        ("create table questions (id int, title text); create table answers (id int, question_id int references questions(id), question text, answer text);",
         {"questions": [(1, "Any?")], "answers": [(n, 1, f"Where is key {n}?", f"Key {n} is on the left side.") for n in range(9)]}),
        # Nothing says which rows belong together.
        ("create table questions (id int, title text); create table answers (id int, body text);",
         {"questions": [(1, "Any?")], "answers": [(n, f"Turn key {n} to the left side.") for n in range(9)]}),
    ],
)  # fmt: skip
def test_tables_that_are_no_questions_and_answers_are_not_joined(database, tables, rows):
    database(tables, rows)
    guesses = guess_sources(["sql:DESK_URL"])
    assert [guess.name for guess in guesses] == ["answers"]
    assert "JOIN" not in guesses[0].query


@pytest.mark.slow
def test_linked_tables_of_postgres_in_a_schema(clone, postgres_url, monkeypatch):  # noqa: F811
    with create_engine(postgres_url).begin() as connection:
        connection.exec_driver_sql("drop schema if exists forum cascade")
        connection.exec_driver_sql("create schema forum")
        connection.exec_driver_sql(
            'create table forum."Questions" (id int primary key, "Titel %%" text)'
        )
        connection.exec_driver_sql(
            'create table forum.answers (id int primary key, q int references forum."Questions" (id), body text)'
        )
        for nr in range(COUNT):
            connection.exec_driver_sql(
                'insert into forum."Questions" values (%s, %s)', (nr, f"Wo ist Raum {nr}?")
            )
            row = (
                nr,
                nr,
                f"Raum {nr} liegt im Stock {nr} auf der linken Seite des Hauses, neben der Treppe.",
            )
            connection.exec_driver_sql("insert into forum.answers values (%s, %s, %s)", row)
    monkeypatch.setenv("DESK_URL", postgres_url)
    guess = next(guess for guess in guess_sources(["sql:DESK_URL"]) if "answers" in guess.name)
    assert guess.query == (
        'SELECT forum.answers.id AS answer_id, forum.answers.body, forum."Questions"."Titel %" '
        'FROM forum.answers JOIN forum."Questions" ON forum.answers.q = forum."Questions".id'
    )
    assert guess.inner.guess.columns == {"text": "body", "key": "answer_id", "anchor": "Titel %"}
    _, rows = guess.read({}, ())
    assert rows.records_read == COUNT
