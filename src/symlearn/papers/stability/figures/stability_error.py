"""Test error against relative stability and against stability to deformations alone.

See docs/science/stability.md#means-and-medians and docs/science/stability.md#training.
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.papers.stability.figures import stabilities
from symlearn.papers.stability.figures.stabilities import (
    called,
    cells_of,
    datasets_of,
    on,
)
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted
from symlearn.plots.panels import plain_logarithm
from symlearn.statistics import Measured, Measurements

TITLE = "Test error against stability to deformations, relative to noise and alone"
NEEDS: dict[str, dict[str, int]] = {"stability": {}}
_SHOWN = ("relative", "deformation")
_LABELS = {"relative": "relative stability R", "deformation": "stability to deformations D"}


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """All networks."""
    return {"networks": stabilities.networks(inputs)}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Rank correlations of the error with R and D, by data set."""
    nets = plotted["networks"]
    measured: dict[str, Measured] = {}
    for name in datasets_of(nets):
        measured |= stabilities.rank_correlations(on(nets, name), name)
    return measured


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    nets = plotted["networks"]
    seeds = stabilities.seeds_of(nets)
    left_out = stabilities.left_out(cell for _, cell in cells_of(nets))
    line = (
        "The dotted line is the authors' for 15 networks on all of CIFAR-10, 0.2 root R. It is no "
        "prediction for fewer images or small networks. "
    )
    on_colours = any(name.startswith("cifar") for name in datasets_of(nets))
    return (
        "The left panels show the test error after training against the relative stability R, the "
        "right panels against the stability D to deformations, which is not set against noise. "
        f"Each point is a network trained on one number of images, as geometric mean over {seeds} "
        "seeds, which are the dots. The larger the marker, the more training images "
        f"({_sizes(nets)}). {stabilities.HALF_A_MISTAKE} {left_out}Titles give Spearman's rank "
        "correlation over the points, with the 95 % bootstrap interval over networks. "
        f"{line if on_colours else ''}{stabilities.about_the_images(nets)}"
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """A row for each data set; the error over R and over D."""
    nets = plotted["networks"]
    names = datasets_of(nets)
    size = (style.TWO_COLUMNS, 2.6 * len(names))
    figure, panels = plt.subplots(len(names), 2, figsize=size, squeeze=False, sharey="row")
    for row, name in zip(panels, names, strict=True):
        for axes, quantity in zip(row, _SHOWN, strict=True):
            _scatter(axes, on(nets, name), quantity, stabilities.looks(nets))
            axes.set_title(
                f"{called(name)}: {stabilities.correlation(measured, f'{quantity}.{name}')}"
            )
        if name.startswith("cifar"):
            stabilities.authors_line(row[0])
        row[0].set_ylabel("test error")
        plain_logarithm(row[0].yaxis)
    style.letters(panels.flat)
    stabilities.legend(figure, nets)
    return figure


def _scatter(
    axes: Axes, nets: xr.Dataset, quantity: str, looks: Mapping[str, tuple[str, str]]
) -> None:
    for _, cell in cells_of(nets):
        points, _ = stabilities.points(cell.expand_dims("cell"))
        colour, marker = looks[cell["network"].item()]
        after = cell.sel(moment="after").where(stabilities.defined(cell))
        seeds = after[f"{quantity}_stability"], stabilities.positive_errors(after)
        axes.plot(*(one.values.ravel() for one in seeds), ".", color=colour, markersize=1.5)
        x, y = points[quantity], points["test_error"]
        axes.plot(x, y, color=colour, linewidth=0.6, alpha=0.6)
        for here, size in enumerate(np.linspace(3, 7, len(x))):
            axes.plot(x[here], y[here], marker, color=colour, markersize=size)
    if not stabilities.defined(nets).any():  # a logarithmic axis wants a value
        axes.set(xlim=(0.1, 1), ylim=(0.1, 1))
    axes.set(xscale="log", yscale="log", xlabel=_LABELS[quantity])
    plain_logarithm(axes.xaxis)


def _sizes(nets: xr.Dataset) -> str:
    parts = []
    for name in datasets_of(nets):
        kept = on(nets, name).dropna("train_size", how="all", subset=["test_error"])
        sizes = ", ".join(str(size) for size in kept["train_size"].values)
        parts.append(f"{called(name)}: {sizes}")
    return "; ".join(parts)
