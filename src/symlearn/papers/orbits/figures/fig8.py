"""Figure 8: rotations and reflections, a non-abelian group, against as many rotations alone.

See docs/science/orbits.md#the-orbit-block-error, docs/science/orbits.md#the-scalar-error and
docs/science/orbits.md#rotations-against-reflections.
"""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.papers.orbits.figures.quantities import (
    ROUNDING,
    TARGET_NAMES,
    TARGETS,
    correlations,
    differences,
)
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
from symlearn.plots.panels import (
    measured_line,
    picture,
    plain_logarithm,
    powers_of_two,
    top,
    with_intervals,
)
from symlearn.statistics import Measured, Measurements, geometric_mean, mean

TITLE = "Non-abelian groups: do reflections help as much as more rotations?"
NEEDS: dict[str, dict[str, int]] = {"dihedral": {}, "dihedral-portrait": {}, "rotations": {}}
_SHOWN_N = 8
_PREDICTIONS = ("spectral", "orbit_block", "coset_block")
_DASHES = {"spectral": "--", "orbit_block": "-"}  # the subgroup's is exact: below the panels
# The dihedral group of order 2n against cyclic groups: of the same order, and of its rotations.
_RIVALS = {"equal_order": 2, "same_rotations": 1}


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """All architectures at every n, rotations alone of the same pairs, and one orbit as images."""
    names = [
        "exact_at_identity", "exact_mean", "spectral", "orbit_block", "coset_difference",
        "coset_block_at_identity",
    ]  # fmt: skip
    cells = by_cell(inputs.study("dihedral")).isel(ridge_factor=0)[names]
    rotations = by_cell(inputs.study("rotations")).isel(ridge_factor=0)
    kept = np.isin(rotations["architecture"], architectures(cells))
    rotations = rotations[["exact_at_identity", "exact_mean", "source_image"]].isel(
        cell=np.flatnonzero(kept)
    )
    images = by_cell(inputs.study("dihedral"))["source_image"]
    portrait = inputs.one("dihedral-portrait")
    return {
        "pairs": cells.assign(source_image=images),
        "rotations": rotations,
        "portrait": portrait[["pixels", "class_"]].isel(orbit=0),
    }


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Agreement of each prediction with both exact errors, accuracy, and errors over rotations'."""
    measured: dict[str, Measured] = {}
    for tag, here in grid_points(plotted["pairs"]):
        measured[f"accuracy.{tag}"] = mean(correct_of_two(here["exact_at_identity"]) / 2)
        measured |= differences(here, tag, _PREDICTIONS)
        measured |= correlations(here, tag, ("spectral", "orbit_block"))
        measured |= _over_rotations(here, plotted["rotations"])
    return measured


def _over_rotations(here: xr.Dataset, rotations: xr.Dataset) -> dict[str, Measured]:
    """The errors of a dihedral group over those of cyclic ones, on the same pairs.

    Geometric means over pairs, for each rival that the study of rotations has.
    """
    name, n = str(here["architecture"].item()), int(here["n"])
    found: dict[str, Measured] = {}
    for rival, factor in _RIVALS.items():
        if factor * n not in rows_of(rotations, name)["n"]:
            continue
        other = at(rotations, name, factor * n)
        same = _same_pairs(here, other)
        for target, ending in TARGETS.items():
            ratio = symmetrised(here[target])[same] / symmetrised(other[target])[same]
            found[f"ratio_{rival}{ending}.{name}.order{2 * n}"] = geometric_mean(ratio)
    return found


