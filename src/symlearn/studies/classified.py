"""What studies of trained classifiers share: the networks of several cells, and test images."""

from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple

import torch
import xarray as xr
from jaxtyping import Float, Int

from symlearn.networks.classification import images_of, test_images
from symlearn.networks.trained import Trained, trained
from symlearn.store import spec_of


class TestSet(NamedTuple):
    """Images in [0, 1], in float64, that no network was trained on, and their classes."""

    images: Float[torch.Tensor, "image channel row col"]
    labels: Int[torch.Tensor, " image"]


def split_inputs(inputs: Sequence[xr.Dataset]) -> tuple[list[Trained], list[xr.Dataset]]:
    """The trained networks, which come first among a study's inputs, and the other files."""
    networks = list(takewhile(lambda d: spec_of(d)["stage"] == "networks", inputs))
    return [trained(history) for history in networks], list(inputs[len(networks) :])


def test_set(network: Trained, dataset: xr.Dataset) -> TestSet:
    """The test images of a network of plain classification, as they were given to it."""
    levels, labels = images_of(dataset, network.spec["problem"]["preparation"])
    chosen = test_images(len(labels), network.spec)
    images = torch.from_numpy(levels[chosen]).double() / 255
    return TestSet(images, torch.from_numpy(labels[chosen]))
