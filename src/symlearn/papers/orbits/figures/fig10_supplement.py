"""Figure 10, a supplement: what the authors' ridge and 32 bits do to the numbers.

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
    by_cell,
    grid_points,
    rows_of,
    symmetrised,
)
from symlearn.plots.panels import plain_logarithm, powers_of_two, spread
from symlearn.statistics import Measured, Measurements, mean, median

TITLE = "The authors' ridges and 32 bits against 64 bits without a ridge"
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
        f"median errors of {architectures(cells)[0]} in 64 bits. The authors' spectral error has a "
        "ridge of 1e-5 of the trace, their exact error practically none. With one ridge in both, "
        "or none in both, the errors agree. (B) The panel shows the relative difference of the "
        "spectral error, without a ridge, from 32-bit kernels. Lines are medians over pairs, bands "
        "go from the 16th to the 84th percentile. neural-tangents computes the 32-bit kernels, as "
        "it did for the authors. Kernels and errors of all other figures are in 64 bits, and "
        "without a ridge except where figures 3 and 7 draw one. The networks of figures 1, 5, 6, "
        "11 and 12 train in 32 bits."
    )


def draw(plotted: Plotted, _: Measurements) -> Figure:
    """Medians with and without ridge, and the difference that 32 bits make."""
    cells = plotted["pairs"]
    figure, (medians, bits) = plt.subplots(1, 2, figsize=(style.TWO_COLUMNS, 2.4))
    _medians(medians, rows_of(cells, architectures(cells)[0]))
    for name, (colour, marker) in style.models(architectures(cells)).items():
        rows = rows_of(cells, name)
        relative = np.stack([_relative_32(rows.isel(cell=i)) for i in range(rows.sizes["cell"])])
        look = {"color": colour, "marker": marker, "label": name}
        spread(bits, rows["n"].values, np.abs(relative), **look)
    bits.set(yscale="log", ylabel="|spectral error, 32 / 64 bits - 1|")
    bits.legend()
    for panel in (medians, bits):
        powers_of_two(panel, np.unique(cells["n"]))
    style.letters((medians, bits))
    return figure


def _relative(value: xr.DataArray, reference: xr.DataArray | np.floating) -> Measured:
    """By how much a value is off, as a share of the reference."""
    return Measured(abs(float(value) / float(reference) - 1))


def _relative_32(here: xr.Dataset) -> np.ndarray:
    return (here["spectral_32"] / here["spectral"] - 1).values


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
    plain_logarithm(axes.yaxis)
    axes.legend(loc="lower left")
