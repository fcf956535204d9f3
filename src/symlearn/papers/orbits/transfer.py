"""What trained networks make of a missing pose, by what they learned from.

See docs/science/orbits.md#networks-without-labels.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float, Int
from torch import nn

from symlearn.networks.members import problem_of
from symlearn.networks.problems import Problem
from symlearn.networks.trained import Trained, split_inputs
from symlearn.networks.views import OfViews
from symlearn.papers.orbits.representations import probe
from symlearn.papers.orbits.single_orbits import points_of_members

_MEASURES = ("wrong", "wrong_seen", "deviation", "deviation_seen", "retrieved")


def compute(spec: Mapping[str, Any], inputs: list[xr.Dataset], weights: list[Path]) -> xr.Dataset:
    """Wrong poses and deviations (learned_from, task, orbit) of networks, one for each orbit."""
    networks, (orbits,) = split_inputs(inputs, weights)
    found = [_measured(one, orbits) for one in networks]
    ways = [one.labels["learned_from"] for one in networks]
    result = xr.concat(found, dim="learned_from").assign_coords(learned_from=ways)
    return result.assign_coords(n=orbits["n"]).assign_attrs(spec["labels"])


def _measured(trained: Trained, orbits: xr.Dataset) -> xr.Dataset:
    problem, members = problem_of(orbits, trained.spec)
    tasks = orbits.sizes["task"]
    rows = []
    for network, points in zip(
        trained.networks(dtype=torch.float64),
        points_of_members(orbits, trained.spec),
        strict=True,
    ):
        rows.append(_one(network, problem, *points))
    values = np.array(rows).reshape(tasks, -1, len(_MEASURES))
    result = {name: (("task", "orbit"), values[..., i]) for i, name in enumerate(_MEASURES)}
    result["missing_class"] = (
        ("task", "orbit"),
        members["missing_orbit"].values.reshape(tasks, -1),
    )
    return xr.Dataset(result)


def _one(
    network: nn.Module,
    problem: Problem,
    points: Int[np.ndarray, "orbit pose"],
    labelled: Int[np.ndarray, "labelled pose"],
    missing: int,
) -> list[float]:
    """The measures of one network, in the order of `_MEASURES`."""
    features = _features(network, problem, points)
    classes = np.repeat(np.arange(len(labelled)), labelled.shape[1])
    seen, hole = labelled.ravel() != missing, int(np.flatnonzero(labelled.ravel() == missing)[0])
    of_labelled = features[: len(labelled)].reshape(len(classes), -1)
    if isinstance(network, OfViews):
        right = probe(of_labelled, classes, seen) == classes
    else:
        right = of_labelled.argmax(axis=1) == classes
    return [float(not right[hole]), float((~right[seen]).mean()), *off(features, points == missing)]


def _features(
    network: nn.Module, problem: Problem, points: Int[np.ndarray, "orbit pose"]
) -> Float[np.ndarray, "orbit pose feature"]:
    """The outputs of a network, or of what learned from views."""
    inner = network.network if isinstance(network, OfViews) else network
    images = problem.pixels[torch.from_numpy(points.ravel())].double()
    with torch.no_grad():
        return inner(problem.seen(images[None])[0]).numpy().reshape(*points.shape, -1)


def off(
    features: Float[np.ndarray, "orbit pose feature"], hole: np.ndarray
) -> tuple[float, float, float]:
    """How far the missing pose is off, and the seen ones; whether its nearest orbit is its own.

    Distances from the mean of the partial orbit's seen poses, of seen ones in root mean square,
    over the root mean square distance of the other orbits' means from it.
    """
    partial = int(np.flatnonzero(hole.any(axis=1))[0])
    missing, seen = features[hole][0], features[partial][~hole[partial]]
    means = features.mean(axis=1)
    means[partial] = seen.mean(axis=0)
    between = np.sqrt((np.delete(means - means[partial], partial, axis=0) ** 2).sum(axis=1).mean())
    own = np.linalg.norm(missing - means[partial])
    spread = np.sqrt(((seen - means[partial]) ** 2).sum(axis=1).mean())
    nearest = np.linalg.norm(means - missing, axis=1).argmin()
    return float(own / between), float(spread / between), float(nearest == partial)
