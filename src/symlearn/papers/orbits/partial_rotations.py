"""Figure 1's task: all rotations of all classes, but for the upright pose of one class."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from jaxtyping import Bool, Int, UInt8

from symlearn.datasets.images import LabelledImages, labelled_images
from symlearn.datasets.orbits import prepare
from symlearn.groups.nearest import nearest_rotations
from symlearn.networks.problems import Problem
from symlearn.papers.orbits.shares import epoch_points, example_class, test_points
from symlearn.randomness import generator


def problem(dataset: xr.Dataset, spec: Mapping[str, Any]) -> Problem:
    """The problem of a spec on a data set: one member for each (class left out, seed).

    Images have unit norm before they are turned (nearest pixel, zero fill), as in the authors'
    code. Of all images but those left out, a tenth at random (pose by pose: other poses of the
    same image are trained on) are the test in distribution, the rest train; the test out of
    distribution is the upright images of the class left out. An epoch is as long for every class.
    """
    settings, root = spec["problem"], spec["seed"]
    data = labelled_images(dataset)
    chosen = choose_images(data.labels, settings["images"], root)
    levels, scale = unit_norm(data, chosen, settings["preparation"])
    labels, n = data.labels[chosen], settings["n"]
    turned = nearest_rotations(levels, n)
    splits = [split(labels, n, member, root) for member in settings["members"]]
    trained = epoch_points(len(labels), n, int(np.bincount(labels).max()))
    batch = min(spec["recipe"]["batch"], trained)
    return Problem(
        pixels=torch.from_numpy(turned.reshape(-1, 1, *turned.shape[2:])),
        scale=torch.from_numpy(np.tile(scale, n)),
        targets=torch.from_numpy(np.tile(labels, n)),
        train=[split["train"] for split in splits],
        tests={
            # As many of the training images as there are test images: the whole would cost as
            # much as a third of the training.
            "train": [split["train"][: len(split["in"])] for split in splits],
            "in": [split["in"] for split in splits],
            "out": [split["out"] for split in splits],
        },
        loss="cross-entropy",
        outputs=int(labels.max()) + 1,
        batch=batch,
        steps=trained // batch,
    )


def members(dataset: xr.Dataset, spec: Mapping[str, Any]) -> xr.Dataset:
    """What the members are, along `member`, and an image of the example's class, in all poses."""
    left_out, seeds = np.array(spec["problem"]["members"]).T
    return xr.Dataset(
        {
            "left_out": ("member", left_out),
            "seed": ("member", seeds),
            "levels": example(dataset, spec),
        }
    )


def example(dataset: xr.Dataset, spec: Mapping[str, Any]) -> xr.DataArray:
    """All poses of one image of a class left out (`example_class`), as levels (pose, row, col)."""
    data = labelled_images(dataset)
    left_out = example_class(member[0] for member in spec["problem"]["members"])
    first = np.flatnonzero(data.labels == left_out)[:1]
    levels, _ = unit_norm(data, first, spec["problem"]["preparation"])
    return xr.DataArray(
        nearest_rotations(levels, spec["problem"]["n"])[:, 0], dims=("pose", "row", "col")
    )


def choose_images(
    labels: Int[np.ndarray, " image"], count: int | None, root: int
) -> Int[np.ndarray, " chosen"]:
    """Indices of `count` images, equally many of each class; of all images where it is None."""
    if count is None:
        return np.arange(len(labels))
    classes = np.unique(labels)
    rng = generator(root, "images")
    drawn = [rng.permutation(np.flatnonzero(labels == c))[: count // len(classes)] for c in classes]
    return np.sort(np.concatenate(drawn))


def unit_norm(
    data: LabelledImages, chosen: Int[np.ndarray, " chosen"], preparation: Mapping[str, Any]
) -> tuple[UInt8[np.ndarray, "chosen row col"], np.ndarray]:
    """Images in 255 levels, and the factors that make their norms 1."""
    images = prepare(data, chosen, preparation)
    levels = np.rint(255 * images).astype(np.uint8)
    norms = np.sqrt((levels.astype(np.float64) ** 2).sum(axis=(1, 2)))
    return levels, 1.0 / np.where(norms > 0, norms, 1.0)


def split(
    labels: Int[np.ndarray, " image"], n: int, member: Sequence[int], root: int
) -> dict[str, torch.Tensor]:
    """Points (pose * images + image) of a member: train, test in and out of distribution.

    A member is the class left out and the number of the initialisation.
    """
    left_out, seed = member
    missing: Bool[np.ndarray, " point"] = np.zeros(len(labels) * n, dtype=bool)
    missing[: len(labels)] = labels == left_out
    points = generator(root, "split", left_out, seed).permutation(np.flatnonzero(~missing))
    tests = test_points(len(points))
    parts = {"in": points[:tests], "train": points[tests:], "out": np.flatnonzero(missing)}
    return {name: torch.from_numpy(part.astype(np.int32)) for name, part in parts.items()}
