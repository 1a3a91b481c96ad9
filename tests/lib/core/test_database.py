"""The database has bounds, a temporary folder of its own, and no extensions from elsewhere."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from stages.lib.core.database import (
    connect,
    memory_limit,
    own_database,
    release,
    share_of_memory,
)
from stages.lib.core.errors import UserError


def setting(name):
    with connect() as connection:
        query = "SELECT value FROM duckdb_settings() WHERE name = $name"
        return connection.execute(query, {"name": name}).fetchone()[0]


def test_the_environment_sets_memory_and_threads(monkeypatch):
    monkeypatch.setenv("PAIRSMITH_MEMORY", "512MB")
    monkeypatch.setenv("PAIRSMITH_WORKERS", "1")
    assert (setting("memory_limit"), setting("threads")) == ("488.2 MiB", "1")
    monkeypatch.setenv("PAIRSMITH_WORKERS", "2")
    assert setting("threads") == "2"


@pytest.mark.parametrize(("pages", "limit"), [(2_000_000, "1000MB"), (200_000, "409MB")])
def test_the_default_is_1000_megabytes_or_half_of_a_small_machine(monkeypatch, pages, limit):
    monkeypatch.delenv("PAIRSMITH_MEMORY", raising=False)
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": pages}.get)
    assert memory_limit() == limit


@pytest.mark.parametrize("value", ["4", "0GB", "-1GB", "4 GB", "4gb", "1.5GB", "٤GB", "GB", "80%"])
def test_memory_is_a_whole_number_of_megabytes_or_gigabytes(monkeypatch, value):
    monkeypatch.setenv("PAIRSMITH_MEMORY", value)
    with pytest.raises(UserError) as caught:
        memory_limit()
    assert caught.value.fact == f"the environment has PAIRSMITH_MEMORY={value!r}"


@pytest.mark.parametrize(
    ("memory", "count", "share"),
    [("512MB", 1, "512MB"), ("512MB", 3, "170MB"), ("2GB", 4, "500MB"), ("512MB", 100, "64MB")],
)
def test_databases_of_a_machine_share_its_memory(monkeypatch, memory, count, share):
    monkeypatch.setenv("PAIRSMITH_MEMORY", memory)
    assert share_of_memory(count) == share


def test_a_database_of_its_own_leaves_no_folder():
    query = "SELECT value FROM duckdb_settings() WHERE name = 'temp_directory'"
    with own_database("64MB", threads=1) as connection:
        folder = Path(connection.execute(query).fetchone()[0])
        assert folder.is_dir()
    assert not folder.exists()


def test_no_extension_is_installed_or_loaded():
    assert setting("autoinstall_known_extensions") == "false"
    assert setting("autoload_known_extensions") == "false"


def test_temporary_tables_belong_to_one_connection():
    with connect() as one, connect() as other:
        one.execute("CREATE TEMP TABLE numbers AS SELECT 1 AS number")
        other.execute("CREATE TEMP TABLE numbers AS SELECT 2 AS number")
        assert one.execute("SELECT number FROM numbers").fetchone() == (1,)
    with connect() as later, pytest.raises(duckdb.CatalogException):
        later.execute("SELECT number FROM numbers")


def test_a_released_database_is_opened_anew():
    connect().execute("CREATE TABLE numbers AS SELECT 1 AS number")
    release()
    with connect() as connection:
        assert connection.execute("SELECT count(*) FROM duckdb_tables()").fetchone() == (0,)


def test_a_connection_outlives_a_release():
    with connect() as connection:
        connection.execute("CREATE TEMP TABLE numbers AS SELECT 1 AS number")
        release()
        assert connection.execute("SELECT number FROM numbers").fetchone() == (1,)


@pytest.mark.slow
def test_the_temporary_folder_goes_with_the_process():
    code = (
        "from stages.lib.core.database import connect\n"
        "query = \"SELECT value FROM duckdb_settings() WHERE name = 'temp_directory'\"\n"
        "print(connect().execute(query).fetchone()[0])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    folder = Path(done.stdout.strip())
    assert folder.name.startswith("pairsmith-")
    assert not folder.exists()


@pytest.mark.slow
def test_what_exceeds_memory_is_written_to_disk(monkeypatch):
    monkeypatch.setenv("PAIRSMITH_MEMORY", "100MB")
    monkeypatch.setenv("PAIRSMITH_WORKERS", "1")

    # Ten million numbers of 16 bytes do not fit.
    numbers = "SELECT (i * 7919) % 10000019 AS number, i FROM range(10000000) t(i)"
    with connect() as connection:
        connection.execute(f"CREATE TEMP TABLE numbers AS {numbers}")
        files = "SELECT sum(size) > 0 FROM duckdb_temporary_files()"
        assert connection.execute(files).fetchone() == (True,)
        assert connection.execute("SELECT count(*) FROM numbers").fetchone() == (10_000_000,)
