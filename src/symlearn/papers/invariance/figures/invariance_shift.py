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

TITLE = "Learned invariance under distribution shift: errors, and errors relative to noise"
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
    shown, full = chosen(family), [shift for shift, _ in sets(family) if shift]

    def by_shift(numbers: list[float]) -> str:
        return ", ".join(f"{w} {one:.2g}" for w, one in zip(full, numbers, strict=True))

    fallen = {kind: by_shift([_fall(shown, kind, shift).value for shift in full]) for kind in _ROWS}
    beside = "selectivity_over_decayed.family1.{}"
    meets = by_shift([measured[beside.format(shift)].value for shift in full])
    strength, decay = family.attrs["strength"], float(chosen(family)["decayed"]["weight_decay"])
    return (
        "At the full shift the invariance loss lowers the logit error this many times "
        f"({fallen['logit_error']}) and its ratio to the error by noise this many times "
        f"({fallen['selectivity']}), compared with augmentation alone: the first counts lost "
        "sensitivity to anything, the second does not. The ratio is then this many times that of "
        f"the control by weight decay, which knows no group ({meets}). Panels show the logit "
        "error 1/2 ‖f(x) - f(gx)‖^2 (A) and its ratio to the error by noise as large as gx - x (B) "
        f"of one family ({title(family)}) on test images (0) that are shifted by degrees, from "
        f"left to right. The invariance loss has the strength {strength:g}. The control has weight "
        f"decay {decay:g} and no such loss. Of the decays tried, this one gives the nearest "
        "sensitivity to noise on test images. The weight-tied network's errors are 0 to rounding "
        "and not drawn. A shift of strength s is the blend (1 - s) x + s z with the inverted "
        "image, with smooth random fields, with uniform noise, or with an image of another data "
        f"set{interpolated(family)}. For patches, s is the share of the 4 x 4 that changes places. "
        "A blend of one half with the inverted image is grey all over, so that there is no value. "
        "(C) A loss of invariance under the full shift, which the paper reports of learned "
        "invariance, would make the saliency maps of augmented networks less alike and their "
        "predictions differ more between poses. "
        f"{_unlike(plotted)} Points in C are single networks, open triangles ratios below "
        f"{_LEAST:g}, black bars means. Lines are means over {family.sizes['member']} networks, "
        f"bands and bars 1.96 standard errors (A, B: networks and {family.attrs['images']} images; "
        "C: networks). The figure invariance-shift-measures has the other measures and families. "
        "Shifts, protocol, ratios and control are this project's."
    )


def _fall(shown: dict[str, xr.Dataset], kind: str, shift: str) -> Measured:
    """By what factor the loss lowers a measure under a full shift."""
    augmented, regularised = (values(shown[k], kind, shift) for k in ("augmented", "regularised"))
    return geometric_mean(augmented / regularised)


def _unlike(plotted: Plotted) -> str:
    """On which side of no change the two measures are, in words."""
    measured = measure(plotted)
    shifts = [where for shift, where in sets(plotted["family1"]) if shift]
    rising = [s for s in shifts if measured[_SIMILARITY.format(s)].value > 0]
    falling = [s for s in shifts if measured[_DIVERGENCE.format(s)].value < 1]
    return (
        f"Neither is so throughout here: the similarity rises under {_listed(rising)}, and the "
        f"divergence falls under {_listed(falling)}."
    )


_LEAST = 1e-4  # of the ratios drawn
_SIMILARITY = "change.saliency_absolute.family1.{}.augmented"
_DIVERGENCE = "rise.divergence.family1.{}.augmented"


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]])) or "no shift"


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """A column for each shift with the error and its ratio; below, what does not reproduce."""
    family = next(iter(plotted.values()))
    shifts = [shift for shift, _ in sets(family) if shift]
    figure = plt.figure(figsize=(style.TWO_COLUMNS, 5.4))
    grid = figure.add_gridspec(2, 1, height_ratios=[2.4, 1])
    upper, lower = (figure.add_subfigure(grid[row]) for row in range(2))
    panels = upper.subplots(len(_ROWS), len(shifts), sharex=True, sharey="row", squeeze=False)
    for row, (kind, label) in zip(panels, _ROWS.items(), strict=True):
        for axes, shift in zip(row, shifts, strict=True):
            _panel(axes, family, kind, shift)
        row[0].set_ylabel(label)
    for top, bottom, shift in zip(panels[0], panels[-1], shifts, strict=True):
        top.set_title(shift)
        bottom.set_xlabel("strength of the shift")
    below = lower.subplots(1, 2)
    _beside_the_paper(below, family, shifts, measured)
    style.letters([*panels[:, 0], below[0]])
    _legend(figure, chosen(family))
    return figure


def _beside_the_paper(
    panels: np.ndarray, family: xr.Dataset, shifts: list[str], measured: Measurements
) -> None:
    """Network by network, and the side on which invariance is lost (shaded)."""
    similarity, divergence = panels
    augmented = chosen(family)["augmented"]
    colour, marker = MODELS["augmented"]
    for at, shift in enumerate(shifts):
        change, ratio = (
            [values(augmented, kind, where) for where in (shift, None)]
            for kind in ("saliency_absolute", "divergence")
        )
        drawn = np.maximum(ratio[0] / ratio[1], _LEAST)
        beside = at + np.linspace(-0.15, 0.15, len(drawn))
        similarity.plot(beside, change[0] - change[1], marker, color=colour, markersize=3)
        divergence.plot(beside, drawn, marker, color=colour, markersize=3)
        off = drawn == _LEAST
        divergence.plot(beside[off], drawn[off], "v", color="black", markersize=5, fillstyle="none")
        mean_change = measured[_SIMILARITY.format(shift)]
        similarity.errorbar(
            at + 0.3, mean_change.value, TWO_SIDED * mean_change.uncertainty, fmt="_", color="black"
        )
    for axes in panels:
        names = [shift.replace("-", "\n") for shift in shifts]
        axes.set_xticks(range(len(shifts)), names, fontsize=6)
        axes.set_xlim(-0.5, len(shifts) - 0.4)
    low, high = similarity.get_ylim()
    low = min(low, -0.3 * high)
    similarity.axhspan(low, 0, color="0.92", zorder=0)
    similarity.set(ylim=(low, high), ylabel="change of\nsaliency similarity")
    divergence.set(yscale="log", ylim=(_LEAST / 2, 20), ylabel="KL, shifted / test")
    divergence.axhspan(1, 20, color="0.92", zorder=0)
    similarity.set_title("augmented; shaded: a loss of invariance", fontsize=7)
    divergence.set_title("augmented; shaded: a loss of invariance", fontsize=7)


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
