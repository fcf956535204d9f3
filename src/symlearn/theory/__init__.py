"""Errors on missing poses: exact, spectral, orbit-block, one row; beyond supervision; geometry.

One convention for the ridge r, everywhere: it is added, as it is, to the diagonal of the Gram
matrix (equivalently to each of its eigenvalues). `symlearn.theory.ridges` maps the conventions
of the authors' code to it.
"""

from symlearn.theory.beyond_supervision import (
    Features,
    barlow_twins_features,
    contrastive_features,
    frozen_features,
    semi_supervised_errors,
)
from symlearn.theory.exact import exact_errors, exact_errors_by_pose, solve_gram, solve_grams
from symlearn.theory.geometry import (
    adjacent_distance,
    centre_distance_squared,
    class_separation,
    orbit_radius,
)
from symlearn.theory.one_row import (
    hermitian,
    least_eigenvalues,
    one_row_errors,
    rows_of_every,
)
from symlearn.theory.orbit_block import (
    average_over_subgroup,
    averaged_errors,
    coset_block_errors,
    orbit_block_errors,
    scalar_error,
    softened,
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
    "Features",
    "adjacent_distance",
    "average_over_subgroup",
    "averaged_errors",
    "barlow_twins_features",
    "centre_distance_squared",
    "circulant_row",
    "class_separation",
    "contrastive_features",
    "coset_block_errors",
    "cosine_normalised",
    "exact_errors",
    "exact_errors_by_pose",
    "frozen_features",
    "hermitian",
    "interleaved",
    "least_eigenvalues",
    "mean_reciprocal",
    "one_row_errors",
    "orbit_block_errors",
    "orbit_radius",
    "rows_of_every",
    "scalar_error",
    "semi_supervised_errors",
    "softened",
    "solve_gram",
    "solve_grams",
    "spectral_error",
    "spectrum",
]
