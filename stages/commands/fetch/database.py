"""Databases by URL: connect, run a query as a stream, and keep the password out of every message.

The URL stands in an environment variable and nowhere else. Messages of drivers are shown only if
they hold no secret part of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from stages.lib.core.errors import UserError
from stages.lib.core.secrets import SECRET_NAME, spellings

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

# Rows that are held at a time.
BATCH_ROWS = 10_000
_SHOWN_CHARACTERS = 300
_FORM = "postgresql+psycopg://user:password@host:5432/database or sqlite:///path/of/file.db"
_ESCAPES = "in a password, write @ as %40, : as %3A and / as %2F"
# Drivers that `make setup` installs.
_INSTALLED = "postgresql+psycopg:// and sqlite:/// need no other driver"


@dataclass(frozen=True)
class Database:
    """A database: the variable that holds its URL, its engine, and parts of the URL to hide."""

    variable: str
    engine: Engine
    secrets: Sequence[str]

    def cause(self, error: BaseException) -> str:
        """Return what a driver says in one line; only the kind of the error if it says a secret."""
        original = getattr(error, "orig", None) or error
        # PostgreSQL says the fault apart from the line of the query, which a cursor surrounds.
        primary = getattr(getattr(original, "diag", None), "message_primary", None)
        text = " ".join(str(primary or original).split())[:_SHOWN_CHARACTERS]
        if not text or any(secret in str(original) for secret in self.secrets):
            return f"{type(original).__name__} (its message is not shown)"
        return text


class Result(NamedTuple):
    """What a query gives: the names of the columns, and its rows, some at a time."""

    columns: Sequence[str]
    batches: Iterator[Sequence[Sequence[Any]]]


def open_database(variable: str, setting: str) -> Database:
    """Return the database whose URL stands in an environment variable.

    Args:
        variable: the name of the variable.
        setting: where the name comes from, for errors.

    Raises:
        UserError: there is no such variable, it holds no URL, or the driver is not installed.
    """
    text = os.environ.get(variable, "").strip()
    if not text:
        state = "is empty" if variable in os.environ else "is not set"
        raise UserError(
            f"{setting}: the environment variable {variable} {state}",
            f"set it to the URL of the database, such as {_FORM}",
        )

    url = _parse(text, variable)
    _check_file(url, variable)
    return Database(variable, _engine(url, variable), _secrets(url, text))


@contextmanager
def run_query(database: Database, query: str, setting: str) -> Iterator[Result]:
    """Yield the result of a query. Rows come as a stream, and nothing is changed.

    Raises:
        UserError: the database cannot be reached, or the query fails or gives no rows of data.
    """
    with connection(database) as connected:
        try:
            rows = connected.exec_driver_sql(query.strip().rstrip("; \t\r\n"))
            if not rows.returns_rows:
                raise UserError(
                    f"{setting} is no query that returns rows",
                    "write a SELECT; nothing was changed in the database",
                )
            columns = [str(column) for column in rows.keys()]  # noqa: SIM118
        except UserError:
            raise
        # Drivers raise errors of many types.
        except Exception as error:
            raise _query_fault(database, setting, error) from None

        yield Result(columns, _batches(database, rows, setting))


@contextmanager
def connection(database: Database) -> Iterator[Connection]:
    """Yield a connection that reads. Whatever a query changes is rolled back.

    Raises:
        UserError: the database cannot be reached.
    """
    options = {"stream_results": True, "yield_per": BATCH_ROWS, "no_parameters": True}
    if database.engine.dialect.name == "postgresql":
        options["postgresql_readonly"] = True

    try:
        connected = database.engine.connect()
        if database.engine.dialect.name == "sqlite":
            connected.exec_driver_sql("PRAGMA query_only = ON")
        connected = connected.execution_options(**options)
    except Exception as error:
        raise UserError(
            f"the database in {database.variable} cannot be reached: {database.cause(error)}",
            f"check the server, and the URL in the environment variable; {_ESCAPES}",
        ) from None

    try:
        yield connected
    finally:
        connected.rollback()
        connected.close()


def _batches(database: Database, rows: Any, setting: str) -> Iterator[Sequence[Sequence[Any]]]:
    while True:
        try:
            batch = rows.fetchmany(BATCH_ROWS)
        except Exception as error:
            raise _query_fault(database, setting, error) from None
        if not batch:
            return
        yield batch


def _query_fault(database: Database, setting: str, error: Exception) -> UserError:
    return UserError(
        f"{setting} fails: {database.cause(error)}",
        f"correct the query; it runs in the database of {database.variable}",
    )


def _parse(text: str, variable: str) -> URL:
    from sqlalchemy import make_url

    fault = UserError(
        f"the environment variable {variable} holds no URL of a database",
        f"write it as {_FORM}; {_ESCAPES}",
    )
    # The messages of the parser may hold pieces of the password.
    try:
        url = make_url(text)
    except Exception:
        raise fault from None

    # Behind a second @ the rest of a password would be taken for the host, and shown as such.
    if text.count("@") > 1 and url.get_backend_name() != "sqlite":
        raise fault
    return url


def _check_file(url: URL, variable: str) -> None:
    """Check that a file of SQLite exists: the driver would make an empty one."""
    name = url.database or ""
    if url.get_backend_name() != "sqlite" or name.startswith("file:"):
        return
    if name in ("", ":memory:"):
        raise UserError(
            f"the URL in {variable} names no file: a database in memory is empty",
            "write sqlite:///path/of/file.db, or four slashes before an absolute path",
        )
    if not Path(name).is_file():
        raise UserError(
            f"the URL in {variable} names the file {name}, which does not exist",
            "three slashes come before a path from this folder, four before an absolute one: "
            "sqlite:////home/me/file.db",
        )


def _engine(url: URL, variable: str) -> Engine:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import NoSuchModuleError
    from sqlalchemy.pool import NullPool

    try:
        engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    except NoSuchModuleError:
        known = {"postgres": "postgresql"}.get(url.get_backend_name(), "")
        hint = f"write {known}:// instead" if known else "correct the part before ://"
        raise UserError(
            f"SQLAlchemy knows no database '{url.drivername}', which the URL in {variable} names",
            f"{hint}, or install the package that brings its dialect; {_INSTALLED}",
        ) from None
    except ImportError as error:
        missing = error.name or url.drivername
        raise UserError(
            f"the driver '{missing}' of the URL in {variable} is not installed",
            f"install it ('pip install' and the name of its package), or name another driver in "
            f"the URL; {_INSTALLED}",
        ) from None
    except Exception as error:
        raise UserError(
            f"the URL in {variable} is refused: {type(error).__name__}",
            f"write it as {_FORM}",
        ) from None

    if engine.dialect.is_async:
        raise UserError(
            f"the driver '{engine.dialect.driver}' of the URL in {variable} is asynchronous",
            f"name another driver in the URL; {_INSTALLED}",
        )
    return engine


def _secrets(url: URL, text: str) -> list[str]:
    """Return what no message may hold: the URL, the password, and secrets behind '?'."""
    values = [text]
    if url.password:
        values.append(str(url.password))
    for key, value in url.query.items():
        if SECRET_NAME.search(key):
            values += [value] if isinstance(value, str) else list(value)

    return spellings(values)
