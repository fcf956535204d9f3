"""Figure 9: the ladder of predictions, and what each costs."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from symlearn.papers.orbits.figures.quantities import (
    ROUNDING,
    TARGET_NAMES,
    TARGETS,
    difference,
    differences,
)
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
from symlearn.statistics import Measured, Measurements, mean, mean_absolute

TITLE = (
    "The ladder of predictions: where each is right, and where interpolation breaks the symmetry"
)
NEEDS: dict[str, dict[str, int]] = {"rotations": {}}
_RUNGS = {
    "spectral": "spectral (paper)",
    "spectral_normalised": "spectral, normalised kernel",
    "orbit_block": "orbit-block, whole group",
    "coset_block": "orbit-block, quarter turns",
    "one_row": "orbit-block, one row",
}
_DRAWN = (
    "spectral",
    "spectral_normalised",
    "one_row",
    "orbit_block",
)  # the last rung is exact: below panels
_COST_ORBITS = (2, 4, 8, 16, 32, 64)
_COST_N = 64


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """All architectures at every n."""
    cells = by_cell(inputs.study("rotations")).isel(ridge_factor=0)
    names = [
        "exact_at_identity", "exact_mean", "spectral", "spectral_normalised", "orbit_block",
        "coset_difference", "coset_block_at_identity", "one_row", "one_row_reliable",
    ]  # fmt: skip
    return {"pairs": cells[names]}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Mean absolute difference of each rung from the exact error, of both targets."""
    measured: dict[str, Measured] = {}
    for tag, here in grid_points(plotted["pairs"]):
        measured |= differences(here, tag, _RUNGS)
        measured[f"mean_exact.{tag}"] = mean_absolute(by_task(here["exact_mean"]))
        measured[f"one_row_reliable.{tag}"] = mean(here["one_row_reliable"].values.astype(float))
    return measured


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    cells = plotted["pairs"]
    return (
        "Mean absolute difference of each prediction from the exact error, by architecture and "
        f"number of rotations, {cells.sizes['task']} pairs (bars: 95 % intervals), and that exact "
        "error itself (black). Where the norms of all images are alike, both spectral formulas are "
        "one. Top: the target is the exact error averaged over all missing poses. "
        "Middle: it is the exact error at pose 0, the only one that no rotation interpolates. The "
        "orbit-block error is exact where rotations permute pixels (N = 2, 4), and leaves the "
        "panel there. Beyond, the rotations in between interpolate, which is a symmetry of the "
        "kernel only nearly. Over the whole group the orbit-block error is one number for all "
        "poses: it keeps its advantage for the average, and loses it at pose 0 where N is large. "
        "Over the subgroup of quarter turns, which stays exact, it has the advantage for both "
        f"targets: its largest mean difference here is {_largest_of_the_subgroup(plotted):.0e}, "
        "below all panels. One row takes 4 N entries of the kernel in place of (2 N)^2, and is as "
        "exact where the kernel is invariant. It is drawn where the rows of most pairs belong to a "
        f"positive definite kernel{_unreliable(cells)}. Bottom: leading order of the operations "
        f"that each needs, for two orbits by N and for N = {_COST_N} by the number of orbits; "
        "counted, not timed, from given Gram matrices or rows. Counted are the additions of "
        "averages, which are half of all entries of the Gram matrix, and for the spectral error "
        "all entries of each pair of orbits; and the cube of the side of each matrix that is "
        "inverted. Transforms are not counted: they are of lower order where they are fast ones."
    )


def _unreliable(cells: xr.Dataset) -> str:
    """Where the rows mostly belong to no such kernel, and how far off they are on average."""
    missing = cells.isel(cell=np.flatnonzero(~_reliable(cells)))
    if not missing.sizes["cell"]:
        return ""
    where = [
        f"of {name} at N = {', '.join(map(str, rows_of(missing, name)['n'].values))}"
        for name in architectures(missing)
    ]
    off = [
        np.abs(difference(here, "one_row", target)).mean()
        for _, here in grid_points(missing)
        for target in TARGETS
    ]
    return f" (not {'; '.join(where)}: there it is off by {min(off):.3g} to {max(off):.3g})"


def _reliable(cells: xr.Dataset) -> np.ndarray:
    """Whether the rows of most pairs belong to a positive definite kernel, for each cell."""
    return cells["one_row_reliable"].mean("task").values > 0.5


def _largest_of_the_subgroup(plotted: Plotted) -> float:
    """The largest mean difference of the subgroup's prediction from both exact errors."""
    points = [here for _, here in grid_points(plotted["pairs"])]
    return max(np.abs(difference(p, "coset_block", t)).mean() for p in points for t in TARGETS)


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """A panel per target and architecture, two panels of cost."""
    cells = plotted["pairs"]
    names = architectures(cells)
    figure = plt.figure(figsize=(style.TWO_COLUMNS, 5.6))
    parts = figure.add_gridspec(2, 1, height_ratios=[2, 1])
    upper, lower = parts[0], parts[1]
    grid = upper.subgridspec(len(TARGETS), len(names))
    first = None
    for row, target in enumerate(reversed(TARGETS)):
        for column, name in enumerate(names):
            first = panel = figure.add_subplot(grid[row, column], sharey=first)
            _ladder(panel, rows_of(cells, name), measured, target)
            if row == 0:
                panel.set(title=name, xlabel="")
            if column == 0:
                panel.set(ylabel=f"|prediction - exact|,\n{TARGET_NAMES[target]}")
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
    drawn = by_orbits.get_lines()
    colour, dashes = style.PREDICTIONS["spectral_normalised"]
    label = f"{_RUNGS['spectral_normalised']} (costs the same)"
    look: dict[str, Any] = {"color": colour, "linestyle": dashes, "marker": "o", "markersize": 3}
    drawn.append(Line2D([], [], label=label, **look))
    legend.legend(handles=drawn, loc="center left")
    return figure


def _ladder(axes: Axes, rows: xr.Dataset, measured: Measurements, target: str) -> None:
    n = rows["n"].values
    for rung in _DRAWN:
        colour, dashes = style.PREDICTIONS[rung]
        look = {"color": colour, "linestyle": dashes, "marker": "o", "markersize": 3}
        kept = rows.isel(cell=np.flatnonzero(_reliable(rows))) if rung == "one_row" else rows
        if kept.sizes["cell"]:
            measured_line(axes, measured, f"difference_{rung}{TARGETS[target]}", kept, **look)
    exact = rows[target].mean(["task", "orbit"])
    axes.plot(n, exact, color=style.PREDICTIONS["exact"][0], linewidth=0.9)
    axes.set(yscale="log", ylim=(ROUNDING, None))
    powers_of_two(axes, n)


def _costly() -> tuple[str, ...]:
    return ("exact", "coset_block", "orbit_block", "spectral", "one_row")


def _cost(prediction: str, n: int, orbits: int) -> float:
    """Leading order of the operations for `orbits` orbits of n poses, Gram matrix given."""
    exact_part = np.gcd(n, 4)
    averages = (n * orbits) ** 2 / 2  # of a symmetric matrix over any group of its symmetries
    return {
        "exact": float(n * orbits) ** 3,
        "coset_block": averages + exact_part * (orbits * n / exact_part) ** 3,
        "orbit_block": averages + n * orbits**3,
        "one_row": float(n * orbits**3),
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
