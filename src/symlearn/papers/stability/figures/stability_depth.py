"""Relative stability by layer, before and after training.

See docs/science/stability.md#before-training.
"""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.papers.stability.figures import stabilities
from symlearn.papers.stability.figures.stabilities import called, ends, log_mean
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted, labels_of
from symlearn.plots.panels import INTERVALS, frame, plain_logarithm
from symlearn.statistics import Measured, Measurements

TITLE = "Relative stability by layer, before and after training"
NEEDS: dict[str, dict[str, int]] = {"stability": {}}
_LOOKS = {"before": ("0.6", "o", "--"), "after": (None, "o", "-")}  # None: the network's colour
_COLUMNS = 4


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """Each network on each data set at its largest number of training images."""
    found = {}
    for dataset in inputs.study("stability"):
        labels = labels_of(dataset)
        kept = dataset[["relative_stability"]].isel(train_size=-1)
        found[f"{labels['dataset']}.{labels['network']}"] = kept.assign_attrs(
            stabilities.settings(dataset), **labels
        )
    return found


def measure(plotted: Plotted) -> dict[str, Measured]:
    """R at the output over R after the first layer, before and after training, over seeds."""
    measured: dict[str, Measured] = {}
    for tag, cell in plotted.items():
        if cell.sizes["layer"] < 2:  # the output alone
            continue
        for moment in _LOOKS:
            values = cell["relative_stability"].sel(moment=moment).transpose("layer", "member")
            measured |= {
                f"output_over_first.{moment}.{tag}": log_mean(
                    (values.isel(layer=-1) / values.isel(layer=0)).values
                ),
                f"last_block_over_first.{moment}.{tag}": log_mean(
                    (values.isel(layer=-2) / values.isel(layer=0)).values
                ),
            }
    return measured


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    cells = list(plotted.values())
    seeds = " or ".join(dict.fromkeys(str(cell.sizes["member"]) for cell in cells))
    sizes = ", ".join(
        dict.fromkeys(f"{int(c['train_size'])} ({called(c.attrs['dataset'])})" for c in cells)
    )
    return (
        "The panels show the relative stability R of the activations after each nonlinearity, "
        "block, attention or pooling, before (grey, dashed) and after training (colour). The last "
        "is the output, and the image itself has R = 1. Averages are means, because medians say "
        f"nothing of activations that are mostly zero. Lines are geometric means over {seeds} "
        f"seeds, each with its {INTERVALS}. The numbers of training images are {sizes}. Before "
        "training, batch norms use the statistics of each batch that is measured. "
        f"{stabilities.about_the_images(cells[0])}"
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """A panel for each network on each data set."""
    columns = min(_COLUMNS, len(plotted))
    rows = -(-len(plotted) // columns)
    size = (style.TWO_COLUMNS, 2.4 * rows)
    figure, panels = plt.subplots(rows, columns, figsize=size, squeeze=False, sharey="row")
    looks = style.models([cell.attrs["network"] for cell in plotted.values()])
    used = panels.flat[: len(plotted)]
    for axes, cell in zip(used, plotted.values(), strict=True):
        _panel(axes, cell, looks[cell.attrs["network"]])
    style.letters(used)
    for axes in panels.flat[len(plotted) :]:
        axes.set_axis_off()
    for row in panels:
        row[0].set_ylabel("relative stability R")
        frame(*row)
        plain_logarithm(row[0].yaxis)
    panels[0, 0].legend(loc="best")
    return figure


def _panel(axes: Axes, cell: xr.Dataset, look: tuple[str, str]) -> None:
    own, marker = look
    for moment, (shared, plain, dashes) in _LOOKS.items():
        values = cell["relative_stability"].sel(moment=moment).transpose("layer", "member").values
        middle = np.array([1.0, *(log_mean(row).value for row in values)])
        low, high = np.array([(1.0, 1.0), *(ends(row) for row in values)]).T
        colour, shape = (shared, plain) if shared else (own, marker)
        axes.plot(middle, dashes, color=colour, marker=shape, markersize=3, label=moment)
        axes.fill_between(range(len(middle)), low, high, color=colour, alpha=0.2, linewidth=0)
    stabilities.one(axes)
    axes.set(xlabel="layer", yscale="log")
    axes.set_title(f"{cell.attrs['network']}\n{called(cell.attrs['dataset'])}")
    axes.locator_params(axis="x", integer=True, nbins=6)
