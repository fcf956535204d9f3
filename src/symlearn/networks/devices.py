"""Where networks are trained, and how many at once."""

import contextlib
import fcntl
import logging
import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO, TypeVar

import torch

from symlearn.errors import TrainingError
from symlearn.networks.allocation import keep_freed_memory
from symlearn.threads import thread_count

log = logging.getLogger("symlearn")

Result = TypeVar("Result")

DEVICES = ("auto", "cpu", "cuda", "mps")
_claims: list[TextIO] = []  # open for as long as the process has its GPU


def choose_device(wanted: str) -> torch.device:
    """The device of a name; `auto` takes a GPU where there is one.

    For `cuda` by name on a machine with several GPUs the process gets one for itself. On the CPU
    all operations are deterministic. Raises TrainingError for a GPU that is not there.
    """
    # Counting GPUs must not start CUDA, which would then see all of them.
    os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "cuda" and there["cuda"]:
        _claim_gpu()
    if wanted == "auto":
        wanted = next((name for name, found in there.items() if found), "cpu")
    if not there.get(wanted, True):
        raise TrainingError(
            f"the device {wanted} was asked for and is not there; use --device cpu or auto"
        )
    # Else convolutions would round their factors to ten bits.
    torch.backends.cudnn.allow_tf32 = False
    if wanted == "cpu":
        keep_freed_memory()
        torch.set_num_threads(thread_count())
        torch.use_deterministic_algorithms(True)
        # Nothing here reads memory before it is written, so filling it costs time for nothing.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return torch.device(wanted)


def _claim_gpu() -> None:
    """Where a process sees several GPUs: take the first that no other process here has.

    By a lock on a file, which the system gives back when the process ends, however it ends. Must
    come before the first use of a GPU. Raises TrainingError where all are taken.
    """
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    seen = named.split(",") if named else [str(i) for i in range(torch.cuda.device_count())]
    if len(seen) < 2:
        return
    for gpu in seen:
        # One file for each user and GPU, kept: a file that is removed could be locked twice.
        path = Path(tempfile.gettempdir(), f"symlearn-{os.getuid()}-gpu-{gpu}.lock")
        lock = path.open("w", encoding="utf-8")
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _claims.append(lock)
            os.environ["CUDA_VISIBLE_DEVICES"] = gpu
            log.info("takes GPU %s of %s", gpu, ", ".join(seen))
            return
        lock.close()
    raise TrainingError(
        f"all {len(seen)} GPUs are in use by other jobs; start fewer at once (in a profile: "
        f"resources: gpu={len(seen)})"
    )


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
    said = ("can't allocate memory", "MPS backend out of memory")
    return isinstance(error, torch.OutOfMemoryError) or any(text in str(error) for text in said)


def described(device: torch.device) -> str:
    """A device in words, for the sidecar."""
    if device.type == "cuda":
        return f"cuda, {torch.cuda.get_device_name()}"
    return f"{device.type}, {platform.machine()}, {os.cpu_count()} cores"
