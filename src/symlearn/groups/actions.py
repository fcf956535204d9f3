"""Actions of finite groups on square images: rotations, reflections and cyclic shifts.

Each action turns seed images into orbits and knows which of its elements are exact: those that
only permute pixels. Every kernel used here is invariant under such an element, to rounding. The
other rotations interpolate, and are a symmetry of a kernel only approximately.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import gcd
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from symlearn.groups.families import cyclic, dihedral, product
from symlearn.groups.finite import FiniteGroup

Images = Float[np.ndarray, "orbit row col"]
OrbitImages = Float[np.ndarray, "orbit pose row col"]


@dataclass(frozen=True)
class Action:
    """A family of groups, indexed by n, with its action on images.

    `apply(images, n)` gives every pose of every image, poses in the order of the group's
    elements; `exact(n)` the elements that permute pixels, which form a subgroup. `moves` is what
    the elements do, for captions and axes.
    """

    group: Callable[[int], FiniteGroup]
    apply: Callable[[Images, int], OrbitImages]
    exact: Callable[[int], Int[np.ndarray, " member"]]
    moves: str


def rotations(images: Images, n: int) -> OrbitImages:
    """All n rotations of each image by multiples of 360 / n degrees, counter-clockwise.

    Cubic spline, zero fill, about the centre (science note 3): equal to scipy.ndimage.rotate with
    order 3 and reshape=False to 1e-14. Angles below a quarter turn (or below the group's smallest
    exact rotation) are interpolated; the rest are exact pixel permutations of those. One spline
    filter for all angles, then 16 multiplications for each pixel and interpolated angle.
    """
    exact = gcd(n, 4)
    count = n // exact
    poses = np.empty((len(images), n, *images.shape[1:]))
    poses[:, 0] = images
    _interpolate(images, 360.0 / n * np.arange(1, count), poses[:, 1:count])
    for k in range(1, exact):
        turned = np.rot90(poses[:, :count], 4 // exact * k, axes=(2, 3))
        poses[:, k * count : (k + 1) * count] = turned
    return poses


def nearest_rotations(
    images: UInt8[np.ndarray, "image row col"], n: int
) -> UInt8[np.ndarray, "pose image row col"]:
    """All n rotations of each image, as `rotations`, by the nearest pixel: levels stay levels.

    n bytes for each pixel of the images.
    """
    exact = gcd(n, 4)
    count = n // exact
    poses = np.empty((n, *images.shape), dtype=np.uint8)
    flat = np.pad(images.reshape(len(images), -1), ((0, 0), (0, 1)))  # one empty pixel
    for i in range(count):
        source = _nearest(images.shape[1], images.shape[2], 360.0 / n * i)
        poses[i] = flat[:, source].reshape(images.shape)
    for k in range(1, exact):
        poses[k * count : (k + 1) * count] = np.rot90(poses[:count], 4 // exact * k, axes=(2, 3))
    return poses


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


def _interpolate(images: Images, angles: Float[np.ndarray, " angle"], poses: OrbitImages) -> None:
    """Fill `poses` with the images turned by each angle (degrees).

    Each image's pixels do not depend on which others it comes with, to the last bit.
    """
    count, height, width = images.shape
    splines = _spline_filter(height) @ images.astype(float) @ _spline_filter(width).T
    columns = np.ascontiguousarray(splines.reshape(count, -1).T)
    for i, angle in enumerate(angles):
        turned = _rotation(height, width, float(angle)) @ columns
        poses[:, i] = turned.T.reshape(images.shape)


def _spline_filter(pixels: int) -> Float[np.ndarray, "coefficient pixel"]:
    """The matrix that takes a row of pixels to the coefficients of its cubic spline."""
    import scipy.ndimage  # slow to import, and every stage imports this module

    return scipy.ndimage.spline_filter1d(np.eye(pixels), order=3, axis=0)


def _nearest(height: int, width: int, angle_deg: float) -> Int[np.ndarray, " pixel"]:
    """The pixel that each pixel of the turned image shows; height * width where that is none."""
    source = np.rint(_sources(height, width, angle_deg)).astype(int)
    last = np.array([[height - 1], [width - 1]])
    inside = np.logical_and.reduce((source >= 0) & (source <= last))
    return np.where(inside, source[0] * width + source[1], height * width)


def _sources(height: int, width: int, angle_deg: float) -> Float[np.ndarray, "axis pixel"]:
    """Where in the image each pixel of the turned image comes from."""
    from scipy.special import cosdg, sindg

    turn = np.array([[cosdg(angle_deg), sindg(angle_deg)], [-sindg(angle_deg), cosdg(angle_deg)]])
    centre = (np.array([height, width]) - 1) / 2
    pixel = np.indices((height, width)).reshape(2, -1)
    return (centre - turn @ centre)[:, None] + turn @ pixel


def _rotation(height: int, width: int, angle_deg: float) -> Any:
    """The sparse matrix (pixel, pixel) that takes spline coefficients to the turned image.

    A pixel that is turned in from beyond the outermost pixels' centres is zero; the spline goes
    on beyond them as a mirror image.
    """
    from scipy.sparse import csr_array

    source = _sources(height, width, angle_deg)
    last = np.array([[height - 1], [width - 1]])
    inside = np.logical_and.reduce((source >= 0) & (source <= last))
    start = np.floor(source).astype(int)
    weights = _cubic_spline(source - start)  # (axis, pixel, 4)
    taps = np.abs(start[..., None] + np.arange(-1, 3))
    taps = last[..., None] - np.abs(last[..., None] - taps)  # mirrored at both ends
    values = weights[0][:, :, None] * weights[1][:, None, :] * inside[:, None, None]
    where = taps[0][:, :, None] * width + taps[1][:, None, :]
    rows = np.arange(0, values.size + 1, 16)
    return csr_array((values.ravel(), where.ravel(), rows), shape=(height * width,) * 2)


def _cubic_spline(t: Float[np.ndarray, "axis pixel"]) -> Float[np.ndarray, "axis pixel 4"]:
    """The weights of the coefficients at -1, 0, 1 and 2 for a value at 0 <= t < 1."""
    s = 1 - t
    inner = [(4 - 6 * u**2 + 3 * u**3) / 6 for u in (t, s)]
    return np.stack([s**3 / 6, *inner, t**3 / 6], axis=-1)


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
    "cyclic-rotation": Action(cyclic, rotations, _quarter_turns, "rotations"),
    "cyclic-shift": Action(cyclic, shifts, np.arange, "cyclic horizontal shifts"),
    "dihedral": Action(
        dihedral,
        rotations_and_reflections,
        _quarter_turns_and_reflections,
        "rotations and reflections",
    ),
    "product-shift": Action(
        lambda n: product(cyclic(n), cyclic(n)),
        shifts_2d,
        lambda n: np.arange(n * n),
        "cyclic shifts along both axes",
    ),
}
