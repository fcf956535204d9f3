"""Cyclic shifts of images to the right."""

import numpy as np

from symlearn.groups.actions import Action, Images, OrbitImages, whole_step
from symlearn.groups.families import cyclic


def shifts(images: Images, n: int) -> OrbitImages:
    """The n cyclic shifts to the right by multiples of width / n pixels."""
    step = whole_step(images.shape[2], n, "width")
    return np.stack([np.roll(images, step * i, axis=2) for i in range(n)], axis=1)


ACTION = Action(cyclic, shifts, np.arange, "cyclic horizontal shifts")
