"""What studies of trained classifiers share: the networks of several cells, and test images."""

from collections.abc import Sequence
from itertools import takewhile
from typing import Any, NamedTuple

import torch
import xarray as xr
from jaxtyping import Float, Int

from symlearn.networks.classification import images_of, test_images
from symlearn.networks.trained import Trained, trained
from symlearn.store import spec_of


def model_coordinates(network: Trained) -> dict[str, Any]:
    """What tells networks of one family from each other, as coordinates of a single model."""
    labels = network.labels
    return {
        "model": labels["model"],
        "strength": labels.get("strength", 0.0),
        "weight_decay": labels.get("weight_decay", 0.0),
    }


class TestSet(NamedTuple):
    """Images in [0, 1] that no network was trained on, and their classes."""

    images: Float[torch.Tensor, "image channel row col"]
    labels: Int[torch.Tensor, " image"]


def split_inputs(inputs: Sequence[xr.Dataset]) -> tuple[list[Trained], list[xr.Dataset]]:
    """The trained networks, which come first among a study's inputs, and the other files."""
    networks = list(takewhile(lambda d: spec_of(d)["stage"] == "networks", inputs))
    return [trained(history) for history in networks], list(inputs[len(networks) :])


def held_out(
    network: Trained,
    dataset: xr.Dataset,
    count: int | None = None,
    dtype: torch.dtype = torch.float64,
) -> TestSet:
    """The test images of a network of plain classification (the first `count`), as it saw them."""
    chosen = test_images(dataset.sizes["image"], network.spec)[:count]
    levels, labels = images_of(dataset, network.spec["problem"]["preparation"], chosen)
    return TestSet(torch.from_numpy(levels).to(dtype) / 255, torch.from_numpy(labels))
