"""Every data stage writes the same files on the machines of a Ray cluster as in one process."""

import hashlib
import subprocess
import sys
import threading

import pytest

from tests.conftest import copy_project, faq_rows, use_faq, write_csv
from tests.lib.conftest import add_machine

pytestmark = [pytest.mark.prove, pytest.mark.slow]

STAGES = ("collect", "clean", "deduplicate", "pair", "split", "augment", "mine", "tokenize")


@pytest.fixture(scope="module")
def local_run(tmp_path_factory, environment):
    """Return a project in which the stages ran in one process, and the hashes of what they wrote."""
    project = tmp_path_factory.mktemp("local")
    copy_project(project)
    write_csv(faq_rows(), project / "data/raw/faq.csv")
    use_faq(project)
    run_stages(project, {**environment, "PAIRSMITH_WORKERS": "1", "PAIRSMITH_CACHE": "off"})
    return hashes(project)


@pytest.fixture
def cluster_of():
    """Return a function that starts a cluster of so many machines. It ends with the test."""
    from ray.cluster_utils import Cluster

    clusters = []

    def start(count):
        clusters.append(Cluster())
        machines = [add_machine(clusters[0], number) for number in range(count)]
        return clusters[0], machines

    yield start
    for cluster in clusters:
        cluster.shutdown()


def new_project(folder):
    copy_project(folder)
    write_csv(faq_rows(), folder / "data/raw/faq.csv")
    use_faq(folder)


def run_stages(project, environment):
    for stage in STAGES:
        subprocess.run(
            [sys.executable, "-m", f"stages.{stage}"], cwd=project, env=environment, check=True
        )


def hashes(project):
    """Return the MD5 of each file that the stages wrote."""
    files = [path for stage in STAGES for path in (project / "data" / stage).rglob("*")]
    files += list((project / "metrics").rglob("*.json"))
    return {
        str(path.relative_to(project)): hashlib.md5(path.read_bytes()).hexdigest()
        for path in sorted(files)
        if path.is_file()
    }


def on_ray(environment, cluster):
    return {
        **environment,
        "PAIRSMITH_CACHE": "off",
        "PAIRSMITH_ENGINE": "ray",
        "RAY_ADDRESS": cluster.address,
        "PAIRSMITH_PARTITIONS": "3",
    }


@pytest.mark.parametrize("count", [1, 2, 4])
def test_every_data_stage_writes_the_same_files(
    count, tmp_path, environment, local_run, cluster_of
):
    cluster, _ = cluster_of(count)
    new_project(tmp_path)
    run_stages(tmp_path, on_ray(environment, cluster))
    assert hashes(tmp_path) == local_run


def test_a_machine_that_is_killed_at_work_changes_no_file(
    tmp_path, environment, local_run, cluster_of
):
    """Kill a machine five seconds after the run began, and another one at fifteen seconds."""
    cluster, machines = cluster_of(4)
    new_project(tmp_path)
    kills = [
        threading.Timer(seconds, cluster.remove_node, [machine], {"allow_graceful": False})
        for seconds, machine in ((5, machines[1]), (15, machines[2]))
    ]
    for kill in kills:
        kill.start()
    run_stages(tmp_path, on_ray(environment, cluster))
    for kill in kills:
        kill.join()
    assert hashes(tmp_path) == local_run
