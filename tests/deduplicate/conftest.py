"""The cluster of two machines that tests of lib start."""

from tests.lib.conftest import cluster, on_cluster

__all__ = ["cluster", "on_cluster"]
