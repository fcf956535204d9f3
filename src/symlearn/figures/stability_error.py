"""Test error against relative stability and against stability to deformations alone."""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn import style
from symlearn.figures import stabilities
from symlearn.figures.inputs import Inputs, Plotted
from symlearn.figures.stabilities import NAMES, SYMBOLS, cells_of, datasets_of, log_mean, on
from symlearn.statistics import Measured, Measurements, rank_correlation_interval

TITLE = "Test error against stability to deformations, relative to noise and alone"
NEEDS: dict[str, dict[str, int]] = {"stability": {}}
_SHOWN = ("relative", "deformation")


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """All networks."""
    return {"networks": stabilities.networks(inputs)}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Rank correlations of the error with R and D, and error over the root of R, by data set."""
    nets = plotted["networks"]
    measured: dict[str, Measured] = {}
    for name in datasets_of(nets):
        points = _points(on(nets, name))
        errors = points["test_error"]
        for quantity in SYMBOLS:
            value, low, high = rank_correlation_interval(points[quantity], errors)
            measured |= {
                f"rank_correlation.{quantity}.{name}": value,
                f"rank_correlation_low.{quantity}.{name}": Measured(low),
                f"rank_correlation_high.{quantity}.{name}": Measured(high),
            }
        correlations = [measured[f"rank_correlation.{q}.{name}"].value for q in _SHOWN]
        measured[f"rank_correlation.difference.{name}"] = Measured(
            correlations[0] - correlations[1]
        )
        measured[f"error_over_root.{name}"] = log_mean(errors / np.sqrt(points["relative"]))
    return measured


def caption(plotted: Plotted) -> str:
    """What is shown."""
    nets = plotted["networks"]
    return (
        "Test error after training against the relative stability R (top) and against the "
        "stability D to deformations, which is not set against noise (bottom); each point a "
        f"network trained on one number of images, geometric mean over {nets.sizes['member']} "
        "seeds with standard errors; the larger the marker, the more training images "
        f"({_sizes(nets)}). Titles: Spearman's rank correlation over the points, with the 95 % "
        "bootstrap interval over points. Dotted: the authors' line for 15 networks on all of "
        "CIFAR-10, 0.2 root R; it is no prediction for other data, fewer images or small "
        f"networks. {stabilities.about_the_images(nets)}"
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """A column for each data set; the error over R above, over D below."""
    nets = plotted["networks"]
    names = datasets_of(nets)
    size = (style.ONE_COLUMN if len(names) == 1 else style.TWO_COLUMNS, 4.6)
    figure, panels = plt.subplots(2, len(names), figsize=size, squeeze=False)
    for column, name in enumerate(names):
        for row, quantity in enumerate(_SHOWN):
            axes = panels[row, column]
            _scatter(axes, on(nets, name), quantity)
            tag = f"{quantity}.{name}"
            value, low, high = (
                measured[f"rank_correlation{end}.{tag}"].value for end in ("", "_low", "_high")
            )
            axes.set_title(f"{NAMES[name]}: {value:.2f} [{low:.2f}, {high:.2f}]")
            style.letter(axes, "ABCDEFGH"[row * len(names) + column])
    panels[0, 0].legend(loc="best")
    return figure


def _scatter(axes: Axes, nets: xr.Dataset, quantity: str) -> None:
    looks = style.models(nets["network"].values.tolist())
    for _, cell in cells_of(nets):
        points = _points(cell.expand_dims("cell"))
        errors = _points(cell.expand_dims("cell"), errors=True)
        colour, marker = looks[cell["network"].item()]
        x, y = points[quantity], points["test_error"]
        sizes = np.linspace(3, 7, len(x))
        axes.plot(x, y, color=colour, linewidth=0.6, alpha=0.6)
        for here in range(len(x)):
            axes.errorbar(
                x[here], y[here], errors["test_error"][here], errors[quantity][here],
                fmt=marker, color=colour, markersize=sizes[here], elinewidth=0.7,
                label=cell["network"].item() if here == len(x) - 1 else None,
            )  # fmt: skip
    axes.set(xscale="log", yscale="log", ylabel="test error")
    if quantity == "relative":
        x = np.geomspace(*axes.get_xlim(), 20)
        axes.plot(x, 0.2 * np.sqrt(x), ":", color="0.5", linewidth=1, zorder=0, scaley=False)
    axes.set_xlabel(f"{quantity} stability {SYMBOLS[quantity]}")


def _points(nets: xr.Dataset, *, errors: bool = False) -> dict[str, np.ndarray]:
    """Of each network and number of images, the geometric means over seeds (or their errors)."""
    found: dict[str, list[float]] = {}
    for _, cell in cells_of(nets):
        after = cell.sel(moment="after")
        for name in ("test_error", *(f"{q}_stability" for q in SYMBOLS)):
            for values in after[name].transpose("train_size", "member").values:
                kept = found.setdefault(name.removesuffix("_stability"), [])
                kept.append(log_mean(values)[int(errors)])
    return {name: np.array(values) for name, values in found.items()}


def _sizes(nets: xr.Dataset) -> str:
    parts = []
    for name in datasets_of(nets):
        kept = on(nets, name).dropna("train_size", how="all", subset=["test_error"])
        sizes = ", ".join(str(size) for size in kept["train_size"].values)
        parts.append(f"{NAMES[name]}: {sizes}")
    return "; ".join(parts)
