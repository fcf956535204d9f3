"""Figure 8: a non-abelian group, the rotations and reflections of an image.

See docs/science/orbits.md#the-orbit-block-error and docs/science/orbits.md#the-scalar-error.
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
    by_task,
    correct_of_two,
    grid_points,
    nearest_n,
    rows_of,
)
from symlearn.plots.panels import picture, powers_of_two, spread, top
from symlearn.statistics import Measured, Measurements, correlation, mean, mean_absolute

TITLE = "Non-abelian groups: dihedral orbits of images"
NEEDS: dict[str, dict[str, int]] = {"dihedral": {}, "dihedral-portrait": {}}
_SHOWN_N = 8


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """All architectures at every n, and one orbit as images."""
    cells = by_cell(inputs.study("dihedral")).isel(ridge_factor=0)
    names = ["exact_at_identity", "exact_mean", "spectral", "orbit_block", "coset_difference"]
    portrait = inputs.one("dihedral-portrait")
    return {"pairs": cells[names], "portrait": portrait[["pixels", "class_"]].isel(orbit=0)}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Agreement of each prediction with the exact error, and the accuracy."""
    cells = plotted["pairs"]
    measured: dict[str, Measured] = {}
    for tag, here in grid_points(cells):
        exact, block = by_task(here["exact_mean"]), by_task(here["orbit_block"])
        pair = here["exact_mean"].mean("orbit").values
        coset = by_task(here["coset_difference"])
        measured |= {
            f"accuracy.{tag}": mean(correct_of_two(here["exact_at_identity"]) / 2),
            f"correlation_orbit_block.{tag}": correlation(exact, block),
            f"difference_orbit_block.{tag}": mean_absolute(block - exact),
            f"difference_subgroup.{tag}": mean_absolute(coset),
            f"correlation_scalar.{tag}": correlation(pair, here["spectral"].values),
        }
    return measured


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    cells = plotted["pairs"]
    n = nearest_n(cells, _SHOWN_N)
    return (
        "(A) An orbit of the dihedral group of the square has four rotations, then the same of the "
        "image turned upside down. (B) The panel shows the orbit-block error against the exact "
        f"error, averaged over poses, for {cells.sizes['task']} pairs and the group of order "
        f"{2 * n}, one point for each orbit. (C) The panel shows the mean absolute difference "
        "between prediction and exact error by group order. Full lines are the orbit-block error "
        "over the whole group. Dotted lines are that over the exact subgroup of quarter turns and "
        "reflections, at the rounding of the solve. Dashed lines are the scalar formula. (D) The "
        "panel shows the exact error by group order. Lines are medians over pairs, bands go from "
        "the 16th to the 84th percentile. Kernels are NTKs without a ridge. The paper treats "
        "non-abelian groups in an appendix. Panels and formula here are this project's own."
    )


def draw(plotted: Plotted, _: Measurements) -> Figure:
    """An orbit, the scatter, and two curves by group order."""
    figure = plt.figure(figsize=(style.TWO_COLUMNS, 2.5))
    grid = figure.add_gridspec(1, 4, width_ratios=[0.7, 1.1, 1.1, 1.1])
    _orbit(figure, grid[0], plotted["portrait"])
    scatter, difference, error = (figure.add_subplot(grid[column]) for column in (1, 2, 3))
    cells = plotted["pairs"]
    _scatter(scatter, cells)
    _differences(difference, cells)
    for name, (colour, marker) in style.models(architectures(cells)).items():
        rows = rows_of(cells, name)
        values = rows["exact_mean"].mean("orbit").transpose("cell", "task").values
        spread(error, 2 * rows["n"].values, values, color=colour, marker=marker, label=name)
    powers_of_two(error, 2 * np.unique(cells["n"]), "group order")
    error.set(ylabel="exact error", yscale="log")
    for panel, text in zip((scatter, difference, error), "BCD", strict=True):
        style.letter(panel, text)
    return figure


def _orbit(figure: Figure, place, portrait: xr.Dataset) -> None:  # type: ignore[no-untyped-def]
    poses = portrait.sizes["shown"]
    grid = place.subgridspec(poses // 2, 2, wspace=0.05, hspace=0.05)
    for pose in range(poses):
        axes = figure.add_subplot(grid[pose % (poses // 2), pose // (poses // 2)])
        picture(axes, portrait["pixels"].isel(shown=pose).values)
        if pose == 0:
            style.letter(axes, "A")


def _scatter(axes: Axes, cells: xr.Dataset) -> None:
    n = nearest_n(cells, _SHOWN_N)
    limit = 0.0
    for name, (colour, marker) in style.models(architectures(cells)).items():
        here = at(cells, name, n)
        exact, block = here["exact_mean"].values.ravel(), here["orbit_block"].values.ravel()
        limit = max(limit, top(exact, block))
        axes.scatter(exact, block, s=7, color=colour, marker=marker, linewidths=0, label=name)
    axes.plot([0, limit], [0, limit], color="0.6", linewidth=0.8, zorder=0)
    axes.set(
        xlim=(0, limit), ylim=(0, limit), aspect="equal",
        xlabel="exact error", ylabel="orbit-block error",
    )  # fmt: skip
    axes.legend(loc="upper left", handletextpad=0.1)


def _differences(axes: Axes, cells: xr.Dataset) -> None:
    for name, (colour, marker) in style.models(architectures(cells)).items():
        rows = rows_of(cells, name)
        order = 2 * rows["n"].values
        exact = rows["exact_mean"]
        predictions = {
            "-": abs(rows["orbit_block"] - exact).mean(["task", "orbit"]),
            ":": rows["coset_difference"].mean(["task", "orbit"]),
            "--": abs(rows["spectral"] - exact.mean("orbit")).mean("task"),
        }
        for dashes, values in predictions.items():
            axes.plot(order, values, dashes, color=colour, marker=marker, markersize=3)
    for dashes, label in (("--", "scalar"), ("-", "orbit-block"), (":", "exact subgroup")):
        axes.plot([], [], dashes, color="0.4", label=label)
    # Above the axes: the lines cross all of the panel.
    axes.legend(loc="lower center", bbox_to_anchor=(0.55, 1.0), labelspacing=0.1)
    axes.set(yscale="log", ylabel="|prediction - exact|")
    powers_of_two(axes, 2 * np.unique(cells["n"]), "group order")
