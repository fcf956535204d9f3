"""The first 3 000 images of CIFAR-10's test batch, however long the file is."""

from pathlib import Path

from symlearn.datasets.cifar import load_first
from symlearn.datasets.images import LabelledImages
from symlearn.datasets.sets.cifar10_test import BATCH

_IMAGES = 3000


def load(data_root: Path | None, cache: Path) -> LabelledImages:
    """These images; raises DataError, also where the file has fewer."""
    return load_first(BATCH, _IMAGES, data_root, cache)
