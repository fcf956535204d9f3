"""Cyclic shifts of images down and to the right."""

import numpy as np

from symlearn.groups.actions import Action, Images, OrbitImages, whole_step
from symlearn.groups.actions.cyclic_shift import shifts
from symlearn.groups.families import cyclic, product


def shifts_2d(images: Images, n: int) -> OrbitImages:
    """The n^2 cyclic shifts down and to the right; the shift to the right runs fastest."""
    step = whole_step(images.shape[1], n, "height")
    down = np.stack([np.roll(images, step * i, axis=1) for i in range(n)], axis=1)
    poses = [shifts(down[:, i], n) for i in range(n)]
    return np.concatenate(poses, axis=1)


ACTION = Action(
    lambda n: product(cyclic(n), cyclic(n)),
    shifts_2d,
    lambda n: np.arange(n * n),
    "cyclic shifts along both axes",
)
