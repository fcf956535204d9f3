"""Labelled images as they are published: whole intensity levels and class labels."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from jaxtyping import Int, UInt8

from symlearn.datasets.cifar import load_batches
from symlearn.datasets.files import find_file
from symlearn.datasets.idx import parse_idx
from symlearn.datasets.sources import CIFAR_BATCHES, SOURCES
from symlearn.errors import DataError


@dataclass(frozen=True)
class LabelledImages:
    """Images in whole levels from 0 to `maximum`, with one class label each.

    Colour images have an axis of channels.
    """

    levels: UInt8[np.ndarray, "image *channel row col"]
    labels: Int[np.ndarray, " image"]
    maximum: int


def load_images(
    name: str, data_root: Path | None = None, cache: Path = Path("data")
) -> LabelledImages:
    """The training images of a data set, by its name in the config.

    `digits` come with scikit-learn (all of its 1 797 images); the others are looked for in
    `data_root`, then `cache`, then downloaded to `cache`. Raises DataError.
    """
    if name == "digits":
        return _digits()
    if name in CIFAR_BATCHES:
        levels, classes = load_batches(CIFAR_BATCHES[name], data_root, cache)
        return LabelledImages(levels, classes, maximum=255)
    source = SOURCES[name]
    files = (source.images, source.labels)
    content = [find_file(file, name, source.mirrors, data_root, cache) for file in files]
    images, labels = (parse_idx(c, file.name) for c, file in zip(content, files, strict=True))
    return check_pair(images, labels, name)


def labelled_images(dataset: xr.Dataset) -> LabelledImages:
    """The images of a file of the stage `datasets`."""
    maximum = int(dataset.attrs["maximum"])
    return LabelledImages(dataset["levels"].values, dataset["label"].values, maximum)


def check_pair(
    images: UInt8[np.ndarray, "..."], labels: UInt8[np.ndarray, "..."], name: str
) -> LabelledImages:
    """Images and labels as one data set; raises DataError if they do not belong together."""
    if images.ndim != 3 or labels.ndim != 1:
        raise DataError(
            f"{name}: images have {images.ndim} axes and labels {labels.ndim}, expected 3 and 1; "
            "are the two files exchanged?"
        )
    if len(images) != len(labels):
        raise DataError(
            f"{name}: {len(images)} images but {len(labels)} labels; "
            "the files are of different parts of the data set"
        )
    return LabelledImages(images, labels.astype(np.int64), maximum=255)


def _digits() -> LabelledImages:
    from sklearn.datasets import load_digits  # slow to import, and only needed here

    bunch = load_digits()
    return LabelledImages(bunch.images.astype(np.uint8), bunch.target.astype(np.int64), maximum=16)
