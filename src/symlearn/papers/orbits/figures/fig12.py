"""Figure 12: where does the kernel stop being a good account of networks of finite width?

See docs/science/orbits.md#networks-over-width.
"""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.papers.orbits.figures.trained import histories, pair_errors, pair_right, select
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted, at, by_cell
from symlearn.plots.panels import powers_of_two, top, with_intervals
from symlearn.statistics import Measured, Measurements, correlation, mean, mean_absolute

TITLE = "From finite width to the kernel: errors of trained networks against the predicted"
NEEDS: dict[str, dict[str, int]] = {"widths": {}, "rotations": {}}
_SHOWN_N = 8


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The networks' errors (cell, task, orbit, seed) and the kernel's for the same pairs."""
    trained = histories(inputs.study("widths"), "architecture", "n", "width")
    theory = by_cell(inputs.study("rotations")).isel(ridge_factor=0)
    parts = [_beside(trained.isel(cell=i), theory) for i in range(trained.sizes["cell"])]
    labels = ["architecture", "n", "width"]
    return {"widths": xr.concat(parts, dim="cell", coords=labels)}


def _beside(cell: xr.Dataset, theory: xr.Dataset) -> xr.Dataset:
    kernel = at(theory, str(cell["architecture"].item()), int(cell["n"]))
    kernel = kernel.isel(task=slice(int(cell["source_task"].max()) + 1))
    pairs = ("task", "orbit")
    return xr.Dataset(
        {
            "error": ((*pairs, "initialisation"), pair_errors(cell)),
            "right": ((*pairs, "initialisation"), pair_right(cell)),
            "exact_at_identity": (pairs, kernel["exact_at_identity"].values),
            "orbit_block": (pairs, kernel["orbit_block"].values),
            "train_loss": cell["train_loss"].isel(epoch=-1).median(),
        },
        coords={name: cell[name] for name in ("architecture", "n", "width")},
    )


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Accuracies, differences from the kernel and correlations, by n and width."""
    cells = plotted["widths"]
    measured: dict[str, Measured] = {}
    for row in range(cells.sizes["cell"]):
        here = cells.isel(cell=row)
        exact = abs(here["exact_at_identity"])
        errors = here["error"].mean("initialisation")
        off = abs(here["error"] - exact).mean("initialisation")
        tag = f"n{int(here['n'])}.width{int(here['width'])}"
        measured |= {
            f"accuracy.{tag}": mean(here["right"].mean(["orbit", "initialisation"]).values),
            f"difference.{tag}": mean_absolute((errors - exact).mean("orbit").values),
            f"spread.{tag}": mean(off.mean("orbit").values),
            f"correlation.{tag}": correlation(exact.values, errors.values),
            f"train_loss.{tag}": Measured(float(here["train_loss"])),
        }
        measured |= _predicted(here)
    return measured | _over_width(cells, measured)


def _over_width(cells: xr.Dataset, measured: Measurements) -> dict[str, Measured]:
    """From the smallest width to the largest, and what is left of the difference there."""
    found = {"largest_median_loss": Measured(float(cells["train_loss"].max()))}
    low, high = (int(width) for width in (cells["width"].min(), cells["width"].max()))
    for n in np.unique(cells["n"]):
        narrow, wide = (measured[f"spread.n{n}.width{width}"] for width in (low, high))
        left = measured[f"accuracy.n{n}.width{high}"].value
        left -= measured[f"accuracy_orbit_block.n{n}"].value
        ratio = wide.value / narrow.value
        error = ratio * np.hypot(wide.uncertainty / wide.value, narrow.uncertainty / narrow.value)
        found[f"spread_ratio.n{n}"] = Measured(ratio, float(error))
        found[f"accuracy_left.n{n}"] = Measured(
            left, measured[f"accuracy.n{n}.width{high}"].uncertainty
        )
    return found


