"""Figure 12: what lies between networks of finite width and their analytic kernel?

See docs/science/orbits.md#networks-over-width.
"""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted
from symlearn.plots.panels import powers_of_two, with_intervals
from symlearn.statistics import Measured, Measurements, correlation, mean, mean_interval, ratio

TITLE = "From finite width to the kernel: where the difference comes from"
NEEDS: dict[str, dict[str, int]] = {"widths": {}}
_LEAST = 0.01  # distances below this are none: errors are of the order of one
_STEPS = {
    "trained_prediction": ("trained network", "black", "-"),
    "tangent_start": ("its tangent kernel before training", style.CLASS_COLOURS[1], "--"),
    "tangent_end": ("its tangent kernel after training", style.CLASS_COLOURS[0], ":"),
}


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The predictions by width and network, one dataset for each n."""
    found = {int(one["n"]): one for one in inputs.study("widths")}
    return {f"n{n}": found[n].sortby("width") for n in sorted(found)}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Accuracies, distances from the analytic kernel and smallest eigenvalues, by n and width."""
    measured: dict[str, Measured] = {}
    for n, here in plotted.items():
        limit = here["limit"]
        measured[f"accuracy_kernel.{n}"] = mean(_by_pair(here, limit > 0))
        measured[f"distance_descent.{n}"] = mean(_by_pair(here, abs(here["descent"] - limit)))
        for width, at in here.groupby("width"):
            one, tag = at.isel(width=0), f"{n}.width{int(width)}"
            for step in _of(one):
                off = _by_pair(here, abs(one[step] - limit))
                measured[f"distance_{step}.{tag}"] = mean(off)
            measured[f"smallest_eigenvalue.{tag}"] = mean(_by_pair(here, _eigenvalues(one)))
            if "trained_prediction" in _of(one):
                measured |= _of_networks(here, one, tag)
    return measured | _over_width(plotted, measured)


def _of_networks(here: xr.Dataset, one: xr.Dataset, tag: str) -> dict[str, Measured]:
    """What is known at widths that were trained."""
    trained, limit = one["trained_prediction"], here["limit"]
    right = _by_pair(here, trained > 0)
    return {
        f"accuracy.{tag}": mean(right),
        f"accuracy_gain.{tag}": mean(right - _by_pair(here, limit > 0)),
        f"correlation.{tag}": correlation(_by_pair(here, limit), _by_pair(here, trained)),
        # How far training leaves what the network's own kernel before training gives.
        f"moved.{tag}": mean(_by_pair(here, abs(trained - one["tangent_start"]))),
        f"moved_end.{tag}": mean(_by_pair(here, abs(trained - one["tangent_end"]))),
    }


def _over_width(plotted: Plotted, measured: Measurements) -> dict[str, Measured]:
    """What holds at the ends of the grid, whatever widths these are, and in between."""
    loss = [here["train_loss"].median("member").max() for here in plotted.values()]
    found = {"largest_median_loss": Measured(float(max(loss)))}
    for n, here in plotted.items():
        trained = here.isel(width=np.flatnonzero(here["train_loss"].notnull().all("member")))
        for end, width in zip(("widest", "narrowest"), _ends(trained), strict=True):
            tag = f"{n}.width{width}"
            found |= {
                f"accuracy_gain_{end}.{n}": measured[f"accuracy_gain.{tag}"],
                f"smallest_eigenvalue_{end}.{n}": measured[f"smallest_eigenvalue.{tag}"],
                f"distance_over_linearised_{end}.{n}": ratio(
                    measured[f"distance_trained_prediction.{tag}"],
                    measured[f"distance_tangent_start.{tag}"],
                ),
            }
        ends = [measured[f"distance_trained_prediction.{n}.width{int(w)}"] for w in _ends(trained)]
        found[f"distance_ratio.{n}"] = ratio(*ends)
    return found


def _ends(trained: xr.Dataset) -> tuple[int, int]:
    """The widest and the narrowest of the networks that were trained."""
    return int(trained["width"][-1]), int(trained["width"][0])


def _of(one: xr.Dataset) -> list[str]:
    """What there is at one width: widths that are linearised alone were not trained."""
    return [step for step in _STEPS if bool(one[step].notnull().all())]


def _eigenvalues(one: xr.Dataset) -> xr.DataArray:
    """The smallest eigenvalue of the tangent kernel before training over the analytic one."""
    return one["smallest_eigenvalue"] / one["smallest_eigenvalue_analytic"]


