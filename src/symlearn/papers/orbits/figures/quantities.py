"""What the figures of pairs measure, by architecture and n; claims refer to these names."""

import xarray as xr

from symlearn.plots.inputs import by_task, correct_of_two, grid_points, symmetrised
from symlearn.statistics import Measured, correlation, mean, mean_absolute, median, rank_correlation


def pair_quantities(cells: xr.Dataset) -> dict[str, Measured]:
    """Medians, accuracy and agreement with the exact error at every grid point."""
    measured: dict[str, Measured] = {}
    for tag, here in grid_points(cells):
        exact, spectral = symmetrised(here["exact_at_identity"]), here["spectral"].values
        block = here["orbit_block"] - here["exact_mean"]
        measured |= {
            f"median_exact.{tag}": median(exact),
            f"median_spectral.{tag}": median(spectral),
            f"bias_spectral.{tag}": median(spectral - exact),
            f"correlation_spectral.{tag}": correlation(exact, spectral),
            f"rank_correlation_spectral.{tag}": rank_correlation(exact, spectral),
            f"accuracy.{tag}": mean(correct_of_two(here["exact_at_identity"]) / 2),
            f"difference_orbit_block.{tag}": mean_absolute(by_task(block)),
        }
    return measured
