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
    SYMBOLS,
    called,
    cells_of,
    datasets_of,
    log_mean,
    on,
)
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted
from symlearn.plots.panels import plain_logarithm
from symlearn.statistics import (
    Interval,
    Measured,
    Measurements,
    rank_correlation_difference,
    rank_correlation_interval,
    slope_of_logs,
)

TITLE = "Test error against stability to deformations, relative to noise and alone"
NEEDS: dict[str, dict[str, int]] = {"stability": {}}
_SHOWN = ("relative", "deformation")
_LABELS = {"relative": "relative stability R", "deformation": "stability to deformations D"}
_PREFACTOR = 0.2  # of the authors' line


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """All networks."""
    return {"networks": stabilities.networks(inputs)}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Rank correlations of the error with R and D, and error over the root of R, by data set."""
    nets = plotted["networks"]
    measured: dict[str, Measured] = {}
    for name in datasets_of(nets):
        here = on(nets, name)
        for what, (value, low, high) in _correlations(here).items():
            measured |= {
                f"rank_correlation.{what}.{name}": value,
                f"rank_correlation_low.{what}.{name}": Measured(low),
                f"rank_correlation_high.{what}.{name}": Measured(high),
            }
        measured |= _at_most_images(here, name)
    return measured


def _correlations(nets: xr.Dataset) -> dict[str, Interval]:
    """Of the error with R, D and G, and that with R less that with D.

    Points of one network over the number of images hang together, so networks are resampled.
    """
    points, _ = _points(nets)
    errors = points["test_error"]
    sizes = [cell.sizes["train_size"] for _, cell in cells_of(nets)]
    networks = np.repeat(nets["network"].values, sizes)
    found = {
        quantity: rank_correlation_interval(points[quantity], errors, networks)
        for quantity in SYMBOLS
    }
    first, second = (points[quantity] for quantity in _SHOWN)
    return found | {"difference": rank_correlation_difference(first, second, errors, networks)}


def _at_most_images(nets: xr.Dataset, name: str) -> dict[str, Measured]:
    """Of the networks on all images: error over root R, and its slope against R."""
    largest = nets.dropna("train_size", how="all", subset=["test_error"]).isel(train_size=[-1])
    points, _ = _points(largest)
    errors, relative = points["test_error"], points["relative"]
    return {
        f"error_over_root.{name}": log_mean(errors / np.sqrt(relative)),
        f"error_slope.{name}": slope_of_logs(relative, errors),
    }


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
        "seeds with standard errors. The larger the marker, the more training images "
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
            axes.set_title(f"{called(name)}: {_correlation(measured, f'{quantity}.{name}')}")
        if name.startswith("cifar"):
            _authors_line(row[0])
        row[0].set_ylabel("test error")
        plain_logarithm(row[0].yaxis)
    style.letters(panels.flat)
    stabilities.legend(figure, nets)
    return figure


def _correlation(measured: Measurements, tag: str) -> str:
    """A rank correlation with its interval, as far as they are defined."""
    value, low, high = (
        measured[f"rank_correlation{end}.{tag}"].value for end in ("", "_low", "_high")
    )
    if np.isnan(value):
        return "no correlation"
    return f"{value:.2f}" if np.isnan(low) else f"{value:.2f} [{low:.2f}, {high:.2f}]"


def _scatter(
    axes: Axes, nets: xr.Dataset, quantity: str, looks: Mapping[str, tuple[str, str]]
) -> None:
    for _, cell in cells_of(nets):
        points, errors = _points(cell.expand_dims("cell"))
        colour, marker = looks[cell["network"].item()]
        x, y = points[quantity], points["test_error"]
        axes.plot(x, y, color=colour, linewidth=0.6, alpha=0.6)
        sizes = np.linspace(3, 7, len(x))
        for here in range(len(x)):
            axes.errorbar(
                x[here], y[here], errors["test_error"][here], errors[quantity][here],
                fmt=marker, color=colour, markersize=sizes[here], elinewidth=0.7,
            )  # fmt: skip
    if not stabilities.defined(nets).any():  # a logarithmic axis wants a value
        axes.set(xlim=(0.1, 1), ylim=(0.1, 1))
    axes.set(xscale="log", yscale="log", xlabel=_LABELS[quantity])
    plain_logarithm(axes.xaxis)


def _authors_line(axes: Axes) -> None:
    """0.2 root R, as far as it lies in the panel."""
    x = np.geomspace(*axes.get_xlim(), 20)
    axes.plot(x, _PREFACTOR * np.sqrt(x), ":", color="0.5", zorder=0, scalex=False, scaley=False)


def _points(nets: xr.Dataset) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Of each network and number of images, geometric means over seeds and their errors.

    Over those seeds of which the stability is defined; NaN where there is none.
    """
    names = ("test_error", *(f"{quantity}_stability" for quantity in SYMBOLS))
    found: dict[str, list[Measured]] = {name: [] for name in names}
    for _, cell in cells_of(nets):
        cell = cell.assign(test_error=stabilities.positive_errors(cell))
        after = cell.sel(moment="after").where(stabilities.defined(cell))
        for name in names:
            rows = after[name].transpose("train_size", "member").values
            found[name] += [log_mean(row) for row in rows]
    short = {name: name.removesuffix("_stability") for name in names}
    values = {short[name]: np.array([m.value for m in found[name]]) for name in names}
    return values, {short[name]: np.array([m.uncertainty for m in found[name]]) for name in names}


def _sizes(nets: xr.Dataset) -> str:
    parts = []
    for name in datasets_of(nets):
        kept = on(nets, name).dropna("train_size", how="all", subset=["test_error"])
        sizes = ", ".join(str(size) for size in kept["train_size"].values)
        parts.append(f"{called(name)}: {sizes}")
    return "; ".join(parts)
