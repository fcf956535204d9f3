import logging

import pytest
import torch

from symlearn.errors import TrainingError
from symlearn.networks.devices import choose_device, in_chunks


@pytest.fixture(autouse=True)
def as_it_was():
    deterministic = torch.are_deterministic_algorithms_enabled()
    threads = torch.get_num_threads()
    yield
    torch.use_deterministic_algorithms(deterministic)
    torch.set_num_threads(threads)


def test_the_cpu_is_deterministic():
    assert choose_device("cpu").type == "cpu"
    assert torch.are_deterministic_algorithms_enabled()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(TrainingError, match="cuda was asked for and is not there; use --device"):
        choose_device("cuda")


@pytest.mark.skipif(
    torch.cuda.is_available() or torch.backends.mps.is_available(), reason="there is a GPU"
)
def test_auto_is_the_cpu_where_there_is_no_gpu():
    assert choose_device("auto").type == "cpu"


def too_large(limit):
    def work(part):
        if part.stop - part.start > limit:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return list(range(part.start, part.stop))

    return work


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_chunks_are_halved_until_they_fit(limit, caplog):
    with caplog.at_level(logging.WARNING, "symlearn"):
        found = [item for items in in_chunks(10, 8, too_large(limit)) for item in items]
    assert found == list(range(10))
    assert ("out of memory: goes on with" in caplog.text) == (limit < 8)


def test_one_network_that_does_not_fit_is_an_error():
    with pytest.raises(TrainingError, match="too small for one network"):
        list(in_chunks(3, 2, too_large(0)))


def test_other_errors_are_not_taken_for_it():
    def work(part):
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        list(in_chunks(3, 2, work))
