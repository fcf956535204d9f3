"""Actions of finite groups on square images: a module for each family, found by its name.

Each action turns seed images into orbits and knows which of its elements are exact: those that
only permute pixels. Every kernel used here is invariant under such an element, to rounding. The
other rotations interpolate, and are a symmetry of a kernel only approximately.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import numpy as np
from jaxtyping import Float, Int

from symlearn.groups.finite import FiniteGroup
from symlearn.menu.lookup import module_of

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


def action_of(name: str) -> Action:
    """The action of a family by its name in the config: `ACTION` of the module of that name.

    By name, so that a result depends on the families that it uses alone.
    """
    return import_module(module_of(__name__, name)).ACTION


def whole_step(pixels: int, n: int, side: str) -> int:
    """The pixels of one of n cyclic shifts; raises ValueError where n does not divide the side."""
    if pixels % n:
        raise ValueError(f"{n} cyclic shifts need a {side} divisible by {n}, not {pixels} pixels")
    return pixels // n
