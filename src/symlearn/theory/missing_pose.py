"""What a kernel says of a pose that it has not seen: the exact error and its predictions together.

For one's own Gram matrix, from Python (docs/python.md).
"""

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from symlearn.groups import FiniteGroup
from symlearn.theory.exact import exact_errors_by_pose, solve_gram
from symlearn.theory.one_row import one_row_errors
from symlearn.theory.orbit_block import Ridge, orbit_block_errors, scalar_error
from symlearn.theory.spectral import interleaved, spectral_error

_LONG_NAMES = {
    "exact_at_identity": "error on the first pose, where all of its class miss it",
    "exact_mean": "the same, mean over the pose that is missing",
    "orbit_block": "its prediction from the kernel averaged over the group, by irreps",
    "one_row": "its prediction from the rows of the first pose of each orbit",
    "spectral": "its prediction by the spectral error, or by its scalar counterpart",
}


def missing_pose_errors(
    gram: Float[np.ndarray, "point point"],
    orbits: int | Int[np.ndarray, " point"],
    group: FiniteGroup,
    labels: Float[np.ndarray, " orbit"] | list[float],
    ridge: float = 0.0,
) -> xr.Dataset:
    """The error y (y - f) of kernel regression on a missing pose, exact and predicted, by orbit.

    Points are ordered (orbit, pose), poses as the group's elements; `orbits` is the number of
    orbits, or each point's orbit, in which its poses are in that order. `labels` are 1 or -1, one
    for each orbit; a pose is missing from all orbits of a label at a time. 0 is right, 1 a guess,
    and more than 1 the wrong class. `ridge` is added to the diagonal as it is. `spectral` is there
    for two orbits of different labels (docs/science/orbits.md#labels-and-missing-poses).

    Raises ValueError for sizes or labels that do not fit, and IllConditionedError for a Gram matrix
    that is singular; warns where one row belongs to no kernel. Cost: points^3 operations.
    """
    matrix, signs = np.asarray(gram, dtype=float), np.asarray(labels, dtype=float)
    if signs.ndim != 1 or not np.isin(signs, (-1, 1)).all():
        raise ValueError("labels are 1 or -1, one for each orbit")
    count = len(signs)
    order = _order(orbits, count, len(group))
    if matrix.shape != (len(order), len(order)):
        raise ValueError(
            f"{count} orbits of {len(group)} poses make {len(order)} points, but the Gram matrix "
            f"has the shape {matrix.shape}"
        )
    matrix = matrix[np.ix_(order, order)]
    rows = matrix.reshape(count, len(group), count, len(group))[:, 0]
    exact = exact_errors_by_pose(solve_gram(matrix, ridge), signs[:, None])[..., 0]
    found = {
        "exact_at_identity": exact[:, 0],
        "exact_mean": exact.mean(axis=1),
        "orbit_block": orbit_block_errors(matrix, count, group, signs, ridge),
        "one_row": one_row_errors(rows, group, signs, ridge),
    }
    if count == 2 and signs[0] != signs[1]:
        found["spectral"] = signs * scalar_predictions(matrix[None], group, ridge)[0]
    variables = {
        name: ("orbit", signs * values, {"units": "1", "long_name": _LONG_NAMES[name]})
        for name, values in found.items()
    }
    about = {"measure": "missing_pose_errors", "group": group.name, "poses": len(group)}
    return xr.Dataset(variables, {"label": ("orbit", signs)}, about)


def scalar_predictions(
    grams: Float[np.ndarray, "task point point"], group: FiniteGroup, ridges: Ridge
) -> Float[np.ndarray, " task"]:
    """The paper's spectral error for a cyclic group, its scalar counterpart for any other."""
    if group.is_cyclic:
        order = interleaved(len(group))
        return np.asarray(spectral_error(grams[:, order[:, None], order], ridges))
    return np.asarray(scalar_error(grams, group, ridges))


def _order(
    orbits: int | Int[np.ndarray, " point"], count: int, poses: int
) -> Int[np.ndarray, " point"]:
    """The points ordered (orbit, pose); raises ValueError for orbits that have not all poses."""
    if np.ndim(orbits) == 0:
        if orbits != count:
            raise ValueError(f"{orbits} orbits need {orbits} labels, not {count}")
        return np.arange(count * poses)
    names, sizes = np.unique(orbits, return_counts=True)
    if len(names) != count or (sizes != poses).any():
        raise ValueError(
            f"each of {count} orbits has {poses} points, and these have {sizes.tolist()}"
        )
    return np.argsort(orbits, kind="stable")
