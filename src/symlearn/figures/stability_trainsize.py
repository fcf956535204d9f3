"""Stability to deformations and to noise against the number of training images."""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn import style
from symlearn.figures import stabilities
from symlearn.figures.inputs import Inputs, Plotted
from symlearn.figures.panels import plain_logarithm, powers_of_two
from symlearn.figures.stabilities import NAMES, SYMBOLS, cells_of, datasets_of, ends, log_mean, on
from symlearn.statistics import Measured, Measurements, slope_of_logs

TITLE = "Stability to deformations and to noise by number of training images"
NEEDS: dict[str, dict[str, int]] = {"stability": {}}
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
    x = np.repeat(sizes, values.shape[1]).astype(float)
    defined = np.isfinite(values.ravel())
    return slope_of_logs(x[defined], values.ravel()[defined])


def caption(plotted: Plotted) -> str:
    """What is shown."""
    nets = plotted["networks"]
    seeds = stabilities.seeds_of(nets)
    return (
        "How far deformations (D) and noise of the same norm (G) move a trained network's output, "
        "relative to the distance of the outputs of two images, and their ratio R, by number of "
        f"training images P; geometric mean over {seeds} seeds, each with training "
        "images of its own, and its 95 % interval. Lines at the left margin: before training. The "
        "number of optimiser steps is the same at all P (as the authors', but for at most 5000 "
        f"epochs). {stabilities.about_the_images(nets)}"
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """A row for each data set; R, D and G."""
    nets = plotted["networks"]
    names = datasets_of(nets)
    size = (style.TWO_COLUMNS, 2.3 * len(names) + 0.2)
    figure, panels = plt.subplots(len(names), 3, figsize=size, squeeze=False)
    for row, name in zip(panels, names, strict=True):
        for axes, quantity in zip(row, SYMBOLS, strict=True):
            _curves(axes, on(nets, name), quantity)
            axes.set_ylabel(_LABELS[quantity])
        row[0].set_title(NAMES[name])
        stabilities.one(row[0])
    panels[0, 1].legend(loc="best")
    for axes, letter in zip(panels.flat, "ABCDEFGHIJKL", strict=False):
        style.letter(axes, letter)
    return figure


def _curves(axes: Axes, nets: xr.Dataset, quantity: str) -> None:
    looks = style.models(nets["network"].values.tolist())
    for _, cell in cells_of(nets):
        values = cell[f"{quantity}_stability"].transpose("moment", "train_size", "member")
        sizes = cell["train_size"].values
        colour, marker = looks[cell["network"].item()]
        rows = values.sel(moment="after").values
        middle = np.array([log_mean(row).value for row in rows])
        low, high = np.array([ends(row) for row in rows]).T
        axes.errorbar(
            sizes, middle, [middle - low, high - middle], color=colour, marker=marker,
            elinewidth=0.8, label=cell["network"].item(),
        )  # fmt: skip
        before = log_mean(values.sel(moment="before").values[0]).value
        axes.plot([sizes[0] / 1.6, sizes[0] / 1.25], [before, before], color=colour, linewidth=2)
    powers_of_two(axes, sizes, "training images P")
    axes.set_yscale("log")
    plain_logarithm(axes.yaxis)
