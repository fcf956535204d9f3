import logging
import os
import subprocess
import sys

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


CLAIM = """
import sys
import torch
from symlearn.errors import TrainingError
from symlearn.networks import devices
torch.cuda.is_available = lambda: True
torch.cuda.device_count = lambda: 2
try:
    devices.choose_device("cuda")
except TrainingError as error:
    print(error, flush=True)
import os
print(os.environ.get("CUDA_VISIBLE_DEVICES", "none"), flush=True)
sys.stdin.readline()
"""


def test_processes_on_a_machine_with_two_gpus_get_one_each(tmp_path):
    """The third is told that all are in use; one that has ended gives its GPU back."""

    def start():
        environment = {**os.environ, "TMPDIR": str(tmp_path)}
        environment.pop("CUDA_VISIBLE_DEVICES", None)
        return subprocess.Popen(
            [sys.executable, "-c", CLAIM],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    processes = []

    def claimed():
        processes.append(start())
        return processes[-1].stdout.readline().strip()

    try:
        assert [claimed(), claimed()] == ["0", "1"]
        assert "all 2 GPUs are in use" in claimed()
        processes[0].kill()
        processes[0].wait()
        assert claimed() == "0"
    finally:
        for process in processes:
            process.kill()
            process.communicate()
