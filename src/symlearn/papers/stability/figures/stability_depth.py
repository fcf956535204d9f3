"""Relative stability by layer, before and after training.

See docs/science/stability.md#before-training.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from symlearn.papers.stability.figures import stabilities
from symlearn.papers.stability.figures.stabilities import SYMBOLS, called, ends, log_mean
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted, labels_of
from symlearn.plots.panels import FEWEST, INTERVALS, frame, plain_logarithm
from symlearn.statistics import Measured, Measurements

TITLE = "Relative stability by layer, before and after training"
NEEDS: dict[str, dict[str, int]] = {"stability": {}}
_MOMENTS = ("before", "after")
_GREY = "0.6"  # before training; after it the network's own colour
_COLUMNS = 3
_LONGEST = 14  # letters of a layer's name


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """Each network on each data set at its largest number of training images."""
    found = {}
    for dataset in inputs.study("stability"):
        labels = labels_of(dataset)
        kept = dataset[[f"{quantity}_stability" for quantity in SYMBOLS]].isel(train_size=-1)
        found[f"{labels['dataset']}.{labels['network']}"] = kept.assign_attrs(
            stabilities.settings(dataset), **labels
        )
    return found


def measure(plotted: Plotted) -> dict[str, Measured]:
    """R, D and G at the output over those after the first layer, over seeds."""
    measured: dict[str, Measured] = {}
    for tag, cell in plotted.items():
        if cell.sizes["layer"] < 2:  # the output alone
            continue
        for moment in _MOMENTS:
            values = cell["relative_stability"].sel(moment=moment).transpose("layer", "member")
            measured |= {
                f"output_over_first.{moment}.{tag}": log_mean(
                    (values.isel(layer=-1) / values.isel(layer=0)).values
                ),
                f"last_block_over_first.{moment}.{tag}": log_mean(
                    (values.isel(layer=-2) / values.isel(layer=0)).values
                ),
            }
        for quantity in ("deformation", "noise"):
            values = cell[f"{quantity}_stability"].sel(moment="after")
            ratio = values.isel(layer=-1) / values.isel(layer=0)
            measured[f"output_over_first_{quantity}.after.{tag}"] = log_mean(ratio.values)
    return measured


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    cells = list(plotted.values())
    seeds = " or ".join(dict.fromkeys(str(cell.sizes["member"]) for cell in cells))
    sizes = ", ".join(
        dict.fromkeys(f"{int(c['train_size'])} ({called(c.attrs['dataset'])})" for c in cells)
    )
    return (
        "For each network on each data set, above: the relative stability R of the activations "
        "after each nonlinearity, block, attention or pooling, before (grey) and after training "
        "(colour). The image itself has R = 1, and the last is the output. Below: the response D "
        "to deformations (full) and G to noise (open, dashed), whose ratio R is. Averages are "
        "means, because medians say nothing of activations that are mostly zero. Lines are "
        f"geometric means over {seeds} seeds, {_scatter_of(cells)}. The numbers of training images "
        f"are {sizes}. Before training, batch norms use the statistics of each batch that is "
        f"measured. {stabilities.about_the_images(cells[0])}"
    )


def _scatter_of(cells: Sequence[xr.Dataset]) -> str:
    known = any(cell.sizes["member"] >= FEWEST for cell in cells)
    return f"each with its {INTERVALS}" if known else "which are the dots"


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """Two panels, one below the other, for each network on each data set."""
    columns = min(_COLUMNS, len(plotted))
    rows = 2 * -(-len(plotted) // columns)
    size = (style.TWO_COLUMNS, 1.9 * rows)
    figure, panels = plt.subplots(rows, columns, figsize=size, squeeze=False, sharey="row")
    looks = style.models([cell.attrs["network"] for cell in plotted.values()])
    for axes in panels.flat:
        axes.set_axis_off()
    for number, cell in enumerate(plotted.values()):
        row, column = divmod(number, columns)
        above, below = panels[2 * row : 2 * row + 2, column]
        _ratio(above, cell, looks[cell.attrs["network"]])
        _responses(below, cell, looks[cell.attrs["network"]])
    used = [axes for axes in panels.flat if axes.axison]
    style.letters(used)
    for row, label in zip(panels, ("R", "D and G") * (rows // 2), strict=True):
        row[0].set_ylabel(label)
        frame(*(axes for axes in row if axes.axison))
        plain_logarithm(row[0].yaxis)
    handles = [
        Line2D([], [], color=_GREY, label="grey: before training"),
        Line2D([], [], color="black", label="colour: after training"),
        Line2D([], [], color="black", marker="o", label="D (deformations)"),
        Line2D([], [], color="black", marker="o", markerfacecolor="white", linestyle="--",
               label="G (noise)"),
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def _ratio(axes: Axes, cell: xr.Dataset, look: tuple[str, str]) -> None:
    """R over layers, that of the image first."""
    own, marker = look
    axes.plot(0, 1, "s", color="black", markersize=3)
    for moment, colour, shape in zip(_MOMENTS, (_GREY, own), ("o", marker), strict=True):
        _over_layers(axes, cell["relative_stability"].sel(moment=moment), colour, shape)
    stabilities.one(axes)
    axes.set_title(f"{cell.attrs['network']}\n{called(cell.attrs['dataset'])}")
    _prepare(axes, cell, named=False)


def _responses(axes: Axes, cell: xr.Dataset, look: tuple[str, str]) -> None:
    """D and G over layers."""
    own, marker = look
    for moment, colour in zip(_MOMENTS, (_GREY, own), strict=True):
        for quantity, fill, dashes in (("deformation", colour, "-"), ("noise", "white", "--")):
            values = cell[f"{quantity}_stability"].sel(moment=moment)
            _over_layers(axes, values, colour, marker, fill, dashes)
    _prepare(axes, cell, named=True)


def _over_layers(
    axes: Axes,
    values: xr.DataArray,
    colour: str,
    marker: str,
    fill: str | None = None,
    dashes: str = "-",
) -> None:
    rows = values.transpose("layer", "member").values
    x = np.arange(1, len(rows) + 1)
    middle = [log_mean(row).value for row in rows]
    axes.plot(
        x, middle, dashes, color=colour, marker=marker, markersize=3,
        markerfacecolor=fill or colour,
    )  # fmt: skip
    if rows.shape[1] < FEWEST:
        axes.plot(x, rows, ".", color=colour, markersize=1.5)
        return
    low, high = np.array([ends(row) for row in rows]).T
    axes.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)


def _prepare(axes: Axes, cell: xr.Dataset, *, named: bool) -> None:
    """The axes, with the names of the layers below the lower panel."""
    axes.set_axis_on()
    axes.set(yscale="log", xlim=(-0.5, cell.sizes["layer"] + 0.5))
    names = ["image", *(_called(str(name)) for name in cell["layer"].values)]
    axes.set_xticks(range(len(names)), names if named else [""] * len(names))
    axes.tick_params(axis="x", rotation=90, labelsize=5)


def _called(layer: str) -> str:
    """A layer's name, its last letters if it is long; one that is only a number says what of."""
    return f"module {layer}" if layer.isdigit() else layer[-_LONGEST:]
