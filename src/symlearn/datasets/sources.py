"""Where the files of the downloaded data sets come from, and their checksums."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class RemoteFile:
    """A gzipped file with the SHA-256 of its packed and (where known) unpacked bytes."""

    name: str
    packed: str
    unpacked: str | None = None


@dataclass(frozen=True)
class Source:
    """A data set's files and the servers that have them, in the order they are tried."""

    mirrors: tuple[str, ...]
    images: RemoteFile
    labels: RemoteFile


SOURCES: Mapping[str, Source] = {
    "mnist": Source(
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
    ),
    "fashion-mnist": Source(
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
    ),
}

# CIFAR-10 in its binary format, one archive of six files.
CIFAR_MIRRORS = ("https://www.cs.toronto.edu/~kriz/",)
CIFAR_ARCHIVE = RemoteFile(
    "cifar-10-binary.tar.gz",
    packed="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
)
# The training files of each data set made of it.
CIFAR_BATCHES: Mapping[str, tuple[str, ...]] = {
    "cifar10": tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    "cifar10-part": ("data_batch_1.bin",),
}
