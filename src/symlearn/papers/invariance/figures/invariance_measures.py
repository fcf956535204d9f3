"""Figure invariance-measures: accuracy and every measure of invariance by the loss's strength.

See docs/science/invariance.md#two-ratios-that-do-not-see-scale.
"""

from string import ascii_uppercase

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from symlearn.papers.invariance.figures.families import (
    MODELS,
    NAMES,
    SETS,
    TIED,
    curve,
    families,
    interpolated,
    learned,
    logarithmic,
    models,
    sets,
    summary,
    tag,
    title,
)
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted
from symlearn.statistics import Measured, Measurements, mean

TITLE = "Measures of learned invariance by the strength of the invariance loss"
NEEDS: dict[str, dict[str, int]] = {"invariance": {}}
_COLUMNS = ("accuracy", *NAMES)
_LOGARITHMIC = ("divergence", "logit_error", "relative_logit_error", "selectivity")


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The families of networks."""
    return families(inputs)


def measure(plotted: Plotted) -> dict[str, Measured]:
    """The similarity of saliency maps of test images, and of different images, by model."""
    measured: dict[str, Measured] = {}
    for name, family in plotted.items():
        for model in models(family):
            tail = f"{name}.{tag(model)}"
            measured[f"similarity.{tail}"] = summary(model, "saliency_absolute")
            measured[f"unrelated_similarity.{tail}"] = mean(model["unrelated_similarity"].values)
    return measured


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    family = next(iter(plotted.values()))
    shown = "; ".join(f"({letter}) {title(f)}" for letter, f in _rows(plotted))
    return (
        f"The rows are {shown}. Each panel goes from no augmentation (left) to augmentation by the "
        "group (0), and on to augmentation with an invariance loss. The loss is the strength given "
        "times 1/2 ‖f(x) - f(gx)‖^2 with g uniform, and gradients flow through both branches. "
        "Black marks are test images, coloured marks the same images under the full "
        f"shift{interpolated(family)}. The dashed green line is the weight-tied network, whose "
        "errors are 0 to rounding and whose similarity is 1. Accuracy is over all poses. The other "
        "measures are means over pairs (x, gx), g not the identity: KL(p(x), p(gx)), 1/2 ‖f(x) - "
        "f(gx)‖^2, and the cosine of the absolute input gradients of the logit predicted for x, "
        "brought back to the orientation of x (dotted: of different images). The last two columns "
        "do not depend on the scale of the logits. They show the logit error over that between "
        "images, and over that of noise as large as gx - x. Equal ratios under a shift with lower "
        "errors mean less sensitivity, not more invariance. Points are means over "
        f"{family.sizes['member']} networks, bands 1.96 standard errors (networks and "
        f"{family.attrs['images']} images). Moskalev et al. (2023) name the measures and publish "
        "neither code nor their normalisations. The formulas, protocol, shifts and ratios are this "
        "project's, and no number here is theirs."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """A row for each family, a column for each measure."""
    count = len(plotted)
    size = (style.TWO_COLUMNS, 0.9 + 1.35 * count)
    figure, panels = plt.subplots(count, len(_COLUMNS), figsize=size, squeeze=False)
    for row, (text, family) in zip(panels, _rows(plotted), strict=True):
        for axes, kind in zip(row, _COLUMNS, strict=True):
            _panel(axes, family, kind)
        row[0].set_ylabel(title(family))
        style.letter(row[0], text)
    for axes, kind in zip(panels[0], _COLUMNS, strict=True):
        axes.set_title(NAMES.get(kind, kind), fontsize=7)
    for axes in panels[-1]:
        axes.set_xlabel("loss strength")
    _legend(figure, next(iter(plotted.values())))
    return figure


def _rows(plotted: Plotted) -> list[tuple[str, xr.Dataset]]:
    return list(zip(ascii_uppercase, plotted.values(), strict=False))


def _panel(axes: Axes, family: xr.Dataset, kind: str) -> None:
    shown = [*models(family, "plain"), *learned(family)]
    x = np.arange(len(shown))
    if kind in _LOGARITHMIC:
        logarithmic(axes)
    if kind == "accuracy":
        found = [mean(model["orbit_accuracy"].values) for model in shown]
        curve(axes, x, found, color="black", marker="o", markersize=2.5)
        for model in models(family, *TIED):
            _tied_line(axes, float(model["orbit_accuracy"].mean()))
        axes.set_ylim(0, 1.02)
    else:
        for shift, _ in sets(family):
            look = {"color": SETS[shift], "marker": "o", "zorder": 3 if shift is None else 2}
            by_model = [summary(model, kind, shift) for model in shown]
            curve(axes, x, by_model, markersize=2.5, **look)
    if kind == "saliency_absolute":
        _tied_line(axes, 1.0)
        floor = [float(model["unrelated_similarity"].mean()) for model in shown]
        axes.plot(x, floor, ":", color="0.5", linewidth=0.9)
        axes.set_ylim(top=1.02)
    labels = ["none", "0", *(f"{float(m['strength']):g}" for m in shown[2:])]
    axes.set_xticks(x, labels, fontsize=5.2, rotation=90)
    axes.tick_params(axis="y", labelsize=5.5)


def _tied_line(axes: Axes, value: float) -> None:
    axes.axhline(value, color=MODELS["averaged"][0], linestyle="--", linewidth=0.9)


def _legend(figure: Figure, family: xr.Dataset) -> None:
    handles = [Line2D([], [], color=SETS[s], marker="o", markersize=2.5) for s, _ in sets(family)]
    labels = ["test images", *(name for s, name in sets(family) if s)]
    handles.append(Line2D([], [], color=MODELS["averaged"][0], linestyle="--"))
    labels.append("weight-tied")
    figure.legend(handles, labels, loc="outside lower center", ncols=len(handles))