def _by_pair(here: xr.Dataset, values: xr.DataArray) -> np.ndarray:
    """Means over the networks of each pair, which share their images."""
    return values.assign_coords(pair=here["source_task"]).groupby("pair").mean().values


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    first = next(iter(plotted.values()))
    pairs = len(np.unique(first["source_task"]))
    return (
        f"Networks of one hidden layer in NTK parametrisation ({first.attrs['architecture']}) "
        f"train on {pairs} pairs, each by gradient descent with momentum on the square loss, in "
        "full batches, with one pose of one orbit missing. The outputs before training are "
        "subtracted, so wide networks tend to the kernel's regression. Inputs are in an "
        "orthonormal basis of the pair's points, which gradient descent cannot tell from pixels. "
        "(A) The share of missing poses classified correctly by width (bars: 95 % intervals over "
        "pairs). Dotted lines are kernel regression with the analytic kernel. (B) The smallest "
        "eigenvalue of the networks' own tangent kernels before training, over that of the "
        "analytic kernel, on the points trained on. (C) The mean absolute difference of "
        "predictions from kernel regression with the analytic kernel, a panel for each N (bands: "
        "95 % intervals of a bootstrap over pairs): of trained networks, of networks that are "
        "linearised at their start (descent on their tangent kernel before training, also at "
        "widths that were not trained), and of descent on their tangent kernel after training, all "
        "over as many steps. The thin horizontal line is descent on the analytic kernel itself: "
        "what stopping leaves (below the panel where it is less than a hundredth). The grey line "
        "falls as one over the root of the width."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """Accuracies and smallest eigenvalues by width, and the distances beneath."""
    figure = plt.figure(figsize=(style.TWO_COLUMNS, 4.6))
    halves = figure.add_gridspec(2, 1, height_ratios=[1, 1.1])
    row = halves[0].subgridspec(1, 2)
    accuracy, smallest = (figure.add_subplot(row[column]) for column in (0, 1))
    shades = plt.get_cmap("viridis")(np.linspace(0, 0.85, len(plotted)))
    for (n, here), colour in zip(plotted.items(), shades, strict=True):
        label = f"N = {n.removeprefix('n')}"
        _by_width(accuracy, "accuracy", n, here, measured, color=colour, label=label)
        value = measured[f"accuracy_kernel.{n}"].value
        accuracy.axhline(value, color=colour, linestyle=":", linewidth=0.8)
        _by_width(smallest, "smallest_eigenvalue", n, here, measured, color=colour)
    accuracy.set(ylabel="accuracy on the missing pose", ylim=(0, 1.05))
    accuracy.legend(loc="lower right", ncols=2)
    smallest.axhline(1.0, color="0.6", linewidth=0.8)
    smallest.set(ylabel="smallest eigenvalue,\ntangent / analytic", ylim=(0, 1.1))
    below = halves[1].subgridspec(1, len(plotted))
    first = None
    for column, (n, here) in enumerate(plotted.items()):
        first = panel = figure.add_subplot(below[column], sharey=first)
        _distances(panel, here, measured, n)
        panel.set(title=f"N = {n.removeprefix('n')}")
        if column == 0:
            panel.set(ylabel="|prediction - analytic kernel's|")
            style.letter(panel, "C")
        else:
            panel.tick_params(labelleft=False)
    for panel in figure.axes:
        widths = np.unique(next(iter(plotted.values()))["width"])
        powers_of_two(panel, widths, "width")
        panel.set_xticks(widths[:: max(1, len(widths) // 4)])
    style.letter(accuracy, "A")
    style.letter(smallest, "B")
    handles = first.get_legend_handles_labels() if first is not None else ([], [])
    figure.legend(*handles, loc="outside lower center", ncols=len(handles[0]), fontsize=6)
    return figure


def _by_width(
    axes: Axes, kind: str, n: str, here: xr.Dataset, measured: Measurements, **line: Any
) -> None:
    """A quantity at each width where it is known, with its 95 % interval."""
    names = {int(width): f"{kind}.{n}.width{int(width)}" for width in here["width"]}
    known = {width: measured[name] for width, name in names.items() if name in measured}
    values, reach = with_intervals(list(known.values()))
    axes.errorbar(list(known), values, reach, marker="o", markersize=3, capsize=2, **line)


def _distances(axes: Axes, here: xr.Dataset, measured: Measurements, n: str) -> None:
    """How far each step is from the analytic kernel's regression."""
    widths = here["width"].values
    widest = measured[f"distance_tangent_start.{n}.width{int(widths[-1])}"].value
    axes.plot(widths, widest * (widths / widths[-1]) ** -0.5, color="0.7", linewidth=0.8)
    for step, (label, colour, dashes) in _STEPS.items():
        known = here.isel(width=np.flatnonzero(here[step].notnull().all("member")))
        off = abs(known[step] - known["limit"]).transpose("width", "member")
        pairs = np.array([_by_pair(here, one) for one in off])
        line: dict[str, Any] = {"color": colour, "linestyle": dashes, "marker": "o"}
        axes.plot(known["width"], pairs.mean(axis=1), label=label, markersize=3, **line)
        band = mean_interval(pairs.T)
        axes.fill_between(known["width"], *band, color=colour, alpha=0.15, linewidth=0)
    value = measured[f"distance_descent.{n}"].value
    axes.axhline(value, color="0.3", linewidth=0.6, label="analytic kernel, stopped")
    axes.set(yscale="log", ylim=(_LEAST, 2))
