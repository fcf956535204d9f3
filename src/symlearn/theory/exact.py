"""Exact errors of kernel regression on missing poses, for all poses from one factorisation."""

import warnings
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import lapack

from symlearn.errors import IllConditionedError, IllConditionedWarning

# Above this condition number fewer than about four digits of an error are left in float64.
CONDITION_WARNING = 1e12


@dataclass(frozen=True)
class Solved:
    """The inverse of a Gram matrix with its ridge, and the condition number (1-norm estimate).

    Leading axes are a batch.
    """

    inverse: Float[np.ndarray, "*batch point point"]
    condition: float | Float[np.ndarray, "*batch"]


def solve_gram(gram: Float[np.ndarray, "point point"], ridge: float = 0.0) -> Solved:
    """The inverse of `gram` + `ridge` I by Cholesky factorisation.

    Warns (IllConditionedWarning) where the condition number exceeds 1e12; raises
    IllConditionedError where the matrix is singular to working precision. Cost: n^3 operations,
    two n x n arrays.
    """
    points = len(gram)
    factor, failed = lapack.dpotrf(gram + ridge * np.eye(points), lower=True, clean=False)
    if failed:
        raise IllConditionedError(
            f"the Gram matrix of {points} points is not positive definite at ridge {ridge:g}: "
            "two points (nearly) coincide for this kernel; set a larger ridge"
        )
    norm = np.abs(gram).sum(axis=0).max() + ridge
    reciprocal, _ = lapack.dpocon(factor, norm, uplo="L")
    condition = 1.0 / reciprocal if reciprocal > 0 else np.inf
    if condition > CONDITION_WARNING:
        warnings.warn(
            f"the Gram matrix of {points} points has condition number {condition:.1e} at ridge "
            f"{ridge:g}: about {max(0, 16 - np.log10(condition)):.0f} digits are left",
            IllConditionedWarning,
            stacklevel=2,
        )
    lower, _ = lapack.dpotri(factor, lower=True)
    return Solved(np.tril(lower) + np.tril(lower, -1).T, condition)


def exact_errors(
    gram: Float[np.ndarray, "point point"],
    labels: Float[np.ndarray, "point *output"],
    missing: Int[np.ndarray, " hole"] | list[int] | int,
    ridge: float = 0.0,
) -> Float[np.ndarray, "hole *output"]:
    """Residuals label - prediction at the points `missing`, trained on all the others.

    `ridge` is added to the training diagonal as it is. Leave-out identity: with K_r the Gram
    matrix of all points plus the ridge, the residuals of the set M are
    ([K_r^-1]_MM)^-1 [K_r^-1 y]_M (docs/science/orbits.md#the-exact-error). Raises
    IllConditionedError as `solve_gram` does.
    """
    holes = np.atleast_1d(missing)
    solved = solve_gram(gram, ridge)
    block = solved.inverse[np.ix_(holes, holes)]
    return np.linalg.solve(block, solved.inverse[holes] @ labels)


def solve_grams(
    grams: Float[np.ndarray, "batch point point"], ridges: Float[np.ndarray, " batch"]
) -> Solved:
    """As `solve_gram`, for each Gram matrix with its ridge: inverses and conditions stacked."""
    solved = [solve_gram(gram, ridge) for gram, ridge in zip(grams, ridges, strict=True)]
    return Solved(np.stack([s.inverse for s in solved]), np.array([s.condition for s in solved]))


def exact_errors_by_pose(
    solved: Solved, labels: Float[np.ndarray, "orbit output"]
) -> Float[np.ndarray, "*batch orbit pose output"]:
    """Residuals at every pose, when that pose is missing from all orbits with the same labels.

    Points of the Gram matrix are ordered (orbit, pose). One small solve per class and pose.
    """
    orbits, outputs = labels.shape
    poses = solved.inverse.shape[-1] // orbits
    batch = solved.inverse.shape[:-2]
    blocks = solved.inverse.reshape(*batch, orbits, poses, orbits, poses)
    weighted = solved.inverse @ np.repeat(labels, poses, axis=0)
    weighted = weighted.reshape(*batch, orbits, poses, outputs)
    errors = np.empty(weighted.shape)
    pose = np.arange(poses)[:, None, None]
    for members in same_label(labels):
        own = blocks[..., members[None, :, None], pose, members, pose]
        residual = np.linalg.solve(own, np.swapaxes(weighted[..., members, :, :], -3, -2))
        errors[..., members, :, :] = np.swapaxes(residual, -3, -2)
    return errors


def same_label(labels: Float[np.ndarray, "orbit output"]) -> list[Int[np.ndarray, " member"]]:
    """The orbits of each class, as index arrays: orbits are in one class if their labels agree."""
    _, class_of = np.unique(labels, axis=0, return_inverse=True)
    return [np.flatnonzero(class_of == value) for value in range(class_of.max() + 1)]
