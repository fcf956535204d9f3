"""Figure 1: the task, and what networks of finite width make of it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from symlearn.papers.orbits.figures.trained import band, by_class, chance, histories, select
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted, nearest_n
from symlearn.plots.panels import powers_of_two
from symlearn.statistics import Measured, Measurements, mean

TITLE = "Networks trained on all rotations of all classes but the upright pose of one"
NEEDS: dict[str, dict[str, int]] = {"partial": {}}
_PAPER_N = 8
_LEFT_OUT = style.CLASS_COLOURS[0]
_CURVES: dict[str, tuple[str, Any]] = {
    "train": ("trained on", "-"),
    "in": ("test, in distribution", "--"),
    "out": ("test, pose left out", "-"),
}


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """All histories by network and n, and the example that shows the task."""
    datasets = inputs.study("partial")
    cells = histories(datasets, "network", "n", "images")
    n = nearest_n(cells, _PAPER_N)
    shown = next(d for d in datasets if d.sizes["pose"] == n)
    example = shown[["levels"]].assign(left_out=shown["left_out"][0])
    return {"partial": cells.assign_attrs(classes=inputs.classes), "example": example}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Accuracies after the last epoch, mean over classes left out with its standard error."""
    cells = plotted["partial"]
    measured: dict[str, Measured] = {}
    for name in _networks(cells):
        rows = select(cells, network=name)
        for row in range(rows.sizes["cell"]):
            here = rows.isel(cell=row)
            tag = f"{name}.n{int(here['n'])}"
            for kind in _CURVES:
                final = by_class(here.isel(epoch=-1), f"{kind}_accuracy").values
                measured[f"{kind}_accuracy.{tag}"] = mean(final)
            measured[f"gap.{tag}"] = mean(_gap(here))
        out = _final_out(rows)
        gaps = [_gap(rows.isel(cell=i)) for i in range(rows.sizes["cell"])]
        measured[f"gap_closed.{name}"] = mean(gaps[0] - gaps[-1])
        steps = np.diff(out.mean(axis=1))
        measured[f"smallest_step_by_n.{name}"] = _extreme(steps, np.min)
        measured[f"largest_late_jump.{name}"] = _extreme(_late_steps(rows), np.max)
    return measured


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    cells = plotted["partial"]
    n = nearest_n(cells, _PAPER_N)
    classes = np.unique(cells["left_out"])
    return (
        f"(A) The task: of one class, here {int(plotted['example']['left_out'])}, the upright "
        "pose is never trained on; of all others every pose is. (B) Accuracy by epoch at N = "
        f"{n} rotations, measured in eval mode before training and after every epoch: on points "
        "trained on (as many as there are test points), on a tenth of all points kept from the "
        "training, and on the pose left out. (C) The latter after the last epoch, by N; small "
        f"marks are the classes left out. Mean over {len(classes)} classes left out "
        f"({', '.join(str(c) for c in classes)}), band 1.96 standard errors. Networks: "
        f"{', '.join(_networks(cells))}; {int(cells['images'][0])} images, Adam, "
        f"{int(cells['epoch'][-1])} epochs at every N, so that more rotations also mean more "
        "steps. Images have unit norm and are turned by the "
        "nearest pixel; the test in distribution holds other poses of images trained on, as in "
        "the authors' code. The paper trains on all 60 000 images, with a transformer of width "
        "256."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """The example's poses, curves by epoch for each network, accuracy by N."""
    cells = plotted["partial"]
    names = _networks(cells)
    figure = plt.figure(figsize=(style.TWO_COLUMNS, 3.6))
    columns = figure.add_gridspec(1, 3, width_ratios=[0.5, 1, 1.25])
    task = figure.add_subplot(columns[0])
    _task(task, plotted["example"])
    style.letter(task, "A")
    first = None
    stacked = columns[1].subgridspec(len(names), 1)
    for row, name in enumerate(names):
        panel = figure.add_subplot(stacked[row], sharex=first, sharey=first)
        first = first or panel
        _by_epoch(panel, select(cells, network=name, n=nearest_n(cells, _PAPER_N)), name)
        if row < len(names) - 1:
            panel.tick_params(labelbottom=False)
    style.letter(figure.axes[-len(names)], "B")
    figure.axes[-1].set_xlabel("epoch")
    panel = figure.add_subplot(columns[2])
    _by_n(panel, cells)
    style.letter(panel, "C")
    _legend(figure, names)
    return figure


def _legend(figure: Figure, names: list[str]) -> None:
    handles = [Line2D([], [], color="black", linestyle=_CURVES[k][1]) for k in ("train", "in")]
    labels = [_CURVES[kind][0] for kind in ("train", "in")]
    for name, (colour, marker) in style.models(names).items():
        handles.append(Line2D([], [], color=colour, marker=marker))
        labels.append(f"{name}, {_CURVES['out'][0]}")
    figure.legend(handles, labels, loc="outside lower center", ncols=len(handles))


def _networks(cells: xr.Dataset) -> list[str]:
    return list(dict.fromkeys(cells["network"].values.tolist()))


def _final_out(rows: xr.Dataset) -> np.ndarray:
    """Accuracy on the pose left out after the last epoch, (n, class)."""
    last = rows.isel(epoch=-1)
    cells = range(rows.sizes["cell"])
    return np.stack([by_class(last.isel(cell=i), "out_accuracy").values for i in cells])


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
    shown = poses[:: max(1, len(poses) // 8)][:8]
    side, gap = shown.shape[1], 0.15 * shown.shape[1]
    for number, image in enumerate(shown):
        left, top = (side + gap) * (number // 4), -(side + gap) * (number % 4)
        axes.imshow(image, cmap="gray_r", extent=(left, left + side, top - side, top))
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


def _by_epoch(axes: Axes, rows: xr.Dataset, name: str) -> None:
    here = rows.isel(cell=0)
    colour, _ = style.model(name)
    for kind, (label, dashes) in _CURVES.items():
        values = by_class(here, f"{kind}_accuracy").transpose("class_", "epoch").values
        look: dict[str, Any] = {
            "color": colour if kind == "out" else "black",
            "linestyle": dashes,
        }
        epochs = np.arange(values.shape[1])
        if kind == "out":
            band(axes, epochs, values, label=label, **look)
        else:
            axes.plot(epochs, values.mean(axis=0), label=label, linewidth=0.9, **look)
    chance(axes, rows.attrs["classes"])
    axes.set(ylim=(0, 1.02), ylabel=f"{name}: accuracy", yticks=[0, 0.5, 1])


def _by_n(axes: Axes, cells: xr.Dataset) -> None:
    for shift, (name, (colour, marker)) in enumerate(style.models(_networks(cells)).items()):
        rows = select(cells, network=name)
        values, n = _final_out(rows), rows["n"].values
        band(axes, n, values.T, color=colour, marker=marker, label=name)
        aside = n * 2 ** (0.06 * (shift - 1))
        axes.plot(aside, values, marker, color=colour, markersize=1.5, alpha=0.5)
    chance(axes, cells.attrs["classes"])
    powers_of_two(axes, np.unique(cells["n"]), "rotations N")
    axes.set(ylim=(0, 1.05), ylabel="accuracy on the pose left out")
