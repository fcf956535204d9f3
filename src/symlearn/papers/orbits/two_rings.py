"""Two rings of points in space, the toy data of figures 2 and 3."""

import numpy as np
from jaxtyping import Float


def two_rings(n: int, separation: float) -> Float[np.ndarray, "2 pose 1 3"]:
    """Two rings of `n` points and radius 1, in planes `separation` apart.

    The second ring is turned by half a step, so that the points A0 B0 A1 B1 ... form one orbit of
    a cyclic group of order 2 n (docs/science/orbits.md#two-rings). A point is one row of three
    coordinates, so that it has the axes of an image.
    """
    pose = 2 * np.pi * np.arange(n) / n
    angle = np.stack([pose, pose + np.pi / n])
    height = np.broadcast_to([[separation / 2], [-separation / 2]], angle.shape)
    return np.stack([np.cos(angle), np.sin(angle), height], axis=-1)[:, :, None, :]
