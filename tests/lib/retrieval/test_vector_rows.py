"""Vectors by row are the same in memory and in a file, and the file goes with them."""

import resource

import numpy as np
import pytest

from stages.lib.retrieval import vector_rows
from stages.lib.retrieval.vector_rows import vectors_by_row

ROWS = [(2, np.float32([5.0, 6.0])), (0, np.float32([1.0, 2.0])), (1, np.float32([3.0, 4.0]))]


@pytest.fixture(params=["memory", "file"])
def place(request, monkeypatch, tmp_path):
    """Keep vectors in memory, or any vector in a file."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    if request.param == "file":
        monkeypatch.setattr(vector_rows, "BYTES_IN_MEMORY", 0)
    return request.param


def test_rows_come_in_any_order(place):
    vectors = vectors_by_row(ROWS, count=3)
    assert vectors.tolist() == [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    assert vectors.dtype == np.float32
    assert type(vectors) is np.ndarray


def test_a_caller_may_change_them(place):
    vectors = vectors_by_row(ROWS, count=3)
    vectors[0] /= 2.0
    assert vectors[0].tolist() == [0.5, 1.0]


def test_many_vectors_are_no_memory_of_the_process(monkeypatch, tmp_path):
    # 64 MB of vectors: the array is of the file, and nothing of it has been read.
    monkeypatch.setattr(vector_rows, "BYTES_IN_MEMORY", 1 << 20)
    row = np.ones(1 << 14, dtype=np.float32)
    vectors = vectors_by_row(((number, row) for number in range(1 << 10)), count=1 << 10)
    assert isinstance(vectors.base, np.memmap)
    assert vectors.sum(axis=1).tolist() == [float(1 << 14)] * (1 << 10)


def test_no_file_is_left(place, tmp_path):
    vectors = vectors_by_row(ROWS, count=3)
    assert list(tmp_path.iterdir()) == []
    assert vectors[1].tolist() == [3.0, 4.0]


def test_a_full_disk_is_an_error(monkeypatch):
    # The limit of the size of a file stands for a full disk.
    monkeypatch.setattr(vector_rows, "BYTES_IN_MEMORY", 0)
    row = np.ones(1 << 14, dtype=np.float32)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            vectors_by_row(((number, row) for number in range(64)), count=64)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_no_rows_are_no_vectors(place):
    assert vectors_by_row([], count=0).shape == (0, 0)
