"""Which types of layers break which transformation by each stencil, and how large errors are.

See docs/science/lie.md#types-of-layers and docs/science/lie.md#generators.
"""

from functools import partial
from string import ascii_uppercase

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.papers.lie.figures.family import family, with_images
from symlearn.papers.lie.figures.terms import by_kind, legend, networks, shares
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted
from symlearn.plots.layer_kinds import LOOKS
from symlearn.statistics import (
    TWO_SIDED,
    Intervals,
    Measured,
    Measurements,
    crossed,
    crossed_medians,
)

TITLE = "Shares of the equivariance error by transformation and stencil"
NEEDS: dict[str, dict[str, int]] = {"lie-layers": {}, "lie-models": {}}
_FAMILY = "family"  # among the groups that are otherwise named after networks
_FIRST = "translate_x"


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The shares of each network's layers, from terms of 64 bits, and the family's errors."""
    return {
        **{name: _kept(found) for name, found in networks(inputs).items()},
        _FAMILY: family(inputs),
    }


def _kept(found: xr.Dataset) -> xr.Dataset:
    """Shares in steps of 2^-14, which is less than is drawn: they are many, for each image."""
    steps = (2**14 * shares(found["contribution"])).round() / 2**14
    return found[["layer_name", "layer_kind"]].assign(layer_share=steps.astype(np.float32))


def measure(plotted: Plotted) -> dict[str, Measured]:
    """How alike the layers' shares under other transformations are to those under translation."""
    measured: dict[str, Measured] = {}
    for name, found in _terms(plotted).items():
        generators = found["generator"].values.tolist()
        for stencil in found["stencil"].values:
            here = found["layer_share"].sel(stencil=stencil)
            values = here.transpose("member", "image", "generator", "layer").values
            alike = crossed(partial(_likeness, generators.index(_FIRST)), values)
            tail = f"{stencil}.{name}"
            for row, transformation in enumerate([*generators, "smallest"]):
                one = Intervals(*(part[row] for part in alike)).one
                measured[f"layer_correlation.{transformation}.{tail}"] = one
    return measured


def _likeness(first: int, shares: np.ndarray) -> np.ndarray:
    """Correlations, over layers, of median shares with those of the first; then the smallest."""
    medians = np.median(shares, axis=1).mean(axis=0)
    found = np.corrcoef(medians)[first]
    return np.append(found, found.min())


def _terms(plotted: Plotted) -> dict[str, xr.Dataset]:
    return {name: found for name, found in plotted.items() if name != _FAMILY}


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    terms = _terms(plotted)
    first = next(iter(terms.values()))
    measured = measure(plotted)
    least = "; ".join(
        f"{name} "
        + ", ".join(
            f"{stencil} {measured[f'layer_correlation.smallest.{stencil}.{name}'].value:.2f}"
            for stencil in found["stencil"].values
        )
        for name, found in terms.items()
    )
    last = ascii_uppercase[len(terms) * first.sizes["stencil"]]
    return (
        "Points are the shares of the types of layers in the sum of squared norms of all terms "
        "(figure lie-layers), by transformation (rows) and by the differences that a "
        "transformation acts by (columns). Shares are taken image by image: points are medians "
        f"over {first.attrs['images']} test images, means over {first.sizes['member']} networks "
        "trained without augmentation, bars 95 % intervals over networks and images. The paper "
        "finds the shares of ResNet-50 almost the same under all affine transformations and takes "
        "aliasing for the main source of the error. Here the smallest correlation, over layers, of "
        f"the shares under a transformation with those under translation is {least}. A convolution "
        "commutes with translations but for its frame, and with no other of these "
        f"transformations. ({last}) The last panel shows the mean square of the Lie derivative of "
        "the softmax probabilities at test images by transformation, by forward differences, for "
        f"networks without augmentation ({plotted[_FAMILY].attrs['images']} images, means over "
        f"{plotted[_FAMILY].sizes['member']} networks, bars 1.96 standard errors over networks and "
        "images), per unit of the normalised coordinates. Saturation scales the intensities. "
        "Stretches move along one axis only, as the released code means them to."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """A row of panels for each network, a column for each stencil; errors in the last row."""
    terms = _terms(plotted)
    columns = max(found.sizes["stencil"] for found in terms.values())
    figure = plt.figure(figsize=(style.TWO_COLUMNS, 2.6 + 2.1 * len(terms)))
    grid = figure.add_gridspec(len(terms) + 1, columns, height_ratios=[2.1] * len(terms) + [1.9])
    panels, seen = [], set()
    for row, (name, found) in enumerate(terms.items()):
        table = by_kind(found["layer_share"], found["layer_kind"])
        seen |= set(table["kind"].values)
        for column, stencil in enumerate(found["stencil"].values):
            axes = figure.add_subplot(grid[row, column])
            _shares(axes, table.sel(stencil=stencil))
            axes.tick_params(labelleft=column == 0)
            axes.set_title(f"{name}, {stencil}")
            panels.append(axes)
    panels.append(figure.add_subplot(grid[-1, :]))
    _errors(panels[-1], plotted[_FAMILY])
    style.letters(panels)
    legend(figure, seen)
    return figure


def _shares(axes: Axes, table: xr.DataArray) -> None:
    names = table["generator"].values
    found = crossed_medians(table.transpose("member", "image", "kind", "generator").values)
    for row, kind in enumerate(table["kind"].values):
        colour, marker = LOOKS[kind]
        y = np.arange(len(names)) + 0.13 * (row - (table.sizes["kind"] - 1) / 2)
        low, middle, high = (100 * part[row] for part in (found.low, found.middle, found.high))
        axes.hlines(y, low, high, color=colour, linewidth=0.8)
        axes.plot(middle, y, marker, color=colour, markersize=2.8)
    _rows(axes, names)
    axes.set(xlabel="share (%)", xlim=(0, None))


def _errors(axes: Axes, found: xr.Dataset) -> None:
    """Networks are told by their markers alone: colours are the types of layers."""
    plain = found.sel(image_set="upright", augmentation="none")
    middle, error = with_images(plain["lie_square"], plain["lie_square_error"])
    names = plain["generator"].values
    looks = style.models(found["network"].values.tolist())
    for row, (name, (_, marker)) in enumerate(looks.items()):
        y = np.arange(len(names)) + 0.14 * (row - (len(looks) - 1) / 2)
        here = middle.isel(cell=row).values
        factor = np.exp(TWO_SIDED * error.isel(cell=row).values / here)
        axes.hlines(y, here / factor, here * factor, color="0.6", linewidth=0.8)
        axes.plot(
            here, y, marker, color="black", markersize=3.5, markerfacecolor="white", label=name
        )
    _rows(axes, names)
    axes.set(xscale="log", xlabel="error, mean square")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))


def _rows(axes: Axes, names: np.ndarray) -> None:
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    for edge in np.arange(len(names) - 1) + 0.5:
        axes.axhline(edge, color="0.9", linewidth=0.5, zorder=0)
