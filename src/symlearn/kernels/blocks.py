"""Gram matrices in tiles: a stated memory limit, the upper triangle, distinct entries only."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from symlearn.errors import DataError
from symlearn.kernels.infinite_width import KernelTile, Kind, Precision, kernel_tile
from symlearn.menu.layers import layers_of
from symlearn.progress import progress
from symlearn.threads import in_threads

# While one tile is computed, by one thread. A constant rather than an option, and not shared out
# among the threads: the same tiles, the same bytes.
MEMORY_LIMIT = 64 * 2**20
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
    computed. Float64 out; `precision` is that of the computation. Tiles are computed by as many
    threads as the job has, which changes no byte; at most 64 MiB for each beside the matrix and
    the images. Raises DataError for images that are not finite.
    """
    _require_finite(images)
    if symmetries is None:
        symmetries = np.arange(len(images))[None]
    with _precision(precision):
        tile = kernel_tile(layers_of(architecture), images.shape[1:], kind, precision)
        step = _step(np.sqrt(_most(tile)), len(images) // len(symmetries))
    images = images.astype(precision)

    def evaluate(part: _Part) -> np.ndarray:
        with _precision(precision):  # jax keeps it by thread
            return _padded(tile, images[part.first], images[part.second], step, step)

    matrix = np.empty((len(images), len(images)))
    parts = list(_parts(symmetries, step))
    shown = progress(parts, "kernel tiles", quiet=quiet)
    for part, values in zip(shown, in_threads(evaluate, parts), strict=True):
        i, j = part.wanted
        for element in symmetries:  # k(h x, h y) = k(x, y), and symmetry
            first, second = element[part.first[i]], element[part.second[j]]
            matrix[first, second] = values[i, j]
            matrix[second, first] = values[i, j]
    return matrix


def first_rows(
    architecture: str | Mapping[str, Any],
    orbits: Float[np.ndarray, "orbit pose row col"],
    *,
    kind: Kind = "ntk",
) -> Float[np.ndarray, "orbit orbit pose"]:
    """The kernel of the first pose of each orbit with all poses of all orbits, in float64.

    Of N poses these are orbits^2 N entries, where the Gram matrix has (orbits N)^2
    (docs/science/orbits.md#one-row-of-the-kernel). Raises DataError for images that are not finite.
    """
    _require_finite(orbits)
    count, poses, *shape = orbits.shape
    points = orbits.reshape(count * poses, *shape)
    with _precision("float64"):
        tile = kernel_tile(layers_of(architecture), tuple(shape), kind, "float64")
    step = _step(_most(tile) / count, len(points))
    parts = [points[start : start + step] for start in range(0, len(points), step)]

    def evaluate(part: np.ndarray) -> np.ndarray:
        with _precision("float64"):
            return _padded(tile, orbits[:, 0], part, count, step)

    return np.concatenate(list(in_threads(evaluate, parts)), axis=1).reshape(count, count, poses)


class _Part(NamedTuple):
    """A tile: its rows and columns, and those of its entries that are wanted."""

    first: Int[np.ndarray, " point"]
    second: Int[np.ndarray, " other"]
    wanted: tuple[Int[np.ndarray, " entry"], Int[np.ndarray, " entry"]]


def _parts(symmetries: Int[np.ndarray, "element point"], step: int) -> Iterator[_Part]:
    """Tiles with one entry for each pair of representatives and each symmetry between them."""
    representatives = symmetries[:, np.unique(symmetries.min(axis=0))]  # (element, representative)
    for rows, columns in _upper(representatives.shape[1], step):
        i, j = np.nonzero(rows[:, None] <= columns[None, :])  # each pair once
        for moved in representatives[:, columns]:  # the columns under each symmetry
            yield _Part(representatives[0, rows], moved, (i, j))


def _require_finite(images: np.ndarray) -> None:
    if not np.isfinite(images).all():
        raise DataError("the images hold values that are not finite")


def _most(tile: KernelTile) -> float:
    """The most entries that a tile has within the memory limit."""
    return MEMORY_LIMIT / tile.bytes_per_entry


def _step(limit: float, points: int) -> int:
    """A tile's side: within its own limit and the largest, and no longer than there are points."""
    return max(1, min(int(limit), _LARGEST_TILE, points))


def _upper(count: int, step: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The tiles of the upper triangle, diagonal included, as index arrays."""
    starts = range(0, count, step)
    parts = [np.arange(start, min(start + step, count)) for start in starts]
    for i, rows in enumerate(parts):
        for columns in parts[i:]:
            yield rows, columns


def _padded(tile: KernelTile, x: np.ndarray, y: np.ndarray, height: int, width: int) -> np.ndarray:
    """One tile, padded with repeated images to its full size so that it compiles once."""
    rows, columns = np.arange(height) % len(x), np.arange(width) % len(y)
    return np.asarray(tile.evaluate(jnp.asarray(x[rows]), jnp.asarray(y[columns])))[
        : len(x), : len(y)
    ]


def _precision(precision: Precision) -> contextlib.AbstractContextManager[None]:
    return jax.enable_x64(precision == "float64")
