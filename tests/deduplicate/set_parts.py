"""Tables of shingle sets in parts, and how workers read them."""

import random
import time

import pyarrow as arrow
import pyarrow.parquet as parquet

from stages.lib.text.similarity_join import SET_SCHEMA
from tests.lib.preprocessing.shard_functions import kill_once

# Multiplied by it, small numbers are spread over all values of 64 bits, as hashes are.
SPREAD = 0x9E3779B97F4A7C15


def set_table(rows, sets_of_row=1):
    """Return the table of `rows`, sets of small numbers. So many in a row belong to one text."""
    shingles = [sorted((item + 1) * SPREAD % 2**64 for item in row) for row in rows]
    columns = [
        list(range(len(rows))),
        [index // sets_of_row for index in range(len(rows))],
        shingles,
    ]
    arrays = [
        arrow.array(column, field.type) for column, field in zip(columns, SET_SCHEMA, strict=True)
    ]
    return arrow.Table.from_arrays(arrays, schema=SET_SCHEMA)


def near_rows(count, items=400, seed=3):
    """Return `count` sets and for each another one, of which most are near."""
    chance = random.Random(seed)
    rows = []
    for _ in range(count):
        row = set(chance.sample(range(items), chance.randint(10, 40)))
        rows += [row, set(sorted(row)[1:]) | {chance.randrange(items)}]
    return rows


def write_parts(table, folder, rows_of_part):
    """Write a table of sets to files, and return their paths."""
    paths = []
    for start in range(0, table.num_rows, rows_of_part):
        paths.append(folder / f"part-{start:06}.parquet")
        parquet.write_table(table.slice(start, rows_of_part), paths[-1])
    return paths


def read_part(path, mark=None, seconds=0.0):
    """Yield the sets of a file, after a while. Die once if there is a `mark`."""
    time.sleep(seconds)
    if mark:
        kill_once(mark)
    yield from parquet.read_table(path).to_batches()
