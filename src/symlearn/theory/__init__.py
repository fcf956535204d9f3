"""Errors on missing poses: exact, spectral and orbit-block; and the geometry of orbits.

One convention for the ridge r, everywhere: it is added, as it is, to the diagonal of the Gram
matrix (equivalently to each of its eigenvalues). `symlearn.theory.ridges` maps the conventions
of the authors' code to it.
"""

from symlearn.theory.exact import exact_errors, exact_errors_by_pose, solve_gram, solve_grams
from symlearn.theory.geometry import (
    adjacent_distance,
    centre_distance_squared,
    class_separation,
    orbit_radius,
)
from symlearn.theory.orbit_block import (
    average_over_subgroup,
    averaged_errors,
    coset_block_errors,
    orbit_block_errors,
    scalar_error,
)
from symlearn.theory.spectral import (
    circulant_row,
    cosine_normalised,
    interleaved,
    mean_reciprocal,
    spectral_error,
    spectrum,
)

__all__ = [
    "adjacent_distance",
    "average_over_subgroup",
    "averaged_errors",
    "centre_distance_squared",
    "circulant_row",
    "class_separation",
    "coset_block_errors",
    "cosine_normalised",
    "exact_errors",
    "exact_errors_by_pose",
    "interleaved",
    "mean_reciprocal",
    "orbit_block_errors",
    "orbit_radius",
    "scalar_error",
    "solve_gram",
    "solve_grams",
    "spectral_error",
    "spectrum",
]
