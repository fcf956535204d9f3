"""Reader of CIFAR-10's binary format: records of one label and a 32 x 32 image in three planes."""

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt8

from symlearn.datasets.files import download, is_file
from symlearn.datasets.images import LabelledImages
from symlearn.datasets.sources import RemoteFile
from symlearn.errors import DataError

Levels = UInt8[np.ndarray, "image channel row col"]
Labels = Int[np.ndarray, " image"]

# CIFAR-10 in its binary format, one archive of six files.
MIRRORS = ("https://www.cs.toronto.edu/~kriz/",)
ARCHIVE = RemoteFile(
    "cifar-10-binary.tar.gz",
    packed="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
)
_SHAPE = (3, 32, 32)
_RECORD = 1 + 3 * 32 * 32
_RECORDS = 10_000  # in each of the published files
_CLASSES = 10
_FOLDER = "cifar-10-batches-bin"  # in the archive
_BLOCK = 2**20


def load_batches(names: Sequence[str], data_root: Path | None, cache: Path) -> LabelledImages:
    """Images and labels of the files `names`, one after the other.

    Looked for in the folders `cifar10` of `data_root` and `cache` (files packed by gzip or not,
    also in the archive's folder), then in the archive, which is downloaded to `cache`. The archive
    has a pinned checksum; single files are checked by their length and labels alone. Raises
    DataError.
    """
    contents = _contents(names, data_root, cache)
    parts = [parse_batch(content, name) for content, name in zip(contents, names, strict=True)]
    levels, labels = zip(*parts, strict=True)
    return LabelledImages(np.concatenate(levels), np.concatenate(labels), maximum=255)


def load_first(name: str, count: int, data_root: Path | None, cache: Path) -> LabelledImages:
    """The first `count` images and labels of a file that may have more; else as `load_batches`."""
    (content,) = _contents([name], data_root, cache)
    levels, labels = parse_batch(content[: count * _RECORD], name, count)
    return LabelledImages(levels, labels, maximum=255)


def _contents(names: Sequence[str], data_root: Path | None, cache: Path) -> list[bytes]:
    folders = [] if data_root is None else [data_root / "cifar10", data_root]
    folders.append(cache / "cifar10")
    contents = _from_folders(names, folders)
    return _from_archive(names, _archive(folders)) if contents is None else contents


def parse_batch(content: bytes, name: str, records: int | None = None) -> tuple[Levels, Labels]:
    """Images and labels in the bytes of a published file, or of some `records`; raises DataError.

    `name` is for the error message.
    """
    records = _RECORDS if records is None else records
    expected = records * _RECORD
    if len(content) != expected:
        found = f"more than {expected}" if len(content) > expected else len(content)
        raise DataError(
            f"{name}: has {found} bytes, not {expected} ({records} records of {_RECORD}); "
            "fetch it again"
        )
    table = np.frombuffer(content, dtype=np.uint8).reshape(records, _RECORD)
    labels = table[:, 0].astype(np.int64)
    if labels.max() >= _CLASSES:
        first = int(np.argmax(labels >= _CLASSES))
        raise DataError(
            f"{name}: record {first} has the label {labels[first]}, not one of 0 to "
            f"{_CLASSES - 1}; it is not in CIFAR-10's binary format"
        )
    return table[:, 1:].reshape(-1, *_SHAPE), labels


def _from_folders(names: Sequence[str], folders: Sequence[Path]) -> list[bytes] | None:
    """The files' bytes from the first folder that has them all."""
    for folder in (inner for outer in folders for inner in (outer, outer / _FOLDER)):
        paths = [_existing(folder / name) for name in names]
        found = [path for path in paths if path is not None]
        if len(found) == len(names):
            return [_read(path) for path in found]
    return None


def _existing(path: Path) -> Path | None:
    candidates = (path, path.with_name(f"{path.name}.gz"))
    return next((candidate for candidate in candidates if is_file(candidate)), None)


def _read(path: Path) -> bytes:
    """A file's bytes, unpacked; never more than one beyond the length that it must have."""
    limit = _RECORDS * _RECORD + 1
    try:
        with path.open("rb") as packed:
            if path.suffix != ".gz":
                return packed.read(limit)
            with gzip.open(packed) as stream:
                return stream.read(limit)
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({error}); fetch it again") from None


def _archive(folders: Sequence[Path]) -> Path:
    """The archive in one of the folders, or downloaded to the last; its checksum verified."""
    for folder in folders:
        path = folder / ARCHIVE.name
        if is_file(path):
            break
    else:
        path = download(ARCHIVE, MIRRORS, folders[-1], folders)
    digest = hashlib.sha256()
    for block in _blocks(path):
        digest.update(block)
    if digest.hexdigest() != ARCHIVE.packed:
        raise DataError(
            f"{path}: wrong checksum (SHA-256 {digest.hexdigest()[:12]}..., expected "
            f"{ARCHIVE.packed[:12]}...); delete it and fetch it again"
        )
    return path


def _blocks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                yield block
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None


def _from_archive(names: Sequence[str], path: Path) -> list[bytes]:
    """The files' bytes, by their exact names in the archive; nothing is written to disk."""
    contents = []
    try:
        with tarfile.open(path, "r:gz") as archive:
            for name in names:
                stream = archive.extractfile(f"{_FOLDER}/{name}")
                if stream is None:
                    raise DataError(f"{path}: {_FOLDER}/{name} is no file; fetch it again")
                contents.append(stream.read(_RECORDS * _RECORD + 1))
    except KeyError:
        raise DataError(f"{path}: has no {_FOLDER}/{name}; fetch it again") from None
    except (EOFError, OSError, tarfile.TarError, zlib.error) as error:
        raise DataError(f"{path}: is no whole archive ({error}); fetch it again") from None
    return contents
