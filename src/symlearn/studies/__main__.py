"""The stage that turns Gram matrices into errors: theory against exact regression."""

import importlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from symlearn.stage import run_stage, stage_parser


def compute(spec: Mapping[str, Any], inputs: list[xr.Dataset]) -> xr.Dataset:
    """The result of the study that the spec names."""
    study = importlib.import_module(f"symlearn.studies.{spec['study'].replace('-', '_')}")
    return study.compute(spec, inputs)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns its exit status."""
    parser = stage_parser("studies", "Compute a study's numbers from its Gram matrices.")
    return run_stage("studies", parser.parse_args(argv), compute)


if __name__ == "__main__":
    sys.exit(main())
