"""CIFAR-10's test batch."""

from pathlib import Path

from symlearn.datasets.cifar import load_batches
from symlearn.datasets.images import LabelledImages

BATCH = "test_batch.bin"


def load(data_root: Path | None, cache: Path) -> LabelledImages:
    """All 10 000 images; raises DataError."""
    return load_batches((BATCH,), data_root, cache)
