"""What augmentation does to the equivariance error, and why the test images alone mislead.

See docs/science/lie.md#where-the-error-is-measured and
docs/science/lie.md#probabilities-and-logits.
"""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.papers.lie.figures.family import (
    MARKERS,
    family,
    legend,
    networks,
    rotation,
    translation,
    with_images,
)
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted
from symlearn.plots.panels import plain_logarithm
from symlearn.statistics import (
    TWO_SIDED,
    Measured,
    Measurements,
    geometric_mean,
    geometric_ratio,
)

TITLE = "Augmentation and the equivariance error, at the test images and around them"
NEEDS: dict[str, dict[str, int]] = {"lie-models": {}}
# By which transformation, the augmentation with it, and the images that it moves about.
_ROWS = (
    ("translation", translation, "shifted"),
    ("rotation", rotation, "turned"),
)


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The family."""
    return {"family": family(inputs)}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Factors by which augmentation changes errors, and training the untrained ones."""
    measured: dict[str, Measured] = {}
    for name, here in networks(plotted["family"]):
        for what, error, moved in _ROWS:
            for label, quantity, images in (
                ("at_test", "lie_square", "upright"),
                ("around", "lie_square", moved),
                ("logits_around", "lie_logits", moved),
            ):
                plain, augmented = (
                    (
                        error(here, quantity, images).sel(augmentation=a).values,
                        error(here, f"{quantity}_error", images).sel(augmentation=a).values,
                    )
                    for a in ("none", what)
                )
                measured[f"reduction_{label}.{what}.{name}"] = geometric_ratio(plain, augmented)
        measured[f"untrained_over_trained.{name}"] = _untrained_over_trained(here)
    return measured


def _untrained_over_trained(here: xr.Dataset) -> Measured:
    """Translation errors at the test images before training over those after, not augmented."""
    plain = here.sel(augmentation="none")
    before = plain["lie_square_before"].sel(generator=["translate_x", "translate_y"])
    after = translation(plain, "lie_square", "upright")
    return geometric_mean((before.mean("generator") / after).values)


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    found = plotted["family"]
    factors = ", ".join(
        f"{name} {_untrained_over_trained(here).value:.1g}" for name, here in networks(found)
    )
    return (
        "The networks are trained without augmentation, with random translations of up to "
        f"{found.attrs['pixels']} pixels along each axis, or with random rotations. Panels A to C "
        "show errors under translations (mean over both axes), panels D to F under rotations. (A, "
        "D) The error is the mean square of the Lie derivative of the softmax probabilities at the "
        "test images, as the paper takes it. (B, E) The same error is averaged over test images "
        "that were shifted (B) or turned (E) at random. Invariance on an orbit needs the "
        "derivative to vanish all along it. At the upright images a network that is sure of itself "
        "has hardly a derivative, whatever it learned. Augmented networks may be less sure there, "
        "so the order in A and D says little. (C, F) The error is that of the logits, over their "
        "variance over the images, at the transformed images. Points are means over "
        f"{found.sizes['member']} networks and {found.attrs['images']} images, bars 1.96 standard "
        "errors over both. Errors are per unit of the normalised coordinates, by the released "
        "code's differences in 64 bits. Before training all probabilities are nearly equal, and "
        "the error is small without any invariance. At the test images it is this share of the "
        f"trained network's error: {factors}. Panels B, C, E and F are this project's."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """A row for translations and one for rotations."""
    found = plotted["family"]
    figure, rows = plt.subplots(2, 3, figsize=(style.TWO_COLUMNS, 4.4), sharex=True)
    for panels, (what, error, moved) in zip(rows, _ROWS, strict=True):
        panels[1].sharey(panels[0])
        kinds = (
            ("lie_square", "upright", "test images"),
            ("lie_square", moved, f"{moved} at random"),
            ("lie_logits", moved, f"{moved}, logits / variance"),
        )
        for panel, (quantity, images, title) in zip(panels, kinds, strict=True):
            both = (error(found, q, images) for q in (quantity, f"{quantity}_error"))
            _lines(panel, found, *both)
            panel.set(yscale="log", title=title)
            plain_logarithm(panel.yaxis)
        panels[0].set_ylabel(f"{what} error")
    for panel in rows[1]:
        panel.set_xticks(range(len(MARKERS)), list(MARKERS))
        panel.set_xlabel("augmentation")
    style.letters(rows.ravel())
    legend(figure, found, augmentations=False)
    return figure


def _lines(axes: Axes, found: xr.Dataset, values: xr.DataArray, errors: xr.DataArray) -> None:
    """Means with intervals over networks and images, a little beside each other."""
    looks = style.models(found["network"].values.tolist())
    middle, error = with_images(values, errors)
    for row, name in enumerate(found["network"].values):
        here = {
            "cell": row,
            "augmentation": [list(values["augmentation"].values).index(a) for a in MARKERS],
        }
        y, reach = middle.isel(here).values, TWO_SIDED * error.isel(here).values
        factor = np.exp(reach / y)  # symmetric in the logarithm
        colour, marker = looks[name]
        at = np.arange(len(MARKERS)) + 0.07 * (row - (len(looks) - 1) / 2)
        axes.errorbar(
            at, y, np.stack([y - y / factor, y * factor - y]), fmt=marker, linestyle="-",
            color=colour, linewidth=0.8, elinewidth=0.8, markersize=2.8,
        )  # fmt: skip
    axes.set_xlim(-0.3, len(MARKERS) - 0.7)
