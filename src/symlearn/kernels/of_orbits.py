"""The Gram matrices of all tasks of a set of orbits."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Int

from symlearn.groups import action_of
from symlearn.kernels.blocks import gram
from symlearn.progress import progress


def grams_of_orbits(orbits: xr.Dataset, spec: Mapping[str, Any]) -> xr.Dataset:
    """Gram matrices (task, point, other), points ordered (orbit, pose).

    `spec` has the `architecture`, the `kind` of its kernel, the `precision`, and the `group`.
    """
    pixels = orbits["pixels"].values
    tasks, orbit_count, poses, height, width = pixels.shape
    symmetries = exact_symmetries(spec["group"], int(orbits["n"]), orbit_count)
    matrices = [
        gram(
            spec["architecture"],
            task.reshape(orbit_count * poses, height, width),
            kind=spec["kind"],
            precision=spec["precision"],
            symmetries=symmetries,
            quiet=tasks > 1,
        )
        for task in progress(list(pixels), "Gram matrices", quiet=tasks == 1)
    ]
    return xr.Dataset(
        {
            "gram": (("task", "point", "other"), np.stack(matrices)),
            "class_": orbits["class_"],
            "source_image": orbits["source_image"],
        },
        coords={"n": orbits["n"]},
        attrs={"group": spec["group"]},
    )


def exact_symmetries(group: str, n: int, orbits: int) -> Int[np.ndarray, "element point"]:
    """Where each exact element of the action moves each point, points ordered (orbit, pose)."""
    action = action_of(group)
    table = action.group(n).table[action.exact(n)]  # (element, pose): h g
    poses = table.shape[1]
    start = np.arange(orbits)[None, :, None] * poses
    return (start + table[:, None, :]).reshape(len(table), orbits * poses)
