"""The stage that computes the Gram matrices of all tasks of a set of orbits."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Int

from symlearn.groups import ACTIONS
from symlearn.kernels import gram
from symlearn.progress import progress
from symlearn.stage import run_stage, stage_parser


def compute(spec: Mapping[str, Any], inputs: list[xr.Dataset]) -> xr.Dataset:
    """Gram matrices (task, point, other), points ordered (orbit, pose)."""
    (orbits,) = inputs
    pixels = orbits["pixels"].values
    tasks, orbit_count, poses, height, width = pixels.shape
    symmetries = exact_symmetries(orbits.attrs["group"], int(orbits["n"]), orbit_count)
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
        attrs={"group": orbits.attrs["group"]},
    )


def exact_symmetries(group: str, n: int, orbits: int) -> Int[np.ndarray, "element point"]:
    """Where each exact element of the action moves each point, points ordered (orbit, pose)."""
    action = ACTIONS[group]
    table = action.group(n).table[action.exact(n)]  # (element, pose): h g
    poses = table.shape[1]
    start = np.arange(orbits)[None, :, None] * poses
    return (start + table[:, None, :]).reshape(len(table), orbits * poses)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns its exit status."""
    parser = stage_parser("kernels", "Compute the Gram matrices of infinite-width networks.")
    return run_stage("kernels", parser.parse_args(argv), compute)


if __name__ == "__main__":
    sys.exit(main())
