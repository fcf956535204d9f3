"""The Lie derivative against measures of equivariance by finite transformations.

See docs/science/lie.md#finite-transformations.
"""

import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from symlearn.papers.lie.figures.family import (
    cells_of,
    family,
    flat,
    interval,
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
    "noise-normalised translation": "over the response to noise",
    "noise-normalised rotation": "over the response to noise",
}
_ROWS = 2


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


def _lie(found: xr.Dataset, measure: str, quantity: str = "lie_square") -> xr.DataArray:
    """The Lie derivative that a measure is to be compared with, at the test images."""
    error = rotation if "rotation" in measure else translation
    return error(found, quantity, "upright")


def _ranks(plotted: Plotted) -> str:
    """The least and the most of the rank correlations under each kind of transformation."""
    measured = measure(plotted)
    texts = []
    for kind in ("translation", "rotation"):
        chosen = [m for name, m in measured.items() if ("rotation" in name) == (kind == "rotation")]
        values = sorted(found.value for found in chosen)
        texts.append(f"{values[0]:.2f} to {values[-1]:.2f} under {kind}s")
    return ", ".join(texts)


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    found = plotted["family"]
    return (
        "The measures rank networks differently: the rank correlations of the Lie derivative with "
        f"the others are {_ranks(plotted)}, and most intervals are wide. The horizontal axes show "
        "the mean square of the Lie derivative of the softmax probabilities at "
        f"{found.attrs['images']} test images, by translations (A to D and G, mean over both axes) "
        "and rotations (E, F, H), bars 1.96 standard errors over images. The vertical axes of A to "
        "F show how the same images change under finite transformations, as mean square change of "
        "the probabilities in all panels but C. (A, B) Translations go up to an eighth of the "
        "image, by whole pixels or by a Lanczos filter, with zeros outside. (C) Circular rolls go "
        "by whole pixels along a row, and the axis shows the share of classes that change. (D) "
        "Expected invariance takes translations along a row by up to an eighth of the image, "
        "bilinear, reflected at the border. (E) Rotations go by any angle with a band-limiting "
        "filter, with zeros outside. (F) Expected invariance takes rotations by up to pi / 16, "
        "bilinear, reflected. (G, H) The noise-normalised error is the Lie derivative's mean "
        "square over that of the response to small noise of the same norm, so that a network that "
        "is insensitive to everything does not count as invariant. It is 1 where a transformation "
        "is as any change. The operators of A, B and E follow Karras et al. (arXiv 2106.12423). "
        "The measures differ in how they treat the border as well as in the size of the step. "
        "Numbers are rank correlations, with 95 % intervals over architectures and augmentations, "
        f"of all {found['lie_square'].isel(image_set=0, generator=0).size} networks, the same in "
        "all panels. What is seen at upright test images depends on confidence (figure "
        "lie-augmentation)."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """A panel for each measure."""
    found = plotted["family"]
    columns = -(-len(_TITLES) // _ROWS)
    figure, panels = plt.subplots(_ROWS, columns, figsize=(style.TWO_COLUMNS, 4.1))
    for panel, (name, title) in zip(panels.ravel(), _TITLES.items(), strict=True):
        _panel(panel, found, name, title)
        rank = measured[f"rank_correlation.{name.replace(' ', '_')}"]
        panel.set_title(interval(rank), loc="right", fontsize=5.5)
    style.letters(panels.ravel())
    legend(figure, found)
    return figure


def _panel(axes: Axes, found: xr.Dataset, name: str, title: str) -> None:
    measured = found["measured_error"].sel(measure=name)
    scatter(axes, found, _lie(found, name), measured, xerr=_lie(found, name, "lie_square_error"))
    scale = "linear" if name == "inconsistency" else "log"  # it can be zero
    what = "rotation" if "rotation" in name else "translation"
    axes.set(xscale="log", yscale=scale, xlabel=f"derivative, {what}s", ylabel=title)
    axes.xaxis.set_minor_formatter(NullFormatter())  # panels are too narrow for more than decades
    if scale == "log":
        plain_logarithm(axes.yaxis)
