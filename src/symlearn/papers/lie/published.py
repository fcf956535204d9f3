"""The equivariance errors of published models, as digitised from the paper's title figure."""

import csv
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from symlearn.errors import StoreError

FILE = Path(__file__).with_name("data") / "lie_title_figure.tsv"


def compute(spec: Mapping[str, Any], _: list[xr.Dataset]) -> xr.Dataset:
    """Family, accuracy in percent and translation error of each model.

    Raises StoreError where the file is not the one that the spec names by its SHA-256.
    """
    content = FILE.read_bytes()
    if hashlib.sha256(content).hexdigest() != spec["sha256"]:
        raise StoreError(f"{FILE}: changed since the run was planned; run `snakemake` again")
    lines = [line for line in content.decode().splitlines() if not line.startswith("#")]
    rows = list(csv.DictReader(lines, delimiter="\t"))
    return xr.Dataset(
        {
            "family": ("model", [row["family"] for row in rows]),
            "published_accuracy": ("model", np.array([float(row["accuracy"]) for row in rows])),
            "published_error": ("model", np.array([float(row["error"]) for row in rows])),
        }
    )
