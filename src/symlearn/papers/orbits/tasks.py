"""What the studies of several orbits share: each task's Gram matrix with its orbits' classes."""

from collections.abc import Callable

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from symlearn.groups import FiniteGroup, action_of

# From a task's Gram matrix, the class of each orbit (0, 1, ... in the order of labels) and the
# group, to the task's numbers.
OneTask = Callable[
    [Float[np.ndarray, "point point"], Int[np.ndarray, " orbit"], FiniteGroup], xr.Dataset
]


def by_task(kernels: xr.Dataset, group: str, one: OneTask) -> xr.Dataset:
    """`one` for each task of a kernel's dataset, along `task`; `group` is the family's name."""
    acting = action_of(group).group(int(kernels["n"]))
    grams, classes = kernels["gram"].values, kernels["class_"].values
    tasks = [
        one(gram, np.unique(labels, return_inverse=True)[1], acting)
        for gram, labels in zip(grams, classes, strict=True)
    ]
    return xr.concat(tasks, dim="task").assign_coords(n=kernels["n"])
