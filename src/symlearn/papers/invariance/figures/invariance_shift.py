"""Figure invariance-shift: what a distribution shift leaves of a learned invariance.

See docs/science/invariance.md#distribution-shifts.
"""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from symlearn.papers.invariance.figures.families import (
    MODELS,
    TIED,
    chosen,
    curve,
    families,
    interpolated,
    logarithmic,
    over_strengths,
    sets,
    title,
    values,
)
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted
from symlearn.statistics import TWO_SIDED, Measured, Measurements, geometric_mean, mean

TITLE = "Learned invariance under distribution shift: less sensitive, hardly more invariant"
NEEDS: dict[str, dict[str, int]] = {"invariance": {}}
_LABELS = {
    "plain": "no augmentation",
    "augmented": "augmented",
    "regularised": "with invariance loss",
    "decayed": "with weight decay instead",
}
_ROWS = {"logit_error": "logit error", "selectivity": "logit error / that of noise"}


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The families of networks."""
    return families(inputs)


def measure(plotted: Plotted) -> dict[str, Measured]:
    """How much worse augmented and regularised networks are under each full shift."""
    measured: dict[str, Measured] = {}
    for name, family in plotted.items():
        shown = chosen(family)
        for shift, where in sets(family):
            if shift is None:
                continue
            for kind in ("augmented", "regularised"):
                measured |= _worse(f"{name}.{where}.{kind}", shown[kind], shift)
            if "decayed" in shown:
                measured |= _beside_decay(f"{name}.{where}", shown, shift)
        if "decayed" in shown:
            ratio = values(shown["regularised"], "noise_error") / values(
                shown["decayed"], "noise_error"
            )
            measured[f"matched_noise_error.{name}"] = geometric_mean(ratio)
    return measured


def _worse(name: str, model: xr.Dataset, shift: str) -> dict[str, Measured]:
    measured = {
        f"rise.{kind}.{name}": geometric_mean(values(model, kind, shift) / values(model, kind))
        for kind in ("divergence", "relative_logit_error", "selectivity")
    }
    for kind in ("saliency_absolute", "agreement"):
        change = values(model, kind, shift) - values(model, kind)
        measured[f"change.{kind}.{name}"] = mean(change)
    return measured


def _beside_decay(name: str, shown: dict[str, xr.Dataset], shift: str) -> dict[str, Measured]:
    """The selectivity ratio of the regularised networks over that of the control."""
    found = values(shown["regularised"], "selectivity", shift)
    return {
        f"selectivity_over_decayed.{name}": geometric_mean(
            found / values(shown["decayed"], "selectivity", shift)
        )
    }


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    family = next(iter(plotted.values()))
    measured = measure(plotted)
    meets = ", ".join(
        f"{where} {measured[f'selectivity_over_decayed.family1.{where}'].value:.2g}"
        for shift, where in sets(family)
        if shift
    )
    strength, decay = family.attrs["strength"], float(chosen(family)["decayed"]["weight_decay"])
    return (
        "The loss lowers the logit error under every shift, but most of that is lost sensitivity. "
        "At the full shift the ratio of the logit error to that of noise is this many times that "
        f"of the control by weight decay, which knows no group: {meets}. Panels show the logit "
        "error 1/2 ‖f(x) - f(gx)‖^2 (A) and its ratio to the error by noise as large as gx - x (B) "
        f"of one family ({title(family)}) on test images (0) that are shifted by degrees, from "
        f"left to right. The invariance loss has the strength {strength:g}. The control has weight "
        f"decay {decay:g} and no such loss. Of the decays tried, this one gives the nearest "
        "sensitivity to noise on test images. The weight-tied network's errors are 0 to rounding "
        "and not drawn. A shift of strength s is the blend (1 - s) x + s z with the inverted "
        "image, with smooth random fields, with uniform noise, or with an image of another data "
        f"set{interpolated(family)}. For patches, s is the share of the 4 x 4 that changes places. "
        "A blend of one half with the inverted image is grey all over, so that there is no value. "
        "(C) These are two of the paper's statements on augmented networks under the full shift: "
        "saliency maps become less alike, and predictions differ more between poses. "
        f"{_unlike(plotted)} Lines and points are means over {family.sizes['member']} networks, "
        f"bands and bars 1.96 standard errors (A, B: networks and {family.attrs['images']} images; "
        "C: networks). The figure invariance-shift-measures has the other measures and families. "
        "Shifts, protocol, ratios and control are this project's."
    )


def _unlike(plotted: Plotted) -> str:
    """What of the paper's statements does not reproduce, in words."""
    measured = measure(plotted)
    shifts = [where for shift, where in sets(plotted["family1"]) if shift]
    rising = [s for s in shifts if measured[_SIMILARITY.format(s)].value > 0]
    falling = [s for s in shifts if measured[_DIVERGENCE.format(s)].value < 1]
    return (
        f"Neither holds throughout here: the similarity rises under {_listed(rising)}, and the "
        f"divergence falls under {_listed(falling)}."
    )


