"""python -m stages cache shows what the cache holds, and clears it."""

import json
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta

import lmdb
import pytest
from typer.testing import CliRunner

from stages.commands.cache import app
from stages.lib.retrieval import cache


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PAIRSMITH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PAIRSMITH_CACHE_LIMIT", "20MB")
    for name in ("_warnings", "_unreadable_folders", "_unwritable_folders"):
        monkeypatch.setattr(cache, name, set())
    return tmp_path / "cache"


def store(name, count):
    texts = [f"text {number}" for number in range(count)]
    return cache.get_or_compute(
        name, "", texts, lambda missing: [(text, bytes(880)) for text in missing]
    )


def run(*options):
    result = CliRunner().invoke(app, options)
    return result.exit_code, result.output


def test_it_shows_numbers_and_sizes(folder):
    store("embeddings", 2000)
    store("translations", 3)
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "a1.checkpoint").write_bytes(bytes(1_500_000))
    assert run() == (
        0,
        f"{folder} (PAIRSMITH_CACHE), at most 20.0 MB (PAIRSMITH_CACHE_LIMIT)\n"
        "  embeddings                  2,000 values       2.0 MB\n"
        "  translations                    3 values       0.0 MB\n"
        "  a checkpoint                                   1.5 MB  a1.checkpoint\n",
    )


def test_it_shows_an_empty_cache_and_none(folder, monkeypatch):
    assert run()[1].endswith("  nothing yet\n")
    assert not folder.exists()
    monkeypatch.setenv("PAIRSMITH_CACHE", "off")
    assert run() == (
        0,
        "there is no cache: PAIRSMITH_CACHE is off, or this user has no home folder\n",
    )


def test_clear_removes_values_and_gives_the_space_back(folder):
    store("embeddings", 2000)
    code, output = run("--clear")
    assert code == 0
    assert output.startswith(f"{folder}: cleared\n")
    assert " values " not in output
    assert (folder / "values.sqlite").stat().st_size < 50_000


def test_clear_removes_files_that_were_set_aside_and_nothing_else(folder):
    store("embeddings", 2)
    (folder / "values.damaged-1.sqlite").touch()
    (folder / "mine.txt").touch()
    assert "values.damaged-1.sqlite" in run()[1]
    run("--clear")
    assert sorted(path.name for path in folder.iterdir()) == ["mine.txt", "values.sqlite"]


def test_clear_older_removes_the_folders_of_older_versions(folder):
    (folder / "embeddings").mkdir(parents=True)
    lmdb.open(str(folder / "embeddings")).close()
    (folder / "mine").mkdir()
    assert "of an older version; --clear-older removes it" in run()[1]
    assert run("--clear-older")[0] == 0
    assert sorted(path.name for path in folder.iterdir()) == ["mine", "values.sqlite"]


def test_a_cache_that_cannot_be_read_is_an_error(folder):
    folder.write_text("no folder")
    code, output = run()
    assert code == 1
    assert output.startswith(f"error: the cache {folder}/values.sqlite cannot be used (")


def test_what_nothing_used_since_a_time_goes(folder):
    store("embeddings", 3)
    with closing(sqlite3.connect(folder / "values.sqlite")) as connection:
        connection.execute("UPDATE uses SET used = used - 3600000")
        connection.commit()
    since = (datetime.now() - timedelta(minutes=30)).replace(microsecond=0)
    store("embeddings", 1)
    code, output = run("--clear-unused-since", since.isoformat())
    assert code == 0
    assert output.startswith(f"{folder}: 2 values removed, which nothing used since\n")
    assert " 1 values " in output
    assert run("--clear-unused-since", since.isoformat())[1].startswith(
        f"{folder}: 0 values removed"
    )


def test_json_holds_numbers_and_bytes(folder):
    store("embeddings", 3)
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "a1.checkpoint").write_bytes(bytes(1_500_000))
    (folder / "values.damaged-1.sqlite").write_bytes(bytes(7))
    (folder / "old").mkdir()
    (folder / "old" / "data.mdb").write_bytes(bytes(5))
    document = json.loads(CliRunner().invoke(app, ["--json"]).stdout)
    assert document == {
        "checkpoints": {"a1.checkpoint": 1_500_000},
        "damaged": {"values.damaged-1.sqlite": 7},
        "folder": str(folder),
        "limit": 20_000_000,
        "older": {"old": 5},
        "values": {"embeddings": {"bytes": 3_000, "count": 3}},
    }


def test_json_keeps_messages_out_of_the_document(folder):
    store("embeddings", 3)
    result = CliRunner().invoke(app, ["--clear", "--json"])
    assert json.loads(result.stdout)["values"] == {}
    assert result.stderr == f"{folder}: cleared\n"


def test_json_of_no_cache_and_of_an_empty_one(folder, monkeypatch):
    empty = json.loads(CliRunner().invoke(app, ["--json"]).stdout)
    assert empty["folder"] == str(folder)
    assert empty["values"] == {}
    monkeypatch.setenv("PAIRSMITH_CACHE", "off")
    assert CliRunner().invoke(app, ["--json"]).stdout == '{\n  "folder": null\n}\n'
