"""What the tests of lib share."""

import pytest

from stages.lib.core import atomic, ray_cluster


@pytest.fixture(autouse=True)
def no_run_under_way(monkeypatch):
    """Keep one test's run from rolling back what another wrote in the same process."""
    monkeypatch.setattr(atomic, "_changes", None)
    monkeypatch.setattr(atomic, "_cleaned_folders", set())


@pytest.fixture(scope="module")
def cluster():
    """Start two machines, each at a loopback address of its own."""
    import ray
    from ray.cluster_utils import Cluster

    assert not ray.is_initialized(), "an earlier test of this process left a connection to Ray"
    machines = Cluster()
    for number in range(2):
        add_machine(machines, number)
    yield machines

    ray.shutdown()
    ray_cluster.connect.cache_clear()
    machines.shutdown()


def add_machine(machines, number, gpus=0):
    """Start a machine of a cluster. Ray itself waits 30 s, which is short beside other tests."""
    for attempt in range(3):
        try:
            return machines.add_node(
                num_cpus=1,
                num_gpus=gpus,
                object_store_memory=80_000_000,
                include_dashboard=False,
                node_ip_address=f"127.0.0.{number + 2}",
            )
        except Exception:
            if attempt == 2:
                raise


@pytest.fixture
def on_cluster(cluster, monkeypatch):
    monkeypatch.setenv("PAIRSMITH_ENGINE", "ray")
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