_SIMILARITY = "change.saliency_absolute.family1.{}.augmented"
_DIVERGENCE = "rise.divergence.family1.{}.augmented"


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]])) or "no shift"


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """A column for each shift with the error and its ratio; below, what does not reproduce."""
    family = next(iter(plotted.values()))
    shifts = [shift for shift, _ in sets(family) if shift]
    figure = plt.figure(figsize=(style.TWO_COLUMNS, 5.4))
    grid = figure.add_gridspec(3, 2 * len(shifts), height_ratios=[1.2, 1.2, 1])
    for row, (kind, label) in enumerate(_ROWS.items()):
        first = None
        for column, shift in enumerate(shifts):
            where = grid[row, 2 * column : 2 * column + 2]
            axes = figure.add_subplot(where, sharey=first)
            _panel(axes, family, kind, shift)
            axes.tick_params(labelleft=column == 0)
            if first is None:
                first = axes
                axes.set_ylabel(label)
                style.letter(axes, "AB"[row])
            if row == 0:
                axes.set_title(shift)
            else:
                axes.set_xlabel("strength of the shift")
    below = [figure.add_subplot(grid[2, : len(shifts)]), figure.add_subplot(grid[2, len(shifts) :])]
    _beside_the_paper(below, shifts, measured)
    style.letter(below[0], "C")
    _legend(figure, chosen(family))
    return figure


def _beside_the_paper(panels: list[Axes], shifts: list[str], measured: Measurements) -> None:
    """The two quantities, and the side of no change on which the paper has them (shaded)."""
    at = np.arange(len(shifts))
    similarity, divergence = panels
    for axes, key in zip(panels, (_SIMILARITY, _DIVERGENCE), strict=True):
        found = [measured[key.format(shift)] for shift in shifts]
        middle, reach = np.array([(m.value, TWO_SIDED * m.uncertainty) for m in found]).T
        sides = np.stack([reach, reach])
        if axes is divergence:
            axes.set_yscale("log")
            factor = np.exp(reach / middle)
            sides = np.stack([middle - middle / factor, middle * factor - middle])
        colour, marker = MODELS["augmented"]
        axes.errorbar(at, middle, sides, fmt=marker, color=colour)
        axes.set_xticks(at, shifts, fontsize=6)
        axes.set_xlim(-0.5, len(shifts) - 0.5)
    low, high = similarity.get_ylim()
    low = min(low, -0.3 * high)
    similarity.axhspan(low, 0, color="0.92", zorder=0)
    similarity.set(ylim=(low, high), ylabel="change of saliency similarity")
    low, high = divergence.get_ylim()
    high = max(high, 10)
    divergence.axhspan(1, high, color="0.92", zorder=0)
    divergence.set(ylim=(low, high), ylabel="KL, shifted / test")
    for axes, word in ((similarity, "less alike"), (divergence, "larger")):
        axes.set_title(f"augmented; the paper's statement is shaded: {word}", fontsize=6.5)


def _panel(axes: Axes, family: xr.Dataset, kind: str, shift: str) -> None:
    logarithmic(axes)
    for name, model in chosen(family).items():
        if name in TIED:
            continue
        colour, marker = MODELS[name]
        x = model["shift_strength"].values
        found = over_strengths(model, kind, shift)
        curve(axes, x, found, color=colour, marker=marker, markersize=2.5)


def _legend(figure: Figure, shown: dict[str, xr.Dataset]) -> None:
    drawn = [name for name in shown if name not in TIED]
    handles = [
        Line2D([], [], color=MODELS[name][0], marker=MODELS[name][1], markersize=3)
        for name in drawn
    ]
    labels = [_LABELS[name] for name in drawn]
    figure.legend(handles, labels, loc="outside lower center", ncols=len(handles))
