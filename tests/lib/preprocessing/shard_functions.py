"""A table of five shards, and what is done with them by the workers of an engine."""

import os
import signal
import time

import pandas as pd

from stages.lib.core import tables
from stages.lib.core.errors import UserError
from stages.lib.preprocessing import sharded
from stages.lib.schemas.corpus_counts import CorpusCounts
from stages.lib.schemas.documents import Documents

SHARD_ROWS = 40


def write_five_shards(folder, monkeypatch):
    """Write a table of 167 rows, and return its path."""
    monkeypatch.setattr(tables, "SHARD_ROWS", SHARD_ROWS)
    count = 4 * SHARD_ROWS + 7
    frame = pd.DataFrame(
        {
            "doc_id": [f"d{number:016x}" for number in range(count)],
            "source": "faq",
            "title": "",
            "text": [f"text {number}" for number in range(count)],
            "topic": [f"topic {number % 50}" for number in range(count)],
            "group": "",
        }
    )
    path = folder / "documents.parquet"
    tables.write(frame, path, Documents)
    return path


def kill_self():
    os.kill(os.getpid(), signal.SIGKILL)


def kill_once(mark):
    """Kill this process the first time that it comes here."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return
    kill_self()


def upper_and_counts(frame, mark=None):
    """Return rows and how many texts have each last digit; die once at the 50th text."""
    if mark and "text 50" in set(frame["text"]):
        kill_once(mark)
    digits = frame["text"].str[-1].value_counts()
    counts = pd.DataFrame(
        {
            "kind": "word",
            "source": "faq",
            "item": digits.index.astype("str"),
            "document_frequency": digits.to_numpy(),
        }
    )
    return [frame.assign(text=frame["text"].str.upper()), counts]


def die_at_text_50(frame):
    if "text 50" in set(frame["text"]):
        kill_self()
    return [frame]


def die_above_20_rows(frame):
    """Return the rows, by a worker whose memory is enough for 20 of them."""
    if len(frame) > 20:
        kill_self()
    return [frame]


def by_topic(frame):
    return frame["topic"]


def topic_or_death(frame, mark):
    if "text 50" in set(frame["text"]):
        kill_once(mark)
    return frame["topic"]


def sizes(frame, mark=None):
    """Return the rows with the size of their group; die once at a topic."""
    if mark and "topic 13" in set(frame["topic"]):
        kill_once(mark)
    size = frame.groupby("group_key")["doc_id"].transform("size").astype(str)
    return [frame.assign(title=size).drop(columns="group_key")]


def contents(columns):
    return [[part.read_bytes() for part in parts] for parts in columns]


def mapped(function, path, scratch, writes=(Documents, CorpusCounts)):
    return sharded.map_shards(function, tables.shards(path), Documents, writes, scratch)


def grouped(function, key, path, scratch):
    return sharded.group_by_key(function, key, tables.shards(path), Documents, [Documents], scratch)


def tell_process(frame, meeting):
    """Return the rows with the process that worked on them, when two processes have come."""
    (meeting / str(os.getpid())).touch()
    patience = time.monotonic() + 120
    while len(list(meeting.iterdir())) < 2 and time.monotonic() < patience:
        time.sleep(0.1)
    return [frame.assign(title=str(os.getpid()))]


def upper_after_a_while(frame):
    time.sleep(1)
    return [frame.assign(text=frame["text"].str.upper())]


def refuse(frame):
    raise UserError(f"no shard begins with {frame['text'].iloc[0]!r}", "write another one")


def take_12_mb_a_row(frame):
    """Return the rows, after memory of 12 MB for each of them was in use at once."""
    memory = bytearray(12_000_000 * len(frame))
    memory[::4096] = b"1" * len(memory[::4096])
    return [frame]


def take_2_gb_at_text_50(frame):
    if "text 50" in set(frame["text"]):
        bytearray(2_000_000_000)[::4096] = b"1" * len(range(0, 2_000_000_000, 4096))
    return [frame]
