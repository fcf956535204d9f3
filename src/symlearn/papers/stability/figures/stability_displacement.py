"""R, D and G over the size of deformations, for three cutoffs and two interpolations.

See docs/science/stability.md#over-displacement-and-cut-off.
"""

from collections.abc import Iterator

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.papers.stability.figures.stabilities import SYMBOLS, called, log_mean
from symlearn.pipeline import store
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted, labels_of
from symlearn.plots.panels import plain_logarithm
from symlearn.statistics import Measured, Measurements

TITLE = "Stability over displacement, cutoff and interpolation"
NEEDS: dict[str, dict[str, int]] = {"stability-displacement": {}}
_CALLED = {"bilinear": "linear", "gaussian": "Gaussian"}


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """Each network, by its data set and its name."""
    found = {}
    for dataset in inputs.study("stability-displacement"):
        labels, spec = labels_of(dataset), store.spec_of(dataset)
        about = {key: spec[key] for key in ("images", "draws")}
        tag = f"{labels['dataset']}.{labels['network']}"
        found[tag] = dataset.assign_attrs(**dataset.attrs, **labels, **about)
    return found


def measure(plotted: Plotted) -> dict[str, Measured]:
    """The extremes of R before training, and R after it at one pixel by cutoff, over seeds."""
    measured: dict[str, Measured] = {}
    for tag, cell in plotted.items():
        relative = cell["relative_stability"]
        logs = xr.apply_ufunc(np.log, _allowed(relative.sel(moment="before"), cell))
        before = xr.apply_ufunc(np.exp, logs.mean("member"))
        measured |= {
            f"least_before.{tag}": Measured(float(before.min())),
            f"most_before.{tag}": Measured(float(before.max())),
        }
        for interpolation, cutoff, here in _curves(relative.sel(moment="after")):
            at = here.sel(nominal_displacement=1.0, method="nearest").values
            measured[f"after.{interpolation}.c{cutoff}.{tag}"] = log_mean(at)
        for interpolation in relative["interpolation"].values.tolist():
            measured[f"finest_over_coarsest.{interpolation}.{tag}"] = log_mean(
                _finest_over_coarsest(relative.sel(interpolation=interpolation, moment="after"))
            )
    return measured


def _finest_over_coarsest(values: xr.DataArray) -> np.ndarray:
    """R at one pixel with the largest cutoff over that with the smallest, by seed."""
    at = values.sel(nominal_displacement=1.0, method="nearest").sortby("cutoff")
    return (at.isel(cutoff=-1) / at.isel(cutoff=0)).values


def _allowed(values: xr.DataArray, cell: xr.Dataset) -> xr.DataArray:
    """Values within the allowed range of displacements, NaN elsewhere."""
    sizes, cutoffs = values["nominal_displacement"], values["cutoff"]
    return values.where((sizes >= 0.5) & (sizes <= cell.attrs["side"] / (np.pi * cutoffs)))


def _curves(values: xr.DataArray) -> Iterator[tuple[str, int, xr.DataArray]]:
    for interpolation in values["interpolation"].values.tolist():
        for cutoff in values["cutoff"].values.tolist():
            yield interpolation, cutoff, values.sel(interpolation=interpolation, cutoff=cutoff)


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    cells = list(plotted.values())
    first = cells[0]
    return (
        "Rows: relative stability R, response D to deformations and response G to noise of the "
        "same norm, over the nominal displacement of the deformation. Columns: networks, each with "
        "linear and with Gaussian interpolation, where the image that is compared is blurred as "
        "well. Colours: cutoffs. Dashed with open markers: before training; full: after it. Dots: "
        f"single seeds; lines: geometric means over {first.sizes['member']}. Pale: outside the "
        "allowed range, from half a pixel to n / (pi c) pixels, where fields are hidden by the "
        f"grid or fold. {called(first.attrs['dataset'])}, {first.attrs['images']} test images, "
        f"{first.attrs['draws']} deformations of each. For one cutoff all sizes have the same "
        "fields. The networks are those of stability-training."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """Three rows; two columns for each network."""
    columns = 2 * len(plotted)
    size = (style.TWO_COLUMNS, 5.0)
    figure, panels = plt.subplots(3, columns, figsize=size, sharex=True, sharey="row")
    for number, cell in enumerate(plotted.values()):
        for place, interpolation in enumerate(_CALLED):
            column = panels[:, 2 * number + place]
            for axes, quantity in zip(column, SYMBOLS, strict=True):
                values = cell[f"{quantity}_stability"].sel(interpolation=interpolation)
                _panel(axes, values, cell)
            column[0].axhline(1, color="0.6", linewidth=0.8, linestyle=":", zorder=0)
            column[0].set_title(f"\n{cell.attrs['network']}\n{_CALLED[interpolation]}")
    figure.supxlabel("nominal displacement / pixels", fontsize=7.5)
    style.letters(panels.flat)
    for row, symbol in zip(panels, SYMBOLS.values(), strict=True):
        row[0].set_ylabel(symbol)
        plain_logarithm(row[0].yaxis)
    plain_logarithm(panels[0, 0].xaxis)
    panels[0, 0].tick_params(axis="x", labelsize=6)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(handles))
    return figure


def _panel(axes: Axes, values: xr.DataArray, cell: xr.Dataset) -> None:
    shades = plt.get_cmap("viridis")(np.linspace(0, 0.85, values.sizes["cutoff"]))
    for cutoff, shade in zip(values["cutoff"].values, shades, strict=True):
        for moment, dashes, fill in (("before", "--", "white"), ("after", "-", shade)):
            here = values.sel(cutoff=cutoff, moment=moment)
            label = f"c = {cutoff}" if moment == "after" else None
            look = {"linestyle": dashes, "color": shade, "markerfacecolor": fill}
            _curve(axes, here, _allowed(here, cell).notnull().all("member").values, look, label)
    axes.set(xscale="log", yscale="log")


def _curve(
    axes: Axes, values: xr.DataArray, allowed: np.ndarray, look: dict, label: str | None
) -> None:
    """The geometric mean over seeds, pale outside the allowed range, and seeds as dots."""
    rows = values.transpose("nominal_displacement", "member").values
    x = values["nominal_displacement"].values
    middle = np.array([log_mean(row).value for row in rows])
    axes.plot(x, middle, marker="o", markersize=2.5, linewidth=0.9, alpha=0.3, **look)
    inside = np.where(allowed, middle, np.nan)
    axes.plot(x, inside, marker="o", markersize=2.5, label=label, **look)
    axes.plot(x, rows, ".", color=look["color"], markersize=1.5, alpha=0.5)
