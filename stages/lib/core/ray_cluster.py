"""Work on shards by the machines of a Ray cluster, with the same result as on one machine.

`PAIRSMITH_ENGINE=ray` switches it on. RAY_ADDRESS names the cluster; without it, Ray starts on this
machine for the time of the stage. Every machine sees the project at the same path, with its data.
So a task gets the path of a shard and returns the paths of its parts, and no table passes through
the memory of Ray. Ray runs the tasks in any order; their results are in the order of the shards.

A task whose machine or process died runs once more. Then it runs in halves, which need less
memory, and if a half fails too, its rows are named.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from stages.lib.core.errors import UserError
from stages.lib.core.stage import progress, workers

# Bytes of Ray's own store on a machine that this process starts. It holds paths and no tables.
_STORE_BYTES = 100_000_000

# How long to wait for an answer at RAY_ADDRESS.
_CONNECTION_SECONDS = 20.0

# The folder that holds the package `stages`.
_CODE = Path(__file__).resolve().parents[3]

# Tasks for each processor of the cluster that are handed over ahead of time.
_TASKS_AHEAD = 2

# How often an actor begins anew after its process or machine died.
_RESTARTS = 3

Item = TypeVar("Item")
Result = TypeVar("Result")


class Work(Protocol[Item, Result]):
    """What is done with each item. It can be sent to another process."""

    @property
    def label(self) -> str:
        """Return the text beside the progress bar."""

    @property
    def memory_bytes(self) -> int:
        """Return how much memory of a machine an item needs; 0 where nobody has to reserve it."""

    def __call__(self, item: Item) -> Result:
        """Return the result of an item."""

    def halves(self, item: Item) -> list[Item]:
        """Return two items that together are `item`, or none if it cannot be halved."""

    def join(self, item: Item, results: list[Result]) -> Result:
        """Return the result of `item` from those of its halves, as if it was done at once."""

    def describe(self, item: Item) -> str:
        """Return words that name the rows of an item."""


class _Attempt(NamedTuple):
    """A try of the item at `position`. The second try of an item is the last one as a whole."""

    position: int
    is_second: bool


def run_all(work: Work[Item, Result], items: Sequence[Item]) -> list[Result]:
    """Return the result of each item, in their order, with a progress bar.

    Raises:
        UserError: there is no cluster at RAY_ADDRESS, or no machine has the memory of an item, or
            the rows of a half ended its process.
    """
    connect(os.environ.get("RAY_ADDRESS", ""))
    _check_memory(work.memory_bytes)
    results: dict[int, Result] = {}
    for index, result in progress(_completed(work, items), len(items), work.label):
        results[index] = result

    return [results[index] for index in range(len(items))]


def _completed(work: Work[Item, Result], items: Sequence[Item]) -> Iterator[tuple[int, Result]]:
    """Yield the index and the result of each item, as they are completed.

    An error of the work is that of the first item that fails, however fast the others are.
    """
    import ray

    waiting = deque(_Attempt(position, is_second=False) for position in range(len(items)))
    under_way: dict[Any, _Attempt] = {}
    errors: dict[int, BaseException] = {}
    try:
        while under_way or (waiting and not errors):
            # Hand over some tasks, and not all, so that the cluster keeps no long queue.
            while waiting and not errors and len(under_way) < _most_tasks():
                attempt = waiting.popleft()
                under_way[_submit(work, items[attempt.position])] = attempt

            completed, _ = ray.wait(list(under_way), num_returns=1)
            for reference in completed:
                attempt = under_way.pop(reference)
                try:
                    yield attempt.position, _result(reference)
                except _DiedError:
                    if attempt.is_second:
                        yield attempt.position, _done_in_halves(work, items[attempt.position])
                    else:
                        waiting.appendleft(attempt._replace(is_second=True))
                except Exception as error:
                    errors[attempt.position] = error
    finally:
        # After an error or an interruption nothing goes on.
        for reference in under_way:
            ray.cancel(reference, force=True)

    if errors:
        raise errors[min(errors)]


def iterate_on_actors(
    make: Callable[[], Callable[[Item], Result]],
    items: Sequence[Item],
    label: str,
    *,
    gpus: int = 0,
) -> Iterator[Result]:
    """Yield the result of each item, in their order, from actors that load something costly once.

    There is an actor for each processor of the cluster, or for each GPU if an actor needs one. An
    actor whose machine is lost begins anew on another one, and what it was at is done again.

    Args:
        make: returns the function of items. It is called once on each actor.
        items: what the function is given, an item at a time.
        label: the text beside the progress bar.
        gpus: the GPUs that an actor needs.

    Raises:
        UserError: there is no cluster at RAY_ADDRESS, it has no GPU where one is needed, or actors
            died again and again.
    """
    import ray

    connect(os.environ.get("RAY_ADDRESS", ""))
    resources = ray.cluster_resources()
    places = int(resources.get("GPU", 0)) // gpus if gpus else int(resources.get("CPU", 1))
    if not places:
        raise UserError(
            "params.yaml: run.device is a GPU, but no machine of the Ray cluster has one",
            "set run.device: cpu, or start Ray on machines with a GPU",
        )

    actor_count = min(len(items), places)
    remote = ray.remote(
        num_cpus=1, num_gpus=gpus, max_restarts=_RESTARTS, max_task_retries=_RESTARTS
    )(_Actor)
    actors = [remote.remote(str(Path.cwd()), make) for _ in range(actor_count)]
    try:
        yield from progress(_in_turns(actors, items), len(items), label)
    finally:
        for actor in actors:
            ray.kill(actor)


class _Actor:
    """A process on a machine of the cluster, with a function that was costly to make."""

    def __init__(self, project: str, make: Callable[[], Callable[[Any], Any]]) -> None:
        os.chdir(project)
        self._make = make
        self._function: Callable[[Any], Any] | None = None

    def apply(self, item: Any) -> Any:
        """Return the result of an item."""
        # An error of `make` is told by Ray only if a task raises it.
        if self._function is None:
            self._function = self._make()
        return self._function(item)


def _in_turns(actors: Sequence[Any], items: Sequence[Item]) -> Iterator[Any]:
    """Yield the result of each item, in their order. Each actor has two items at a time."""
    idle = deque([*actors] * _TASKS_AHEAD)
    waiting = deque(items)
    under_way: deque[tuple[Any, Any]] = deque()
    while waiting or under_way:
        while waiting and idle:
            actor = idle.popleft()
            under_way.append((actor, actor.apply.remote(waiting.popleft())))

        # The oldest item is next. The others go on meanwhile.
        actor, reference = under_way.popleft()
        try:
            yield _result(reference)
        except _DiedError as error:
            raise UserError(
                f"the actors of a Ray cluster died again and again: {error.__cause__}",
                "give the machines of the cluster more memory, then run the same command again",
            ) from None
        idle.append(actor)


class _DiedError(Exception):
    """The process or the machine of a task died."""


def _result(reference: Any) -> Any:
    """Return the result of a task.

    Raises:
        _DiedError: its process or machine died.
    """
    import ray
    from ray import exceptions

    died = (
        exceptions.RayActorError,
        exceptions.WorkerCrashedError,
        exceptions.NodeDiedError,
        exceptions.OutOfMemoryError,
        exceptions.ObjectLostError,
        exceptions.LocalRayletDiedError,
    )
    try:
        return ray.get(reference)
    except died as error:
        raise _DiedError from error
    except exceptions.RayTaskError as error:
        # The error of the work itself, as on one machine.
        raise error.cause from None


def _done_in_halves(work: Work[Item, Result], item: Item) -> Result:
    """Return the result of an item at which two processes died.

    Raises:
        UserError: a half ended its process too.
    """
    halves = work.halves(item)
    results = []
    for half in halves or [item]:
        try:
            results.append(_result(_submit(work, half)))
        except _DiedError:
            raise UserError(
                f"a Ray worker died three times ({work.label}), most likely since the memory was "
                f"not enough: at {work.describe(half)}",
                "give the machines of the cluster more memory or fewer processors, then run the "
                "same command again; if it does not help, look at these rows: a text may be very "
                "long",
            ) from None

    return work.join(item, results) if halves else results[0]


def _submit(work: Work[Item, Result], item: Item) -> Any:
    """Hand a task over, and return the reference to its result."""
    import ray

    # What dies is tried again here, where a second death means something else.
    remote = ray.remote(num_cpus=1, memory=work.memory_bytes or None, max_retries=0)(_run)
    return remote.remote(str(Path.cwd()), work, item)


def _run(project: str, work: Work[Item, Result], item: Item) -> Result:
    """Return the result of an item, on a machine of the cluster."""
    # Paths are relative to the project.
    os.chdir(project)
    return work(item)


def _most_tasks() -> int:
    """Return how many tasks may be under way, by the processors that the cluster has now."""
    import ray

    processors = int(ray.cluster_resources().get("CPU", 1))
    return max(1, processors * _TASKS_AHEAD)


def _check_memory(needed_bytes: int) -> None:
    """Check that a machine can take an item, since Ray would wait for one without end.

    Raises:
        UserError: none can.
    """
    if not needed_bytes:
        return

    largest_bytes = max(int(machine.get("memory", 0)) for machine in _machines())
    if largest_bytes < needed_bytes:
        raise UserError(
            f"a task needs {needed_bytes // 10**6} MB, and no machine of the Ray cluster has more "
            f"than {largest_bytes // 10**6} MB for tasks",
            "set PAIRSMITH_MEMORY to less, or start Ray with more memory ('ray start --memory')",
        )


def processors() -> int:
    """Return how many processors the cluster has now."""
    connect(os.environ.get("RAY_ADDRESS", ""))
    return sum(int(machine.get("CPU", 0)) for machine in _machines())


def processors_of_machine() -> int:
    """Return how many processors the largest machine of the cluster has, at least 1."""
    connect(os.environ.get("RAY_ADDRESS", ""))
    return max([1, *(int(machine.get("CPU", 0)) for machine in _machines())])


def _machines() -> list[Mapping[str, float]]:
    """Return the resources of each machine that is there."""
    import ray

    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


@lru_cache(maxsize=1)
def connect(address: str) -> None:
    """Connect this process to the cluster at `address`, or start Ray on this machine alone.

    Raises:
        UserError: Ray is not installed, or nothing answers at `address`.
    """
    try:
        import ray
    except ModuleNotFoundError:
        raise UserError(
            "PAIRSMITH_ENGINE is 'ray', but Ray is not installed",
            "pip install -r requirements-ray.txt, or unset PAIRSMITH_ENGINE",
        ) from None

    # Workers import the code of this project, and work as this process does.
    environment = {
        name: value for name, value in os.environ.items() if name.startswith(("PAIRSMITH_", "MKL_"))
    }
    settings: dict[str, Any] = {
        "runtime_env": {"env_vars": {**environment, "PYTHONPATH": str(_CODE)}},
        "log_to_driver": False,
        "logging_level": "ERROR",
    }

    if not address:
        # A cluster of one machine, which nobody else can reach.
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        ray.init(
            num_cpus=workers(),
            object_store_memory=_STORE_BYTES,
            include_dashboard=False,
            _node_ip_address="127.0.0.1",
            **settings,
        )
        return

    _check_reachable(address)
    try:
        ray.init(address=address, **settings)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise _no_cluster(str(error)) from None


def _check_reachable(address: str) -> None:
    """Check that something listens at `address`, since Ray itself tries for many minutes.

    Raises:
        UserError: nothing does.
    """
    host, separator, port = address.removeprefix("ray://").rpartition(":")
    if not separator or not port.isdigit():
        # A name such as "auto", which Ray itself looks up.
        return

    try:
        socket.create_connection((host, int(port)), timeout=_CONNECTION_SECONDS).close()
    except OSError as error:
        raise _no_cluster(str(error)) from None


def _no_cluster(cause: str) -> UserError:
    return UserError(
        f"no Ray cluster answers at RAY_ADDRESS: {cause}".splitlines()[0],
        "start one with 'ray start --head', or correct RAY_ADDRESS",
    )
