"""Data sets in MNIST's format: a file of images and one of labels."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from symlearn.datasets.files import find_file
from symlearn.datasets.idx import parse_idx
from symlearn.datasets.images import LabelledImages
from symlearn.datasets.sources import Source
from symlearn.errors import DataError


def load_pair(name: str, source: Source, data_root: Path | None, cache: Path) -> LabelledImages:
    """The images of a data set in two idx files; raises DataError."""
    files = (source.images, source.labels)
    content = [find_file(file, name, source.mirrors, data_root, cache) for file in files]
    images, labels = (parse_idx(c, file.name) for c, file in zip(content, files, strict=True))
    return check_pair(images, labels, name)


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
