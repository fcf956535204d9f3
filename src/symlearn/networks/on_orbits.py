"""Problems on the orbits that the kernels see too: pairs of orbits, and ten classes."""

from collections.abc import Mapping
from math import sqrt
from typing import Any

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float

from symlearn.networks.problems import Problem


def pairs(orbits: xr.Dataset, spec: Mapping[str, Any]) -> Problem:
    """One network for each (task, orbit whose first pose is missing, seed): labels +1 and -1.

    Full batches, square loss, as the regression that the kernels do.
    """
    pixels = orbits["pixels"].values
    tasks, _, poses = pixels.shape[:3]
    if spec["problem"]["in_coordinates"]:
        points = coordinates(pixels.reshape(tasks, 2 * poses, -1))
    else:
        points = pixels.reshape(-1, 1, *pixels.shape[3:])
    members = _members(range(tasks), spec)
    kept = [
        task * 2 * poses + np.delete(np.arange(2 * poses), orbit * poses)
        for task, orbit, _ in members
    ]
    missing = [[task * 2 * poses + orbit * poses] for task, orbit, _ in members]
    train = [torch.from_numpy(points) for points in kept]
    return Problem(
        pixels=torch.from_numpy(points),
        scale=None,
        targets=torch.tensor([1.0, -1.0], dtype=torch.float64)
        .repeat_interleave(poses)
        .repeat(tasks),
        train=train,
        tests={"train": train, "out": [torch.tensor(point) for point in missing]},
        loss="square",
        outputs=1,
        batch=2 * poses - 1,
        steps=spec["problem"]["steps"],
    )


def pairs_members(orbits: xr.Dataset, spec: Mapping[str, Any]) -> xr.Dataset:
    """What the members of `pairs` are, along `member`; tasks by their numbers in the study."""
    first = spec["problem"]["first_task"]
    numbers = range(first, first + orbits.sizes["task"])
    tasks, missing, seeds = np.array(_members(numbers, spec)).T
    return xr.Dataset(
        {
            "source_task": ("member", tasks),
            "missing_orbit": ("member", missing),
            "seed": ("member", seeds),
        }
    )


def _members(tasks: range, spec: Mapping[str, Any]) -> list[tuple[int, int, int]]:
    seeds = range(spec["problem"]["seeds"])
    return [(task, orbit, seed) for task in tasks for orbit in range(2) for seed in seeds]


def coordinates(
    points: Float[np.ndarray, "task point pixel"],
) -> Float[np.ndarray, "all_points 1 1 axis"]:
    """Points in an orthonormal basis of their task's span, for dense first layers.

    Gradient descent moves first-layer weights within that span, and Gaussian weights look the
    same in every basis: the network that sees these few numbers has the law of the one that sees
    the pixels. The factor keeps the first layer's 1 / sqrt(fan-in) that of the pixels.
    """
    tasks, count, pixels = points.shape
    left, singular, _ = np.linalg.svd(points, full_matrices=False)
    axes = left * singular[:, None, :] * sqrt(singular.shape[1] / pixels)
    return axes.reshape(tasks * count, 1, 1, -1)


def classes(orbits: xr.Dataset, spec: Mapping[str, Any]) -> Problem:
    """One network for each class: the first poses of all its seeds are missing from training."""
    pixels = orbits["pixels"].values[0]
    labels = orbits["class_"].values[0]
    count, poses = pixels.shape[:2]
    points = np.arange(count * poses).reshape(count, poses)
    missing = [points[labels == left_out, 0] for left_out in spec["problem"]["left_out"]]
    train = [torch.from_numpy(np.setdiff1d(points, out)) for out in missing]
    shortest = count * poses - int(np.bincount(labels).max())
    batch = min(spec["recipe"]["batch"], shortest)
    return Problem(
        pixels=torch.from_numpy(pixels.reshape(-1, 1, *pixels.shape[2:])),
        scale=None,
        targets=torch.from_numpy(labels).repeat_interleave(poses),
        train=train,
        tests={"train": train, "out": [torch.from_numpy(out) for out in missing]},
        loss="cross-entropy",
        outputs=int(labels.max()) + 1,
        batch=batch,
        steps=shortest // batch,
    )


def classes_members(orbits: xr.Dataset, spec: Mapping[str, Any]) -> xr.Dataset:
    """What the members of `classes` are, along `member`."""
    left_out = np.array(spec["problem"]["left_out"])
    return xr.Dataset(
        {"left_out": ("member", left_out), "seed": ("member", np.zeros_like(left_out))}
    )
