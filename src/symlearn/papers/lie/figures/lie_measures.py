"""The Lie derivative against measures of equivariance by finite transformations.

See docs/science/lie.md#finite-transformations.
"""

import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.papers.lie.figures.family import (
    cells_of,
    family,
    flat,
    legend,
    rotation,
    scatter,
    translation,
)
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted
from symlearn.plots.panels import plain_logarithm
from symlearn.statistics import Measured, Measurements, rank_correlation

TITLE = "The Lie derivative against other measures of equivariance"
NEEDS: dict[str, dict[str, int]] = {"lie-models": {}}
_TITLES = {
    "integer translation": "whole pixels",
    "fractional translation": "fractions of pixels",
    "inconsistency": "changed classes, rolled",
    "translation invariance": "invariance, shifts",
    "fractional rotation": "any angle",
    "rotation invariance": "invariance, small angles",
}


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The family."""
    return {"family": family(inputs)}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Rank correlations of each measure with the Lie derivative, over all trained networks."""
    found = plotted["family"]
    return {
        f"rank_correlation.{name.replace(' ', '_')}": rank_correlation(
            flat(_lie(found, name)),
            flat(found["measured_error"].sel(measure=name)),
            cells_of(found),
        )
        for name in _TITLES
    }


def _lie(found: xr.Dataset, measure: str) -> xr.DataArray:
    """The Lie derivative that a measure is to be compared with, at the test images."""
    error = rotation if "rotation" in measure else translation
    return error(found, "lie_square", "upright")


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    found = plotted["family"]
    return (
        "The horizontal axes show the mean square of the Lie derivative of the softmax "
        f"probabilities at {found.attrs['images']} test images, by translations (A to D, mean over "
        "both axes) and rotations (E, F). The vertical axes show how the same images change under "
        "finite transformations, as mean square change of the probabilities in all panels but C. "
        "(A, B) Translations go up to an eighth of the image, by whole pixels or by a Lanczos "
        "filter, with zeros outside. (C) Circular rolls go by whole pixels along a row, and the "
        "axis shows the share of classes that change. (D) Expected invariance takes translations "
        "along a row by up to an eighth of the image, bilinear, reflected at the border. (E) "
        "Rotations go by any angle with a band-limiting filter, with zeros outside. (F) Expected "
        "invariance takes rotations by up to pi / 16, bilinear, reflected. The operators of A, B "
        "and E follow Karras et al. (arXiv 2106.12423). The measures differ in how they treat the "
        "border as well as in the size of the step. Numbers are rank correlations over all "
        f"networks, the same {found['lie_square'].isel(image_set=0, generator=0).size} in all "
        "panels. What is seen at upright test images depends on confidence (figure "
        "lie-augmentation)."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """A panel for each measure."""
    found = plotted["family"]
    figure, panels = plt.subplots(2, 3, figsize=(style.TWO_COLUMNS, 4.3))
    for panel, text, (name, title) in zip(panels.ravel(), "ABCDEF", _TITLES.items(), strict=True):
        _panel(panel, found, name, title)
        found_rank = measured[f"rank_correlation.{name.replace(' ', '_')}"].value
        panel.text(0.97, 0.04, f"{found_rank:.2f}", transform=panel.transAxes, ha="right")
        style.letter(panel, text)
    for row in panels:
        row[0].set_ylabel("error by finite transformations")
    legend(figure, found)
    return figure


def _panel(axes: Axes, found: xr.Dataset, name: str, title: str) -> None:
    scatter(axes, found, _lie(found, name), found["measured_error"].sel(measure=name))
    scale = "linear" if name == "inconsistency" else "log"  # it can be zero
    what = "rotation" if "rotation" in name else "translation"
    axes.set(xscale="log", yscale=scale, title=title, xlabel=f"Lie derivative by {what}s")
    for axis in (axes.xaxis, axes.yaxis) if scale == "log" else (axes.xaxis,):
        plain_logarithm(axis)
