"""A step of a join in partitions: queries over what belongs to one partition, in a task of its own.

A task gets the number of a partition. It reads Parquet files of the step before, executes the
queries in a database of its own, with its share of memory and one thread, and writes Parquet files
for the next step. A task that died is done again as a whole: it reads the same files, and replaces
what it wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pyarrow as arrow

from stages.deduplicate.partition_files import DESTINATION, file_of, read_files, write_file
from stages.lib.core.database import own_database, share_of_memory
from stages.lib.preprocessing import sharded
from stages.lib.text import join_queries
from stages.lib.text.crowds import JoinRun
from stages.lib.text.similarity_join import SET_SCHEMA

# Returns shingle sets, as in SET_SCHEMA. It can be sent to another process.
ReadSets = Callable[[], Iterator[arrow.RecordBatch]]

# What a process with a database needs beside the memory of the database.
_PROCESS_BYTES = 300_000_000


class Task(NamedTuple):
    """What a task works on: a partition, and in the first step some parts of the table of sets."""

    partition: int
    parts: tuple[ReadSets, ...] = ()


class StepSource(Protocol):
    """What a step reads."""

    @property
    def load(self) -> str:
        """Return the query that puts the rows of `incoming` into a table."""

    def reader(self, scratch: Path, task: Task) -> arrow.RecordBatchReader:
        """Return the rows that a task gets."""


@dataclass(frozen=True)
class SetParts:
    """The parts of the table of shingle sets that a task was given."""

    load: str = join_queries.LOAD_SETS

    def reader(self, scratch: Path, task: Task) -> arrow.RecordBatchReader:
        """Return the sets of all parts."""
        batches = chain.from_iterable(read_sets() for read_sets in task.parts)
        return arrow.RecordBatchReader.from_batches(SET_SCHEMA, batches)


@dataclass(frozen=True)
class OwnFile:
    """The file that a step before wrote for the same partition."""

    load: str
    name: str

    def reader(self, scratch: Path, task: Task) -> arrow.RecordBatchReader:
        """Return the rows of the file."""
        return read_files([file_of(scratch, self.name, task.partition)], None)


@dataclass(frozen=True)
class Received:
    """The pieces for a partition in the files of all tasks of a step before."""

    load: str
    name: str
    task_count: int

    def reader(self, scratch: Path, task: Task) -> arrow.RecordBatchReader:
        """Return the rows of all pieces."""
        paths = [file_of(scratch, self.name, number) for number in range(self.task_count)]
        return read_files(paths, task.partition)


@dataclass(frozen=True)
class ForAll:
    """A file that all partitions read as a whole."""

    load: str
    name: str

    def reader(self, scratch: Path, task: Task) -> arrow.RecordBatchReader:
        """Return the rows of the file."""
        return read_files([file_of(scratch, self.name, 0)], None)


@dataclass(frozen=True)
class Target:
    """What a step writes.

    Attributes:
        name: the name of the files.
        rows: a table, or a query in brackets.
        destination: SQL for the partition that a row is for; "" for the same partition.
    """

    name: str
    rows: str
    destination: str = ""

    @property
    def query(self) -> str:
        """Return the query for the rows.

        >>> Target("pairs", "pairs", "second_set % 4").query
        'SELECT *, (second_set % 4)::USMALLINT AS destination FROM pairs ORDER BY destination'
        """
        if not self.destination:
            return f"SELECT * FROM {self.rows}"
        return (
            f"SELECT *, ({self.destination})::USMALLINT AS {DESTINATION} FROM {self.rows} "
            f"ORDER BY {DESTINATION}"
        )


@dataclass(frozen=True)
class Step:
    """Queries over one partition.

    Attributes:
        label: the text beside the progress bar.
        sources: what is read.
        queries: what is executed then.
        targets: what is written then.
        values: the parameters of all queries.
        scratch: the folder of the files.
        memory: how much memory the database of a task may use.
    """

    label: str
    sources: tuple[StepSource, ...]
    queries: tuple[str, ...]
    targets: tuple[Target, ...]
    values: Mapping[str, Any]
    scratch: Path
    memory: str

    @property
    def memory_bytes(self) -> int:
        """Return the memory of the database and of the process around it."""
        return int(self.memory.removesuffix("MB")) * 10**6 + _PROCESS_BYTES

    def __call__(self, item: Task) -> list[int]:
        """Return how many rows were written for each target."""
        with own_database(self.memory, threads=1) as connection:
            run = JoinRun(connection, {**self.values, "partition": item.partition})
            for source in self.sources:
                run.load(source.load, source.reader(self.scratch, item))

            for query in self.queries:
                run.execute(query)

            row_counts = []
            for target in self.targets:
                row_counts.append(write_target(run, target, self.scratch, item.partition))
            return row_counts

    def halves(self, item: Task) -> list[Task]:
        """Return none: a database writes to disk what does not fit, so half needs no less."""
        return []

    def join(self, item: Task, results: list[list[int]]) -> list[int]:
        """Return the only result."""
        return results[0]

    def describe(self, item: Task) -> str:
        """Return the number of the partition."""
        return f"partition {item.partition + 1} of {self.values['partition_count']}"


@dataclass(frozen=True)
class Partitions:
    """Where the steps of one join work.

    Attributes:
        count: the number of partitions.
        values: the parameters of all queries.
        scratch: the folder of the files, which every machine sees.
        memory: how much memory the database of a task may use.
    """

    count: int
    values: Mapping[str, Any]
    scratch: Path
    memory: str

    @classmethod
    def of_join(cls, count: int, values: Mapping[str, Any], scratch: Path) -> Partitions:
        """Return the partitions of a join with the parameters `values`."""
        # The tasks of a machine share its memory with the process that hands them out.
        task_count = min(count, sharded.tasks_of_machine())
        memory = share_of_memory(task_count + 1)
        return cls(count, {**values, "partition_count": count}, scratch, memory)

    def run(
        self,
        label: str,
        sources: Sequence[StepSource],
        queries: Sequence[str],
        targets: Sequence[Target],
        *,
        parts: Sequence[ReadSets] = (),
        values: Mapping[str, Any] | None = None,
    ) -> list[int]:
        """Do a step for all partitions, and return how many rows each target has in all.

        Args:
            label: the text beside the progress bar.
            sources: what is read.
            queries: what is executed then.
            targets: what is written then.
            parts: what the tasks share among them, if they read `SetParts`.
            values: further parameters of the queries.
        """
        step = Step(
            label,
            tuple(sources),
            tuple(queries),
            tuple(targets),
            {**self.values, **(values or {})},
            self.scratch,
            self.memory,
        )
        tasks = [
            Task(partition, tuple(parts[partition :: self.count]))
            for partition in range(self.count)
        ]
        row_counts = sharded.run_all(step, tasks)
        return [sum(counts) for counts in zip(*row_counts, strict=True)]

    def files(self, name: str) -> list[Path]:
        """Return the files of `name`, one for each partition."""
        return [file_of(self.scratch, name, number) for number in range(self.count)]

    def remove(self, *names: str) -> None:
        """Remove files that no later step reads, so that the disk holds few steps at a time."""
        for name in names:
            for path in self.scratch.glob(f"{name}-*.parquet"):
                path.unlink(missing_ok=True)


def write_target(run: JoinRun, target: Target, scratch: Path, number: int) -> int:
    """Write the file of the task `number` for a target, and return the number of its rows."""
    path = file_of(scratch, target.name, number)
    return run.export(target.query, partial(write_file, path=path))
