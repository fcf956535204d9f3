"""Figure 11: long training, with and without weight decay. Does it ever generalise?"""

from itertools import pairwise

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.papers.orbits.figures.trained import by_class, by_digit, chance, histories
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted
from symlearn.plots.panels import FEWEST
from symlearn.statistics import Measured, Measurements, mean

TITLE = "Long training, without and with weight decay"
NEEDS: dict[str, dict[str, int]] = {"long-training": {}}
_FITTED = 0.98  # of the points trained on, from where on learning counts as late
_BINS = 50
_CURVES = {"train": ("trained on", "-"), "in": ("test, in distribution", "--")}


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The histories, a grid point for each weight decay."""
    datasets = inputs.study("long-training")
    cells = histories(datasets, "weight_decay", "decay_exponent", "network", "n", "images")
    return {"long": cells.assign_attrs(classes=inputs.classes)}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Accuracies once fitted and at the end, and the rise in between, over classes left out.

    A class whose training points are never fitted has no rise (NaN).
    """
    measured: dict[str, Measured] = {}
    for tag, here in _points(plotted["long"]):
        train, out = _curves(here, "train"), _curves(here, "out")
        fitted, late = _means_from(out, _fitted(train)), _late(out)
        measured |= {
            f"out_accuracy_fitted.{tag}": mean(fitted),
            f"out_accuracy_late.{tag}": mean(late),
            f"late_rise.{tag}": mean(late - fitted),
            f"train_accuracy.{tag}": mean(_late(train)),
            f"in_accuracy.{tag}": mean(_late(_curves(here, "in"))),
        }
    return measured


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    cells = plotted["long"]
    classes = np.unique(cells["left_out"])
    return (
        f"Accuracy over {int(cells['epoch'][-1])} epochs of the network "
        f"{cells['network'].values[0]} on {int(cells['images'][0])} images at N = "
        f"{int(cells['n'].values[0])} rotations, without weight decay and with (decoupled"
        f"{_shrinking(cells)}). The colour is the pose left out: a thin line for each class left "
        f"out ({', '.join(str(c) for c in classes)}), the thick line their mean"
        f"{' with its 95 % interval' if len(classes) >= FEWEST else ''}. The dotted line is "
        "chance. The thin vertical line is the first epoch at "
        f"which {_FITTED:.0%} of the training points are right for every class. The last panel has "
        "a pair of dots for each network: its accuracy on the pose left out over the tenth of the "
        "epochs after it has fitted its training points (black), and over the last tenth. Adam "
        f"with PyTorch's default momenta, {_initialisations(cells)} initialisations for each "
        "class. Lines are means over initialisations and over bins of epochs. The authors' long "
        "test has all 60 000 images, batches of 2048 and no weight decay."
    )


def _initialisations(cells: xr.Dataset) -> int:
    """How many networks leave out the same class."""
    return len(np.unique(cells["seed"]))


def _shrinking(cells: xr.Dataset) -> str:
    """By how much the decay shrinks weights; where that is little, it tests nothing."""
    most = float(cells["decay_exponent"].max())
    return f"; alone it would shrink the weights by exp({-most:.2g})" if most else ""


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """A panel for each weight decay, and one of single networks before and after."""
    points = list(_points(plotted["long"]))
    size = (style.TWO_COLUMNS, 2.4)
    figure, panels = plt.subplots(1, len(points) + 1, figsize=size, sharey=True)
    for panel, (_, here) in zip(panels, points, strict=False):
        _panel(panel, here)
    _single(panels[-1], [here for _, here in points])
    style.letters(panels)
    panels[0].set(ylabel="accuracy")
    panels[0].legend(loc="upper left")
    return figure


def _points(cells: xr.Dataset) -> list[tuple[str, xr.Dataset]]:
    rows = [cells.isel(cell=i) for i in range(cells.sizes["cell"])]
    return [(f"decay{float(here['weight_decay']):g}", here) for here in rows]


def _curves(here: xr.Dataset, kind: str) -> np.ndarray:
    return by_class(here, f"{kind}_accuracy").transpose("class_", "epoch").values


def _fitted(train: np.ndarray) -> list[int | None]:
    """For each class, the first epoch at which the training points are fitted; None if never."""
    fitted = train >= _FITTED
    return [int(here.argmax()) if here.any() else None for here in fitted]


def _means_from(curves: np.ndarray, starts: list[int | None]) -> np.ndarray:
    """The mean over a tenth of the epochs from each class's start."""
    length = _tenth(curves)
    pairs = zip(curves, starts, strict=True)
    return np.array([np.nan if s is None else c[s : s + length].mean() for c, s in pairs])


def _late(curves: np.ndarray) -> np.ndarray:
    """The mean over the last tenth of the epochs."""
    return curves[:, -_tenth(curves) :].mean(axis=1)


def _tenth(curves: np.ndarray) -> int:
    """A tenth of the epochs of curves that begin before the first."""
    return max(1, (curves.shape[1] - 1) // 10)


def _binned(curves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Epochs and curves, means over bins of equal width in the logarithm of the epoch.

    Accuracies of few images jump from epoch to epoch, and a logarithmic axis crowds the late ones.
    """
    last = curves.shape[1] - 1  # epoch 0 has no place on a logarithmic axis
    edges = np.unique(np.geomspace(1, last + 1, _BINS + 1).round().astype(int))
    pairs = list(pairwise(edges))
    middles = np.array([np.sqrt(a * (b - 1)) for a, b in pairs])
    return middles, np.stack([curves[:, a:b].mean(axis=1) for a, b in pairs], axis=1)


def _single(axes: Axes, points: list[xr.Dataset]) -> None:
    """Each network's accuracy on the pose left out once it has fitted, and at the end."""
    for number, here in enumerate(points):
        train, out = (here[f"{kind}_accuracy"].values for kind in ("train", "out"))
        fitted, late = _means_from(out, _fitted(train)), _late(out)
        x = 2.5 * number + np.array([0.0, 1.0])
        colour, _ = style.model(str(here["network"].item()))
        axes.plot(x, [fitted, late], color=colour, linewidth=0.5, alpha=0.6)
        axes.plot(x[[0]].repeat(len(fitted)), fitted, "o", markersize=3, color="black")
        axes.plot(x[[1]].repeat(len(late)), late, "o", markersize=3, color=colour)
    chance(axes, points[0].attrs["classes"])
    names = [f"decay {float(here['weight_decay']):g}" for here in points]
    axes.set_xticks([2.5 * i + 0.5 for i in range(len(points))], names)
    axes.set(title="once fitted, and late")


def _panel(axes: Axes, here: xr.Dataset) -> None:
    colour, _ = style.model(str(here["network"].item()))
    out = _curves(here, "out")
    epochs, out_binned = _binned(out)
    for kind, (label, dashes) in _CURVES.items():
        values = _binned(_curves(here, kind))[1].mean(axis=0)
        axes.plot(epochs, values, dashes, color="black", linewidth=0.9, label=label)
    by_digit(axes, epochs, out_binned, color=colour, label="test, pose left out")
    chance(axes, here.attrs["classes"])
    fitted = [epoch for epoch in _fitted(_curves(here, "train")) if epoch is not None]
    if len(fitted) == len(out):
        axes.axvline(max(fitted), color="0.6", linewidth=0.5)
    decay = float(here["weight_decay"])
    axes.set_xscale("log")
    axes.set(
        xlabel="epoch", ylim=(-0.03, 1.03), xlim=(1, out.shape[1] - 1),
        title=f"weight decay {decay:g}" if decay else "no weight decay",
    )  # fmt: skip
