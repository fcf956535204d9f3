"""Where networks are trained, and how many at once."""

import logging
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch

from symlearn.errors import TrainingError
from symlearn.threads import thread_count

log = logging.getLogger("symlearn")

Result = TypeVar("Result")

DEVICES = ("auto", "cpu", "cuda", "mps")


def choose_device(wanted: str) -> torch.device:
    """The device of a name; `auto` takes a GPU where there is one.

    On the CPU all operations are deterministic. Raises TrainingError for a GPU that is not there.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        wanted = next((name for name, found in there.items() if found), "cpu")
    if not there.get(wanted, True):
        raise TrainingError(
            f"the device {wanted} was asked for and is not there; use --device cpu or auto"
        )
    if wanted == "cpu":
        torch.set_num_threads(thread_count())
        torch.use_deterministic_algorithms(True)
        # Nothing here reads memory before it is written, so filling it costs time for nothing.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return torch.device(wanted)


def in_chunks(members: int, size: int, work: Callable[[slice], Result]) -> Iterator[Result]:
    """`work` on slices of at most `size` members; halved where the device's memory is too small.

    Raises TrainingError where not even one member fits.
    """
    start = 0
    while start < members:
        part = slice(start, min(start + size, members))
        try:
            result = work(part)
        except (torch.OutOfMemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                raise
            if size == 1:
                raise TrainingError(
                    "the device's memory is too small for one network; take a smaller batch"
                ) from None
            size = max(1, min(size, part.stop - part.start) // 2)
            log.warning("out of memory: goes on with %d networks at once", size)
            continue
        yield result
        start = part.stop


def _out_of_memory(error: Exception) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
