"""NetCDF files: one vocabulary of names, written whole or not at all, checked when read.

Equal work gives equal bytes: no times, hosts or paths go inside (those are in the sidecar that
`symlearn.pipeline.provenance` writes).
"""

import contextlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import xarray as xr

from symlearn.errors import StoreError
from symlearn.pipeline.vocabulary import DIMENSIONS, VARIABLES

SCHEMA_VERSION = 1
# Seconds between attempts to open a file that is locked.
_PATIENCE = (0.1, 0.5, 2.0, 5.0)
_ENGINE: Literal["h5netcdf"] = "h5netcdf"


def write(dataset: xr.Dataset, path: Path, spec: Mapping[str, Any]) -> None:
    """Write a dataset and the spec that it answers to `path`, by a temporary file and a rename.

    Adds units and long names from the vocabulary; raises ValueError for a name that is not in it.
    """
    write_groups({"/": dataset}, path, spec)


def write_parts(parts: Mapping[str, xr.Dataset], path: Path, spec: Mapping[str, Any]) -> None:
    """Write what a job made: a group for each part, with the spec of the part inside.

    The dataset of a job without parts has the empty name, and is written as `write` does.
    """
    if "parts" not in spec:
        return write(parts[""], path, spec)
    own = {name: {"spec": json.dumps(spec["parts"][name], sort_keys=True)} for name in parts}
    write_groups({name: parts[name].assign_attrs(own[name]) for name in parts}, path, spec)


def write_groups(groups: Mapping[str, xr.Dataset], path: Path, spec: Mapping[str, Any]) -> None:
    """As `write`, several datasets as named groups of one file."""
    described = {name: _described(dataset) for name, dataset in groups.items()}
    tree = xr.DataTree.from_dict(described)
    tree.attrs |= {
        "Conventions": "CF-1.11",
        "schema_version": SCHEMA_VERSION,
        "spec": json.dumps(spec, sort_keys=True),
    }
    encoding = {
        node.path: {name: _encoding(variable) for name, variable in node.variables.items()}
        for node in tree.subtree
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # In memory first: where a disk is full, HDF5 itself ends the program.
        content = tree.to_netcdf(None, engine=_ENGINE, encoding=encoding)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {_one_line(error)}") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def read(path: Path, stage: str | None = None) -> xr.Dataset:
    """A dataset in memory; raises StoreError if the file is missing, damaged or foreign.

    With `stage`, also if another stage wrote it.
    """
    dataset = _load(path, group=None)
    _check_version(path, dataset)
    if stage is not None and spec_of(dataset).get("stage") != stage:
        raise StoreError(f"{path}: was not written by the stage {stage}")
    return dataset


def read_group(path: Path, group: str) -> xr.Dataset:
    """One named group of a file of several; raises StoreError as `read` does."""
    _check_version(path, _load(path, group=None))
    return _load(path, group)


def read_groups(path: Path) -> dict[str, xr.Dataset]:
    """All named groups of a file of several; raises StoreError as `read` does."""
    _check_version(path, _load(path, group=None))
    with h5py.File(path, "r") as opened:
        names = [name for name, node in opened.items() if isinstance(node, h5py.Group)]
    return {name: _load(path, name) for name in names}


def _load(path: Path, group: str | None) -> xr.Dataset:
    try:
        _wait_for_lock(path)
        with xr.open_dataset(path, engine=_ENGINE, group=group) as opened:
            return opened.load()
    except FileNotFoundError:
        raise StoreError(f"{path}: is missing; ask Snakemake for it by this name") from None
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        raise StoreError(
            f"{path}: is damaged or no NetCDF file ({_one_line(error)}); delete it and run again"
        ) from None


def _wait_for_lock(path: Path) -> None:
    """Open and close a file; waits a while for another process that has it locked.

    Where this fails, h5netcdf would print a traceback too.
    """
    for seconds in (*_PATIENCE, None):
        try:
            h5py.File(path, "r").close()
            return
        except BlockingIOError:
            if seconds is None:
                raise StoreError(
                    f"{path}: is locked by another process, perhaps one that writes it; end that "
                    "process or wait for it, and run again"
                ) from None
            time.sleep(seconds)


def _check_version(path: Path, dataset: xr.Dataset) -> None:
    version = dataset.attrs.get("schema_version")
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"{path}: has schema version {version}, this program reads {SCHEMA_VERSION}; "
            "delete it and run again"
        )


def spec_of(dataset: xr.Dataset) -> dict[str, Any]:
    """The spec that a dataset read from a file answers."""
    return json.loads(dataset.attrs["spec"])


def _one_line(error: Exception) -> str:
    """The text of an error, without the line breaks that HDF5 puts into some."""
    return " ".join(str(error).split())


def _described(dataset: xr.Dataset) -> xr.Dataset:
    strangers = [str(name) for name in dataset.dims if name not in DIMENSIONS]
    strangers += [str(name) for name in dataset.variables if name not in VARIABLES]
    if strangers:
        raise ValueError(
            f"not in symlearn.pipeline.vocabulary: {', '.join(sorted(set(strangers)))}"
        )
    described = dataset.copy()
    for name in described.variables:
        units, long_name = VARIABLES[str(name)]
        described[name].attrs |= {"units": units, "long_name": long_name}
    return described


def _encoding(variable: xr.Variable) -> dict[str, Any]:
    """Lossless compression for numbers; no fill value, so that equal data are equal bytes."""
    if variable.dtype.kind not in "biuf":
        return {}
    encoding: dict[str, Any] = {"_FillValue": None}
    if variable.size > 1 and np.ndim(variable):
        encoding |= {"zlib": True, "complevel": 4, "shuffle": True}
    return encoding
