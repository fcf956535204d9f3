"""Figure 10: what 32 bits and the ridge do to the numbers.

See docs/science/orbits.md#precision-and-the-authors-ridges.
"""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.plots import style
from symlearn.plots.inputs import (
    Inputs,
    Plotted,
    architectures,
    at,
    by_cell,
    grid_points,
    rows_of,
    symmetrised,
)
from symlearn.plots.panels import powers_of_two, spread
from symlearn.statistics import Measured, Measurements, mean, median

TITLE = "Precision and ridge: the authors' 32 bits and ridges against 64 bits without a ridge"
NEEDS: dict[str, dict[str, int]] = {"precision": {}}
_CURVES = {
    "exact_at_identity": ("black", "-", "exact"),
    "spectral": (style.PREDICTIONS["spectral"][0], "-", "spectral"),
    "spectral_ridge": (style.PREDICTIONS["spectral"][0], ":", "spectral, authors' ridge"),
    "exact_ridge": ("0.45", ":", "exact, the same ridge"),
}


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """All architectures at every n."""
    return {"pairs": by_cell(inputs.study("precision")).drop_vars("condition_number")}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Errors in both precisions and with both ridges."""
    cells = plotted["pairs"]
    measured: dict[str, Measured] = {}
    for tag, here in grid_points(cells):
        measured |= {
            f"mean_spectral.{tag}": mean(here["spectral"].values),
            f"mean_spectral_32.{tag}": mean(here["spectral_32"].values),
            f"relative_mean_32.{tag}": _relative(
                here["spectral_32"].mean(), here["spectral"].mean()
            ),
            f"ridge_inflation.{tag}": _relative(
                here["spectral_ridge"].median(), here["spectral"].median()
            ),
            f"ridge_matched.{tag}": _relative(
                here["spectral_ridge"].median(), np.median(symmetrised(here["exact_ridge"]))
            ),
            f"median_relative_32.{tag}": median(_relative_32(here)),
            f"median_gram_difference.{tag}": median(here["gram_difference"].values),
            f"median_spectral.{tag}": median(here["spectral"].values),
            f"median_spectral_ridge.{tag}": median(here["spectral_ridge"].values),
            f"median_exact.{tag}": median(symmetrised(here["exact_at_identity"])),
        }
    return measured


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    cells = plotted["pairs"]
    moves = str(cells.attrs["moves"])
    return (
        f"The data are {cells.sizes['task']} pairs of images under {moves}. (A) The panel shows "
        "the exact error with pose 0 missing, from 32-bit kernels by 32-bit least squares as the "
        "authors solve it (singular values cut at their default), against 64 bits. Panel B shows "
        "the relative difference of the spectral error from 32-bit kernels, panel C the largest "
        "relative difference of an entry of the 32-bit Gram matrix. Lines are medians over pairs, "
        "bands go from the 16th to the 84th percentile. (D) The panel shows median errors in 64 "
        "bits. The authors' spectral error has a ridge of 1e-5 of the trace, their exact error "
        "practically none. With one ridge in both, or none in both, the errors agree. "
        "neural-tangents computes the 32-bit kernels, as it did for the authors. Kernels and "
        "errors of all other figures are in 64 bits, and without a ridge except where figures 3 "
        "and 7 draw one. The networks of figures 1, 5, 6, 11 and 12 train in 32 bits."
    )


def draw(plotted: Plotted, _: Measurements) -> Figure:
    """A scatter per precision, and medians with and without ridge."""
    cells = plotted["pairs"]
    figure, grid = plt.subplots(2, 2, figsize=(style.TWO_COLUMNS, 4.2))
    axes = grid.ravel()
    _scatter(axes[0], cells)
    for name, (colour, marker) in style.models(architectures(cells)).items():
        rows = rows_of(cells, name)
        n = rows["n"].values
        look = {"color": colour, "marker": marker, "label": name}
        relative = np.stack([_relative_32(rows.isel(cell=i)) for i in range(len(n))])
        spread(axes[1], n, np.abs(relative), **look)
        spread(axes[2], n, rows["gram_difference"].values, **look)
    _medians(axes[3], rows_of(cells, architectures(cells)[0]))
    axes[1].set(yscale="log", ylabel="|spectral error, 32 / 64 bits - 1|")
    axes[2].set(yscale="log", ylabel="Gram entry, |32 / 64 bits - 1|")
    axes[3].set(title=architectures(cells)[0])
    style.letters(axes)
    for panel in axes[1:]:
        powers_of_two(panel, np.unique(cells["n"]))
    axes[2].legend()
    return figure


def _relative(value: xr.DataArray, reference: xr.DataArray | np.floating) -> Measured:
    """By how much a value is off, as a share of the reference."""
    return Measured(abs(float(value) / float(reference) - 1))


def _relative_32(here: xr.Dataset) -> np.ndarray:
    return (here["spectral_32"] / here["spectral"] - 1).values


def _scatter(axes: Axes, cells: xr.Dataset) -> None:
    for name, (colour, marker) in style.models(architectures(cells)).items():
        rows = rows_of(cells, name)
        here = at(rows, name, int(rows["n"].values[0]))
        exact, single = symmetrised(here["exact_at_identity"]), symmetrised(here["exact_32"])
        label = f"{name}, N = {int(here['n'])}"
        axes.scatter(exact, single, s=7, color=colour, marker=marker, linewidths=0, label=label)
    drawn = np.concatenate([points.get_offsets() for points in axes.collections])
    line = [drawn.min(), drawn.max()]
    axes.plot(line, line, color="0.6", linewidth=0.8, zorder=0)
    axes.set(
        xscale="log", yscale="log", xlabel="exact error, 64 bits", ylabel="exact error, 32 bits"
    )
    axes.legend(loc="upper left", handletextpad=0.1)


def _medians(axes: Axes, rows: xr.Dataset) -> None:
    for name, (colour, dashes, label) in _CURVES.items():
        values = rows[name]
        if "orbit" in values.dims:
            values = abs(values).mean("orbit")
        axes.plot(
            rows["n"], values.median("task"), color=colour, linestyle=dashes, marker="o",
            markersize=3, label=label,
        )  # fmt: skip
    axes.set(ylabel="median error", yscale="log")
    axes.legend(loc="lower left")
