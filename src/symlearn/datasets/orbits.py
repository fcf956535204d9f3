"""Orbits: every pose of seed images, normalised as the paper does."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.ndimage
import xarray as xr
from jaxtyping import Float, Int

from symlearn.datasets.images import LabelledImages
from symlearn.groups import action_of
from symlearn.randomness import generator

Images = Float[np.ndarray, "orbit row col"]
OrbitImages = Float[np.ndarray, "orbit pose row col"]


def rotation_orbits(images: Images, n: int) -> OrbitImages:
    """All n rotations of images in [0, 1], each pose of zero mean and unit norm."""
    return make_orbits(np.asarray(images, dtype=np.float64), "cyclic-rotation", n)


def make_orbits(images: Images, group: str, n: int) -> OrbitImages:
    """The orbits of images under a group (a name of the config), each pose normalised.

    Poses are in the order of the group's elements. The exact symmetries permute pixels bit for
    bit, also after the normalisation.
    """
    return normalise(action_of(group).apply(images, n))


def normalise(images: Float[np.ndarray, "*batch row col"]) -> Float[np.ndarray, "*batch row col"]:
    """Each image less its mean, divided by its Euclidean norm; a constant image becomes zero.

    Sums run over sorted intensities, so that images with the same pixels in another order are
    treated alike to the last bit.
    """
    flat = images.reshape(*images.shape[:-2], -1)
    mean = np.sort(flat, axis=-1).mean(axis=-1, keepdims=True)
    centred = flat - mean
    norm = np.sqrt(np.sort(centred**2, axis=-1).sum(axis=-1, keepdims=True))
    return (centred / np.where(norm > 0, norm, 1.0)).reshape(images.shape)


def prepare(
    data: LabelledImages, chosen: Int[np.ndarray, " orbit"], settings: Mapping[str, Any]
) -> Float[np.ndarray, "orbit *channel row col"]:
    """The chosen images in [0, 1], upsampled and padded as `settings` (the data set's) say."""
    images = data.levels[chosen] / data.maximum
    factor, padding = settings["upsampling"], settings["padding"]
    others = images.ndim - 2
    if factor > 1:
        images = scipy.ndimage.zoom(images, (*[1] * others, factor, factor), order=3).clip(0, 1)
    return np.pad(images, [*[(0, 0)] * others, (padding, padding), (padding, padding)])


def draw_tasks(
    labels: Int[np.ndarray, " image"], task: Mapping[str, Any]
) -> Int[np.ndarray, "task orbit"]:
    """The seed images of each task: indices into the data set, ordered by class, then seed.

    `task` holds `draw` (a name for the random stream), `seed`, `start` and `stop` (tasks are
    drawn one by one, so a larger stop keeps the earlier ones), `classes` (a number of classes to
    draw, or a list of them) and `seeds_per_class`.
    """
    tasks = range(task["start"], task["stop"])
    return np.stack([_draw_task(labels, task, number) for number in tasks])


def _draw_task(
    labels: Int[np.ndarray, " image"], task: Mapping[str, Any], number: int
) -> Int[np.ndarray, " orbit"]:
    rng = generator(task["seed"], task["draw"], number)
    classes = task["classes"]
    if isinstance(classes, int):
        classes = rng.choice(np.unique(labels), size=classes, replace=False)
    count = task["seeds_per_class"]
    seeds = [rng.choice(np.flatnonzero(labels == c), size=count, replace=False) for c in classes]
    return np.concatenate(seeds)


def orbits_dataset(data: LabelledImages, spec: Mapping[str, Any]) -> xr.Dataset:
    """The orbits of all tasks of a spec, as stored: pixels (task, orbit, pose, row, col)."""
    chosen = draw_tasks(data.labels, spec["task"])
    seeds = prepare(data, chosen.ravel(), spec["preparation"])
    orbits = make_orbits(seeds, spec["group"], spec["n"])
    return xr.Dataset(
        {
            "pixels": (
                ("task", "orbit", "pose", "row", "col"),
                orbits.reshape(*chosen.shape, *orbits.shape[1:]),
            ),
            "source_image": (("task", "orbit"), chosen),
            "class_": (("task", "orbit"), data.labels[chosen]),
        },
        coords={"n": spec["n"]},
        attrs={"group": spec["group"]},
    )
