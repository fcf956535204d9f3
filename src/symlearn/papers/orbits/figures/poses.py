"""How many poses are enough: predicted from one row of the kernel, and exact.

See docs/science/orbits.md#how-many-poses-are-enough.
"""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted, architectures, by_cell, rows_of
from symlearn.plots.panels import powers_of_two
from symlearn.statistics import (
    Measured,
    Measurements,
    first_below,
    mean,
    median,
)

TITLE = "One row of the kernel tells how many poses are enough"
NEEDS: dict[str, dict[str, int]] = {"rotations": {}}
BOUND = 0.5


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The exact error, averaged over poses, and its prediction from one row, at every n."""
    cells = by_cell(inputs.study("rotations")).isel(ridge_factor=0)
    return {"pairs": cells[["exact_mean", "one_row", "one_row_reliable"]]}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """By architecture: agreement on the smallest n, that n, and the power of the error's tail."""
    measured: dict[str, Measured] = {}
    for name in architectures(plotted["pairs"]):
        rows = _sorted(plotted["pairs"], name)
        predicted, exact = _enough(rows, "one_row"), _enough(rows, "exact_mean")
        n = rows["n"].values[-2:]
        tail = abs(rows["exact_mean"]).median(["task", "orbit"]).values[-2:]
        power = float(np.log(tail[1] / tail[0]) / np.log(n[1] / n[0])) if len(n) > 1 else np.nan
        measured |= {
            f"agreement.{name}": mean((predicted == exact).astype(float)),
            f"enough.{name}": median(exact),
            f"reliable.{name}": mean(rows["one_row_reliable"].values.all(axis=0).astype(float)),
            f"tail.{name}": Measured(power, np.nan),
        }
    return measured


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    cells = plotted["pairs"]
    return (
        f"For {cells.sizes['task']} pairs of images and both orbits of each: the smallest number "
        "N of rotations at which the error on a missing pose, averaged over poses, is below "
        f"{BOUND}. "
        "(Top) The panels show how often each pair of numbers occurs, predicted from one row of "
        "the kernel (4 N entries of a pair) against exact (the whole Gram matrix); the diagonal is "
        "agreement, and the last place holds orbits for which no N of the grid is enough. A "
        "percentage is the share of orbits on the diagonal. (Bottom left) The panel shows the "
        "share of orbits for which N rotations are enough, exact (points) and predicted (lines). "
        "(Bottom right) The panel shows the median error by N, exact (points) and predicted "
        "(lines); the grey line falls as the square of N, as the error does in the limit of a "
        "kernel with a kink at coincident poses."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """A table of numbers for each architecture, their distribution, and the errors."""
    cells = plotted["pairs"]
    looks = style.models(architectures(cells))
    figure = plt.figure(figsize=(style.TWO_COLUMNS, 4.2))
    halves = figure.add_gridspec(2, 1, height_ratios=[1, 1.25])
    upper, lower = halves[0].subgridspec(1, len(looks)), halves[1].subgridspec(1, 2)
    tables = [figure.add_subplot(upper[column]) for column in range(len(looks))]
    below = [figure.add_subplot(lower[column]) for column in range(2)]
    for axes, (name, look) in zip(tables, looks.items(), strict=True):
        rows = _sorted(cells, name)
        _table(axes, rows, measured[f"agreement.{name}"].value)
        axes.set_title(name, fontsize=7)
        _shares(below[0], rows, name, look)
        _errors(below[1], rows, look)
    tables[0].set_ylabel("predicted N")
    n = np.unique(cells["n"])
    guide = 0.5 * (n[-1] / 4 / n[-3:]) ** 2.0
    below[1].plot(n[-3:], guide, color="0.6", linewidth=0.8)
    for axes in below:
        powers_of_two(axes, n, "rotations N")
    below[0].set(ylabel="share of orbits", ylim=(-0.02, 1.02))
    below[0].legend()
    below[1].set(yscale="log", ylabel="median error")
    style.letters([*tables, *below])
    return figure


def _sorted(cells: xr.Dataset, name: str) -> xr.Dataset:
    return rows_of(cells, name).sortby("n")


def _enough(rows: xr.Dataset, prediction: str) -> np.ndarray:
    errors = rows[prediction].transpose("cell", "task", "orbit").values
    return first_below(errors, rows["n"].values, BOUND).ravel()


def _table(axes: Axes, rows: xr.Dataset, agreement: float) -> None:
    n = [*rows["n"].values.tolist(), np.inf]
    predicted, exact = _enough(rows, "one_row"), _enough(rows, "exact_mean")
    counts = [[((exact == a) & (predicted == b)).sum() for a in n] for b in n]
    axes.imshow(np.array(counts), cmap="Blues", origin="lower", vmin=0)
    for row, column in np.argwhere(np.array(counts) > 0):
        count = counts[row][column]
        colour = "white" if count > 0.6 * np.max(counts) else "black"
        axes.text(column, row, str(count), ha="center", va="center", fontsize=5, color=colour)
    labels = [*(str(one) for one in n[:-1]), "more"]
    axes.set_xticks(range(len(n)), labels, fontsize=5.5)
    axes.set_yticks(range(len(n)), labels, fontsize=5.5)
    axes.set_xlabel(f"exact N ({agreement:.0%})")


def _shares(axes: Axes, rows: xr.Dataset, name: str, look: tuple[str, str]) -> None:
    colour, marker = look
    n = rows["n"].values
    exact, predicted = (
        [(_enough(rows, kind) <= one).mean() for one in n] for kind in ("exact_mean", "one_row")
    )
    axes.plot(n, exact, marker, color=colour, label=name)
    axes.plot(n, predicted, color=colour)


def _errors(axes: Axes, rows: xr.Dataset, look: tuple[str, str]) -> None:
    colour, marker = look
    exact, predicted = (
        abs(rows[kind]).median(["task", "orbit"]) for kind in ("exact_mean", "one_row")
    )
    axes.plot(rows["n"], exact, marker, color=colour)
    axes.plot(rows["n"], predicted, color=colour)
