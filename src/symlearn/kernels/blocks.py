"""Gram matrices in tiles: a stated memory limit, the upper triangle, distinct entries only."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from symlearn.architectures import layers_of
from symlearn.errors import DataError
from symlearn.kernels.infinite_width import KernelTile, Kind, Precision, kernel_tile
from symlearn.progress import progress

# While one tile is computed. A constant rather than an option: the same tiles, the same bytes.
MEMORY_LIMIT = 256 * 2**20
_LARGEST_TILE = 512


def gram(
    architecture: str | Mapping[str, Any],
    images: Float[np.ndarray, "point row col"],
    *,
    kind: Kind = "ntk",
    precision: Precision = "float64",
    symmetries: Int[np.ndarray, "element point"] | None = None,
    quiet: bool = True,
) -> Float[np.ndarray, "point point"]:
    """The Gram matrix of the infinite-width kernel of `architecture` (a name or an entry).

    `symmetries[h, p]` is the point that the exact symmetry h of the kernel moves point p to: a
    group, identity first, without fixed points. Then only about 1 / (2 |H|) of the entries are
    computed. Float64 out; `precision` is that of the computation. At most 256 MiB beside the
    matrix and the images. Raises DataError for images that are not finite.
    """
    if not np.isfinite(images).all():
        raise DataError("the images hold values that are not finite")
    if symmetries is None:
        symmetries = np.arange(len(images))[None]
    with _precision(precision):
        tile = kernel_tile(layers_of(architecture), images.shape[1:], kind, precision)
        return _fill(tile, images.astype(precision), symmetries, quiet)


def _fill(
    tile: KernelTile,
    images: Float[np.ndarray, "point row col"],
    symmetries: Int[np.ndarray, "element point"],
    quiet: bool,
) -> Float[np.ndarray, "point point"]:
    matrix = np.empty((len(images), len(images)))
    representatives = symmetries[:, np.unique(symmetries.min(axis=0))]  # (element, representative)
    count = representatives.shape[1]
    step = _step(tile, images, len(symmetries))
    tiles = list(_upper(count, step))
    for rows, columns in progress(tiles, "kernel tiles", quiet=quiet):
        start = representatives[0, rows]
        i, j = np.nonzero(rows[:, None] <= columns[None, :])  # each pair once: one value for both
        for moved in representatives[:, columns]:  # the columns under each symmetry
            values = _padded(tile, images[start], images[moved], step)[i, j]
            for element in symmetries:  # k(h x, h y) = k(x, y), and symmetry
                first, second = element[start[i]], element[moved[j]]
                matrix[first, second] = values
                matrix[second, first] = values
    return matrix


def _step(tile: KernelTile, images: np.ndarray, symmetries: int) -> int:
    """The tile's side: within the memory limit, and no larger than there are representatives."""
    limit = int(np.sqrt(MEMORY_LIMIT / tile.bytes_per_entry))
    return max(1, min(limit, _LARGEST_TILE, len(images) // symmetries))


def _upper(count: int, step: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The tiles of the upper triangle, diagonal included, as index arrays."""
    starts = range(0, count, step)
    parts = [np.arange(start, min(start + step, count)) for start in starts]
    for i, rows in enumerate(parts):
        for columns in parts[i:]:
            yield rows, columns


def _padded(tile: KernelTile, x: np.ndarray, y: np.ndarray, step: int) -> np.ndarray:
    """One tile, padded with repeated images to step x step so that it compiles once."""
    rows, columns = np.arange(step) % len(x), np.arange(step) % len(y)
    return np.asarray(tile.evaluate(jnp.asarray(x[rows]), jnp.asarray(y[columns])))[
        : len(x), : len(y)
    ]


def _precision(precision: Precision) -> contextlib.AbstractContextManager[None]:
    return jax.enable_x64(precision == "float64")
