"""Two rings under a Gaussian kernel: error against separation and against points per ring."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from symlearn.kernels import gram
from symlearn.papers.orbits.bessel import bessel_error
from symlearn.papers.orbits.two_rings import two_rings
from symlearn.theory import circulant_row, exact_errors, interleaved, spectral_error, spectrum
from symlearn.theory.ridges import authors_regression, authors_spectral

# Points per ring, separation and inverse length: of the sketch (figure 2), and what the sweeps
# over separations and over points per ring hold fixed (figure 3).
_SKETCH = (6, 1.0, 1.0)
_SWEPT_SEPARATION = (6, 0.85)
_SWEPT_SIZE = (1.0, 1.4)


def compute(spec: Mapping[str, Any], _: list[xr.Dataset]) -> xr.Dataset:
    """Errors, spectra and kernel rows of every setting, padded to the largest; dim `ring`.

    Ring 0 is the sketch, then the sweep over separations, then the one over points per ring.
    """
    settings = [_SKETCH]
    points, length = _SWEPT_SEPARATION
    settings += [(points, float(separation), length) for separation in spec["separations"]]
    separation, length = _SWEPT_SIZE
    settings += [(n, separation, length) for n in spec["n"]]
    largest = 2 * max(n for n, _, _ in settings)
    rings = [_one(n, s, length, spec["ridge_factor"], largest) for n, s, length in settings]
    swept = xr.concat(rings, dim="ring").assign_coords(
        points_per_ring=("ring", [n for n, _, _ in settings]),
        separation=("ring", [s for _, s, _ in settings]),
        inverse_length=("ring", [length for _, _, length in settings]),
    )
    return swept.assign(_sketch()).assign_attrs(ridge_factor=spec["ridge_factor"])


def _sketch() -> xr.Dataset:
    """Positions, distances and Gram matrix of the first setting, and its errors without ridge."""
    n, separation, inverse_length = _SKETCH
    points = two_rings(n, separation).reshape(2 * n, 3)[interleaved(n)]
    matrix = ring_gram(n, separation, inverse_length)
    labels = np.tile([1.0, -1.0], n)
    missing = n  # the middle one, as drawn
    return xr.Dataset(
        {
            "position": (("point", "coordinate"), points),
            "distance_squared": (("point", "other"), ((points[:, None] - points) ** 2).sum(-1)),
            "gram": (("point", "other"), matrix),
            "exact": labels[missing] * exact_errors(matrix, labels, [missing])[0],
            "spectral": spectral_error(matrix),
        }
    )


def ring_gram(n: int, separation: float, inverse_length: float) -> Float[np.ndarray, "point point"]:
    """The Gram matrix of two rings, points interleaved."""
    points = two_rings(n, separation).reshape(2 * n, 1, 3)[interleaved(n)]
    return gram({"kind": "rbf", "inverse_length": inverse_length}, points)


def _one(
    n: int, separation: float, inverse_length: float, factor: float, largest: int
) -> xr.Dataset:
    matrix = ring_gram(n, separation, inverse_length)
    labels = np.tile([1.0, -1.0], n)
    ridge = authors_regression(matrix, factor, missing=0)
    padding = (0, largest - 2 * n)
    return xr.Dataset(
        {
            "exact_ridge": labels[0] * exact_errors(matrix, labels, [0], ridge)[0],
            "spectral_ridge": spectral_error(matrix, authors_spectral(matrix, factor)),
            "spectral_no_ridge": bessel_error(n, separation, inverse_length),
            "kernel_row": (
                "frequency",
                np.pad(circulant_row(matrix), padding, constant_values=np.nan),
            ),
            "spectrum": ("frequency", np.pad(spectrum(matrix), padding, constant_values=np.nan)),
        }
    )
