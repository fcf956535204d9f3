"""What the benchmarks share: times, the machine in words, images of digits' kind."""

import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from symlearn.threads import thread_count

SIDE = 28


def seconds(action: Callable[[], Any], repeats: int = 3) -> tuple[float, Any]:
    """The shortest wall time of several runs, and the last result."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = action()
        times.append(time.perf_counter() - start)
    return min(times), result


def machine() -> str:
    """Processor, cores, threads and versions."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.split(":")[1].strip()
            break
    libraries = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "jax"))
    return (
        f"{model}, {os.cpu_count()} cores, {thread_count()} threads; "
        f"Python {platform.python_version()}, {libraries}"
    )


def blobs(count: int, seed: int = 0) -> np.ndarray:
    """Smooth random images on an empty background, in [0, 1]: strokes of a digit's size."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices((SIDE, SIDE))
    centre = rng.uniform(8, 20, size=(count, 12, 2, 1, 1))
    squared = (rows - centre[:, :, 0]) ** 2 + (columns - centre[:, :, 1]) ** 2
    return np.clip(np.exp(-squared / 3.0).sum(axis=1) - 0.1, 0.0, 1.0)
