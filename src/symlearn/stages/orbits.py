"""Orbits: seed images in every pose, made in place by the jobs that read them."""

from collections.abc import Mapping
from typing import Any

import xarray as xr

from symlearn.datasets.images import labelled_images
from symlearn.datasets.orbits import orbits_dataset


def compute(spec: Mapping[str, Any], inputs: list[xr.Dataset]) -> xr.Dataset:
    """The orbits of a spec from its data set."""
    (source,) = inputs
    return orbits_dataset(labelled_images(source), spec)
