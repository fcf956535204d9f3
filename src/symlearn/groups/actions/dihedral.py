"""Rotations of square images, and reflections."""

import numpy as np
from jaxtyping import Int

from symlearn.groups.actions import Action, Images, OrbitImages
from symlearn.groups.actions.cyclic_rotation import quarter_turns, rotations
from symlearn.groups.families import dihedral


def rotations_and_reflections(images: Images, n: int) -> OrbitImages:
    """The 2 n poses of the dihedral group: rotations r^i, then r^i s with s upside down."""
    reflected = images[:, ::-1, :]
    return np.concatenate([rotations(images, n), rotations(reflected, n)], axis=1)


def _quarter_turns_and_reflections(n: int) -> Int[np.ndarray, " member"]:
    turns = quarter_turns(n)
    return np.concatenate([turns, n + turns])


ACTION = Action(
    dihedral,
    rotations_and_reflections,
    _quarter_turns_and_reflections,
    "rotations and reflections",
)
