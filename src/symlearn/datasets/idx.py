"""Reader of idx files, the format of MNIST and Fashion-MNIST."""

import gzip
import io
import zlib
from math import prod
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from symlearn.errors import DataError

_UNSIGNED_BYTE = 0x08
# Larger than any data set here; a forged header cannot ask for more.
_LARGEST = 2**30
_BLOCK = 2**20
_MOST_AXES = 8


def read_idx(path: Path) -> UInt8[np.ndarray, "..."]:
    """The array in an idx file of unsigned bytes, gzipped or not.

    Raises DataError, naming the file, if it is missing, truncated, no idx file or has bytes
    left over.
    """
    return parse_idx(read_bytes(path), str(path))


def read_bytes(path: Path) -> bytes:
    """A file's bytes, unpacked if its name ends in .gz; raises DataError."""
    try:
        packed = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    if path.suffix != ".gz":
        return packed
    # In blocks, since a reader that is asked for much allocates that much first.
    unpacked = bytearray()
    try:
        with gzip.open(io.BytesIO(packed)) as stream:
            while len(unpacked) <= _LARGEST and (block := stream.read(_BLOCK)):
                unpacked += block
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(
            f"{path}: is no whole gzip file ({error}); delete it and fetch it again"
        ) from None
    if len(unpacked) > _LARGEST:
        raise DataError(f"{path}: unpacks to more than {_LARGEST} bytes; fetch it again")
    return bytes(unpacked)


def parse_idx(content: bytes, name: str) -> UInt8[np.ndarray, "..."]:
    """The array in the bytes of an idx file; `name` is for the error message."""
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != _UNSIGNED_BYTE:
        raise DataError(
            f"{name}: is no idx file of bytes (it starts with {content[:4].hex() or 'nothing'}, "
            "not 000008..); fetch it again"
        )
    rank = content[3]
    header = 4 + 4 * rank
    if not 1 <= rank <= _MOST_AXES:
        raise DataError(f"{name}: its header promises {rank} axes; fetch it again")
    if len(content) < header:
        raise DataError(f"{name}: ends inside its header; fetch it again")
    shape = tuple(int.from_bytes(content[i : i + 4], "big") for i in range(4, header, 4))
    size = prod(shape)
    if max(size, *shape) > _LARGEST or len(content) != header + size:
        raise DataError(
            f"{name}: its header promises {size} bytes of data, it holds "
            f"{len(content) - header}; fetch it again"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)
