"""Equivariance error against accuracy: a family trained here, and the paper's published models.

See docs/science/lie.md#the-studies and docs/science/lie.md#published-networks.
"""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.papers.lie.figures.family import (
    cells_of,
    family,
    flat,
    interval,
    legend,
    networks,
    scatter,
    translation,
)
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted
from symlearn.plots.panels import plain_logarithm
from symlearn.statistics import Measured, Measurements, correlation, mean, rank_correlation

TITLE = "Equivariance error against accuracy, for a family of trained networks"
NEEDS: dict[str, dict[str, int]] = {"lie-models": {}, "lie-published": {}}
_PUBLISHED = {"CNN": ("#E69F00", "o"), "ViT": ("#CC79A7", "s"), "Mixer": ("#666666", "^")}
_SETS = {"upright": "test images", "shifted": "shifted at random"}


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The family, and the published models as digitised."""
    return {"family": family(inputs), "published": inputs.one("lie-published")}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """How errors go with accuracy, and each architecture's accuracy without augmentation."""
    found, published = plotted["family"], plotted["published"]
    errors = published["published_error"].values
    pearson = correlation(published["published_accuracy"].values, errors)
    measured = {
        "published.r_squared": Measured(
            pearson.value**2, 2 * abs(pearson.value) * pearson.uncertainty
        )
    }
    for name in _PUBLISHED:
        here = errors[(published["family"] == name).values]
        measured[f"published.models.{name}"] = Measured(float(len(here)))
        measured[f"published.error.{name}"] = mean(here)
    for name in _SETS:
        accuracy = flat(found["accuracy"].sel(image_set=name))
        for quantity in ("lie_square", "lie_logits"):
            measured[f"rank_correlation.{quantity}.{name}"] = rank_correlation(
                accuracy, flat(translation(found, quantity, name)), cells_of(found)
            )
    for name, here in networks(found):
        plain = here["accuracy"].sel(image_set="upright", augmentation="none")
        measured[f"accuracy.{name}"] = mean(plain.values)
    return measured


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    found, published = plotted["family"], plotted["published"]
    sizes = ", ".join(
        f"{name} {int(weights)}"
        for name, weights in zip(found["network"].values, found["weights"].values, strict=True)
    )
    counts = ", ".join(f"{int((published['family'] == name).sum())} {name}" for name in _PUBLISHED)
    return (
        "(A, B) The panels show the mean square of the Lie derivative of the softmax probabilities "
        "(equation 4 of the paper) by translations against the accuracy over all "
        f"{found.attrs['test']} test images. The error is the mean over both axes and "
        f"{found.attrs['images']} test images, per unit of the normalised coordinates. Each "
        f"architecture and augmentation has {found.sizes['member']} networks. Bars are 1.96 "
        "standard errors over images. Numbers are rank correlations with their 95 % intervals over "
        "architectures and augmentations. Panel A is at test "
        "images as they are. Panel B is at the same images shifted by up to "
        f"{found.attrs['pixels']} pixels along each axis, with the accuracy there. Differences are "
        f"the released code's, in 64 bits. The numbers of weights are {sizes}. (C) The points are "
        f"the paper's published models on ImageNet, digitised from its title figure ({counts}), "
        "with the line of least squares. They are digitised positions and not the authors' "
        "numbers. The axis is linear, and the reduction is probably that of the released code, a "
        "mean of absolute values. So the levels of A and C do not compare. At the test images "
        "themselves, confident networks have small errors whatever they learned (figure "
        "lie-augmentation)."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """The family at both sets of images, and the published models."""
    found = plotted["family"]
    figure, panels = plt.subplots(1, 3, figsize=(style.TWO_COLUMNS, 2.8))
    panels[1].sharey(panels[0])
    for panel, (name, title) in zip(panels, _SETS.items(), strict=False):
        x = 100 * found["accuracy"].sel(image_set=name)
        y, error = (translation(found, q, name) for q in ("lie_square", "lie_square_error"))
        scatter(panel, found, x, y, yerr=error)
        rank = measured[f"rank_correlation.lie_square.{name}"]
        panel.text(0.03, 0.03, interval(rank), transform=panel.transAxes, fontsize=6)
        panel.set(
            yscale="log", xlabel="accuracy there (%)", ylabel="translation error, mean square",
            title=title,
        )  # fmt: skip
        plain_logarithm(panel.yaxis)
    draw_published(panels[2], plotted["published"])
    style.letters(panels)
    legend(figure, found)
    return figure


def draw_published(axes: Axes, models: xr.Dataset) -> None:
    """Error against accuracy of the digitised models, with the line of least squares."""
    x, y = models["published_accuracy"].values, models["published_error"].values
    for name, (colour, marker) in _PUBLISHED.items():
        here = (models["family"] == name).values
        axes.plot(x[here], y[here], marker, color=colour, markersize=2, alpha=0.7, label=name)
    ends = np.array([x.min(), x.max()])
    slope, offset = np.polyfit(x, y, 1)
    axes.plot(ends, slope * ends + offset, color="black", linewidth=0.8)
    axes.set(
        xlabel="ImageNet accuracy (%)", ylabel="translation error", ylim=(0, None),
        title="published, digitised",
    )  # fmt: skip
    axes.legend(loc="lower left", markerscale=2)
