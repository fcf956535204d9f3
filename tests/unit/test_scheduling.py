import threading
import time

import pytest
from snakemake.scheduling.job_scheduler import JobScheduler

from symlearn.pipeline import scheduling


class Waiting:
    """What the scheduler waits on."""

    def __init__(self):
        self._open_jobs = threading.Semaphore(0)

    def woken(self):
        count = 0
        while self._open_jobs.acquire(blocking=False):
            count += 1
        return count


@pytest.fixture
def waiting(monkeypatch):
    monkeypatch.setattr(JobScheduler, "_schedule_reevalutation", None)
    scheduling.wake_once()
    return Waiting()


def test_many_calls_wake_the_scheduler_once(waiting):
    for _ in range(50):
        JobScheduler._schedule_reevalutation(waiting, 0.2)
    assert waiting.woken() == 0
    assert waiting._open_jobs.acquire(timeout=30)
    time.sleep(0.5)  # in which 49 others would have come
    assert waiting.woken() == 0


def test_it_is_woken_again_after_the_next_call(waiting):
    for _ in range(3):
        JobScheduler._schedule_reevalutation(waiting, 0.02)
        assert waiting._open_jobs.acquire(timeout=10)


def test_the_method_is_that_of_this_version_of_snakemake():
    assert callable(JobScheduler._schedule_reevalutation)
