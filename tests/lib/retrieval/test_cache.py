"""A fault of the cache costs time and never a result: one warning, the same bytes."""

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import lmdb
import pytest

from stages.lib.core.errors import UserError
from stages.lib.retrieval import cache, cache_store
from stages.lib.retrieval.cache_store import CacheStore
from tests.conftest import ROOT

TEXTS = [f"text {number} 多系统" for number in range(300)]
PAGE = 4096


def value_of(text):
    """Return 1,000 bytes that the text decides, as an embedding would be."""
    return (text.encode() * 1000)[:1000]


RIGHT = {text: value_of(text) for text in TEXTS}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Give each test a cache of its own, and a process that has met no fault."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("PAIRSMITH_CACHE", str(folder))
    monkeypatch.delenv("PAIRSMITH_CACHE_LIMIT", raising=False)
    new_process(monkeypatch)
    return folder


def new_process(monkeypatch):
    for name in ("_warnings", "_unreadable_folders", "_unwritable_folders"):
        monkeypatch.setattr(cache, name, set())


def work(texts=TEXTS, name="embeddings", settings="model 1"):
    """Return what comes of `texts`, and the texts that were computed."""
    computed = []

    def compute(missing):
        for text in missing:
            computed.append(text)
            yield text, value_of(text)

    values = cache.get_or_compute(name, settings, texts, compute)
    return values, computed


