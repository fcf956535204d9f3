"""The first of the five files of CIFAR-10's training images, a fifth of them."""

from pathlib import Path

from symlearn.datasets.cifar import load_batches
from symlearn.datasets.images import LabelledImages
from symlearn.datasets.sets.cifar10 import BATCHES


def load(data_root: Path | None, cache: Path) -> LabelledImages:
    """Its 10 000 images; raises DataError."""
    return load_batches(BATCHES[:1], data_root, cache)
