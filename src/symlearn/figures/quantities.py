"""What the figures of pairs measure, by architecture and n; claims refer to these names."""

import numpy as np
import xarray as xr
from jaxtyping import Float

from symlearn.figures.inputs import by_task, grid_points
from symlearn.statistics import Measured, correlation, mean, mean_absolute, median, rank_correlation


def symmetrised(exact: xr.DataArray) -> Float[np.ndarray, " task"]:
    """The paper's error of a pair: mean over both classes of the error's magnitude."""
    return abs(exact).mean("orbit").values


def correct_of_two(exact: xr.DataArray) -> Float[np.ndarray, " task"]:
    """How many of a pair's two missing poses are right: an error below 1 is the right sign."""
    return (exact < 1.0).sum("orbit").values.astype(float)


def pair_quantities(cells: xr.Dataset) -> dict[str, Measured]:
    """Medians, accuracy and agreement with the exact error at every grid point."""
    measured: dict[str, Measured] = {}
    for tag, here in grid_points(cells):
        exact, spectral = symmetrised(here["exact"]), here["spectral"].values
        block = here["orbit_block"] - here["exact_mean"]
        measured |= {
            f"median_exact.{tag}": median(exact),
            f"median_spectral.{tag}": median(spectral),
            f"bias_spectral.{tag}": median(spectral - exact),
            f"correlation_spectral.{tag}": correlation(exact, spectral),
            f"rank_correlation_spectral.{tag}": rank_correlation(exact, spectral),
            f"accuracy.{tag}": mean(correct_of_two(here["exact"]) / 2),
            f"difference_orbit_block.{tag}": mean_absolute(by_task(block)),
        }
    return measured
