"""The stripe model: weights of the first layer before, during and after training.

See docs/science/stability.md#the-stripe-network-and-its-regimes.
"""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.papers.stability.figures.stripe import REGIMES
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted, labels_of
from symlearn.statistics import Measured, Measurements

TITLE = "The stripe model: weights of the first layer before, during and after training"
NEEDS: dict[str, dict[str, int]] = {"stripe-training": {}}
_MOMENTS = ("start", "t*", "end")


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The weights of one training of each regime, at the largest number of points of both."""
    datasets = inputs.study("stripe-training")
    counts = {regime: _counts(datasets, regime) for regime in REGIMES}
    shared = max(counts["feature"] & counts["lazy"])
    return {regime: _chosen(datasets, regime, shared) for regime in REGIMES}


def _counts(datasets: list[xr.Dataset], regime: str) -> set[int]:
    return {labels_of(d)["points"] for d in datasets if labels_of(d)["regime"] == regime}


def _chosen(datasets: list[xr.Dataset], regime: str, points: int) -> xr.Dataset:
    wanted = {"regime": regime, "points": points}
    found = next(d for d in datasets if wanted.items() <= labels_of(d).items() and _first(d))
    return found[["unit_weight", "unit_amplitude"]].assign_attrs(points=points)


def _first(dataset: xr.Dataset) -> bool:
    return 0 in dataset["seed"].values


def measure(plotted: Plotted) -> dict[str, Measured]:
    """The amplification of the drawn networks at each moment."""
    return {
        f"amplification.{regime}.{moment}": Measured(_amplification(weights, row))
        for regime, weights in plotted.items()
        for row, moment in enumerate(("start", "fit", "end"))
    }


def _amplification(weights: xr.Dataset, moment: int) -> float:
    squares = (weights["unit_weight"].isel(moment=moment) ** 2).mean("unit").values
    return float(np.sqrt(squares[0] / squares[1:].mean()))


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    weights = plotted["feature"]
    return (
        f"Marks are the first-layer weights of the {weights.sizes['unit']} hidden units, along the "
        "coordinate that the label depends on and along another, in units of the root mean square "
        f"along the {weights.sizes['coordinate'] - 1} others. Both axes of a panel have one scale, "
        "which differs between panels. Colour is the sign of a unit's output "
        f"weight. Each regime has one training on {weights.attrs['points']} points, from "
        "the same initialisation and with the same points. At t* a tenth of the points have their "
        "margin. In the feature regime the weights turn towards the coordinate that matters, and "
        "in the lazy regime they stay. A number is the amplification, over all coordinates. The "
        "authors' networks have 10 000 units."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """One row for each regime, one column for each moment."""
    figure, panels = plt.subplots(2, 3, figsize=(style.TWO_COLUMNS, 4.9))
    for row, (regime, weights) in zip(panels, plotted.items(), strict=True):
        for column, axes in enumerate(row):
            _cloud(axes, weights, column)
            value = _amplification(weights, column)
            axes.text(0.03, 0.9, rf"$\Lambda$ = {value:.2f}", transform=axes.transAxes)
        row[0].set_ylabel(f"{regime}\nweight along another")
    for axes, moment in zip(panels[0], _MOMENTS, strict=True):
        axes.set_title(moment)
    for axes in panels[1]:
        axes.set_xlabel("weight along the first coordinate")
    return figure


def _cloud(axes: Axes, weights: xr.Dataset, moment: int) -> None:
    here = weights.isel(moment=moment)
    vectors = here["unit_weight"].values
    scaled = vectors / np.sqrt((vectors[:, 1:] ** 2).mean())
    positive = here["unit_amplitude"].values > 0
    for chosen, colour in zip((~positive, positive), style.CLASS_COLOURS, strict=True):
        axes.plot(*scaled[chosen, :2].T, ".", color=colour, markersize=2, alpha=0.6)
    most = 1.1 * np.abs(scaled[:, :2]).max()
    axes.set(xlim=(-most, most), ylim=(-most, most), aspect="equal")
