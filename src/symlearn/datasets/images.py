"""Labelled images as they are published: whole intensity levels and class labels."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
import xarray as xr
from jaxtyping import Int, UInt8

from symlearn.menu.lookup import module_of


@dataclass(frozen=True)
class LabelledImages:
    """Images in whole levels from 0 to `maximum`, with one class label each.

    Colour images have an axis of channels.
    """

    levels: UInt8[np.ndarray, "image *channel row col"]
    labels: Int[np.ndarray, " image"]
    maximum: int


def load_images(
    name: str, data_root: Path | None = None, cache: Path = Path("data")
) -> LabelledImages:
    """The training images of a data set, by its name in the config.

    By `load` of the module `symlearn.datasets.sets.<name>`, so that a result depends on its own
    data set alone. What is not installed is looked for in `data_root`, then `cache`, then
    downloaded to `cache`. Raises DataError.
    """
    module = import_module(module_of("symlearn.datasets.sets", name))
    return module.load(data_root, cache)


def labelled_images(dataset: xr.Dataset) -> LabelledImages:
    """The images of a file of the stage `datasets`."""
    maximum = int(dataset.attrs["maximum"])
    return LabelledImages(dataset["levels"].values, dataset["label"].values, maximum)
