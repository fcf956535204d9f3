"""The frame of every stage: `symlearn <stage> --spec S.json --out X.nc`."""

import argparse
import logging
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import xarray as xr

from symlearn.errors import SymlearnError
from symlearn.pipeline import provenance, store
from symlearn.pipeline.links import as_written
from symlearn.pipeline.specs import (
    Reference,
    file_and_part,
    input_files,
    parts_of,
    read_spec,
    weight_files,
)

log = logging.getLogger("symlearn")

Compute = Callable[[Mapping[str, Any], list[xr.Dataset]], xr.Dataset]
Machine = Callable[[Mapping[str, Any]], Mapping[str, str]]


def _as_specified(_: Mapping[str, Any]) -> Mapping[str, str]:
    return {}


def _nothing() -> None:
    pass


def run_stage(
    name: str,
    arguments: argparse.Namespace,
    compute: Compute,
    machine: Machine = _as_specified,
    finish: Callable[[], None] = _nothing,
) -> int:
    """Read the spec and its inputs, compute its parts, write the NetCDF file and its sidecar.

    `compute` is asked for one part at a time. `finish` writes what a stage makes beside the NetCDF
    file, before that. `machine(spec)` of the first part, asked after the work, gives the `device`
    and the `precision` of the sidecar where they are not the CPU and the spec's. Returns the exit
    status: 0, or 1 after one line on standard error for a SymlearnError.
    """
    return guarded(name, lambda: _run(name, arguments, compute, machine, finish))


def stage_parser(name: str, what: str) -> argparse.ArgumentParser:
    """The options that every stage has."""
    parser = argparse.ArgumentParser(prog=f"symlearn {name}", description=what)
    parser.add_argument("--spec", type=Path, required=True, help="spec file (JSON) of the cell")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    return parser


def results_of(spec: Path) -> Path:
    """The folder of a preset's results, in which a spec lies at specs/<stage>/<name>.json."""
    return as_written(spec).parents[2]


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


class Inputs:
    """The datasets that a job's cells read, by their names in specs; each file is checked once."""

    def __init__(self, results: Path) -> None:
        self._results = results
        self._whole: set[Path] = set()

    def __call__(self, reference: Reference) -> xr.Dataset:
        """The dataset of a cell of an earlier stage, read, or made where it has no file.

        Raises StoreError unless the file is whole.
        """
        if not isinstance(reference, str):
            maker = import_module(f"symlearn.stages.{reference['stage']}")
            return maker.compute(reference, [self(inner) for inner in reference["inputs"]])
        file, part = file_and_part(self._results, reference)
        if file not in self._whole:
            provenance.refuse_damaged(file)
            self._whole.add(file)
        return store.read_group(file, part) if part else store.read(file)


def _run(
    name: str,
    arguments: argparse.Namespace,
    compute: Compute,
    machine: Machine,
    finish: Callable[[], None],
) -> None:
    started = time.time()
    spec = read_spec(arguments.spec)
    if spec["stage"] != name:
        raise SymlearnError(f"{arguments.spec}: is a spec of the stage {spec['stage']}")
    results, parts = results_of(arguments.spec), parts_of(spec)
    files, weights = input_files(results, spec), weight_files(results, spec)
    read = Inputs(results)
    made = {}
    for number, (part, own) in enumerate(parts.items(), 1):
        inputs = [read(reference) for reference in own["inputs"]]
        which = f" part {number} of {len(parts)}, {part}," if part else ""
        log.info("%s%s from %d files", arguments.out.name, which, len(input_files(results, own)))
        made[part] = compute(own, inputs)
    finish()
    store.write_parts(made, arguments.out, spec)
    about = machine(next(iter(parts.values())))
    provenance.write_sidecar(arguments.out, spec, [*files, *weights], started, about)
    log.info("done in %.1f s", time.time() - started)
