"""Images of one's own: what lies at a path, told before anything is computed.

An .npz file holds `images` (image, row, column and perhaps channel: whole levels as uint8, or
numbers from 0 to 1) and `labels` (whole numbers or words). A folder holds a folder for each class,
with its PNG and JPEG pictures. `symlearn.datasets.sets.own_images` reads the pixels.

What was found is kept in `__pycache__` of the package, by the names, sizes and times of the files:
to hash them takes seconds, and each run asks. Light on purpose: the config asks for it.
"""

import contextlib
import hashlib
import json
import os
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from symlearn.menu.datasets import Facts

NAME = "own-images"  # of the module that reads them, in the place of a data set's
SUFFIXES = (".png", ".jpg", ".jpeg")
# Channels of the modes of pictures that are read (Pillow's names).
CHANNELS: Mapping[str, int] = {"1": 1, "L": 1, "RGB": 3}

_KEPT = Path(__file__).parents[1] / "__pycache__" / "own-images-1.json"
_SETTLED_S = 2.0  # a file that was written later than that may be written again at the same time


class OwnImages(NamedTuple):
    """Facts of images and the SHA-256 of their bytes, which tells them from all others."""

    facts: Facts
    sha256: str


def found_at(path: Path) -> OwnImages:
    """What lies at a path; raises ValueError, with the path, for what is no images with classes."""
    try:
        files = [path] if path.is_file() else [file for _, file in pictures(path)]
        stamp = _stamp(path, files)
        kept = _kept()
        if stamp not in kept:
            found = _of_file(path) if path.is_file() else _of_folder(path)
            if max(file.stat().st_mtime for file in files) < time.time() - _SETTLED_S:
                _keep({**kept, stamp: [found.facts._asdict(), found.sha256]})
            return found
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from None
    facts, digest = kept[stamp]
    # JSON has lists for tuples.
    plain: dict[str, Any] = {
        key: tuple(v) if isinstance(v, list) else v for key, v in facts.items()
    }
    return OwnImages(Facts(**plain), digest)


def pictures(folder: Path) -> list[tuple[str, Path]]:
    """The pictures of a folder with their classes, which take turns; raises ValueError.

    They do because a study that takes the first images wants them of all classes.
    """
    if not folder.exists():
        raise ValueError(f"{folder.absolute()} does not exist")
    if not folder.is_dir():
        raise ValueError(f"{folder} is neither a file nor a folder")
    rows = []
    for place in sorted(one for one in folder.iterdir() if _is_class(one)):
        files = sorted(file for file in place.iterdir() if file.suffix.lower() in SUFFIXES)
        if not files:
            raise ValueError(f"{place} has no picture; a class has some, as PNG or JPEG")
        rows += [(number, place.name, file) for number, file in enumerate(files)]
    if not rows:
        raise ValueError(f"{folder} has no folder of a class; each class has its own")
    return [(name, file) for _, name, file in sorted(rows)]


def _is_class(place: Path) -> bool:
    return place.is_dir() and not place.name.startswith(".")


def _of_file(path: Path) -> OwnImages:
    shape, kind, labels = _arrays(path)
    if kind != "uint8" and not kind.startswith("float"):
        raise ValueError(
            f"{path} has images of type {kind}; uint8 from 0 to 255 or numbers with a point from "
            "0 to 1 are read"
        )
    if len(shape) not in (3, 4):
        raise ValueError(
            f"{path} has images of shape {shape}; their axes are image, row, column and perhaps "
            "channel"
        )
    if labels.dtype.kind not in "iuU":
        raise ValueError(
            f"{path} has labels of type {labels.dtype}; whole numbers or words are read"
        )
    if labels.shape != shape[:1]:
        raise ValueError(
            f"{path} has {shape[0]} images and labels of shape {labels.shape}; each image has one"
        )
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    channels = shape[3] if len(shape) == 4 else 1
    return OwnImages(_facts(path, shape[1:3], channels, labels.tolist()), digest)


def _arrays(path: Path) -> tuple[tuple[int, ...], str, Any]:
    """Of a file its images' shape and type, which are not read, and its labels.

    Raises ValueError.
    """
    from numpy.lib import format as npy  # slow to import, and not needed where all is kept

    try:
        with zipfile.ZipFile(path) as packed:
            with packed.open("images.npy") as stream:
                old = npy.read_magic(stream) == (1, 0)
                header = npy.read_array_header_1_0 if old else npy.read_array_header_2_0
                shape, _, kind = header(stream)
            with packed.open("labels.npy") as stream:
                labels = npy.read_array(stream, allow_pickle=False)
    except KeyError as error:  # its text names the file that is missing in the archive
        raise ValueError(f"{path} lacks images or labels: {error.args[0]}") from None
    # RuntimeError: an archive that is encrypted, or packed in a way that is not known.
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError) as error:
        raise ValueError(f"{path} cannot be read as .npz: {error}") from None
    return shape, str(kind), labels


def _of_folder(folder: Path) -> OwnImages:
    from PIL import Image

    digest, first = hashlib.sha256(), None
    labels = []
    for name, file in pictures(folder):
        try:
            with Image.open(file) as picture:
                size, mode = picture.size, picture.mode
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            raise ValueError(f"{file} cannot be read as a picture") from None
        if mode not in CHANNELS:
            raise ValueError(f"{file} is of mode {mode}; grey pictures (L) and RGB are read")
        first = first or (file, size, CHANNELS[mode])
        if size != first[1]:
            raise ValueError(
                f"{file} has {_by(size)} pixels and {first[0]} {_by(first[1])}; all have one size"
            )
        if CHANNELS[mode] != first[2]:
            raise ValueError(f"of {first[0]} and {file} one is grey and one in colours")
        labels.append(name)
        own = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(json.dumps([name, file.name, own]).encode())
    assert first is not None
    return OwnImages(_facts(folder, first[1], first[2], labels), digest.hexdigest())


def _facts(path: Path, size: Sequence[int], channels: int, labels: Sequence[Any]) -> Facts:
    """Facts of images; raises ValueError for images that no study can take."""
    counts = Counter(labels)
    if len(counts) < 2:
        what = "one class alone" if counts else "no images"
        raise ValueError(f"{path} has {what}; studies tell two classes or more apart")
    if size[0] != size[1]:
        raise ValueError(f"{path} has images of {_by(size)} pixels; images are square")
    if channels not in (1, 3):
        raise ValueError(f"{path} has images of {channels} channels; one or three are read")
    return Facts(
        side=size[0],
        images=len(labels),
        smallest_class=min(counts.values()),
        channels=channels,
        classes=len(counts),
        names=tuple(map(str, sorted(counts))),
    )


def _by(size: Sequence[int]) -> str:
    return " x ".join(map(str, size))


def _stamp(path: Path, files: Sequence[Path]) -> str:
    """The hash of where files lie, their sizes and their times."""

    def parts() -> Iterator[tuple[str, int, int]]:
        for file in files:
            about = file.stat()
            yield str(file.absolute()), about.st_size, about.st_mtime_ns

    return hashlib.sha256(json.dumps([str(path.absolute()), *parts()]).encode()).hexdigest()


def _kept() -> dict[str, Any]:
    try:
        found = json.loads(_KEPT.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _keep(kept: Mapping[str, Any]) -> None:
    """In one step; where the folder cannot be written, what was found is found anew."""
    temporary = _KEPT.with_name(f"{_KEPT.name}.{os.getpid()}.tmp")
    with contextlib.suppress(OSError):
        _KEPT.parent.mkdir(exist_ok=True)
        temporary.write_text(json.dumps(kept), encoding="utf-8")
        temporary.replace(_KEPT)
