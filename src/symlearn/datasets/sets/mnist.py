"""MNIST, its training images."""

from pathlib import Path

from symlearn.datasets.idx_pairs import load_pair
from symlearn.datasets.images import LabelledImages
from symlearn.datasets.sources import RemoteFile, Source

SOURCE = Source(
    mirrors=(
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ),
    images=RemoteFile(
        "train-images-idx3-ubyte.gz",
        packed="440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        unpacked="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    labels=RemoteFile(
        "train-labels-idx1-ubyte.gz",
        packed="3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        unpacked="65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
)


def load(data_root: Path | None, cache: Path) -> LabelledImages:
    """All 60 000 images; raises DataError."""
    return load_pair("mnist", SOURCE, data_root, cache)
