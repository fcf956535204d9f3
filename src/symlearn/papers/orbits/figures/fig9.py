"""Figure 9: the ladder of predictions, and what each costs.

See docs/science/orbits.md#the-coset-refinement and docs/science/orbits.md#costs.
"""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from symlearn.plots import style
from symlearn.plots.inputs import (
    Inputs,
    Plotted,
    architectures,
    by_cell,
    by_task,
    grid_points,
    rows_of,
)
from symlearn.plots.panels import measured_line, powers_of_two
from symlearn.statistics import Measured, Measurements, mean_absolute

TITLE = (
    "The ladder of predictions: where each is right, and where interpolation breaks the symmetry"
)
NEEDS: dict[str, dict[str, int]] = {"rotations": {}}
_RUNGS = {
    "spectral": "spectral (paper)",
    "orbit_block": "orbit-block, whole group",
    "coset_block": "orbit-block, quarter turns",
}
_COST_ORBITS = (2, 4, 8, 16, 32, 64)
_COST_N = 64


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """All architectures at every n."""
    cells = by_cell(inputs.study("rotations")).isel(ridge_factor=0)
    names = ["exact_at_identity", "exact_mean", "spectral", "orbit_block", "coset_difference"]
    return {"pairs": cells[names]}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Mean absolute difference of each rung from the exact error averaged over poses."""
    cells = plotted["pairs"]
    measured: dict[str, Measured] = {}
    for tag, here in grid_points(cells):
        for rung in _RUNGS:
            measured[f"difference_{rung}.{tag}"] = mean_absolute(_difference(here, rung))
        measured[f"difference_at_identity.{tag}"] = mean_absolute(_at_identity(here))
        measured[f"mean_exact.{tag}"] = mean_absolute(by_task(here["exact_mean"]))
    return measured


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    cells = plotted["pairs"]
    return (
        "The upper panels show the mean absolute difference from the exact error averaged over "
        f"poses, by architecture and number of rotations, for {cells.sizes['task']} pairs (bars: "
        "standard error), and that exact error itself (black). The orbit-block error is exact "
        "where rotations permute pixels (N = 2, 4). At larger N the rotations in between "
        "interpolate, which is only nearly a symmetry of the kernel. The distance between the "
        "whole group and the subgroup of quarter turns shows by how much. The thin green line is "
        "the orbit-block error against the exact one at pose 0 alone, which is not interpolated, "
        "unlike most others. The lower panels show the leading order of the operations that each "
        f"prediction needs, for two orbits by N and for N = {_COST_N} by the number of orbits. "
        "Operations are counted, not timed, from given Gram matrices. The count takes the "
        "additions of averages: half of all entries of the Gram matrix, and for the spectral error "
        "all entries of each pair of orbits. It takes the cube of the side of each matrix that is "
        "inverted. It leaves out transforms, which are of lower order where they are fast ones."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """A panel per architecture, two panels of cost."""
    cells = plotted["pairs"]
    names = architectures(cells)
    figure = plt.figure(figsize=(style.TWO_COLUMNS, 4.4))
    halves = figure.add_gridspec(2, 1, height_ratios=[1.2, 1])
    upper, lower = halves[0], halves[1]
    row = upper.subgridspec(1, len(names))
    first = None
    for column, name in enumerate(names):
        first = panel = figure.add_subplot(row[column], sharey=first)
        _ladder(panel, rows_of(cells, name), measured)
        panel.set(title=name)
        if column == 0:
            panel.set(ylabel="|prediction - exact|")
        else:
            panel.tick_params(labelleft=False)
    below = lower.subgridspec(1, 3, width_ratios=[1, 1, 0.75])
    by_n, by_orbits, legend = (figure.add_subplot(below[column]) for column in range(3))
    n = np.unique(cells["n"])
    _costs(by_n, n, {rung: [_cost(rung, int(size), 2) for size in n] for rung in _costly()})
    powers_of_two(by_n, n)
    by_orbits_cost = {rung: [_cost(rung, _COST_N, q) for q in _COST_ORBITS] for rung in _costly()}
    _costs(by_orbits, np.array(_COST_ORBITS), by_orbits_cost)
    powers_of_two(by_orbits, np.array(_COST_ORBITS), "orbits")
    style.letters(axes for axes in figure.axes if axes is not legend)
    legend.set_axis_off()
    legend.legend(handles=[*by_orbits.get_lines(), _identity_line([], [])], loc="center left")
    return figure


def _difference(here: xr.Dataset, rung: str) -> np.ndarray:
    """Prediction less exact error: per pair for the scalar formula, else per orbit.

    The subgroup's prediction depends on the pose, so it is compared pose by pose (in the study).
    """
    if rung == "spectral":
        return by_task(here["spectral"] - here["exact_mean"].mean("orbit"))
    if rung == "coset_block":
        return by_task(here["coset_difference"])
    return by_task(here["orbit_block"] - here["exact_mean"])


def _at_identity(here: xr.Dataset) -> np.ndarray:
    """The orbit-block error, which is the same for every pose, less the exact one at pose 0."""
    return by_task(here["orbit_block"] - here["exact_at_identity"])


def _identity_line(n: ArrayLike, values: ArrayLike) -> Line2D:
    colour = style.PREDICTIONS["orbit_block"][0]
    return Line2D(n, values, color=colour, linewidth=0.7, label="orbit-block, at pose 0 alone")


def _ladder(axes: Axes, rows: xr.Dataset, measured: Measurements) -> None:
    n = rows["n"].values
    for rung in _RUNGS:
        colour, dashes = style.PREDICTIONS[rung]
        look = {"color": colour, "linestyle": dashes, "marker": "o", "markersize": 3}
        measured_line(axes, measured, f"difference_{rung}", rows, **look)
    identity = [measured[f"difference_at_identity.{tag}"].value for tag, _ in grid_points(rows)]
    axes.add_line(_identity_line(n, identity))
    exact = rows["exact_mean"].mean(["task", "orbit"])
    axes.plot(n, exact, color=style.PREDICTIONS["exact"][0], linewidth=0.9)
    axes.set(yscale="log")
    powers_of_two(axes, n)


def _costly() -> tuple[str, ...]:
    return ("exact", "coset_block", "orbit_block", "spectral")


def _cost(prediction: str, n: int, orbits: int) -> float:
    """Leading order of the operations for `orbits` orbits of n poses, Gram matrix given."""
    exact_part = np.gcd(n, 4)
    averages = (n * orbits) ** 2 / 2  # of a symmetric matrix over any group of its symmetries
    return {
        "exact": float(n * orbits) ** 3,
        "coset_block": averages + exact_part * (orbits * n / exact_part) ** 3,
        "orbit_block": averages + n * orbits**3,
        # the circulant row of every pair of orbits
        "spectral": orbits * (orbits - 1) / 2 * (2 * n) ** 2,
    }[prediction]


def _costs(axes: Axes, x: np.ndarray, costs: dict[str, list[float]]) -> None:
    for prediction, values in costs.items():
        colour, dashes = style.PREDICTIONS[prediction]
        label = {"exact": "exact, dense"} | _RUNGS
        axes.plot(
            x,
            values,
            color=colour,
            linestyle=dashes,
            marker="o",
            markersize=3,
            label=label[prediction],
        )
    axes.set(yscale="log", ylabel="operations")
