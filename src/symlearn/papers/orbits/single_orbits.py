"""Problems of networks that learn from full orbits and a partial one, with and without labels.

The orbits are those of the study `self-supervised`: the first of each class has a label, the
partial one is among these, and the unlabelled ones are of other classes than the partial one. See
docs/science/orbits.md#protocols.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np
import torch
import xarray as xr
from jaxtyping import Int

from symlearn.networks.problems import Normalisation, Problem
from symlearn.networks.views import PairsOfViews

Spec = Mapping[str, Any]
Points = Int[np.ndarray, "orbit pose"]


def views(orbits: xr.Dataset, spec: Spec) -> Problem:
    """A network for each (draw, partial class): all pairs of poses of the same orbit.

    `joint` pairs are of all orbits, the partial one's seen poses too; others are of the unlabelled
    orbits alone.
    """
    problem = spec["problem"]
    pairs = []
    for points, labelled, missing in points_of_members(orbits, spec):
        own = _pairs(points if problem["joint"] else points[len(labelled) :])
        pairs.append(own[(own != missing).all(axis=1)])
    ends = np.cumsum([len(own) for own in pairs])
    train = [torch.arange(end - len(own), end) for own, end in zip(pairs, ends, strict=True)]
    batch = min(spec["recipe"]["batch"], len(pairs[0]))
    return PairsOfViews(
        **_images(orbits),
        targets=torch.zeros(int(ends[-1]), dtype=torch.float64),
        train=train,
        tests={"train": train},
        loss="square",
        outputs=problem["features"],
        batch=batch,
        steps=len(pairs[0]) // batch,
        pairs=torch.from_numpy(np.concatenate(pairs)),
    )


def labels(orbits: xr.Dataset, spec: Spec) -> Problem:
    """A network for each (draw, partial class): the labelled orbits without the missing pose."""
    classes = orbits["class_"].values
    train, missing = [], []
    for _, labelled, hole in points_of_members(orbits, spec):
        train.append(torch.from_numpy(np.setdiff1d(labelled, hole)))
        missing.append(torch.tensor([hole]))
    batch = min(spec["recipe"]["batch"], len(train[0]))
    return Problem(
        **_images(orbits),
        targets=torch.from_numpy(classes.ravel().repeat(orbits.sizes["pose"])),
        train=train,
        tests={"train": train, "out": missing},
        loss="cross-entropy",
        outputs=int(classes.max()) + 1,
        batch=batch,
        steps=len(train[0]) // batch,
    )


def members(orbits: xr.Dataset, spec: Spec) -> xr.Dataset:
    """What the members of both are, along `member`; draws by their numbers."""
    partial = spec["problem"]["partial"]
    draws = np.arange(orbits.sizes["task"]).repeat(len(partial))
    return xr.Dataset(
        {
            "source_task": ("member", draws),
            "missing_orbit": ("member", np.tile(partial, orbits.sizes["task"])),
        }
    )


def _images(orbits: xr.Dataset) -> dict[str, Any]:
    """All points, and what makes their pixels of unit variance."""
    pixels = orbits["pixels"].values
    side = pixels.shape[-1]
    return {
        "pixels": torch.from_numpy(pixels.reshape(-1, 1, *pixels.shape[-2:])),
        "scale": None,
        "normalisation": Normalisation((0.0,), (1 / side,)),
    }


def _chosen(classes: Int[np.ndarray, " orbit"], partial: int) -> tuple[np.ndarray, np.ndarray]:
    """The labelled orbits in order of class, and the unlabelled ones of other classes."""
    labelled = np.unique(classes, return_index=True)[1]
    rest = np.setdiff1d(np.arange(len(classes)), labelled)
    return labelled, rest[classes[rest] != partial]


def points_of_members(
    orbits: xr.Dataset, spec: Spec
) -> Iterator[tuple[Points, Int[np.ndarray, "labelled pose"], int]]:
    """Of each member: the points of all its orbits, of the labelled ones, and the missing one.

    Labelled orbits come first, in order of class.
    """
    found = members(orbits, spec)
    _, count, poses = orbits["pixels"].shape[:3]
    for draw, partial in zip(
        found["source_task"].values.tolist(), found["missing_orbit"].values.tolist(), strict=True
    ):
        labelled, rest = _chosen(orbits["class_"].values[draw], partial)
        points = (draw * count + np.arange(count))[:, None] * poses + np.arange(poses)
        yield (
            points[np.concatenate([labelled, rest])],
            points[labelled],
            int(points[labelled[partial], 0]),
        )


def _pairs(points: Points) -> Int[np.ndarray, "pair 2"]:
    """All pairs of poses of an orbit, of every orbit."""
    columns = np.array(list(combinations(range(points.shape[1]), 2)))
    return points[:, columns].reshape(-1, 2)
