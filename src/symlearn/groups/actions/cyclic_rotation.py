"""Rotations of square images by multiples of 360 / n degrees."""

from math import gcd
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from symlearn.groups.actions import Action, Images, OrbitImages
from symlearn.groups.families import cyclic


def rotations(images: Images, n: int) -> OrbitImages:
    """All n rotations of each image by multiples of 360 / n degrees, counter-clockwise.

    Cubic spline, zero fill, about the centre: equal to scipy.ndimage.rotate with order 3 and
    reshape=False to 1e-14. Angles below a quarter turn (or below the group's smallest exact
    rotation) are interpolated; the rest are exact pixel permutations of those
    (docs/science/orbits.md#groups-and-their-actions). Cost: one spline filter for all angles, then
    16 multiplications for each pixel and interpolated angle.
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


def quarter_turns(n: int) -> Int[np.ndarray, " member"]:
    """The rotations that permute pixels: by multiples of a quarter turn, as far as n has them."""
    exact = gcd(n, 4)
    return np.arange(exact) * (n // exact)


def sources(height: int, width: int, angle_deg: float) -> Float[np.ndarray, "axis pixel"]:
    """Where in the image each pixel of the turned image comes from."""
    from scipy.special import cosdg, sindg

    turn = np.array([[cosdg(angle_deg), sindg(angle_deg)], [-sindg(angle_deg), cosdg(angle_deg)]])
    centre = (np.array([height, width]) - 1) / 2
    pixel = np.indices((height, width)).reshape(2, -1)
    return (centre - turn @ centre)[:, None] + turn @ pixel


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


def _rotation(height: int, width: int, angle_deg: float) -> Any:
    """The sparse matrix (pixel, pixel) that takes spline coefficients to the turned image.

    A pixel that is turned in from beyond the outermost pixels' centres is zero; the spline goes
    on beyond them as a mirror image.
    """
    from scipy.sparse import csr_array

    source = sources(height, width, angle_deg)
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


ACTION = Action(cyclic, rotations, quarter_turns, "rotations")
