"""What lies between a network of finite width and kernel regression with the analytic kernel.

See docs/science/orbits.md#networks-over-width.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float, Int
from torch import nn

from symlearn.networks.build import build
from symlearn.networks.members import problem_of
from symlearn.networks.problems import Problem
from symlearn.networks.tangent_kernel import tangent_gram
from symlearn.networks.trained import Trained, split_inputs
from symlearn.randomness import seed_of
from symlearn.theory import exact_errors
from symlearn.theory.descent import descended

Spec = Mapping[str, Any]
Grams = Float[np.ndarray, "member point point"]


def compute(spec: Spec, inputs: list[xr.Dataset], weights: list[Path]) -> xr.Dataset:
    """Predictions of the missing pose times its label, by (width, member) or (member).

    `trained_prediction` is that of the networks. `tangent_start` and `tangent_end` are those of
    descent on their tangent kernels before and after training, `descent` that on the analytic
    kernel, all over as many steps. `limit` is kernel regression with the analytic kernel. Widths
    that are linearised alone have only `tangent_start`. With the smallest eigenvalues of the
    tangent kernels before training, and the networks' loss on their training points.
    """
    networks, (kernels, orbits) = split_inputs(inputs, weights)
    first = networks[0].spec
    problem, members = problem_of(orbits, first)
    analytic = _analytic(kernels["gram"].values, problem, members)
    labels = _labels(problem)
    widths = [_trained(one, problem, labels) for one in networks]
    widths += [_linearised(first, width, problem, members, labels) for width in spec["linearised"]]
    found = xr.concat(widths, dim="width", join="outer").assign(
        limit=("member", _regression(analytic, labels)),
        descent=("member", _descent(analytic, labels, first)),
        smallest_eigenvalue_analytic=("member", _smallest(analytic)),
    )
    return found.assign(members).assign_coords(n=kernels["n"]).assign_attrs(spec["labels"])


def _points(problem: Problem, member: int) -> Int[torch.Tensor, " point"]:
    """The points of a member's pair, the missing one last."""
    parts = (problem.train[member], problem.tests["out"][member])
    return torch.cat([part.to(torch.int64) for part in parts])


def _labels(problem: Problem) -> Float[np.ndarray, "member point"]:
    """The labels of each member's points, the missing one last."""
    rows = [problem.targets[_points(problem, member)] for member in range(problem.members)]
    return torch.stack(rows).numpy()


def _analytic(
    grams: Float[np.ndarray, "task all_points all_points"], problem: Problem, members: xr.Dataset
) -> Grams:
    """The analytic Gram matrix of each member's points, in their order."""
    tasks = members["source_task"].values - int(members["source_task"].min())
    count = grams.shape[-1]
    rows = [_points(problem, i).numpy() - task * count for i, task in enumerate(tasks)]
    return np.stack([grams[t][np.ix_(row, row)] for t, row in zip(tasks, rows, strict=True)])


def _trained(
    one: Trained, problem: Problem, labels: Float[np.ndarray, "member point"]
) -> xr.Dataset:
    """The predictions of networks of one width, and of descent on both of their kernels."""
    before, after = (one.networks(epoch, torch.float64) for epoch in (0, None))
    starts, ends = (_grams(networks, problem) for networks in (before, after))
    moved = zip(before, after, range(problem.members), strict=True)
    outputs = [_output(end, problem, i) - _output(start, problem, i) for start, end, i in moved]
    return xr.Dataset(
        {
            "trained_prediction": ("member", np.array(outputs) * labels[:, -1]),
            "tangent_start": ("member", _descent(starts, labels, one.spec)),
            "tangent_end": ("member", _descent(ends, labels, one.spec)),
            "smallest_eigenvalue": ("member", _smallest(starts)),
            "train_loss": ("member", one.history["train_loss"].isel(epoch=-1).values),
        },
        coords={"width": one.spec["network"]["width"]},
    )


def _linearised(
    spec: Spec,
    width: int,
    problem: Problem,
    members: xr.Dataset,
    labels: Float[np.ndarray, "member point"],
) -> xr.Dataset:
    """The same for the start of networks that are not trained."""
    entry = {**spec["network"], "width": width}
    columns = (members[name].values.tolist() for name in members)
    seeds = (seed_of(spec["seed"], "weights", *name) for name in zip(*columns, strict=True))
    networks = (build(entry, problem.shape, problem.outputs, seed).double() for seed in seeds)
    starts = _grams(networks, problem)
    return xr.Dataset(
        {
            "tangent_start": ("member", _descent(starts, labels, spec)),
            "smallest_eigenvalue": ("member", _smallest(starts)),
        },
        coords={"width": width},
    )


def _grams(networks: Iterable[nn.Module], problem: Problem) -> Grams:
    """The empirical tangent kernels of members on their own points, one network at a time."""
    return np.stack(
        [
            tangent_gram(network, problem.pixels[_points(problem, member)]).numpy()
            for member, network in enumerate(networks)
        ]
    )


def _output(network: nn.Module, problem: Problem, member: int) -> float:
    """A network's output at the member's missing point."""
    missing = problem.tests["out"][member].to(torch.int64)
    with torch.no_grad():
        return float(network(problem.pixels[missing]))


def _regression(
    grams: Grams, labels: Float[np.ndarray, "member point"]
) -> Float[np.ndarray, " member"]:
    """Kernel regression's predictions of the last point, times its label."""
    found = [exact_errors(gram, y, len(y) - 1)[0] for gram, y in zip(grams, labels, strict=True)]
    return 1.0 - labels[:, -1] * np.array(found)


def _descent(
    grams: Grams, labels: Float[np.ndarray, "member point"], spec: Spec
) -> Float[np.ndarray, " member"]:
    """The predictions of descent as the networks of a spec were trained, times the label."""
    recipe = spec["recipe"]
    steps = recipe["epochs"] * spec["problem"]["steps"]
    found = descended(grams, labels, steps, recipe["learning_rate"], recipe["momentum"])
    return found * labels[:, -1]


def _smallest(grams: Grams) -> Float[np.ndarray, " member"]:
    """The smallest eigenvalue of each Gram matrix of the training points."""
    return np.linalg.eigvalsh(grams[:, :-1, :-1])[:, 0]
