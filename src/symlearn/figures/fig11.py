"""Figure 11: long training, with and without weight decay. Does it ever generalise?"""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn import style
from symlearn.figures.inputs import Inputs, Plotted
from symlearn.figures.trained import band, by_class, chance, histories
from symlearn.statistics import Measured, Measurements, mean

TITLE = "Long training: the pose left out is not found late"
NEEDS: dict[str, dict[str, int]] = {"long-training": {}}
_CURVES = {"train": ("trained on", "-"), "in": ("test, in distribution", "--")}


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The histories, a grid point for each weight decay."""
    return {"long": histories(inputs.study("long-training"), "weight_decay", "network", "n")}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Accuracies early and late, and the rise in between, over classes left out."""
    measured: dict[str, Measured] = {}
    for tag, here in _points(plotted["long"]):
        out = _curves(here, "out")
        early, late = _window(out, 0.1), _window(out, 1.0)
        measured |= {
            f"out_accuracy_early.{tag}": mean(early),
            f"out_accuracy_late.{tag}": mean(late),
            f"late_rise.{tag}": mean(late - early),
            f"train_accuracy.{tag}": mean(_window(_curves(here, "train"), 1.0)),
            f"in_accuracy.{tag}": mean(_window(_curves(here, "in"), 1.0)),
        }
    return measured


def caption(plotted: Plotted) -> str:
    """What is shown."""
    cells = plotted["long"]
    classes = np.unique(cells["left_out"])
    return (
        f"Accuracy over {cells.sizes['epoch'] - 1} epochs of the network "
        f"{cells['network'].values[0]} at N = {int(cells['n'].values[0])} rotations, without "
        "weight decay and with (decoupled); the pose left out in colour, one thin line for each "
        f"class left out ({', '.join(str(c) for c in classes)}), thick their mean with 1.96 "
        "standard errors. The dotted line is chance. Adam with PyTorch's default momenta. As in "
        "the authors' long test, but for the weight decay, which theirs lacks, and for the number "
        "of images."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """A panel for each weight decay."""
    points = list(_points(plotted["long"]))
    size = (style.TWO_COLUMNS, 2.4)
    figure, panels = plt.subplots(1, len(points), figsize=size, sharey=True, squeeze=False)
    for panel, text, (_, here) in zip(panels[0], "ABCDEFGH", points, strict=False):
        _panel(panel, here)
        style.letter(panel, text)
    panels[0, 0].set(ylabel="accuracy")
    panels[0, 0].legend(loc="upper left")
    return figure


def _points(cells: xr.Dataset) -> list[tuple[str, xr.Dataset]]:
    rows = [cells.isel(cell=i) for i in range(cells.sizes["cell"])]
    return [(f"decay{float(here['weight_decay']):g}", here) for here in rows]


def _curves(here: xr.Dataset, kind: str) -> np.ndarray:
    return by_class(here, f"{kind}_accuracy").transpose("class_", "epoch").values


def _window(curves: np.ndarray, end: float) -> np.ndarray:
    """The mean over the tenth of the epochs before the share `end` of all."""
    epochs = curves.shape[1] - 1
    stop = 1 + round(end * epochs)
    return curves[:, stop - max(1, epochs // 10) : stop].mean(axis=1)


def _panel(axes: Axes, here: xr.Dataset) -> None:
    colour, _ = style.model(str(here["network"].item()))
    out = _curves(here, "out")
    epochs = np.arange(1, out.shape[1])  # epoch 0 has no place on a logarithmic axis
    for kind, (label, dashes) in _CURVES.items():
        values = _curves(here, kind)[:, 1:].mean(axis=0)
        axes.plot(epochs, values, dashes, color="black", linewidth=0.9, label=label)
    axes.plot(epochs, out[:, 1:].T, color=colour, linewidth=0.3, alpha=0.7)
    band(axes, epochs, out[:, 1:], color=colour, label="test, pose left out")
    chance(axes)
    decay = float(here["weight_decay"])
    axes.set_xscale("log")
    axes.set(
        xlabel="epoch", ylim=(0, 1.02), xlim=(1, epochs[-1]),
        title=f"weight decay {decay:g}" if decay else "no weight decay",
    )  # fmt: skip
