import os

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from symlearn.kernels import gram
from symlearn.threads import in_threads, one_thread, thread_count


@pytest.mark.parametrize(("given", "expected"), [("3", 3), ("2,1", 2)])
def test_a_job_has_the_threads_it_was_given(given, expected, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", given)
    assert thread_count() == expected


@pytest.mark.parametrize("given", [None, "", "0", "many"])
def test_without_a_number_there_is_a_thread_for_each_core(given, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if given is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", given)
    assert thread_count() >= 1


@pytest.mark.parametrize("threads", ["1", "3"])
@pytest.mark.parametrize("count", [0, 1, 2, 20])
def test_results_come_in_the_order_of_the_items(count, threads, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    assert list(in_threads(lambda item: item**2, range(count))) == [i**2 for i in range(count)]


@pytest.mark.parametrize("architecture", ["mlp-1", "cnn-fc-3", "cnn-gap-3"])
def test_the_number_of_threads_changes_no_byte_of_a_gram_matrix(architecture, monkeypatch):
    images = np.random.default_rng(0).normal(size=(9, 28, 28))
    found = []
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        found.append(gram(architecture, images).tobytes())
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("given", [None, "7"])
def test_one_thread_lasts_as_long_as_it_is_wanted(given, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if given is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", given)
    before = threadpool_info()
    with one_thread():
        assert thread_count() == 1
        assert {library["num_threads"] for library in threadpool_info()} == {1}
    assert os.environ.get("OMP_NUM_THREADS") == given
    assert threadpool_info() == before
