"""Figure 1: the task, and what networks of finite width make of it.

See docs/science/orbits.md#all-rotations-but-one-pose.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from symlearn.papers.orbits.figures.trained import (
    by_class,
    by_digit,
    chance,
    histories,
    select,
)
from symlearn.papers.orbits.shares import example_class
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted, labels_of, nearest_n
from symlearn.plots.panels import FEWEST, powers_of_two
from symlearn.statistics import Measured, Measurements, mean

TITLE = "Networks trained on all rotations of all classes but the upright pose of one"
NEEDS: dict[str, dict[str, int]] = {"partial": {}}
_PAPER_N = 8
_LABELS = ("network", "n", "images")
_LEFT_OUT = style.CLASS_COLOURS[0]
_CURVES: dict[str, tuple[str, Any]] = {
    "train": ("trained on", "-"),
    "in": ("test, in distribution", "--"),
    "out": ("test, pose left out", "-"),
}


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The histories of each network by n, and the example that shows the task."""
    datasets = inputs.study("partial")
    networks = {
        name: histories([d for d in datasets if labels_of(d)["network"] == name], *_LABELS)
        for name in dict.fromkeys(labels_of(d)["network"] for d in datasets)
    }
    n = nearest_n(next(iter(networks.values())), _PAPER_N)
    shown = next(d for d in datasets if d.sizes["pose"] == n)
    example = shown[["levels"]].assign(left_out=example_class(shown["left_out"].values.tolist()))
    cells = {
        f"network-{name}": one.assign_attrs(classes=inputs.classes)
        for name, one in networks.items()
    }
    return {**cells, "example": example}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Accuracies after the last epoch, mean over classes left out with its standard error."""
    measured: dict[str, Measured] = {}
    for name, cells in _networks(plotted).items():
        rows = cells.sortby("n")
        for row in range(rows.sizes["cell"]):
            here = rows.isel(cell=row)
            tag = f"{name}.n{int(here['n'])}"
            for kind in _CURVES:
                final = by_class(here.isel(epoch=-1), f"{kind}_accuracy").values
                measured[f"{kind}_accuracy.{tag}"] = mean(final)
            measured[f"gap.{tag}"] = mean(_gap(here))
        out = _final(rows, "out_accuracy")
        gaps = [_gap(rows.isel(cell=i)) for i in range(rows.sizes["cell"])]
        measured[f"gap_closed.{name}"] = mean(gaps[0] - gaps[-1])
        steps = np.diff(out.mean(axis=1))
        measured[f"smallest_step_by_n.{name}"] = _extreme(steps, np.min)
        measured[f"largest_late_jump.{name}"] = _extreme(_late_steps(rows), np.max)
    return measured


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    networks = _networks(plotted)
    n = nearest_n(next(iter(networks.values())), _PAPER_N)
    recipes = "; ".join(_recipe(name, cells) for name, cells in networks.items())
    return (
        f"(A) The task, with a {int(plotted['example']['left_out'])} as the example: networks "
        "never train on the upright pose (struck through) of one class, and train on every pose of "
        f"all others. (B) The panels show the accuracy by epoch at N = {n} rotations, measured in "
        "evaluation mode before training and after every epoch. The lines are points trained on "
        "(as many as there are test points), a tenth of all points that is kept from the training, "
        "and the pose left out. (C) The panels show the latter two after the last epoch, by N. A "
        "thin line is a class left out, the thick line their mean, with its 95 % interval of a "
        f"bootstrap over classes where they are {FEWEST} or more. The networks train by Adam, for "
        f"as many epochs at every N, so more rotations also mean more steps: {recipes}. Images "
        "have unit norm and are turned by the nearest pixel. The test in distribution holds other "
        "poses of images trained on, as in the authors' code. The paper trains on all 60 000 "
        "images, with a transformer of width 256."
    )


def _recipe(name: str, cells: xr.Dataset) -> str:
    """How much a network learns from, and which classes are left out."""
    classes = np.unique(cells["left_out"])
    return (
        f"{name} on {int(cells['images'][0])} images over {int(cells['epoch'][-1])} epochs, "
        f"leaving out {', '.join(str(c) for c in classes)}"
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """The example's poses, and a row for each network: accuracies by epoch, and by N."""
    networks = _networks(plotted)
    figure = plt.figure(figsize=(style.TWO_COLUMNS, 1.1 + 1.25 * len(networks)))
    columns = figure.add_gridspec(1, 2, width_ratios=[0.4, 1.6])
    task = figure.add_subplot(columns[0])
    _task(task, plotted["example"])
    style.letter(task, "A")
    grid = columns[1].subgridspec(len(networks), 2)
    panels = np.array(
        [[figure.add_subplot(grid[row, i]) for i in (0, 1)] for row in range(len(networks))]
    )
    sizes = np.unique(np.concatenate([cells["n"].values for cells in networks.values()]))
    for (epochs, by_n), (name, cells) in zip(panels, networks.items(), strict=True):
        n = nearest_n(cells, _PAPER_N)
        _by_epoch(epochs, select(cells, n=n).isel(cell=0), name)
        _by_n(by_n, cells.sortby("n"), name, sizes)
        epochs.set(ylabel=f"{name}: accuracy")
        for axes in (epochs, by_n):
            chance(axes, cells.attrs["classes"])
            axes.set(ylim=(0, 1.02), yticks=[0, 0.5, 1])
        by_n.tick_params(labelleft=False)
    for axes in panels[:-1, 1]:
        axes.tick_params(labelbottom=False)
    for axes in panels[:-1].flat:
        axes.set_xlabel("")
    style.letter(panels[0, 0], "B")
    style.letter(panels[0, 1], "C")
    _legend(figure, list(networks))
    return figure


