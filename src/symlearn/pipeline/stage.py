"""The frame of every stage: `symlearn <stage> --spec S.json --out X.nc`."""

import argparse
import logging
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from symlearn.errors import SymlearnError
from symlearn.pipeline import provenance, store
from symlearn.pipeline.specs import input_files, read_spec, weight_files

log = logging.getLogger("symlearn")

Compute = Callable[[Mapping[str, Any], list[xr.Dataset]], xr.Dataset]
Machine = Callable[[Mapping[str, Any]], Mapping[str, str]]


def _as_specified(_: Mapping[str, Any]) -> Mapping[str, str]:
    return {}


def run_stage(
    name: str, arguments: argparse.Namespace, compute: Compute, machine: Machine = _as_specified
) -> int:
    """Read the spec and its inputs, compute, write the NetCDF file and its sidecar.

    `machine(spec)`, asked after the work, gives the `device` and the `precision` of the sidecar
    where they are not the CPU and the spec's. Returns the exit status: 0, or 1 after one line on
    standard error for a SymlearnError.
    """
    return guarded(name, lambda: _run(name, arguments, compute, machine))


def stage_parser(name: str, what: str) -> argparse.ArgumentParser:
    """The options that every stage has."""
    parser = argparse.ArgumentParser(prog=f"symlearn {name}", description=what)
    parser.add_argument("--spec", type=Path, required=True, help="spec file (JSON) of the cell")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    return parser


def results_of(spec: Path) -> Path:
    """The folder of a preset's results, in which a spec lies at specs/<stage>/<name>.json."""
    return spec.resolve().parents[2]


def guarded(name: str, action: Callable[[], None]) -> int:
    """Run `action`; a SymlearnError becomes one line on standard error and exit status 1."""
    logging.basicConfig(format=f"{name}: %(message)s", stream=sys.stderr)
    log.setLevel(logging.INFO)  # this project's lines, but not those of its libraries
    logging.captureWarnings(True)
    warnings.formatwarning = lambda message, *_: str(message)  # one line, no source
    try:
        action()
    except SymlearnError as error:
        print(f"symlearn {name}: error: {error}", file=sys.stderr)
        return 1
    return 0


def read_input(file: Path) -> xr.Dataset:
    """The dataset of a file that an earlier stage wrote; raises StoreError unless it is whole."""
    provenance.refuse_damaged(file)
    return store.read(file)


def _run(name: str, arguments: argparse.Namespace, compute: Compute, machine: Machine) -> None:
    started = time.time()
    spec = read_spec(arguments.spec)
    if spec["stage"] != name:
        raise SymlearnError(f"{arguments.spec}: is a spec of the stage {spec['stage']}")
    files = input_files(results_of(arguments.spec), spec)
    inputs = [read_input(file) for file in files]
    log.info("%s from %d files", arguments.out.name, len(files))
    result = compute(spec, inputs)
    store.write(result, arguments.out, spec)
    weights = weight_files(results_of(arguments.spec), spec)
    provenance.write_sidecar(arguments.out, spec, [*files, *weights], started, machine(spec))
    log.info("done in %.1f s", time.time() - started)
