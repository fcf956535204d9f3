"""A person's own pictures: which of a folder, what is on them, and how they are read."""

import csv
import hashlib
import io
import os
import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, ImageOps

from symlearn.errors import DataError
from symlearn.randomness import generator

Number = TypeVar("Number", int, float)

# What Pillow raises for pictures that are broken, cut short or made to fill the memory.
_UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    struct.error,
    Image.DecompressionBombError,
)
_LARGEST = 2**26  # pixels; a photograph has about 2**24
_SUFFIXES = (".jpeg", ".jpg", ".png", ".webp", ".bmp")
# How ImageNet names a class, in the name of a picture or of its folder.
_SYNSET = re.compile(r"n\d{8}")


def pictures(folder: Path, count: int | None, seed: int, most: int = 100) -> list[Path]:
    """`count` pictures drawn from a folder and those in it, or all up to `most` for None.

    Raises DataError for too few.
    """
    files = sorted(pictures_below(folder))
    wanted = min(most, len(files)) if count is None else count
    if not files or wanted > len(files):
        raise DataError(f"{folder}: holds {len(files)} pictures, and {wanted} are asked for")
    if wanted < 2:
        raise DataError(f"at least two pictures are needed for a variance, not {wanted}")
    drawn = generator(seed, "pictures").permutation(len(files))
    return [files[i] for i in np.sort(drawn[:wanted])]


def pictures_below(folder: Path) -> Iterator[Path]:
    """The pictures below a folder, also in folders that are links; raises DataError."""

    def refuse(error: OSError) -> None:
        raise DataError(f"{error.filename}: cannot be read: {error.strerror}")

    seen: set[str] = set()
    for name, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
        if (real := os.path.realpath(name)) in seen:
            folders.clear()  # a link back to where it was
            continue
        seen.add(real)
        paths = (Path(name, file) for file in files)
        yield from (path for path in paths if path.suffix.lower() in _SUFFIXES)


def opened(path: Path) -> Image.Image:
    """A picture in colours of 8 bits, upright as its EXIF orientation says; raises DataError."""
    try:
        # From memory, since a file's reader makes room for whatever length the header claims.
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            if image.mode[0] in "IF":
                raise DataError(
                    f"{path}: has more than 8 bits a colour, which would be cut off; convert it"
                )
            if getattr(image, "is_animated", False):
                raise DataError(f"{path}: is animated; save the frame that is meant")
            if image.width * image.height > _LARGEST:  # its header may be forged; Pillow only warns
                raise DataError(f"{path}: has more than {_LARGEST} pixels, too many to read")
            ImageOps.exif_transpose(image, in_place=True)  # a copy would take as much again
            return image.convert("RGB")
    except _UNREADABLE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path}: cannot be read as a picture ({reason})") from None


def digest(files: Sequence[Path]) -> str:
    """The SHA-256 of the pictures' bytes, which tells them from all others."""
    found = hashlib.sha256()
    for file in files:
        found.update(hashlib.sha256(_bytes(file)).digest())
    return found.hexdigest()


def labels_of(
    files: Sequence[Path], folder: Path, table: Path | None, synsets: Sequence[str]
) -> list[int] | None:
    """The numbers of the pictures' classes, or None where they are not known.

    From a table with the columns picture (its path below the folder, or its name) and class (a
    number), or else from ImageNet's synsets in the names of pictures or their folders. Raises
    DataError for a table that lacks a picture.
    """
    if table is not None:
        known = two_columns(table, "picture", "class", int)
        return [_looked_up(known, file, folder, table) for file in files]
    numbers = {name: number for number, name in enumerate(synsets)}
    found = [_SYNSET.search(f"{file.parent.name}/{file.name}") for file in files]
    named = [numbers.get(match.group()) if match else None for match in found]
    return None if None in named else [number for number in named if number is not None]


def two_columns(path: Path, name: str, value: str, number: type[Number]) -> dict[str, Number]:
    """The numbers in one column of a CSV file by the names in another; raises DataError."""
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            return {row[name]: number(row[value]) for row in csv.DictReader(stream)}
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    except (KeyError, TypeError, ValueError, csv.Error):
        raise DataError(
            f"{path}: is no CSV file with the columns {name} and {value} (a number)"
        ) from None


def _looked_up(known: dict[str, int], file: Path, folder: Path, table: Path) -> int:
    for name in (file.relative_to(folder).as_posix(), file.name):
        if name in known:
            return known[name]
    raise DataError(f"{table}: lacks the class of {file.relative_to(folder)}")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
