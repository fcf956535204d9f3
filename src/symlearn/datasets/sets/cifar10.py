"""CIFAR-10, its training images."""

from pathlib import Path

from symlearn.datasets.cifar import load_batches
from symlearn.datasets.images import LabelledImages

BATCHES = tuple(f"data_batch_{number}.bin" for number in range(1, 6))


def load(data_root: Path | None, cache: Path) -> LabelledImages:
    """All 50 000 images; raises DataError."""
    return load_batches(BATCHES, data_root, cache)
