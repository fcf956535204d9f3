"""Figure 4, a supplement: its panels for every architecture and every number of poses.

See docs/science/orbits.md#the-label-eigenvalue and
docs/science/orbits.md#the-mean-reciprocal-eigenvalue.
"""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.papers.orbits.figures.pair_panels import against, phase_diagram
from symlearn.papers.orbits.figures.quantities import geometry_quantities
from symlearn.plots import style
from symlearn.plots.inputs import (
    Inputs,
    Plotted,
    architectures,
    by_cell,
    correct_of_two,
    grid_points,
    rows_of,
    symmetrised,
)
from symlearn.plots.panels import error_scatter, top
from symlearn.statistics import Measured, Measurements, correlation

TITLE = "Figure 4 for every architecture and number of poses"
NEEDS: dict[str, dict[str, int]] = {"rotations": {}}
_ROWS = ("spectral against exact error", "exact error", "separation", "density")


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """All architectures at every n."""
    names = [
        "exact_at_identity", "spectral", "lambda_last", "mean_reciprocal",
        "centre_distance_squared", "orbit_radius", "adjacent_distance",
    ]  # fmt: skip
    return {"pairs": by_cell(inputs.study("rotations")).isel(ridge_factor=0)[names]}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """How well pixel-space geometry predicts both factors of the error, by architecture and n."""
    return geometry_quantities(plotted["pairs"])


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    cells = plotted["pairs"]
    return (
        f"Panels B to E of figure 4 for {', '.join(architectures(cells))} (four rows each) and "
        f"every number of poses N (columns), {cells.sizes['task']} pairs, NTK, no ridge, pose 0 "
        "missing. First of four: the spectral error against the exact one, coloured by how many of "
        "the pair's two missing poses are classified correctly. Second: the exact error over the "
        "two factors of the spectral error, the inverse eigenvalue of the label frequency and the "
        "mean reciprocal eigenvalue. Third: that eigenvalue and the squared distance of the "
        "orbits' centres. Fourth: the mean reciprocal eigenvalue and the inverse radius of the "
        "orbits. The colour is the exact error there, from its smallest to its largest value in "
        "each panel. Numbers are Pearson's correlations."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """Four rows for each architecture, a column for each n."""
    cells = plotted["pairs"]
    names, sizes = architectures(cells), np.unique(cells["n"])
    figure, grid = plt.subplots(
        len(_ROWS) * len(names), len(sizes), squeeze=False,
        figsize=(style.TWO_COLUMNS, 1.15 * len(_ROWS) * len(names)),
    )  # fmt: skip
    for number, name in enumerate(names):
        rows = rows_of(cells, name)
        block = grid[len(_ROWS) * number : len(_ROWS) * (number + 1)]
        for row, label in enumerate(_ROWS):
            block[row, 0].set_ylabel(f"{name}\n{label}", fontsize=5.5)
        style.letter(block[0, 0], "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[number % 26])
        for column, (tag, here) in enumerate(grid_points(rows)):
            _column(block[:, column], here, tag, measured)
    for axes, n in zip(grid[0], sizes, strict=True):
        axes.set_title(f"N = {n}")
    for axes in grid.flat:
        axes.locator_params("y", nbins=4)
        axes.locator_params("x", nbins=3)  # more would run into each other
        axes.ticklabel_format(scilimits=(-2, 4))
        axes.tick_params(labelsize=4.5, length=2)
        for axis in (axes.xaxis, axes.yaxis):
            axis.get_offset_text().set_fontsize(4.5)
        axes.set_xlabel("")
    return figure


def _column(panels: np.ndarray, here: xr.Dataset, tag: str, measured: Measurements) -> None:
    """The four panels of one grid point."""
    exact, spectral = symmetrised(here["exact_at_identity"]), here["spectral"].values
    right = correct_of_two(here["exact_at_identity"])
    error_scatter(panels[0], exact, spectral, right, top(exact, spectral))
    _say(panels[0], correlation(exact, spectral))
    phase_diagram(panels[1], here, exact, np.linspace(exact.min(), exact.max(), 11))
    against(panels[2], here["lambda_last"], here["centre_distance_squared"], exact)
    _say(panels[2], measured[f"correlation_separation.{tag}"])
    against(panels[3], here["mean_reciprocal"], 1.0 / here["orbit_radius"], exact)
    _say(panels[3], measured[f"correlation_density.{tag}"])


def _say(axes: Axes, found: Measured) -> None:
    """A correlation in a corner."""
    axes.text(0.04, 0.96, f"{found.value:.2f}", transform=axes.transAxes, va="top", fontsize=5)