def _legend(figure: Figure, names: list[str]) -> None:
    handles = [Line2D([], [], color="black", linestyle=_CURVES[k][1]) for k in ("train", "in")]
    labels = [_CURVES[kind][0] for kind in ("train", "in")]
    for name, (colour, marker) in style.models(names).items():
        handles.append(Line2D([], [], color=colour, marker=marker))
        labels.append(f"{name}, {_CURVES['out'][0]}")
    figure.legend(handles, labels, loc="outside lower center", ncols=len(handles))


def _networks(plotted: Plotted) -> dict[str, xr.Dataset]:
    """The histories by network."""
    return {key.removeprefix("network-"): one for key, one in plotted.items() if key != "example"}


def _final(rows: xr.Dataset, quantity: str) -> np.ndarray:
    """An accuracy after the last epoch, (n, class)."""
    last = rows.isel(epoch=-1)
    cells = range(rows.sizes["cell"])
    return np.stack([by_class(last.isel(cell=i), quantity).values for i in cells])


def _gap(here: xr.Dataset) -> np.ndarray:
    last = here.isel(epoch=-1)
    return (by_class(last, "in_accuracy") - by_class(last, "out_accuracy")).values


def _extreme(steps: np.ndarray, choose: Callable[[np.ndarray], float]) -> Measured:
    """The smallest or largest step; NaN where there is none, of one n or one epoch."""
    return Measured(float(choose(steps)) if steps.size else float("nan"))


def _late_steps(rows: xr.Dataset) -> np.ndarray:
    """Changes of the mean accuracy on the pose left out, epoch by epoch, in the second half."""
    curves = rows["out_accuracy"].mean("member").values
    return np.diff(curves[:, curves.shape[1] // 2 :], axis=1)


def _task(axes: Axes, example: xr.Dataset) -> None:
    """The poses in two columns, the one left out struck through."""
    poses = example["levels"].values
    step = max(1, len(poses) // 8)
    shown = poses[::step][:8]
    side, gap = shown.shape[1], 0.15 * shown.shape[1]
    for number, image in enumerate(shown):
        left, top = (side + gap) * (number // 4), -(side + gap) * (number % 4)
        axes.imshow(image, cmap="gray_r", extent=(left, left + side, top - side, top))
        angle = f"{360 * number * step / len(poses):g}°"
        axes.text(left + 1, top - 1, angle, fontsize=5, va="top", color="0.3")
        colour, line = (_LEFT_OUT, 1.5) if number == 0 else ("0.7", 0.5)
        corner = (left, top - side)
        axes.add_patch(Rectangle(corner, side, side, fill=False, color=colour, linewidth=line))
    axes.plot([0, side], [-side, 0], color=_LEFT_OUT, linewidth=1.2)
    columns, rows = (len(shown) + 3) // 4, min(4, len(shown))
    margin = gap / 2
    axes.set(
        xlim=(-margin, columns * (side + gap) - margin),
        ylim=(-rows * (side + gap) + margin, margin),
    )
    axes.set_axis_off()


def _by_epoch(axes: Axes, here: xr.Dataset, name: str) -> None:
    epochs = np.arange(here.sizes["epoch"])
    for kind in ("train", "in"):
        values = by_class(here, f"{kind}_accuracy").transpose("class_", "epoch").values
        axes.plot(epochs, values.mean(axis=0), color="black", linestyle=_CURVES[kind][1])
    values = by_class(here, "out_accuracy").transpose("class_", "epoch").values
    by_digit(axes, epochs, values, color=style.model(name)[0])
    axes.set(xlabel=f"epoch, at N = {int(here['n'])}")


def _by_n(axes: Axes, rows: xr.Dataset, name: str, sizes: np.ndarray) -> None:
    """Both test accuracies of a network, on an axis that all networks share."""
    colour, marker = style.model(name)
    n = rows["n"].values
    seen = _final(rows, "in_accuracy").mean(axis=1)
    axes.plot(n, seen, color="black", linestyle=_CURVES["in"][1], marker=marker)
    by_digit(axes, n, _final(rows, "out_accuracy").T, color=colour, marker=marker)
    powers_of_two(axes, sizes, "rotations N, after the last epoch")
    axes.set_xlim(sizes[0] / 2**0.15, sizes[-1] * 2**0.15)
