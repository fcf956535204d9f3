"""What lies between a network of finite width and kernel regression with the analytic kernel.

See docs/science/orbits.md#networks-over-width.
"""

from collections.abc import Iterable, Iterator, Mapping
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
    widths = [_at_width(first, w, problem, members, labels) for w in spec["linearised"]]
    for one in networks:
        start = _at_width(first, one.spec["network"]["width"], problem, members, labels)
        widths.append(start.assign(_trained(one, first, problem, members, labels)))
    found = xr.concat(widths, dim="width", join="outer").assign(
        limit=("member", _regression(analytic, labels)),
        descent=("member", _descent(analytic, labels, first)),
        smallest_eigenvalue_analytic=("member", _smallest(analytic)),
    )
    found = found.sortby("width").assign(members).assign_coords(n=kernels["n"])
    return found.assign_attrs(spec["labels"])


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
    one: Trained,
    spec: Spec,
    problem: Problem,
    members: xr.Dataset,
    labels: Float[np.ndarray, "member point"],
) -> dict[str, Any]:
    """The predictions of trained networks, and of descent on their kernels after training."""
    before = _starts(spec, one.spec["network"]["width"], problem, members)
    after = one.networks(dtype=torch.float64)
    moved = zip(before, after, range(problem.members), strict=True)
    outputs = [_output(end, problem, i) - _output(start, problem, i) for start, end, i in moved]
    return {
        "trained_prediction": ("member", np.array(outputs) * labels[:, -1]),
        "tangent_end": ("member", _descent(_grams(after, problem), labels, one.spec)),
        "train_loss": ("member", one.history["train_loss"].isel(epoch=-1).values),
    }


def _at_width(
    spec: Spec,
    width: int,
    problem: Problem,
    members: xr.Dataset,
    labels: Float[np.ndarray, "member point"],
) -> xr.Dataset:
    """The predictions of networks of one width that are linearised at their start."""
    starts = _grams(_starts(spec, width, problem, members), problem)
    return xr.Dataset(
        {
            "tangent_start": ("member", _descent(starts, labels, spec)),
            "smallest_eigenvalue": ("member", _smallest(starts)),
        },
        coords={"width": width},
    )


def _starts(spec: Spec, width: int, problem: Problem, members: xr.Dataset) -> Iterator[nn.Module]:
    """The members' networks as their training starts, at a width, one after the other."""
    entry = {**spec["network"], "width": width}
    columns = (members[name].values.tolist() for name in members)
    for name in zip(*columns, strict=True):
        seed = seed_of(spec["seed"], "weights", *name)
        yield build(entry, problem.shape, problem.outputs, seed).double()


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
