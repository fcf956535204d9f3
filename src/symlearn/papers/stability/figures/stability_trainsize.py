"""Stability to deformations and to noise against the number of training images.

See docs/science/stability.md#d-g-and-r.
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.papers.stability.figures import stabilities
from symlearn.papers.stability.figures.stabilities import (
    SYMBOLS,
    called,
    cells_of,
    datasets_of,
    log_mean,
    on,
)
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted
from symlearn.plots.panels import frame, plain_logarithm, powers_of_two
from symlearn.statistics import Measured, Measurements, slope_of_logs

TITLE = "Stability to deformations and to noise by number of training images"
NEEDS: dict[str, dict[str, int]] = {"stability": {}}
_BESIDE = 1.03  # networks are drawn beside each other, so that their intervals do not hide
_LABELS = {
    "relative": "relative stability R",
    "deformation": "under deformations, D",
    "noise": "under noise, G",
}


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """All networks."""
    return {"networks": stabilities.networks(inputs)}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """R, D and G at each number of images, and their slopes on logarithmic axes."""
    measured: dict[str, Measured] = {}
    for tag, cell in cells_of(plotted["networks"]):
        after = cell.sel(moment="after")
        sizes = after["train_size"].values
        for quantity in SYMBOLS:
            values = after[f"{quantity}_stability"].transpose("train_size", "member").values
            measured |= {
                f"{quantity}.{tag}.p{size}": log_mean(row)
                for size, row in zip(sizes, values, strict=True)
            }
            measured[f"slope.{quantity}.{tag}"] = _slope(sizes, values)
    return measured


def _slope(sizes: np.ndarray, values: np.ndarray) -> Measured:
    """Over all seeds at once, those without a stability left out."""
    return slope_of_logs(np.repeat(sizes, values.shape[1]).astype(float), values.ravel())


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    nets = plotted["networks"]
    seeds = stabilities.seeds_of(nets)
    left_out = stabilities.left_out(cell for _, cell in cells_of(nets))
    return (
        "The panels show how far deformations (D) and noise of the same norm (G) move a trained "
        "network's output, relative to the distance of the outputs of two images, and their ratio "
        f"R, by number of training images P. Points are geometric means over {seeds} seeds, each "
        f"with training images of its own{stabilities.about_the_scatter(nets)}. The values before "
        "training stand at the left margin. Points of different networks stand a little beside "
        "each other. The number of optimiser steps is the same at all P up to whole epochs (as the "
        f"authors', except for at most 5000 epochs). {left_out}{stabilities.about_the_images(nets)}"
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """A row for each data set; R, D and G."""
    nets = plotted["networks"]
    names = datasets_of(nets)
    size = (style.TWO_COLUMNS, 2.3 * len(names) + 0.2)
    figure, panels = plt.subplots(len(names), 3, figsize=size, squeeze=False)
    for row, name in zip(panels, names, strict=True):
        for axes, quantity in zip(row, SYMBOLS, strict=True):
            _curves(axes, on(nets, name), quantity, stabilities.looks(nets))
            axes.set_ylabel(_LABELS[quantity])
        row[0].set_title(called(name))
        stabilities.one(row[0])
    for axes in panels.flat:
        frame(axes)
        plain_logarithm(axes.yaxis)
    style.letters(panels.flat)
    stabilities.legend(figure, nets)
    return figure


def _curves(
    axes: Axes, nets: xr.Dataset, quantity: str, looks: Mapping[str, tuple[str, str]]
) -> None:
    middle_place = (nets.sizes["cell"] - 1) / 2
    for place, (_, cell) in enumerate(cells_of(nets)):
        beside = _BESIDE ** (place - middle_place)
        values = cell[f"{quantity}_stability"].transpose("moment", "train_size", "member")
        sizes = cell["train_size"].values
        colour, marker = looks[cell["network"].item()]
        rows = values.sel(moment="after").values
        middle = np.array([log_mean(row).value for row in rows])
        axes.plot(sizes * beside, middle, color=colour, marker=marker)
        stabilities.scatter(axes, sizes * beside, rows, colour)
        before = log_mean(values.sel(moment="before").values[0]).value
        axes.plot(sizes[0] / 1.6 * beside, before, color=colour, marker=marker, fillstyle="none")
    powers_of_two(axes, sizes, "training images P")
    axes.set_yscale("log")
