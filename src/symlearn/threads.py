"""Work on several cores in one process: as many threads as the job was given, or one."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def thread_count() -> int:
    """OMP_NUM_THREADS where it is set (Snakemake sets it to the job's threads), else the cores."""
    given = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if given.isdecimal() and int(given) > 0:
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread here and in processes that are started here, however many the job was given."""
    from threadpoolctl import threadpool_limits  # looks for libraries, and few stages need it

    given = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        with threadpool_limits(1):
            yield
    finally:
        if given is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = given


def in_threads(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """`function` of each item, in their order; for functions that release the interpreter's lock.

    The first item is done alone, so that what is compiled on the way is compiled once.
    """
    if not items:
        return
    yield function(items[0])
    workers = min(thread_count(), len(items) - 1)
    if workers <= 1:
        yield from map(function, items[1:])
        return
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(function, items[1:])
