"""The equivariance errors of published models, as digitised from the paper's title figure."""

import csv
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from symlearn.errors import StoreError

_DATA = Path(__file__).with_name("data")
FILES = {"models": _DATA / "lie_title_figure.tsv", "layers": _DATA / "lie_title_figure_layers.tsv"}


def compute(spec: Mapping[str, Any], _: list[xr.Dataset]) -> xr.Dataset:
    """Family, accuracy in percent and translation error of each model; layers of two of them.

    Raises StoreError where a file is not the one that the spec names by its SHA-256.
    """
    models, layers = (_rows(FILES[name], spec["sha256"][name]) for name in FILES)
    return xr.Dataset(
        {
            "family": ("model", [row["family"] for row in models]),
            "published_accuracy": ("model", np.array([float(row["accuracy"]) for row in models])),
            "published_error": ("model", np.array([float(row["error"]) for row in models])),
            "layer_model": ("layer", [row["model"] for row in layers]),
            "layer_kind": ("layer", [row["kind"] for row in layers]),
            "published_share": ("layer", np.array([float(row["share"]) for row in layers])),
        }
    )


def _rows(file: Path, sha256: str) -> list[dict[str, str]]:
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise StoreError(f"{file}: changed since the run was planned; run `snakemake` again")
    lines = [line for line in content.decode().splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t"))
