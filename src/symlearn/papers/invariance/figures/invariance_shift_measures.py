"""Figure invariance-shift-measures: the measures that invariance-shift leaves out, by the shift.

See docs/science/invariance.md#distribution-shifts.
"""

import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from symlearn.papers.invariance.figures.families import (
    MODELS,
    NAMES,
    TIED,
    chosen,
    curve,
    families,
    interpolated,
    logarithmic,
    over_strengths,
    sets,
    summary,
    title,
)
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted
from symlearn.statistics import Measured, Measurements

TITLE = "Learned invariance under distribution shift: further measures and networks"
NEEDS: dict[str, dict[str, int]] = {"invariance": {}}
_SHOWN = ("divergence", "saliency_absolute", "relative_logit_error")
# The row that is drawn of the further families.
_SCALE_FREE = "selectivity"


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The families of networks."""
    return families(inputs)


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Each measure of augmented and regularised networks under each full shift."""
    return {
        f"{kind}.{name}.{where}.{model}": summary(chosen(family)[model], kind, shift)
        for name, family in plotted.items()
        for shift, where in sets(family)
        for kind in (*_SHOWN, _SCALE_FREE)
        for model in ("augmented", "regularised")
    }


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    family, *others = plotted.values()
    below = "; ".join(title(other) for other in others)
    further = (
        f" The panels below show the logit error over that of noise for {below}." if others else ""
    )
    return (
        "Networks, images and shifts are those of the figure invariance-shift, which shows the "
        f"logit error and its ratio to the error by noise of {title(family)}. These panels show "
        "the KL divergence between poses, the cosine of absolute saliency maps brought back to "
        "one orientation (1 for the weight-tied network), and the logit error over the spread "
        f"between images{interpolated(family)}.{further} Lines are means over "
        f"{family.sizes['member']} networks, bands 1.96 standard errors (networks and "
        f"{family.attrs['images']} images). There is no value where the blend with the inverted "
        "image is grey all over. All choices here are this project's."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """A column for each shift; rows for the measures, then for the further families."""
    first, *others = plotted.values()
    rows = [(first, kind, NAMES[kind]) for kind in _SHOWN]
    rows += [(family, _SCALE_FREE, f"{NAMES[_SCALE_FREE]}\n{title(family)}") for family in others]
    shifts = [shift for shift, _ in sets(first) if shift]
    size = (style.TWO_COLUMNS, 0.6 + 1.2 * len(rows))
    figure, panels = plt.subplots(
        len(rows), len(shifts), figsize=size, sharex=True, sharey="row", squeeze=False
    )
    for line, (family, kind, label) in zip(panels, rows, strict=True):
        for axes, shift in zip(line, shifts, strict=True):
            _panel(axes, family, kind, shift)
        line[0].set_ylabel(label, fontsize=6)
    for axes, shift in zip(panels[0], shifts, strict=True):
        axes.set_title(shift)
    for axes in panels[-1]:
        axes.set_xlabel("strength of the shift")
    style.letters(panels[:, 0])
    names = [*chosen(first)]
    handles = [
        Line2D([], [], color=MODELS[name][0], marker=MODELS[name][1], markersize=3)
        for name in names
    ]
    labels = ["weight-tied" if name in TIED else name for name in names]
    figure.legend(handles, labels, loc="outside lower center", ncols=len(handles))
    return figure


def _panel(axes: Axes, family: xr.Dataset, kind: str, shift: str) -> None:
    if kind != "saliency_absolute":
        logarithmic(axes)
    for name, model in chosen(family).items():
        if name in TIED and kind != "saliency_absolute":
            continue
        colour, marker = MODELS[name]
        found = over_strengths(model, kind, shift)
        look = {"color": colour, "marker": marker, "markersize": 2.5}
        curve(axes, model["shift_strength"].values, found, **look)
