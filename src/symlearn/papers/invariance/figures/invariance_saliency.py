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
        f"The top row shows a test image of class {int(found['class_'])} in {count} poses. Rows "
        "show the gradient, by the pixels, of the logit of the class predicted for the upright "
        "image, at each pose (A) and brought back to the upright orientation (B), and what the "
        "maps brought back are more (red) or less (blue) than the upright one (C). Red is "
        "positive, white zero, blue negative; each network has one scale for all its maps. Numbers "
        "below a network's name are mean cosines of the maps brought back with the upright one: of "
        "the signed maps, and in brackets of absolute values, which the other "
        "figures show. The network before training is the floor of what counts as alike. Numbers "
        "above a map are the probability of the class. There is one network of each kind: "
        "untrained, trained with random poses, trained with random poses and an invariance loss, "
        "and with weights tied over the group, for which the differences are 0. The figure "
        "follows figure 1 of Moskalev et al. (2023), whose choice of saliency map is not "
        "published. This choice, the floor and the differences are this project's."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """The image, then each network; columns: poses, poses turned back, differences."""
    found = plotted["saliency"]
    models, count = _models(found), min(_POSES, found.sizes["pose"])
    rows, blocks = 1 + len(models), (count, count, count - 1)
    figure, panels = plt.subplots(
        rows, sum(blocks) + 2, figsize=(style.TWO_COLUMNS, 0.3 + 0.72 * rows),
        width_ratios=[1] * count + [0.2] + [1] * count + [0.2] + [1] * (count - 1),
    )  # fmt: skip
    for axes in panels.flat:
        axes.set_axis_off()
    back, less = count + 1, 2 * count + 2  # first columns of the second and the third block
    image = found["reference"].values
    for pose in range(count):
        panels[0, pose].imshow(image[pose], cmap="Greys", vmin=0, vmax=image.max())
        panels[0, back + pose].imshow(image[0], cmap="Greys", vmin=0, vmax=image.max())
    _name(panels[0, 0], "image")
    for row, model in zip(panels[1:], models, strict=True):
        _maps(row[:count], row[back : back + count], row[less:], model)
    style.letters(panels[0, [0, back, less]])
    return figure


def _models(found: xr.Dataset) -> list[xr.Dataset]:
    return [found.isel(model=i) for i in range(found.sizes["model"])]


def _maps(turned: np.ndarray, back: np.ndarray, less: np.ndarray, model: xr.Dataset) -> None:
    """One network's maps in their pose and turned back, and less the upright one."""
    most = float(np.abs(model["saliency"]).max())
    returned = model["returned"].values
    for pose, (axes, beside) in enumerate(zip(turned, back, strict=True)):
        _map(axes, model["saliency"].values[pose], most)
        chance = float(model["probability"][pose])
        axes.set_title(f"p({int(model['predicted'])}) = {chance:.2f}", fontsize=5.5, pad=2)
        _map(beside, returned[pose], most)
    for pose, axes in enumerate(less, start=1):
        _map(axes, returned[pose] - returned[0], most)
    signed, absolute = float(model["similarity_signed"]), float(model["similarity"])
    _name(turned[0], f"{_label(model)}\n{signed:.2f} ({absolute:.2f})")


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
