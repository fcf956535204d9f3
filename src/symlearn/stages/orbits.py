"""Orbits: seed images in every pose."""

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from symlearn.datasets.images import labelled_images
from symlearn.datasets.orbits import orbits_dataset
from symlearn.pipeline.stage import run_stage, stage_parser


def compute(spec: Mapping[str, Any], inputs: list[xr.Dataset]) -> xr.Dataset:
    """The orbits of a spec from its data set."""
    (source,) = inputs
    return orbits_dataset(labelled_images(source), spec)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns its exit status."""
    parser = stage_parser("orbits", "Draw seed images and make every pose of each.")
    return run_stage("orbits", parser.parse_args(argv), compute)
