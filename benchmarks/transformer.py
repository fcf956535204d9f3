"""The transformer's kernel against jitted neural-tangents, and one row against the whole matrix."""

import jax
import numpy as np
from common import blobs, machine, seconds

from symlearn.datasets.orbits import rotation_orbits
from symlearn.groups import cyclic
from symlearn.kernels import first_rows, gram
from symlearn.kernels.infinite_width import neural_tangents_kernel
from symlearn.kernels.of_orbits import exact_symmetries
from symlearn.menu.layers import layers_of
from symlearn.theory import one_row_errors, orbit_block_errors

ARCHITECTURE = "transformer-7"
POINTS = 48
POSES = 64


def main() -> None:
    """Print the ratios and how equal the results are."""
    print(machine())
    images = np.random.default_rng(0).random((POINTS, 28, 28))
    gram(ARCHITECTURE, images[:8])  # compiled once
    ours, found = seconds(lambda: gram(ARCHITECTURE, images))
    theirs, expected = neural_tangents(images)
    off = np.abs(found - expected).max() / np.abs(expected).max()
    print(f"{ARCHITECTURE}, {POINTS} images: {ours / POINTS**2 * 2e6:.0f} microseconds an entry")
    print(
        f"{theirs / ours:.0f} times faster than neural-tangents, whole matrix; equal to {off:.0e}"
    )
    for architecture in ("mlp-1", "cnn-fc-3", ARCHITECTURE):
        one_row(architecture)


def neural_tangents(images: np.ndarray) -> tuple[float, np.ndarray]:
    """The time of the whole matrix in tiles of 16 and of 48 a side, whichever is faster."""
    kernel = jax.jit(neural_tangents_kernel(layers_of(ARCHITECTURE), "ntk"))

    def whole(size: int) -> np.ndarray:
        parts = [jax.numpy.asarray(part) for part in np.split(images, POINTS // size)]
        rows = [np.concatenate([np.asarray(kernel(a, b)) for b in parts], axis=1) for a in parts]
        return np.concatenate(rows)

    with jax.enable_x64(True):
        for size in (16, POINTS):
            kernel(images[:size], images[:size]).block_until_ready()  # compiled once
        found = [seconds(lambda size=size: whole(size)) for size in (16, POINTS)]
    return min(time for time, _ in found), found[-1][1]


def one_row(architecture: str) -> None:
    """A pair of orbits: kernel and error, from one row and from the whole matrix."""
    orbits = rotation_orbits(blobs(2), POSES)
    points = orbits.reshape(-1, 28, 28)
    symmetries = exact_symmetries("cyclic-rotation", POSES, 2)
    group, labels = cyclic(POSES), [1.0, -1.0]

    def by_row() -> np.ndarray:
        return one_row_errors(first_rows(architecture, orbits), group, labels)

    def by_matrix() -> np.ndarray:
        return orbit_block_errors(
            gram(architecture, points, symmetries=symmetries), 2, group, labels
        )

    by_row(), by_matrix()  # compiled once
    (fast, row), (slow, whole) = seconds(by_row), seconds(by_matrix)
    print(
        f"{architecture}, a pair of {POSES} poses: one row {fast * 1e3:.1f} ms, the whole matrix "
        f"{slow / fast:.0f} times that; errors differ by {np.abs(row - whole).max():.1e}"
    )


if __name__ == "__main__":
    main()
