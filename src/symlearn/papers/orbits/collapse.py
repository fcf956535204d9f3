"""Two orbits as a kernel sees them: principal components of its feature space."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

_COMPONENTS = 2


def compute(spec: Mapping[str, Any], inputs: list[xr.Dataset]) -> xr.Dataset:
    """Scores (orbit, pose, component) by kernel PCA of the Gram matrix, scaled to its trace."""
    (kernels,) = inputs
    gram = kernels["gram"].values[0] / np.trace(kernels["gram"].values[0])
    centring = np.eye(len(gram)) - 1.0 / len(gram)
    values, vectors = np.linalg.eigh(centring @ gram @ centring)
    leading = np.argsort(values)[::-1][:_COMPONENTS]
    # Rounding can leave a zero eigenvalue slightly negative.
    scores = vectors[:, leading] * np.sqrt(np.maximum(values[leading], 0.0))
    return xr.Dataset(
        {
            "component_score": (("orbit", "pose", "component"), scores.reshape(2, -1, _COMPONENTS)),
            "gram": (("point", "other"), gram),
        },
        coords={"n": kernels["n"]},
    ).assign_attrs(spec["labels"])