def warnings(capsys):
    return [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: ")]


def file_of(folder):
    return folder / "values.sqlite"


def test_values_are_computed_once():
    assert work() == (RIGHT, TEXTS)
    assert work() == (RIGHT, [])
    assert work(["new", *TEXTS[:3]]) == (
        {"new": value_of("new"), **{text: RIGHT[text] for text in TEXTS[:3]}},
        ["new"],
    )


def test_names_and_settings_keep_values_apart():
    assert work(TEXTS[:2])[1] == TEXTS[:2]
    assert work(TEXTS[:2], name="translations")[1] == TEXTS[:2]
    assert work(TEXTS[:2], settings="model 2")[1] == TEXTS[:2]
    assert work(TEXTS[:2])[1] == []


def test_a_value_that_is_not_computed_is_a_bug():
    with pytest.raises(ValueError, match="1 of 2 values of embeddings were not computed"):
        cache.get_or_compute("embeddings", "", ["a", "b"], lambda missing: [("a", b"1")])


def test_off_runs_without(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAIRSMITH_CACHE", "off")
    assert work() == (RIGHT, TEXTS)
    assert work() == (RIGHT, TEXTS)
    assert list(tmp_path.iterdir()) == []
    assert warnings(capsys) == []


def test_a_user_without_a_home_works_without(monkeypatch, capsys):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("PAIRSMITH_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    assert work() == (RIGHT, TEXTS)
    assert warnings(capsys) == ["warning: this user has no home folder, so there is no cache"]


@pytest.mark.parametrize("value", ["10", "0GB", "-1GB", "1.5GB", "10TB", "ten", "١GB"])
def test_a_wrong_limit_is_a_problem(monkeypatch, value):
    monkeypatch.setenv("PAIRSMITH_CACHE_LIMIT", value)
    with pytest.raises(UserError) as caught:
        work()
    assert caught.value.fact == f"the environment has PAIRSMITH_CACHE_LIMIT={value!r}"


@pytest.mark.parametrize(
    ("value", "size"), [("", 10**10), ("20GB", 2 * 10**10), ("5MB", 5 * 10**6)]
)
def test_the_limit_comes_from_the_environment(monkeypatch, value, size):
    monkeypatch.setenv("PAIRSMITH_CACHE_LIMIT", value)
    assert cache.cache_limit() == size


# Faults of the file.


def flip_value(path):
    """Change one byte in the middle of one value."""
    data = bytearray(path.read_bytes())
    place = data.index(value_of(TEXTS[7])) + 500
    data[place] ^= 1
    path.write_bytes(data)


def swap_values(path):
    """Give two keys the values of each other, as a repair tool or a foreign program might."""
    with closing(sqlite3.connect(path)) as connection, connection:
        rows = connection.execute("SELECT id, checksum, value FROM entries LIMIT 2").fetchall()
        for (entry_id, *_), (_, checksum, value) in zip(rows, reversed(rows), strict=True):
            connection.execute(
                "UPDATE entries SET checksum = ?, value = ? WHERE id = ?",
                (checksum, value, entry_id),
            )


def other_type(path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE entries SET value = 3 WHERE id = 5")


@pytest.mark.parametrize(("fault", "count"), [(flip_value, 1), (swap_values, 2), (other_type, 1)])
def test_a_bad_value_is_computed_anew(folder, monkeypatch, capsys, fault, count):
    work()
    fault(file_of(folder))
    values, computed = work()
    assert values == RIGHT
    assert len(computed) == count
    assert warnings(capsys) == [
        f"warning: {count} values of the cache {file_of(folder)} do not match their checksum, "
        "so they are computed anew"
    ]
    new_process(monkeypatch)
    assert work() == (RIGHT, [])
    assert warnings(capsys) == []


@pytest.mark.slow
def test_every_flipped_byte_gives_the_right_values(folder, monkeypatch):
    texts = TEXTS[:12]
    right = {text: RIGHT[text] for text in texts}
    work(texts)
    whole = file_of(folder).read_bytes()
    for place in range(0, len(whole), 997):
        data = bytearray(whole)
        data[place] ^= 0x55
        for left in folder.iterdir():
            left.unlink()
        file_of(folder).write_bytes(data)
        new_process(monkeypatch)
        assert work(texts)[0] == right, place
        assert work(texts)[0] == right, place


def garbage(path):
    path.write_bytes(b"no database at all " * 1000)


def zeros(path):
    path.write_bytes(bytes(8 * PAGE))


def half(path):
    os.truncate(path, path.stat().st_size // 2 // PAGE * PAGE)


def odd_length(path):
    os.truncate(path, path.stat().st_size - 2000)


def torn_page(path):
    with path.open("r+b") as stream:
        stream.seek(path.stat().st_size // 2 // PAGE * PAGE)
        stream.write(os.urandom(PAGE))


def foreign_database(path):
    path.unlink()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE addresses (name TEXT)")


def no_tables(path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TABLE entries")


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault", [garbage, zeros, half, odd_length, torn_page, foreign_database, no_tables]
)
def test_a_damaged_or_foreign_file_is_set_aside(folder, monkeypatch, capsys, fault):
    work()
    fault(file_of(folder))
    damaged = file_of(folder).read_bytes()
    values, computed = work()
    assert values == RIGHT
    (warning,) = warnings(capsys)
    assert warning.startswith(f"warning: the cache {file_of(folder)} was damaged or not a cache")

    # What was intact is there, the file is kept, and the next run has all values and no warning.
    aside = folder / "values.damaged-1.sqlite"
    assert warning.endswith(
        f"{len(TEXTS) - len(computed)} values were saved, and the file now is {aside}"
    )
    assert aside.read_bytes() == damaged
    new_process(monkeypatch)
    assert work() == (RIGHT, [])
    assert warnings(capsys) == []


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "least"), [(half, 100), (odd_length, 250), (torn_page, 250)])
def test_most_values_of_a_damaged_file_are_saved(folder, fault, least):
    work()
    fault(file_of(folder))
    values, computed = work()
    assert values == RIGHT
    assert least <= len(TEXTS) - len(computed) < len(TEXTS)


def test_an_empty_file_is_a_new_cache(folder, capsys):
    folder.mkdir()
    file_of(folder).touch()
    assert work() == (RIGHT, TEXTS)
    assert work() == (RIGHT, [])
    assert warnings(capsys) == []


def test_a_file_of_a_newer_version_is_left_alone(folder, monkeypatch, capsys):
    work()
    with closing(sqlite3.connect(file_of(folder))) as connection:
        connection.execute("PRAGMA user_version = 2")
    before = file_of(folder).read_bytes()
    assert work() == (RIGHT, TEXTS)
    assert work() == (RIGHT, TEXTS)
    assert warnings(capsys) == [
        f"warning: the cache {file_of(folder)} cannot be used (it was written by a newer version "
        "of the project), so work goes on without it"
    ]
    assert file_of(folder).read_bytes() == before


# Faults of the folder and the disk.


def test_a_file_where_the_folder_belongs(folder, capsys):
    folder.write_text("mine")
    assert work() == (RIGHT, TEXTS)
    assert work() == (RIGHT, TEXTS)
    (warning,) = warnings(capsys)
    assert "File exists" in warning or "Not a directory" in warning
    assert folder.read_text() == "mine"


def test_a_folder_where_the_file_belongs(folder, capsys):
    file_of(folder).mkdir(parents=True)
    assert work() == (RIGHT, TEXTS)
    (warning,) = warnings(capsys)
    assert "unable to open database file" in warning


SCRIPT = """
import os, resource, sys
from tests.lib.retrieval.test_cache import RIGHT, work

user, file_limit = int(sys.argv[1]), int(sys.argv[2])
if file_limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))
if user:
    os.setuid(user)
for turn in range(2):
    values, computed = work()
    assert values == RIGHT
    print(len(computed))
"""


def in_process(user=0, file_limit=0):
    """Run two calls in a process of another user or with a limit; return counts and warnings."""
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(user), str(file_limit)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    facts = [line for line in process.stderr.splitlines() if line.startswith("warning: ")]
    return process.stdout.split(), facts


@pytest.mark.slow
@pytest.mark.parametrize("what", ["folder", "file", "both", "unreadable"])
def test_files_that_this_user_may_not_write(folder, what):
    """Root may write everywhere, so that it becomes another user for this."""
    work(TEXTS[:100])
    modes = {"folder": (0o555, 0o666), "file": (0o777, 0o444), "both": (0o555, 0o444)}
    folder_mode, file_mode = modes.get(what, (0o777, 0o000))
    for parent in (folder.parent, *folder.parent.parents):
        if parent != Path(tempfile.gettempdir()) and parent.stat().st_uid == os.getuid():
            parent.chmod(parent.stat().st_mode | 0o055)
        if parent == Path(tempfile.gettempdir()):
            break
    folder.chmod(folder_mode)
    file_of(folder).chmod(file_mode)
    counts, facts = in_process(user=65534 if os.getuid() == 0 else 0)
    folder.chmod(0o755)
    file_of(folder).chmod(0o644)
    assert counts == (["300", "300"] if what == "unreadable" else ["200", "200"])
    assert len(facts) == 1
    assert "cannot be used" in facts[0] if what == "unreadable" else "cannot be written" in facts[0]
    assert work()[1] == TEXTS[100:]


@pytest.mark.slow
def test_a_file_that_must_not_grow(folder):
    work(TEXTS[:100])
    counts, (fact,) = in_process(file_limit=file_of(folder).stat().st_size)
    assert counts == ["200", "200"]
    assert "cannot be written (disk I/O error)" in fact
    assert work()[1] == TEXTS[100:]


# Several processes.


KILLED = """
import os, sys
from stages.lib.retrieval import cache
from tests.lib.retrieval.test_cache import TEXTS, value_of

def compute(missing):
    for number, text in enumerate(missing):
        yield text, value_of(text)
        if number == 150:
            print("halfway", flush=True)
            sys.stdin.read()

cache.WRITE_SECONDS = 0.0
cache.get_or_compute("embeddings", "model 1", TEXTS, compute)
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_what_was_computed_before_a_kill_is_kept(number, capsys):
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "halfway\n"
        process.send_signal(number)
        process.wait()
    values, computed = work()
    assert values == RIGHT
    assert len(computed) in {149, 150}
    assert warnings(capsys) == []


WRITER = """
import sys, random
from tests.lib.retrieval.test_cache import RIGHT, TEXTS, work
from stages.lib.retrieval import cache

cache.WRITE_SECONDS = 0.0
texts = random.Random(int(sys.argv[1])).sample(TEXTS, 20)
values, _ = work(texts)
assert values == {text: RIGHT[text] for text in texts}
"""


@pytest.mark.slow
def test_several_processes_share_a_cache_while_some_are_killed(folder, capsys):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(number)], cwd=ROOT, stderr=subprocess.PIPE, text=True
        )
        for number in range(6)
    ]
    time.sleep(0.4)
    processes[0].kill()
    processes[1].kill()
    for process in processes[2:]:
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (0, "")
    for process in processes[:2]:
        process.communicate()
    assert work()[0] == RIGHT
    assert work() == (RIGHT, [])
    assert warnings(capsys) == []
    with closing(sqlite3.connect(file_of(folder))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute(sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""


def holder(folder, statement):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(file_of(folder)), statement],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    return process


@pytest.mark.parametrize("statement", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
def test_a_lock_that_stays_is_named_and_work_goes_on(folder, monkeypatch, capsys, statement):
    work(TEXTS[:100])
    monkeypatch.setattr(cache_store, "WAIT_SECONDS", 0.05)
    process = holder(folder, statement)
    with process:
        assert work()[0] == RIGHT
        assert work()[0] == RIGHT
        (warning,) = warnings(capsys)
        assert f"database is locked by process {process.pid}" in warning
        process.stdin.close()
    new_process(monkeypatch)
    assert work()[1] == TEXTS[100:]


def test_a_file_system_without_locks(folder, monkeypatch, capsys):
    work()

    def connect(*arguments, **options):
        raise sqlite3.OperationalError("locking protocol")

    monkeypatch.setattr(sqlite3, "connect", connect)
    assert work() == (RIGHT, TEXTS)
    (warning,) = warnings(capsys)
    assert "cannot be used (locking protocol)" in warning


# Size.


def test_the_least_recently_used_go_first(folder, monkeypatch):
    monkeypatch.setenv("PAIRSMITH_CACHE_LIMIT", "1MB")
    many = [f"first {number}" for number in range(300)]
    more = [f"second {number}" for number in range(300)]
    newest = [f"third {number}" for number in range(200)]
    work(many)
    work(more)
    time.sleep(0.002)
    work(many)
    time.sleep(0.002)
    work(newest)
    assert file_of(folder).stat().st_size <= 10**6
    assert work(newest)[1] == []
    assert work(many)[1] == []
    assert 200 < len(work(more)[1]) < 300


def test_a_limit_below_one_value_keeps_nothing_and_works(folder, monkeypatch, capsys):
    store = CacheStore(folder, 1, lambda fact, remedy: pytest.fail(fact))
    store.write("embeddings", {b"k" * 20: b"v" * 100_000})
    assert store.counts() == {}
    store.close()


# An older version.


def older_cache(folder, texts, name="embeddings", settings="model 1"):
    """Write values as older versions did: with LMDB, without checksums."""
    (folder / name).mkdir(parents=True)
    with (
        lmdb.open(str(folder / name), map_size=1 << 30) as database,
        database.begin(write=True) as writing,
    ):
        for text in texts:
            writing.put(cache._cache_key(settings, text), value_of(text))


@pytest.mark.slow
def test_values_of_an_older_version_are_taken_over_once(folder, monkeypatch, capsys):
    older_cache(folder, TEXTS[:200])
    assert work() == (RIGHT, TEXTS[200:])
    assert warnings(capsys) == [
        f"warning: the cache took over 200 values of an older version from {folder}/embeddings, "
        "as they are: they have no checksum"
    ]
    new_process(monkeypatch)
    assert work() == (RIGHT, [])
    assert warnings(capsys) == []
    assert (folder / "embeddings" / "data.mdb").is_file()


@pytest.mark.slow
def test_a_damaged_cache_of_an_older_version_ends_no_process(folder, monkeypatch, capsys):
    older_cache(folder, TEXTS)
    path = folder / "embeddings" / "data.mdb"
    os.truncate(path, path.stat().st_size // 2)
    values, computed = work()
    assert values == RIGHT
    assert computed
    assert any("is damaged or cannot be read" in warning for warning in warnings(capsys))
    new_process(monkeypatch)
    assert work() == (RIGHT, [])
    assert warnings(capsys) == []
