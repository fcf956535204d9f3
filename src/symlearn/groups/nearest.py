"""Rotations by the nearest pixel, of whole levels: what the networks of figure 1 see."""

from math import gcd

import numpy as np
import torch
from jaxtyping import Int, UInt8

from symlearn.groups.actions.cyclic_rotation import sources
from symlearn.groups.families import cyclic
from symlearn.groups.tensors import ImageAction, PixelMaps


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


def nearest_rotation_action(n: int, shape: tuple[int, int]) -> ImageAction:
    """The n rotations by the nearest pixel, zeros outside, as `nearest_rotations`.

    A group action only up to that interpolation. Memory as of `PixelMaps`.
    """
    pixels = shape[0] * shape[1]
    basis = np.eye(pixels, dtype=np.uint8).reshape(pixels, *shape)
    moved = nearest_rotations(basis, n).reshape(n, pixels, pixels)
    matrices = np.ascontiguousarray(moved.swapaxes(1, 2), dtype=float)
    return PixelMaps(cyclic(n), shape, torch.from_numpy(matrices))


def _nearest(height: int, width: int, angle_deg: float) -> Int[np.ndarray, " pixel"]:
    """The pixel that each pixel of the turned image shows; height * width where that is none."""
    source = np.rint(sources(height, width, angle_deg)).astype(int)
    last = np.array([[height - 1], [width - 1]])
    inside = np.logical_and.reduce((source >= 0) & (source <= last))
    return np.where(inside, source[0] * width + source[1], height * width)
