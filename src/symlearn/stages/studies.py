"""What papers compute: errors from Gram matrices, measures of trained networks, and so on."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import xarray as xr

from symlearn.pipeline.paths import path_of
from symlearn.pipeline.specs import weight_files
from symlearn.pipeline.stage import results_of, run_stage, stage_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns its exit status."""
    parser = stage_parser("studies", "Compute a study's numbers from the files that it reads.")
    given = parser.parse_args(argv)

    def compute(spec: Mapping[str, Any], inputs: list[xr.Dataset]) -> xr.Dataset:
        results = results_of(given.spec)
        # Of networks a computation gets the weights too; those stand first among its inputs. Of
        # files of one's own it gets where they lie.
        weights = weight_files(results, spec)
        path = path_of(results, "studies", given.spec.stem)
        more = [*([weights] if weights else []), *([Path(path)] if path else [])]
        return computation(spec).compute(spec, inputs, *more)

    return run_stage("studies", given, compute, _machine)


def computation(spec: Mapping[str, Any]) -> ModuleType:
    """The module of `symlearn.papers` that computes a spec."""
    return import_module(f"symlearn.papers.{spec['module']}")


def _machine(spec: Mapping[str, Any]) -> dict[str, str]:
    """The precision of a computation that has a function for it, because it is not double."""
    precision = getattr(computation(spec), "precision", None)
    return {} if precision is None else {"precision": str(precision(spec)).removeprefix("torch.")}
