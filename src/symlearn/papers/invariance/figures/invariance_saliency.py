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
        measured[f"similarity_signed.{kind}"] = Measured(float(model["similarity_signed"]))
        measured[f"probability_spread.{kind}"] = Measured(spread)
    return measured


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    found = plotted["saliency"]
    count = min(_POSES, found.sizes["pose"])
    return (
        f"The top row shows a test image of class {int(found['class_'])} in {count} poses. For "
        "each network, the first row shows the gradient, by the pixels, of the logit of the class "
        "predicted for the upright image, at each pose (A) and brought back to the upright "
        "orientation (B). The second row shows what the maps brought back are more (red) or less "
        "(blue) than the upright one. Red is positive, white zero, blue negative; each network has "
        "one scale for all its maps. Numbers beside a network are mean cosines of the maps brought "
        "back with the upright one: of the signed maps, and of absolute values, which the other "
        "figures show. The network before training is the floor of what counts as alike. Numbers "
        "above a map are the probability of the class. There is one network of each kind: "
        "untrained, trained with random poses, trained with random poses and an invariance loss, "
        "and with weights tied over the group, for which the differences are 0. The figure "
        "follows figure 1 of Moskalev et al. (2023), whose choice of saliency map is not "
        "published. This choice, the floor and the differences are this project's."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """The image; then for each network its maps and their differences, by pose."""
    found = plotted["saliency"]
    models, count = _models(found), min(_POSES, found.sizes["pose"])
    rows = 1 + 2 * len(models)
    figure, panels = plt.subplots(
        rows, 2 * count + 1, figsize=(style.TWO_COLUMNS, 0.4 + 0.72 * rows),
        width_ratios=[1] * count + [0.25] + [1] * count,
    )  # fmt: skip
    for axes in panels.flat:
        axes.set_axis_off()
    image = found["reference"].values
    for pose in range(count):
        panels[0, pose].imshow(image[pose], cmap="Greys", vmin=0, vmax=image.max())
        panels[0, count + 1 + pose].imshow(image[0], cmap="Greys", vmin=0, vmax=image.max())
    _name(panels[0, 0], "image")
    for number, model in enumerate(models):
        _maps(panels[1 + 2 * number : 3 + 2 * number], model, count)
    style.letter(panels[0, 0], "A")
    style.letter(panels[0, count + 1], "B")
    return figure


def _models(found: xr.Dataset) -> list[xr.Dataset]:
    return [found.isel(model=i) for i in range(found.sizes["model"])]


def _maps(rows: np.ndarray, model: xr.Dataset, count: int) -> None:
    """One network's maps, in their pose and turned back, and differences below the latter."""
    most = float(np.abs(model["saliency"]).max())
    returned = model["returned"].values
    for pose in range(count):
        _map(rows[0, pose], model["saliency"].values[pose], most)
        chance = float(model["probability"][pose])
        rows[0, pose].set_title(f"p({int(model['predicted'])}) = {chance:.3f}", fontsize=6, pad=2)
        _map(rows[0, count + 1 + pose], returned[pose], most)
        _map(rows[1, count + 1 + pose], returned[pose] - returned[0], most)
    signed, absolute = float(model["similarity_signed"]), float(model["similarity"])
    _name(rows[0, 0], f"{_label(model)}")
    rows[1, 0].text(
        0, 0.7, f"similarity {signed:.2f}\nof absolute maps {absolute:.2f}",
        transform=rows[1, 0].transAxes, fontsize=6,
    )  # fmt: skip
    rows[1, count].text(
        1, 0.5, "less the upright", transform=rows[1, count].transAxes, rotation=90, ha="right",
        va="center", fontsize=5.5,
    )  # fmt: skip


def _label(model: xr.Dataset) -> str:
    match model["model"].item():
        case "augmented" | "untrained" as kind:
            return str(kind)
        case "regularised":
            return f"loss {float(model['strength']):g}"
    return "weight-tied"


def _name(axes: Axes, text: str) -> None:
    axes.text(
        -0.08, 0.5, text, transform=axes.transAxes, rotation=90, ha="right", va="center",
        fontsize=6,
    )  # fmt: skip


def _map(axes: Axes, values: np.ndarray, most: float) -> None:
    axes.imshow(values, cmap="RdBu_r", vmin=-most, vmax=most)
