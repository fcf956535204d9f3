"""The CNN-GAP Gram matrix against jitted neural-tangents, both on all threads of this job."""

import resource
import time

import jax
import numpy as np
from common import blobs, machine, seconds

from symlearn.datasets.orbits import normalise, rotation_orbits
from symlearn.kernels import gram
from symlearn.kernels.infinite_width import neural_tangents_kernel
from symlearn.kernels.of_orbits import exact_symmetries
from symlearn.menu.layers import layers_of
from symlearn.threads import in_threads

ARCHITECTURE = "cnn-gap-3"
POINTS = 32
# How neural-tangents is given the work (side of a tile, whether threads share tiles); the fastest
# counts.
WAYS = ((1, True), (2, True), (1, False), (2, False), (4, False))


def main() -> None:
    """Print both ratios, the errors and the peak memory."""
    print(machine())
    random = normalise(np.random.default_rng(0).random((POINTS, 28, 28)))
    orbits = rotation_orbits(blobs(2), POINTS // 2).reshape(POINTS, 28, 28)
    symmetries = exact_symmetries("cyclic-rotation", POINTS // 2, orbits=2)
    gram(ARCHITECTURE, random[:8])  # compiled once
    plain, on_random = seconds(lambda: gram(ARCHITECTURE, random))
    moved, on_orbits = seconds(lambda: gram(ARCHITECTURE, orbits, symmetries=symmetries))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    for name, images, found in (("random", random, on_random), ("orbits", orbits, on_orbits)):
        error = max(abs(found[i, j] / careful(images[i], images[j]) - 1) for i, j in SAMPLE)
        print(f"{name}: relative error against a careful dense evaluation {error:.1e}")
    theirs = min(neural_tangents_seconds(random, size, split) for size, split in WAYS)
    print(f"arbitrary images: {plain:.3f} s, {theirs / plain:.0f} times faster")
    print(f"rotation orbits: {moved:.3f} s, {theirs / moved:.0f} times faster")
    print(f"peak memory: {peak:.2f} GiB")


SAMPLE = [(0, 0), (0, 1), (1, 17), (3, 30), (16, 31), (31, 31)]


def neural_tangents_seconds(images: np.ndarray, size: int, by_tile: bool) -> float:
    """The time of the whole cross kernel in tiles of a side that fits into the memory.

    The threads share either each operation, as jax has it, or the tiles, as this project does.
    """
    options = {"xla_cpu_multi_thread_eigen": not by_tile}
    kernel = jax.jit(
        neural_tangents_kernel(layers_of(ARCHITECTURE), "ntk"), compiler_options=options
    )
    parts = np.split(images, len(images) // size)
    tiles = [(first, second) for first in parts for second in parts]

    def evaluate(tile: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        with jax.enable_x64(True):
            return np.asarray(kernel(*tile))

    evaluate(tiles[0])
    start = time.perf_counter()
    list(in_threads(evaluate, tiles) if by_tile else map(evaluate, tiles))
    elapsed = time.perf_counter() - start
    shared = "tiles" if by_tile else "operations"
    print(f"neural-tangents, {size} x {size} tiles, threads share {shared}: {elapsed:.1f} s")
    return elapsed


def careful(x: np.ndarray, y: np.ndarray) -> float:
    """One entry with an angle that keeps its digits (docs/science/orbits.md#one-convolution)."""
    p, q = patches(x), patches(y)
    p_norm, q_norm = np.linalg.norm(p, axis=-1), np.linalg.norm(q, axis=-1)
    u = (p / np.where(p_norm > 0, p_norm, 1.0)[:, None])[:, None]
    v = (q / np.where(q_norm > 0, q_norm, 1.0)[:, None])[None, :]
    angle = 2 * np.arctan2(np.linalg.norm(u - v, axis=-1), np.linalg.norm(u + v, axis=-1))
    dual = (np.sin(angle) + 2 * (np.pi - angle) * np.cos(angle)) / (2 * np.pi)
    return float((np.outer(p_norm, q_norm) * dual).mean() / 9)


def patches(image: np.ndarray) -> np.ndarray:
    """The circular 3 x 3 patches, axes (pixel, k)."""
    moves = [np.roll(image, (down, right), (0, 1)) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return np.stack(moves, axis=-1).reshape(-1, 9)


if __name__ == "__main__":
    main()
