"""The stage that turns Gram matrices into errors: theory against exact regression."""

import importlib
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import xarray as xr

from symlearn.stage import run_stage, stage_parser


def compute(spec: Mapping[str, Any], inputs: list[xr.Dataset]) -> xr.Dataset:
    """The result of the study that the spec names."""
    return _study(spec).compute(spec, inputs)


def _study(spec: Mapping[str, Any]) -> ModuleType:
    return importlib.import_module(f"symlearn.studies.{spec['study'].replace('-', '_')}")


def _machine(spec: Mapping[str, Any]) -> dict[str, str]:
    """The precision of a study that has a function for it, because it is not double."""
    precision = getattr(_study(spec), "precision", None)
    return {} if precision is None else {"precision": str(precision(spec)).removeprefix("torch.")}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns its exit status."""
    parser = stage_parser("studies", "Compute a study's numbers from its Gram matrices.")
    return run_stage("studies", parser.parse_args(argv), compute, _machine)


if __name__ == "__main__":
    sys.exit(main())
