"""Images of one's own, from an .npz file or a folder of class folders."""

import io
import zipfile
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from symlearn.datasets.images import LabelledImages
from symlearn.errors import DataError
from symlearn.menu.own_images import found_at, pictures


def load(path: Path | None, cache: Path, sha256: str | None = None) -> LabelledImages:
    """All images at a path, classes numbered in the order of their names; raises DataError.

    With `sha256`, also for other images than those.
    """
    if path is None:
        raise DataError("where images of one's own lie is given as --data-root")
    try:
        found = found_at(path)
    except ValueError as error:
        raise DataError(str(error)) from None
    if sha256 not in (None, found.sha256):
        raise DataError(
            f"{path}: has other images than the run was planned with (SHA-256 "
            f"{found.sha256[:12]}..., expected {str(sha256)[:12]}...); run again"
        )
    levels, names = _from_file(path) if path.is_file() else _from_folder(path)
    labels = np.unique(names, return_inverse=True)[1]
    return LabelledImages(levels, labels.astype(np.int64), maximum=255)


def _from_file(path: Path) -> tuple[UInt8[np.ndarray, "image *channel row col"], np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as opened:
            images, labels = opened["images"], opened["labels"]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path}: cannot be read as .npz: {error}") from None
    if images.ndim == 4:
        images = images[..., 0] if images.shape[3] == 1 else np.moveaxis(images, 3, 1)
    return _in_levels(path, images), labels


def _in_levels(path: Path, images: np.ndarray) -> np.ndarray:
    """Whole levels of images that are such, or numbers from 0 to 1; raises DataError."""
    if images.dtype == np.uint8:
        return np.ascontiguousarray(images)
    low, high = float(images.min()), float(images.max())  # NaN where one is
    if not (low >= 0 and high <= 1):
        raise DataError(
            f"{path}: has numbers from {low:g} to {high:g}; intensities are from 0 to 1, or uint8 "
            "from 0 to 255"
        )
    return np.rint(255 * images).astype(np.uint8)


def _from_folder(folder: Path) -> tuple[UInt8[np.ndarray, "image *channel row col"], np.ndarray]:
    from PIL import Image

    names, images = [], []
    for name, file in pictures(folder):
        try:
            # From memory: a file's reader makes room for whatever length the header claims.
            with Image.open(io.BytesIO(file.read_bytes())) as picture:
                grey = picture.convert("L") if picture.mode == "1" else picture
                images.append(np.asarray(grey))
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise DataError(f"{file}: cannot be read as a picture ({error})") from None
        names.append(name)
    levels = np.stack(images)
    return (np.moveaxis(levels, 3, 1) if levels.ndim == 4 else levels), np.array(names)
