"""Work on the machines of a Ray cluster has the bytes of work on one machine, also when some die."""

import os
import sys
import threading
from functools import partial

import pandas as pd
import pytest

from stages.lib.core import tables
from stages.lib.core.errors import UserError
from stages.lib.schemas.documents import Documents
from tests.lib.conftest import add_machine
from tests.lib.preprocessing.shard_functions import (
    by_topic,
    contents,
    die_above_20_rows,
    die_at_text_50,
    grouped,
    mapped,
    refuse,
    sizes,
    tell_process,
    upper_after_a_while,
    upper_and_counts,
    write_five_shards,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def path(tmp_path, monkeypatch):
    """Write a table of five shards."""
    return write_five_shards(tmp_path, monkeypatch)


def folder(path, name):
    result = path.parent / name
    result.mkdir()
    return result


def rows(columns):
    """Return the rows of each part. Only this process has small row groups."""
    return [
        [tables.read(part, Documents).to_dict("records") for part in parts] for parts in columns
    ]


def local(monkeypatch):
    monkeypatch.setenv("PAIRSMITH_ENGINE", "local")
    monkeypatch.setenv("PAIRSMITH_WORKERS", "1")


def test_two_machines_write_the_bytes_of_one_process(path, on_cluster, monkeypatch):
    there = contents(mapped(upper_and_counts, path, folder(path, "there")))
    groups_there = rows(grouped(sizes, by_topic, path, folder(path, "groups-there")))

    local(monkeypatch)
    here = contents(mapped(upper_and_counts, path, folder(path, "here")))
    groups_here = rows(grouped(sizes, by_topic, path, folder(path, "groups-here")))
    assert there == here
    assert groups_there == groups_here


def test_the_work_is_done_in_other_processes(path, on_cluster):
    tell = partial(tell_process, meeting=folder(path, "meeting"))
    (parts,) = mapped(tell, path, folder(path, "there"), writes=[Documents])
    processes = {title for part in parts for title in tables.read(part, Documents)["title"]}
    assert str(os.getpid()) not in processes
    assert len(processes) >= 2


def test_a_worker_that_dies_once_changes_no_byte(path, on_cluster, monkeypatch):
    dies_once = partial(upper_and_counts, mark=path.parent / "mark")
    there = contents(mapped(dies_once, path, folder(path, "there")))
    assert (path.parent / "mark").exists()

    local(monkeypatch)
    assert there == contents(mapped(upper_and_counts, path, folder(path, "here")))


def test_rows_that_are_too_many_are_halved(path, on_cluster):
    (parts,) = mapped(die_above_20_rows, path, folder(path, "there"), writes=[Documents])
    rows = pd.concat([tables.read(part, Documents) for part in parts])
    assert list(rows["text"]) == [f"text {number}" for number in range(167)]


def test_rows_at_which_workers_die_again_are_named(path, on_cluster):
    with pytest.raises(UserError) as caught:
        mapped(die_at_text_50, path, folder(path, "there"), writes=[Documents])
    assert str(caught.value).startswith(
        "a Ray worker died three times (die at text 50), most likely since the memory was not "
        "enough: at 20 rows, doc_id d0000000000000028 to d000000000000003b"
    )


def test_an_error_is_that_of_the_first_shard(path, on_cluster):
    with pytest.raises(UserError) as caught:
        mapped(refuse, path, folder(path, "there"), writes=[Documents])
    assert type(caught.value) is UserError
    assert str(caught.value).startswith("no shard begins with 'text 0'")


def test_a_machine_that_is_lost_changes_no_byte(path, cluster, on_cluster, monkeypatch):
    third = add_machine(cluster, 2)
    losing = threading.Timer(1.5, cluster.remove_node, [third], {"allow_graceful": False})
    losing.start()
    there = contents(mapped(upper_after_a_while, path, folder(path, "there"), writes=[Documents]))
    losing.join()

    local(monkeypatch)
    here = contents(mapped(upper_after_a_while, path, folder(path, "here"), writes=[Documents]))
    assert there == here


def test_an_address_without_a_cluster_is_a_clear_error(path, monkeypatch):
    monkeypatch.setenv("PAIRSMITH_ENGINE", "ray")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    with pytest.raises(UserError, match=r"no Ray cluster answers at RAY_ADDRESS: .*refused"):
        mapped(upper_and_counts, path, folder(path, "there"))


def test_without_ray_the_error_names_the_file_to_install(path, monkeypatch):
    monkeypatch.setenv("PAIRSMITH_ENGINE", "ray")
    monkeypatch.setenv("RAY_ADDRESS", "no-cluster")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"pip install -r requirements-ray\.txt"):
        mapped(upper_and_counts, path, folder(path, "there"))


def test_an_unknown_engine_is_a_clear_error(path, monkeypatch):
    monkeypatch.setenv("PAIRSMITH_ENGINE", "spark")
    with pytest.raises(UserError, match="the environment has PAIRSMITH_ENGINE='spark'"):
        mapped(upper_and_counts, path, folder(path, "there"))
