"""Fashion-MNIST, its training images."""

from pathlib import Path

from symlearn.datasets.idx_pairs import load_pair
from symlearn.datasets.images import LabelledImages
from symlearn.datasets.sources import RemoteFile, Source

SOURCE = Source(
    mirrors=(
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
    ),
    images=RemoteFile(
        "train-images-idx3-ubyte.gz",
        packed="3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    ),
    labels=RemoteFile(
        "train-labels-idx1-ubyte.gz",
        packed="a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    ),
)


def load(data_root: Path | None, cache: Path) -> LabelledImages:
    """All 60 000 images; raises DataError."""
    return load_pair("fashion-mnist", SOURCE, data_root, cache)
