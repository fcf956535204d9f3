"""Figure 5: spectral against exact errors by architecture, and against a trained network's.

See docs/science/orbits.md#what-the-circulant-forgets and docs/science/orbits.md#networks-on-pairs.
"""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.papers.orbits.figures.quantities import pair_quantities
from symlearn.papers.orbits.figures.trained import histories, pair_errors, pair_right
from symlearn.plots import style
from symlearn.plots.inputs import (
    Inputs,
    Plotted,
    architectures,
    at,
    by_cell,
    by_task,
    correct_of_two,
    grid_points,
    nearest_n,
    rows_of,
    symmetrised,
)
from symlearn.plots.panels import error_scatter, measured_line, powers_of_two, top
from symlearn.statistics import Measured, Measurements, correlation, mean, median

TITLE = "Spectral against exact errors, by architecture"
NEEDS: dict[str, dict[str, int]] = {"rotations": {}, "trained-pairs": {}}
_PAPER_N = 8


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """All architectures at every n."""
    cells = by_cell(inputs.study("rotations")).isel(ridge_factor=0)
    names = ["exact_at_identity", "exact_mean", "spectral", "orbit_block", "condition_number"]
    return {"pairs": cells[names], "trained": _trained(inputs, cells)}


def _trained(inputs: Inputs, cells: xr.Dataset) -> xr.Dataset:
    """Errors of trained networks, and the kernel's for the same pairs, along `task`."""
    trained = histories(inputs.study("trained-pairs"), "architecture", "n", "width").isel(cell=0)
    errors = pair_errors(trained).mean(axis=-1)
    kernel = at(cells, str(trained["architecture"].item()), int(trained["n"]))
    kernel = kernel.isel(task=slice(len(errors)))
    return xr.Dataset(
        {
            "error": (("task", "orbit"), errors),
            "right": (("task", "orbit"), pair_right(trained).mean(axis=-1)),
            "exact_at_identity": (("task", "orbit"), kernel["exact_at_identity"].values),
            "orbit_block": (("task", "orbit"), kernel["orbit_block"].values),
            "spectral": ("task", kernel["spectral"].values),
        },
        coords={name: trained[name] for name in ("architecture", "n", "width")},
    )


def measure(plotted: Plotted) -> dict[str, Measured]:
    """As figure 4 by architecture, and the correlation of the orbit-block error."""
    cells = plotted["pairs"]
    measured = pair_quantities(cells)
    for tag, here in grid_points(cells):
        measured[f"correlation_orbit_block.{tag}"] = correlation(
            by_task(here["exact_mean"]), by_task(here["orbit_block"])
        )
    return measured | _trained_quantities(plotted["trained"])


def _trained_quantities(trained: xr.Dataset) -> dict[str, Measured]:
    error, exact = trained["error"].mean("orbit").values, symmetrised(trained["exact_at_identity"])
    return {
        "trained.median": median(error),
        "trained.median_exact": median(exact),
        "trained.accuracy": mean(trained["right"].mean("orbit").values),
        "trained.accuracy_exact": mean(correct_of_two(trained["exact_at_identity"]) / 2),
        "trained.correlation_spectral": correlation(error, trained["spectral"].values),
        "trained.correlation_exact": correlation(error, exact),
    }


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    cells = plotted["pairs"]
    return (
        "The top row shows the paper's spectral error against the exact error (pose 0 missing) for "
        f"{cells.sizes['task']} pairs at N = {nearest_n(cells, _PAPER_N)} poses. Kernels are NTKs "
        "without a ridge. Colour and marker are as in figure 4. The middle row is the control. It "
        "shows the orbit-block error against the exact error averaged over poses, one point for "
        "each orbit. All panels have the same pairs. The bottom row shows the correlation with the "
        "exact error by N (bars: bootstrap standard error). The last column has networks of width "
        f"{int(plotted['trained']['width'])} in NTK parametrisation (Gaussian weights; the "
        "authors' are uniform, at another scale). They train on "
        f"{plotted['trained'].sizes['task']} of the same pairs by Adam in full batches on the "
        "square loss, with pose 0 of one orbit missing, then of the other. The panels show the "
        "spectral error and the orbit-block error of their kernel against their error."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """A column per architecture, and the correlations beneath."""
    cells = plotted["pairs"]
    names, trained = architectures(cells), plotted["trained"]
    figure = plt.figure(figsize=(style.TWO_COLUMNS, 5.0))
    figure.set_layout_engine("constrained", h_pad=0.08)
    halves = figure.add_gridspec(2, 1, height_ratios=[2, 1])
    upper, lower = halves[0], halves[1]
    grid = upper.subgridspec(2, len(names) + 1)
    n = nearest_n(cells, _PAPER_N)
    for column, name in enumerate(names):
        scatter, control = (figure.add_subplot(grid[row, column]) for row in range(2))
        _column(scatter, control, at(cells, name, n))
        scatter.set(title=name, xlabel="")
        if column == 0:
            scatter.set(ylabel="spectral error")
            control.set(ylabel="orbit-block error")
            figure.legend(*scatter.get_legend_handles_labels(), loc="outside upper center", ncols=3)
    scatter, control = (figure.add_subplot(grid[row, len(names)]) for row in range(2))
    _trained_column(scatter, control, trained)
    style.letters(figure.axes[::2])  # the upper row's, each of which has its control beneath
    below = lower.subgridspec(1, 2)
    kinds = (("correlation_spectral", "spectral"), ("correlation_orbit_block", "orbit-block"))
    for column, (kind, label) in enumerate(kinds):
        panel = figure.add_subplot(below[column])
        _correlations(panel, cells, measured, kind)
        panel.set(ylabel=f"correlation, {label}")
    panel.legend(ncols=2)
    return figure


def _column(scatter: Axes, control: Axes, here: xr.Dataset) -> None:
    exact, spectral = symmetrised(here["exact_at_identity"]), here["spectral"].values
    mean, block = here["exact_mean"].values.ravel(), here["orbit_block"].values.ravel()
    error_scatter(
        scatter, exact, spectral, correct_of_two(here["exact_at_identity"]), top(exact, spectral)
    )
    limit = top(mean, block)
    control.plot([0, limit], [0, limit], color="0.6", linewidth=0.8, zorder=0)
    control.scatter(mean, block, s=5, color="black", marker=".")
    control.set(xlim=(0, limit), ylim=(0, limit), aspect="equal", xlabel="exact error")


def _trained_column(scatter: Axes, control: Axes, trained: xr.Dataset) -> None:
    error, spectral = trained["error"].mean("orbit").values, trained["spectral"].values
    right = trained["right"].sum("orbit").values
    error_scatter(scatter, error, spectral, right, top(error, spectral))
    scatter.set(title=f"{trained['architecture'].item()} trained", xlabel="")
    by_orbit, block = trained["error"].values.ravel(), trained["orbit_block"].values.ravel()
    limit = top(by_orbit, block)
    control.plot([0, limit], [0, limit], color="0.6", linewidth=0.8, zorder=0)
    control.scatter(by_orbit, block, s=5, color="black", marker=".")
    control.set(xlim=(0, limit), ylim=(0, limit), aspect="equal", xlabel="trained error")


def _correlations(axes: Axes, cells: xr.Dataset, measured: Measurements, kind: str) -> None:
    for name, (colour, marker) in style.models(architectures(cells)).items():
        look = {"color": colour, "marker": marker, "capsize": 2, "label": name}
        measured_line(axes, measured, kind, rows_of(cells, name), **look)
    powers_of_two(axes, np.unique(cells["n"]))
    axes.axhline(1.0, color="0.8", linewidth=0.6, zorder=0)
