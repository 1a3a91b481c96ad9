import pytest

from tests.finetune.cases import ranking_tokens


@pytest.fixture(scope="session")
def tokens():
    return ranking_tokens()


@pytest.fixture
def one_thread():
    """Give the number of threads back that training changes."""
    import torch

    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(strict)
