"""Which types of layers break which transformation, and how large the errors are.

See docs/science/lie.md#types-of-layers and docs/science/lie.md#generators.
"""

from string import ascii_uppercase

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.papers.lie.figures.family import family
from symlearn.papers.lie.figures.terms import COLOURS, by_layer, kinds, legend, means, networks
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted
from symlearn.statistics import Measured, Measurements

TITLE = "Shares of the equivariance error by transformation"
NEEDS: dict[str, dict[str, int]] = {"lie-layers": {}, "lie-models": {}}
_FAMILY = "family"  # among the groups that are otherwise named after networks
_FIRST = "translate_x"
_COLUMNS = 3  # panels beside each other


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The terms of each network, and the family's errors."""
    return {**networks(inputs), _FAMILY: family(inputs)}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """How far the shares under other transformations are from those under translation."""
    measured: dict[str, Measured] = {}
    for name, found in _terms(plotted).items():
        at = list(found["generator"].values).index(_FIRST)
        shares = np.stack([means(found, kind) for kind in COLOURS])
        far = np.abs(shares - shares[:, at : at + 1]).sum(axis=0) / 2
        layers = by_layer(found).mean("member").transpose("generator", "layer").values
        correlations = np.corrcoef(layers)[at]
        for transformation, distance, correlation in zip(
            found["generator"].values, far, correlations, strict=True
        ):
            if transformation != _FIRST:
                measured[f"share_moved.{transformation}.{name}"] = Measured(float(distance))
                measured[f"layer_correlation.{transformation}.{name}"] = Measured(
                    float(correlation)
                )
        measured[f"largest_share_moved.{name}"] = Measured(float(far.max()))
        measured[f"smallest_layer_correlation.{name}"] = Measured(float(correlations.min()))
    return measured


def _terms(plotted: Plotted) -> dict[str, xr.Dataset]:
    return {name: found for name, found in plotted.items() if name != _FAMILY}


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    terms = _terms(plotted)
    first = next(iter(terms.values()))
    panels = ", ".join(
        f"{letter}: {name}" for letter, name in zip(ascii_uppercase, terms, strict=False)
    )
    moved = ", ".join(
        f"{name} {100 * measured.value:.0f} %"
        for name in terms
        for measured in [measure(plotted)[f"largest_share_moved.{name}"]]
    )
    return (
        f"({panels}) Bars are the shares of the types of layers in the sum of squared norms of all "
        f"terms (figure lie-layers), means over {first.sizes['member']} networks trained without "
        f"augmentation and {first.attrs['images']} test images. The paper finds the shares of "
        "ResNet-50 almost the same under all affine transformations and takes aliasing for the "
        f"main source of the error. Here up to {moved} of the sum is of other types than under "
        "translation. A convolution commutes with translations but for its frame, and with no "
        f"other of these transformations. ({ascii_uppercase[len(terms)]}) The last panel shows the "
        "mean square of the Lie derivative of the softmax probabilities at test images by "
        f"transformation, for networks without augmentation ({plotted[_FAMILY].attrs['images']} "
        "images, means over networks), per unit of the normalised coordinates. Saturation scales "
        "the intensities. Stretches move along one axis only, as the released code means them to."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """Shares for each network, and errors by transformation."""
    terms = _terms(plotted)
    figure, panels = _grid(len(terms) + 1)
    for number, (name, found) in enumerate(terms.items()):
        _shares(panels[number], found)
        panels[number].set_title(name)
        # All shares have the transformations of the first panel of their row.
        panels[number].tick_params(labelleft=number % _COLUMNS == 0)
    _errors(panels[-1], plotted[_FAMILY])
    style.letters(panels)
    legend(figure, terms.values())
    handles, labels = panels[-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=len(labels), fontsize=6)
    return figure


def _grid(count: int) -> tuple[Figure, list[Axes]]:
    """A figure of `count` panels, at most three beside each other, the last a little wider."""
    columns = min(count, _COLUMNS)
    rows = -(-count // columns)
    figure, panels = plt.subplots(
        rows, columns, figsize=(style.TWO_COLUMNS, 0.9 + 2.1 * rows), squeeze=False,
        width_ratios=[1] * (columns - 1) + [1.2 if rows == 1 else 1],
    )  # fmt: skip
    for spare in panels.flat[count:]:
        spare.set_axis_off()
    return figure, list(panels.flat[:count])


def _shares(axes: Axes, found: xr.Dataset) -> None:
    names = found["generator"].values
    at = np.arange(len(names))
    left = np.zeros(len(names))
    for kind in kinds(found):
        width = 100 * means(found, kind)
        axes.barh(at, width, left=left, color=COLOURS[kind], height=0.75)
        left = left + width
    axes.set_yticks(at, [_plain(name) for name in names])
    axes.invert_yaxis()
    axes.set(xlabel="share (%)", xlim=(0, 100))


def _errors(axes: Axes, found: xr.Dataset) -> None:
    errors = found["lie_square"].sel(image_set="upright", augmentation="none").mean("member")
    names = errors["generator"].values
    looks = style.models(found["network"].values.tolist())
    for row, (colour, marker) in enumerate(looks.values()):
        axes.plot(
            errors.isel(cell=row), range(len(names)), marker, color=colour, markersize=3.5,
            label=list(looks)[row],
        )  # fmt: skip
    axes.set_yticks(range(len(names)), [_plain(name) for name in names])
    axes.invert_yaxis()
    axes.set(xscale="log", xlabel="error, mean square")
    axes.grid(axis="y", linewidth=0.3)


def _plain(name: str) -> str:
    """A generator's name as text."""
    return name.replace("_", " ")
