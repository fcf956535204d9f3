"""What the figures of pairs measure, by architecture and n; claims refer to these names."""

from collections.abc import Iterable

import numpy as np
import xarray as xr

from symlearn.plots.inputs import by_task, correct_of_two, grid_points, symmetrised
from symlearn.statistics import (
    Measured,
    correlation,
    mean,
    mean_absolute,
    median,
    rank_correlation,
    ratio,
)

TARGETS = {"exact_at_identity": "_at_identity", "exact_mean": "_mean"}
"""The exact errors that predictions are scored against, and the endings of their quantities.

See docs/science/orbits.md#exact-at-identity-and-exact-mean.
"""

TARGET_NAMES = {"exact_at_identity": "pose 0", "exact_mean": "mean over poses"}
"""The same in words, for axes and legends."""


ROUNDING = 3e-6
"""The lower end of axes of differences: what is less is exact up to the rounding of a solve."""


def pair_quantities(
    cells: xr.Dataset, predictions: Iterable[str] = ("spectral", "orbit_block")
) -> dict[str, Measured]:
    """Medians, accuracy and agreement with both exact errors at every grid point."""
    predictions = tuple(predictions)
    measured: dict[str, Measured] = {}
    for tag, here in grid_points(cells):
        exact, spectral = symmetrised(here["exact_at_identity"]), here["spectral"].values
        measured |= {
            f"median_exact.{tag}": median(exact),
            f"median_spectral.{tag}": median(spectral),
            f"bias_spectral.{tag}": median(spectral - exact),
            f"rank_correlation_spectral.{tag}": rank_correlation(exact, spectral),
            f"accuracy.{tag}": mean(correct_of_two(here["exact_at_identity"]) / 2),
        }
        measured |= correlations(here, tag, predictions) | differences(here, tag, predictions)
    return measured


def geometry_quantities(cells: xr.Dataset) -> dict[str, Measured]:
    """How well geometry in pixel space predicts both factors of the spectral error."""
    measured: dict[str, Measured] = {}
    for tag, here in grid_points(cells):
        separation, density = here["lambda_last"].values, here["mean_reciprocal"].values
        centres, radius = here["centre_distance_squared"].values, here["orbit_radius"].values
        measured |= {
            f"correlation_separation.{tag}": correlation(centres, separation),
            f"correlation_density.{tag}": correlation(1.0 / radius, density),
            f"correlation_spacing.{tag}": correlation(
                1.0 / here["adjacent_distance"].values, density
            ),
        }
    return measured


def correlations(here: xr.Dataset, tag: str, predictions: Iterable[str]) -> dict[str, Measured]:
    """The correlation of each prediction with both exact errors at one grid point.

    Over pairs for a scalar formula, with the paper's error of a pair (`symmetrised`), and else
    over orbits.
    """
    found: dict[str, Measured] = {}
    for target, ending in TARGETS.items():
        for prediction in predictions:
            predicted = here[prediction]
            by_orbit = "orbit" in predicted.dims
            exact = by_task(here[target]) if by_orbit else symmetrised(here[target])
            name = f"correlation_{prediction}{ending}.{tag}"
            found[name] = correlation(exact, by_task(predicted))
    return found


def differences(here: xr.Dataset, tag: str, predictions: Iterable[str]) -> dict[str, Measured]:
    """The mean absolute difference of each prediction from both exact errors at one grid point.

    And that of the orbit-block error over that of the spectral error, which says whether it has an
    advantage.
    """
    found: dict[str, Measured] = {}
    for target, ending in TARGETS.items():
        off = {kind: mean_absolute(difference(here, kind, target)) for kind in predictions}
        found |= {f"difference_{kind}{ending}.{tag}": one for kind, one in off.items()}
        over = ratio(off["orbit_block"], off["spectral"])
        found[f"orbit_block_over_spectral{ending}.{tag}"] = over
    return found


def difference(here: xr.Dataset, prediction: str, target: str) -> np.ndarray:
    """Prediction less exact error (task, ...): per pair for a scalar formula, else per orbit.

    The subgroup's prediction, `coset_block`, depends on the pose: the study has compared it pose by
    pose.
    """
    exact = here[target]
    if prediction == "coset_block":
        if target == "exact_mean":
            return by_task(here["coset_difference"])
        return by_task(here["coset_block_at_identity"] - exact)
    predicted = here[prediction]
    return by_task(predicted - (exact if "orbit" in predicted.dims else exact.mean("orbit")))