def _predicted(here: xr.Dataset) -> dict[str, Measured]:
    """The kernel's accuracies, which do not depend on the width."""
    return {
        f"accuracy_{name}.n{int(here['n'])}": mean((here[variable] < 1).values.mean(axis=1))
        for name, variable in (("exact", "exact_at_identity"), ("orbit_block", "orbit_block"))
    }


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    cells = plotted["widths"]
    return (
        f"Networks of one hidden layer in NTK parametrisation ({cells['architecture'].values[0]}) "
        f"train on {cells.sizes['task']} pairs, each by gradient descent with momentum on the "
        "square loss, in full batches, with one pose of one orbit missing. The outputs before "
        "training are subtracted, so wide networks tend to the kernel's regression. Inputs are in "
        "an orthonormal basis of the pair's points, which gradient descent cannot tell from "
        "pixels. (A) The panel shows the share of missing poses classified correctly by width "
        "(bars: 95 % intervals over pairs). The dashed line is the accuracy that the orbit-block "
        "error predicts, the dotted line that of kernel regression. (B) The panel shows the mean "
        "absolute difference between a network's error and kernel regression's (bars: standard "
        "error). The grey line falls as one over the root of the width. (C) The panel shows both "
        "errors at the smallest and the largest width, one point for each missing pose."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """Accuracy by width, difference by width, errors against each other."""
    cells = plotted["widths"]
    figure, (accuracy, difference, scatter) = plt.subplots(1, 3, figsize=(style.TWO_COLUMNS, 2.5))
    sizes, widths = np.unique(cells["n"]), np.unique(cells["width"])
    shades = plt.get_cmap("viridis")(np.linspace(0, 0.85, len(sizes)))
    for n, colour in zip(sizes, shades, strict=True):
        rows = select(cells, n=n).sortby("width")
        _accuracy(accuracy, int(n), rows["width"].values, measured, colour)
        _by_width(difference, "spread", int(n), rows["width"].values, measured, color=colour)
    accuracy.set(ylabel="accuracy on the missing pose", ylim=(0, 1.05))
    accuracy.legend(title="rotations N", loc="best")
    start = max(measured[f"spread.n{n}.width{widths[0]}"].value for n in sizes)
    difference.plot(widths, start * (widths / widths[0]) ** -0.5, color="0.6", linewidth=0.8)
    difference.set(ylabel="|error - kernel's error|", ylim=(0, None))
    for panel in (accuracy, difference):
        powers_of_two(panel, widths, "width")
        panel.set_xticks(widths[:: max(1, len(widths) // 4)])
    _scatter(scatter, cells, int(sizes[np.abs(np.log(sizes / _SHOWN_N)).argmin()]), widths)
    style.letters((accuracy, difference, scatter))
    return figure


def _accuracy(axes: Axes, n: int, widths: np.ndarray, measured: Measurements, colour: Any) -> None:
    _by_width(axes, "accuracy", n, widths, measured, color=colour, label=str(n))
    for name, dashes in (("orbit_block", "--"), ("exact", ":")):
        value = measured[f"accuracy_{name}.n{n}"].value
        axes.axhline(value, color=colour, linestyle=dashes, linewidth=0.8)


def _by_width(
    axes: Axes, kind: str, n: int, widths: np.ndarray, measured: Measurements, **line: Any
) -> None:
    found = [measured[f"{kind}.n{n}.width{width}"] for width in widths]
    values, reach = with_intervals(found)
    axes.errorbar(widths, values, reach, marker="o", markersize=3, capsize=2, **line)


def _scatter(axes: Axes, cells: xr.Dataset, n: int, widths: np.ndarray) -> None:
    limits = []
    looks = ((widths[0], "#D55E00", "x"), (widths[-1], "#0072B2", "o"))
    for width, colour, marker in looks:
        here = select(cells, n=n, width=width).isel(cell=0)
        exact = abs(here["exact_at_identity"]).values.ravel()
        errors = here["error"].mean("initialisation").values.ravel()
        axes.plot(exact, errors, marker, color=colour, markersize=3, label=f"width {width}")
        limits.append(top(exact, errors))
    limit = max(limits)
    axes.plot([0, limit], [0, limit], color="0.6", linewidth=0.8, zorder=0)
    axes.set(
        xlim=(0, limit), ylim=(0, limit), aspect="equal",
        xlabel=f"kernel's error, N = {n}", ylabel="network's error",
    )  # fmt: skip
    axes.legend(loc="lower right")
