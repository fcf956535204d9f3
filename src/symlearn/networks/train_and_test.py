"""Plain classification: train on some images of a data set, test on others."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import xarray as xr
from jaxtyping import Int

from symlearn.datasets.images import labelled_images
from symlearn.datasets.orbits import prepare
from symlearn.networks.problems import Normalisation, Problem
from symlearn.randomness import generator

Spec = Mapping[str, Any]
Chosen = Int[np.ndarray, " image"]

_AT_ONCE = 4096  # images that are prepared together


def problem(dataset: xr.Dataset, spec: Spec, tests: xr.Dataset | None = None) -> Problem:
    """The problem of a spec on a data set: one member for each seed.

    Intensities are in [0, 1], and networks see them normalised where the spec says so. The test
    images are the same for all members: some of the data set, or of the test set `tests` that the
    spec names. Each member draws its training images among the others, so that those of a smaller
    training set are among those of a larger one. Raises ValueError where there are too few images.
    """
    settings = spec["problem"]
    levels, labels = images_of(dataset, settings["preparation"])
    train = [training_images(len(labels), spec, seed) for seed in settings["seeds"]]
    if tests is None:
        test = test_images(len(labels), spec)
    else:
        chosen = test_images(tests.sizes["image"], spec)
        test = len(labels) + np.arange(len(chosen))
        more = images_of(tests, settings["preparation"], chosen)
        levels, labels = np.concatenate([levels, more[0]]), np.concatenate([labels, more[1]])
    batch = min(spec["recipe"]["batch"], settings["train"])
    return Problem(
        pixels=torch.from_numpy(levels),
        scale=torch.full((len(labels),), 1 / 255),
        targets=torch.from_numpy(labels),
        train=[torch.from_numpy(chosen) for chosen in train],
        tests={
            "train": [torch.from_numpy(chosen[: len(test)]) for chosen in train],
            "test": [torch.from_numpy(test)] * len(train),
        },
        loss="cross-entropy",
        outputs=int(labels.max()) + 1,
        batch=batch,
        steps=settings["train"] // batch,
        normalisation=Normalisation.of(settings.get("normalisation")),
    )


def members(dataset: xr.Dataset, spec: Spec) -> xr.Dataset:
    """What the members are, along `member`: their seeds."""
    return xr.Dataset({"seed": ("member", np.array(spec["problem"]["seeds"]))})


def images_of(
    dataset: xr.Dataset, preparation: Mapping[str, Any], chosen: Chosen | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Images in 255 levels (image, channel, row, col), prepared, and their labels.

    All of the data set's, or those that are `chosen`.
    A part at a time: in double precision all of CIFAR-10 would be 1.2 GB, several times over.
    """
    data = labelled_images(dataset)
    if chosen is None:
        chosen = np.arange(len(data.labels))
    parts = np.split(chosen, range(_AT_ONCE, len(chosen), _AT_ONCE))
    images = (prepare(data, part, preparation) for part in parts)
    levels = np.concatenate([np.rint(255 * part).astype(np.uint8) for part in images])
    # Not levels[:, None], whose strides torch takes for another order of the axes.
    return levels.reshape(len(levels), -1, *levels.shape[-2:]), data.labels[chosen]


def test_images(count: int, spec: Spec) -> Chosen:
    """Indices of the test images among `count`: the first of one random order.

    Of a test set of its own: its first.
    """
    wanted = spec["problem"]["test"]
    needed = wanted + (0 if _has_test_set(spec) else spec["problem"]["train"])
    if needed > count:
        raise ValueError(f"{needed} images are asked for, and the data set has {count}")
    return np.arange(wanted) if _has_test_set(spec) else _order(count, spec)[:wanted]


def training_images(count: int, spec: Spec, seed: int) -> Chosen:
    """Indices of a member's training images: the first of an order of its own of all others."""
    settings = spec["problem"]
    others = _order(count, spec)[0 if _has_test_set(spec) else settings["test"] :]
    if settings["train"] > len(others):
        needed = settings["train"] + count - len(others)
        raise ValueError(f"{needed} images are asked for, and the data set has {count}")
    drawn = generator(spec["seed"], "train-images", seed).permutation(others)
    return drawn[: settings["train"]]


def _has_test_set(spec: Spec) -> bool:
    return "test_set" in spec["problem"]


def _order(count: int, spec: Spec) -> Chosen:
    return generator(spec["seed"], "test-images").permutation(count)
