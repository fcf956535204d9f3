"""Test images: those that no network of plain classification was trained on."""

from typing import NamedTuple

import torch
import xarray as xr
from jaxtyping import Float, Int

from symlearn.networks.problems import Normalisation
from symlearn.networks.train_and_test import images_of, test_images
from symlearn.networks.trained import Trained


class TestSet(NamedTuple):
    """Images that no network was trained on, as networks see them, and their classes."""

    images: Float[torch.Tensor, "image channel row col"]
    labels: Int[torch.Tensor, " image"]


def held_out(
    network: Trained,
    dataset: xr.Dataset,
    count: int | None = None,
    dtype: torch.dtype = torch.float64,
) -> TestSet:
    """The test images of a network of plain classification (the first `count`), as it saw them."""
    chosen = test_images(dataset.sizes["image"], network.spec)[:count]
    levels, labels = images_of(dataset, network.spec["problem"]["preparation"], chosen)
    images = torch.from_numpy(levels).to(dtype) / 255
    normalisation = Normalisation.of(network.spec["problem"].get("normalisation"))
    seen = images if normalisation is None else normalisation(images)
    return TestSet(seen, torch.from_numpy(labels))
