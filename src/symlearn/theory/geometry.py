"""The geometry of two orbits, in the space of images and in that of a kernel.

Images have shape (..., orbit, pose, row, col) with two orbits; leading axes are a batch. The
definitions are in docs/science/orbits.md#geometry-of-orbits.
"""

import numpy as np
from jaxtyping import Float

OrbitPair = Float[np.ndarray, "*batch 2 pose row col"]
Scalars = Float[np.ndarray, "*batch"] | np.float64


def centre_distance_squared(images: OrbitPair) -> Scalars:
    """Squared distance of the two orbits' centres (the paper's Delta^2)."""
    centres = images.mean(axis=-3)
    return ((centres[..., 0, :, :] - centres[..., 1, :, :]) ** 2).sum(axis=(-2, -1))


def orbit_radius(images: OrbitPair) -> Scalars:
    """Root mean square distance of the poses from their orbit's centre, mean of both orbits."""
    offset = images - images.mean(axis=-3, keepdims=True)
    return np.sqrt((offset**2).sum(axis=(-2, -1)).mean(axis=-1)).mean(axis=-1)


def adjacent_distance(images: OrbitPair) -> Scalars:
    """Mean distance between poses that follow each other round the orbit.

    Its inverse estimates how densely the orbit is sampled
    (docs/science/orbits.md#the-mean-reciprocal-eigenvalue).
    """
    step = images - np.roll(images, 1, axis=-3)
    return np.sqrt((step**2).sum(axis=(-2, -1))).mean(axis=(-2, -1))


def class_separation(gram: Float[np.ndarray, "*batch point point"]) -> Scalars:
    """lambda_N from the classes' means: N/2 times their squared distance in the kernel's space.

    Points are ordered (orbit, pose), two orbits of N poses. This holds for any kernel
    (docs/science/orbits.md#the-label-eigenvalue).
    """
    poses = gram.shape[-1] // 2
    blocks = gram.reshape(*gram.shape[:-2], 2, poses, 2, poses).mean(axis=(-3, -1))
    return 0.5 * poses * (blocks[..., 0, 0] + blocks[..., 1, 1] - 2 * blocks[..., 0, 1])
