"""32 against 64 bits, and the authors' ridges: the same pairs, solved both ways."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from symlearn.groups import action_of
from symlearn.theory import exact_errors_by_pose, interleaved, solve_gram, spectral_error
from symlearn.theory.ridges import authors_spectral

# The authors' defaults: the one the spectral error is called with, and the one of the regression,
# which is below 32-bit resolution (docs/science/orbits.md#precision-and-the-authors-ridges).
_SPECTRAL_FACTOR = 1e-5
_REGRESSION_FACTOR = 1e-10


def compute(spec: Mapping[str, Any], inputs: list[xr.Dataset]) -> xr.Dataset:
    """Errors at pose 0 by (task, orbit), and spectral errors by task, for each precision."""
    double, single = (kernels["gram"].values for kernels in inputs)
    tasks = [_one(a, b) for a, b in zip(double, single, strict=True)]
    result = xr.concat(tasks, dim="task").assign_coords(n=inputs[0]["n"])
    about = {"group": spec["group"], "moves": action_of(spec["group"]).moves}
    return result.assign_attrs(spec["labels"], **about)


def _one(
    double: Float[np.ndarray, "point point"], single: Float[np.ndarray, "point point"]
) -> xr.Dataset:
    poses = len(double) // 2
    order = np.ix_(interleaved(poses), interleaved(poses))
    labels = np.array([[1.0], [-1.0]])
    solved = solve_gram(double)
    ridge = authors_spectral(double, _SPECTRAL_FACTOR)
    with_ridge = exact_errors_by_pose(solve_gram(double, ridge), labels)
    as_they_did = [authors_least_squares(single, orbit) for orbit in range(2)]
    return xr.Dataset(
        {
            "exact_at_identity": (
                "orbit",
                (exact_errors_by_pose(solved, labels)[:, 0] * labels)[:, 0],
            ),
            "exact_ridge": ("orbit", (with_ridge[:, 0] * labels)[:, 0]),
            "exact_32": ("orbit", as_they_did),
            "spectral": spectral_error(double[order]),
            "spectral_ridge": spectral_error(double[order], ridge),
            "spectral_32": spectral_error(single[order]),
            "gram_difference": np.abs(single / double - 1).max(),
            "condition_number": solved.condition,
        }
    )


def authors_least_squares(single: Float[np.ndarray, "point point"], orbit: int) -> float:
    """The error at pose 0 of an orbit as the authors solve for it: 32-bit least squares.

    The solver cuts off singular values below the number of points times the 32-bit resolution
    (docs/science/orbits.md#precision-and-the-authors-ridges). It is jax's, as theirs: numpy solves
    in 64 bits whatever it is given.
    """
    import jax.numpy as jnp  # slow to import

    points = len(single)
    labels = np.repeat(np.array([1.0, -1.0], dtype=np.float32), points // 2)
    hole = orbit * points // 2
    kept = np.delete(np.arange(points), hole)
    gram = jnp.asarray(single[np.ix_(kept, kept)], dtype=jnp.float32)
    gram += _REGRESSION_FACTOR * jnp.trace(gram) * jnp.eye(len(kept), dtype=jnp.float32)
    weights = jnp.linalg.lstsq(gram, jnp.asarray(labels[kept]))[0]
    prediction = jnp.asarray(single[hole, kept], dtype=jnp.float32) @ weights
    return float(labels[hole] * (labels[hole] - np.float32(prediction)))
