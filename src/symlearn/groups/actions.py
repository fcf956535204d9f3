"""Actions of finite groups on square images: rotations, reflections and cyclic shifts.

Each action turns seed images into orbits and knows which of its elements are exact: those that
only permute pixels. Every kernel used here is invariant under such an element, to rounding. The
other rotations interpolate, and are a symmetry of a kernel only approximately.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import gcd

import numpy as np
from jaxtyping import Float, Int

from symlearn.groups.families import cyclic, dihedral, product
from symlearn.groups.finite import FiniteGroup

Images = Float[np.ndarray, "orbit row col"]
OrbitImages = Float[np.ndarray, "orbit pose row col"]


@dataclass(frozen=True)
class Action:
    """A family of groups, indexed by n, with its action on images.

    `apply(images, n)` gives every pose of every image, poses in the order of the group's
    elements; `exact(n)` the elements that permute pixels, which form a subgroup.
    """

    group: Callable[[int], FiniteGroup]
    apply: Callable[[Images, int], OrbitImages]
    exact: Callable[[int], Int[np.ndarray, " member"]]


def rotations(images: Images, n: int) -> OrbitImages:
    """All n rotations of each image by multiples of 360 / n degrees, counter-clockwise.

    Cubic spline, zero fill, about the centre (science note 3: scipy.ndimage.rotate, order 3,
    reshape=False). Angles below a quarter turn (or below the group's smallest exact rotation)
    are interpolated; the rest are exact pixel permutations of those, which agrees with
    interpolating every angle to 1e-14.
    """
    exact = gcd(n, 4)
    base = [_rotate(images, 360.0 * i / n) for i in range(n // exact)]
    quarter_turns = [4 // exact * k for k in range(exact)]
    poses = [np.rot90(pose, turns, axes=(1, 2)) for turns in quarter_turns for pose in base]
    return np.stack(poses, axis=1)


def rotations_and_reflections(images: Images, n: int) -> OrbitImages:
    """The 2 n poses of the dihedral group: rotations r^i, then r^i s with s upside down."""
    reflected = images[:, ::-1, :]
    return np.concatenate([rotations(images, n), rotations(reflected, n)], axis=1)


def shifts(images: Images, n: int) -> OrbitImages:
    """The n cyclic shifts to the right by multiples of width / n pixels."""
    step = _whole_step(images.shape[2], n, "width")
    return np.stack([np.roll(images, step * i, axis=2) for i in range(n)], axis=1)


def shifts_2d(images: Images, n: int) -> OrbitImages:
    """The n^2 cyclic shifts down and to the right; the shift to the right runs fastest."""
    step = _whole_step(images.shape[1], n, "height")
    down = np.stack([np.roll(images, step * i, axis=1) for i in range(n)], axis=1)
    poses = [shifts(down[:, i], n) for i in range(n)]
    return np.concatenate(poses, axis=1)


def _rotate(images: Images, angle_deg: float) -> Images:
    if angle_deg == 0.0:
        return images
    import scipy.ndimage  # slow to import, and every stage imports this module

    return scipy.ndimage.rotate(images, angle_deg, axes=(1, 2), reshape=False, order=3)


def _whole_step(pixels: int, n: int, side: str) -> int:
    if pixels % n:
        raise ValueError(f"{n} cyclic shifts need a {side} divisible by {n}, not {pixels} pixels")
    return pixels // n


def _quarter_turns(n: int) -> Int[np.ndarray, " member"]:
    exact = gcd(n, 4)
    return np.arange(exact) * (n // exact)


def _quarter_turns_and_reflections(n: int) -> Int[np.ndarray, " member"]:
    turns = _quarter_turns(n)
    return np.concatenate([turns, n + turns])


ACTIONS = {
    "cyclic-rotation": Action(cyclic, rotations, _quarter_turns),
    "cyclic-shift": Action(cyclic, shifts, np.arange),
    "dihedral": Action(dihedral, rotations_and_reflections, _quarter_turns_and_reflections),
    "product-shift": Action(
        lambda n: product(cyclic(n), cyclic(n)), shifts_2d, lambda n: np.arange(n * n)
    ),
}
