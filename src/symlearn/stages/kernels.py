"""Gram matrices of infinite-width networks, from orbits."""

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from symlearn.kernels.of_orbits import grams_of_orbits
from symlearn.pipeline.stage import run_stage, stage_parser


def compute(spec: Mapping[str, Any], inputs: list[xr.Dataset]) -> xr.Dataset:
    """The Gram matrices of a spec, of all tasks of its orbits."""
    (orbits,) = inputs
    return grams_of_orbits(orbits, spec)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns its exit status."""
    parser = stage_parser("kernels", "Compute the Gram matrices of infinite-width networks.")
    return run_stage("kernels", parser.parse_args(argv), compute)