def _same_pairs(here: xr.Dataset, other: xr.Dataset) -> np.ndarray:
    """The numbers of the tasks that have the same images in two grid points."""
    count = min(here.sizes["task"], other.sizes["task"])
    images = [by_task(cell["source_image"])[:count] for cell in (here, other)]
    return np.flatnonzero((images[0] == images[1]).all(axis=1))


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    cells = plotted["pairs"]
    n = nearest_n(cells, _SHOWN_N)
    return (
        "(A) An orbit of the dihedral group of the square has four rotations, then the same of the "
        "image turned upside down. (B) The panels show the orbit-block error against the exact "
        f"error for {cells.sizes['task']} pairs and the group of order {2 * n}, one point for each "
        "orbit; above with pose 0 missing, below the mean over all missing poses. (C) The panels "
        "show the mean absolute difference between prediction and exact error by group order. Full "
        "lines are the orbit-block error over the whole group, dashed lines the scalar formula. "
        "The orbit-block error is exact where the group permutes pixels (order 4, 8), and over the "
        "exact subgroup of quarter turns and reflections at every order: both leave the panels. "
        "Beyond, its advantage over the scalar formula is large on the mean over poses, and much "
        "smaller on pose 0. (D) The panel shows the exact error at pose 0 by group order, medians "
        "over pairs, of the dihedral groups (full) and of as many rotations (dotted). "
        "(E) The panel shows the ratio of the error at pose 0 under the dihedral group to that "
        "under a cyclic group, geometric means over pairs with 95 % intervals: full with equally "
        "many poses, dotted with the same rotations and no reflections. Kernels are NTKs without a "
        "ridge. The paper treats non-abelian groups in an appendix. Panels and formula here are "
        "this project's own."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """An orbit, scatters and differences for both targets, and the answer by group order."""
    figure = plt.figure(figsize=(style.TWO_COLUMNS, 4.0))
    grid = figure.add_gridspec(2, 4, width_ratios=[0.8, 1.1, 1.1, 1.1])
    _orbit(figure, grid[:, 0], plotted["portrait"])
    cells = plotted["pairs"]
    for row, target in enumerate(TARGETS):
        scatter, difference = (figure.add_subplot(grid[row, column]) for column in (1, 2))
        _scatter(scatter, cells, target)
        _differences(difference, cells, measured, target)
        difference.set(title=TARGET_NAMES[target])
        if row == 0:
            style.letter(scatter, "B")
            style.letter(difference, "C")
            scatter.legend(loc="upper left", handletextpad=0.1)
    errors, ratios = (figure.add_subplot(grid[row, 3]) for row in (0, 1))
    orders = 2 * np.unique(cells["n"])
    for name, (colour, marker) in style.models(architectures(cells)).items():
        for study, factor, dashes in (("pairs", 2, "-"), ("rotations", 1, ":")):
            rows = rows_of(plotted[study], name)
            rows = rows.isel(cell=np.flatnonzero(np.isin(factor * rows["n"], orders)))
            middle = abs(rows["exact_at_identity"]).mean("orbit").median("task")
            errors.plot(factor * rows["n"], middle, dashes, color=colour, marker=marker)
        _ratios(ratios, measured, name, orders)
    for panel, text in ((errors, "D"), (ratios, "E")):
        powers_of_two(panel, orders, "group order")
        style.letter(panel, text)
    errors.set(ylabel="exact error, pose 0", yscale="log")
    errors.plot([], [], "-", color="0.4", label="dihedral")
    errors.plot([], [], ":", color="0.4", label="rotations alone")
    errors.legend(loc="center left")
    ratios.axhline(1.0, color="0.6", linewidth=0.8)
    ratios.set(ylabel="dihedral / cyclic error", yscale="log")
    plain_logarithm(ratios.yaxis)
    return figure


def _orbit(figure: Figure, place, portrait: xr.Dataset) -> None:  # type: ignore[no-untyped-def]
    poses = portrait.sizes["shown"]
    grid = place.subgridspec(poses // 2, 2, wspace=0.05, hspace=0.05)
    for pose in range(poses):
        axes = figure.add_subplot(grid[pose % (poses // 2), pose // (poses // 2)])
        picture(axes, portrait["pixels"].isel(shown=pose).values)
        if pose == 0:
            style.letter(axes, "A")


def _scatter(axes: Axes, cells: xr.Dataset, target: str) -> None:
    n = nearest_n(cells, _SHOWN_N)
    limit = 0.0
    for name, (colour, marker) in style.models(architectures(cells)).items():
        here = at(cells, name, n)
        exact, block = here[target].values.ravel(), here["orbit_block"].values.ravel()
        limit = max(limit, top(exact, block))
        axes.scatter(exact, block, s=7, color=colour, marker=marker, linewidths=0, label=name)
    axes.plot([0, limit], [0, limit], color="0.6", linewidth=0.8, zorder=0)
    axes.set(
        xlim=(0, limit), ylim=(0, limit), aspect="equal",
        xlabel=f"exact error, {TARGET_NAMES[target]}", ylabel="orbit-block error",
    )  # fmt: skip


def _differences(axes: Axes, cells: xr.Dataset, measured: Measurements, target: str) -> None:
    for name, (colour, marker) in style.models(architectures(cells)).items():
        rows = rows_of(cells, name)
        rows = rows.assign_coords(order=2 * rows["n"])
        for kind, dashes in _DASHES.items():
            look = {"color": colour, "marker": marker, "markersize": 3, "linestyle": dashes}
            quantity = f"difference_{kind}{TARGETS[target]}"
            measured_line(axes, measured, quantity, rows, "order", **look)
    axes.set(yscale="log", ylabel="|prediction - exact|", ylim=(ROUNDING, None))
    powers_of_two(axes, 2 * np.unique(cells["n"]), "group order")


def _ratios(axes: Axes, measured: Measurements, name: str, orders: np.ndarray) -> None:
    """The errors over those of both rivals, where these are in the grid of rotations."""
    colour, marker = style.model(name)
    for rival, dashes in zip(_RIVALS, ("-", ":"), strict=True):
        found = {
            order: measured[f"ratio_{rival}_at_identity.{name}.order{order}"]
            for order in orders
            if f"ratio_{rival}_at_identity.{name}.order{order}" in measured
        }
        if found:
            values, reach = with_intervals(list(found.values()))
            look: dict[str, Any] = {"color": colour, "marker": marker, "linestyle": dashes}
            axes.errorbar(list(found), values, reach, capsize=2, markersize=3, **look)
