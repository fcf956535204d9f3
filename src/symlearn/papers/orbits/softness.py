"""Soft equivariance: errors between a network that is augmented and one whose weights are tied.

See docs/science/orbits.md#soft-equivariance.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from torch import nn

from symlearn.groups import Subgroup, action_of
from symlearn.networks.build import build
from symlearn.randomness import seed_of
from symlearn.theory import (
    average_over_subgroup,
    averaged_errors,
    exact_errors_by_pose,
    softened,
    solve_grams,
)

Grams = Float[np.ndarray, "task point point"]

_LABELS = np.array([1.0, -1.0])


def compute(spec: Mapping[str, Any], inputs: list[xr.Dataset]) -> xr.Dataset:
    """Errors (share, task, orbit) at pose 0: by dense algebra, in closed form, and of networks.

    The networks are of finite width and linearised at their start, for the first tasks only; those
    of other tasks are NaN.
    """
    kernels, orbits = inputs
    group = action_of(spec["group"]).group(int(kernels["n"]))
    grams, pixels = kernels["gram"].values, orbits["pixels"].values[: spec["networks"]]
    averages = average_over_subgroup(grams, 2, Subgroup.whole(group))
    fully = tied(grams)
    made = [_starts(spec, kind, pixels) for kind in ("network", "tied")]
    errors: dict[str, list[np.ndarray]] = {"exact": [], "predicted": [], "networks": []}
    for share in spec["shares"]:
        networks = np.full((len(grams), 2), np.nan)
        networks[: len(pixels)] = _exact((1 - share) * made[0] + share * made[1])
        errors["exact"].append(_exact((1 - share) * grams + share * fully))
        errors["predicted"].append(averaged_errors(softened(averages, share), group, _LABELS))
        errors["networks"].append(networks)
    result = {
        f"softened_{name}": (("share", "task", "orbit"), np.stack(values) * _LABELS)
        for name, values in errors.items()
    }
    coordinates = {"share": spec["shares"], "n": kernels["n"]}
    return xr.Dataset(result, coords=coordinates).assign_attrs(spec["labels"])


def _starts(
    spec: Mapping[str, Any], kind: str, pixels: Float[np.ndarray, "task orbit pose row col"]
) -> Grams:
    """The tangent kernels of networks of one kind, one for each task."""
    tasks, orbits, poses = pixels.shape[:3]
    grams = np.empty((tasks, orbits * poses, orbits * poses))
    for task, points in enumerate(pixels):
        seed = seed_of(spec["seed"], "softness", kind, spec["first_task"] + task)
        grams[task] = tangents(spec[kind], points, seed)
    return grams


def tied(grams: Grams) -> Grams:
    """The average <k(x, g y)>_g of kernels of two orbits: its columns are constant on orbits."""
    columns = grams.reshape(*grams.shape[:-1], 2, -1)
    return np.broadcast_to(columns.mean(axis=-1, keepdims=True), columns.shape).reshape(grams.shape)


def _exact(grams: Grams) -> Float[np.ndarray, "task orbit"]:
    """Residuals at pose 0."""
    if not len(grams):
        return np.empty((0, 2))
    return exact_errors_by_pose(solve_grams(grams, np.zeros(len(grams))), _LABELS[:, None])[
        ..., 0, 0
    ]


def tangents(
    entry: Mapping[str, Any], pixels: Float[np.ndarray, "orbit pose row col"], seed: int
) -> Float[np.ndarray, "point point"]:
    """The empirical tangent kernel of a network at its start, between all poses of two orbits."""
    rows, cols = pixels.shape[-2:]
    network = build(entry, (1, rows, cols), 1, seed).double()
    points = torch.from_numpy(pixels.reshape(-1, 1, rows, cols))
    gradients = torch.stack([_gradient(network, point) for point in points])
    return (gradients @ gradients.T).numpy()


def _gradient(
    network: nn.Module, point: Float[torch.Tensor, "1 row col"]
) -> Float[torch.Tensor, " weight"]:
    """The gradient of a network's only output at one point by all of its weights."""
    output = network(point[None])[0, 0]
    return torch.cat(
        [one.flatten() for one in torch.autograd.grad(output, list(network.parameters()))]
    )
