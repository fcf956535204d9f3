"""Figure invariance-saliency: where networks look, in each orientation and turned back.

See docs/science/invariance.md#saliency-similarity.
"""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.papers.invariance.figures.families import TIED
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted
from symlearn.statistics import Measured, Measurements

TITLE = "Saliency of learned and of genuine invariance"
NEEDS: dict[str, dict[str, int]] = {"invariance-saliency": {}}
_POSES = 4


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The study as it is."""
    return {"saliency": inputs.one("invariance-saliency")}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """The similarity of each network's maps, and how far its probabilities differ by pose."""
    measured = {}
    for model in _models(plotted["saliency"]):
        kind = "tied" if model["model"].item() in TIED else model["model"].item()
        spread = float(model["probability"].max() - model["probability"].min())
        measured[f"similarity.{kind}"] = Measured(float(model["similarity"]))
        measured[f"probability_spread.{kind}"] = Measured(spread)
    return measured


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    found = plotted["saliency"]
    count = min(_POSES, found.sizes["pose"])
    return (
        f"The top row shows a test image of class {int(found['class_'])} in {count} poses (left) "
        "and turned back (right). The rows below show absolute gradients, by the pixels, of the "
        "logit of the class predicted for the upright image, at each pose (left) and brought back "
        "to the upright orientation (right). Darker is larger, and each network has a scale of its "
        "own. The number beside a row is the mean cosine of the maps turned back with the upright "
        "one. The number above a map is the probability of that class. There is one network of "
        "each kind: trained with random poses, trained with random poses and an invariance loss, "
        "and with weights tied over the group. For the last, the maps turned back are equal. The "
        "figure follows figure 1 of Moskalev et al. (2023), whose choice of saliency map is not "
        "published. This choice and the middle row are this project's."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """Rows: the image, then each network; columns: poses, and poses turned back."""
    found = plotted["saliency"]
    models, count = _models(found), min(_POSES, found.sizes["pose"])
    size = (style.TWO_COLUMNS, 0.35 + 0.95 * (len(models) + 1))
    figure, panels = plt.subplots(
        len(models) + 1, 2 * count + 1, figsize=size,
        width_ratios=[1] * count + [0.25] + [1] * count,
    )  # fmt: skip
    for axes in panels.flat:
        axes.set_axis_off()
    image = found["reference"].values
    for pose in range(count):
        _map(panels[0, pose], image[pose], image.max())
        _map(panels[0, count + 1 + pose], image[0], image.max())
    _name(panels[0, 0], "image")
    for row, model in zip(panels[1:], models, strict=True):
        _row(row, model, count)
    style.letter(panels[0, 0], "A")
    style.letter(panels[0, count + 1], "B")
    return figure


def _models(found: xr.Dataset) -> list[xr.Dataset]:
    return [found.isel(model=i) for i in range(found.sizes["model"])]


def _row(row: np.ndarray, model: xr.Dataset, count: int) -> None:
    """The maps of one network on one scale, in their pose and turned back."""
    most = float(model["saliency"].max())
    for pose in range(count):
        _map(row[pose], model["saliency"].values[pose], most)
        chance = float(model["probability"][pose])
        row[pose].set_title(f"p({int(model['predicted'])}) = {chance:.3f}", fontsize=6, pad=2)
        _map(row[count + 1 + pose], model["returned"].values[pose], most)
    _name(row[0], f"{_label(model)}\nsimilarity {float(model['similarity']):.2f}")


def _label(model: xr.Dataset) -> str:
    match model["model"].item():
        case "augmented":
            return "augmented"
        case "regularised":
            return f"invariance loss {float(model['strength']):g}"
    return "weight-tied"


def _name(axes: Axes, text: str) -> None:
    axes.text(
        -0.08, 0.5, text, transform=axes.transAxes, rotation=90, ha="right", va="center",
        fontsize=6,
    )  # fmt: skip


def _map(axes: Axes, values: np.ndarray, most: float) -> None:
    axes.imshow(values, cmap="Greys", vmin=0, vmax=most)
