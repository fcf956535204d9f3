"""Figure invariance-shift: each measure by the strength of a distribution shift, by model.

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
    NAMES,
    TIED,
    curve,
    families,
    interpolated,
    logarithmic,
    models,
    nearest_decayed,
    regularised,
    sets,
    summary,
    title,
    values,
)
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted
from symlearn.statistics import Measured, Measurements, geometric_mean, mean

TITLE = "Learned invariance under distribution shift"
NEEDS: dict[str, dict[str, int]] = {"invariance": {}}
_LABELS = {
    "plain": "no augmentation",
    "augmented": "augmented",
    "regularised": "with invariance loss",
    "decayed": "with weight decay instead",
    "averaged": "weight-tied",
    "pooled": "weight-tied",
}
# The row that is drawn of the further families, too.
_SCALE_FREE = "selectivity"


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The families of networks."""
    return families(inputs)


def measure(plotted: Plotted) -> dict[str, Measured]:
    """How much worse augmented and regularised networks are under each full shift."""
    measured: dict[str, Measured] = {}
    for name, family in plotted.items():
        chosen = _chosen(family, family.attrs["strength"])
        for shift, where in sets(family):
            if shift is None:
                continue
            for kind in ("augmented", "regularised"):
                measured |= _worse(f"{name}.{where}.{kind}", chosen[kind], shift)
            if "decayed" in chosen:
                measured |= _beside_decay(f"{name}.{where}", chosen, shift)
        if "decayed" in chosen:
            ratio = values(chosen["regularised"], "noise_error") / values(
                chosen["decayed"], "noise_error"
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


def _beside_decay(name: str, chosen: dict[str, xr.Dataset], shift: str) -> dict[str, Measured]:
    """The selectivity ratio of the regularised networks over that of the control."""
    found = values(chosen["regularised"], "selectivity", shift)
    return {
        f"selectivity_over_decayed.{name}": geometric_mean(
            found / values(chosen["decayed"], "selectivity", shift)
        )
    }


def _chosen(family: xr.Dataset, strength: float) -> dict[str, xr.Dataset]:
    """One model of each kind: one strength, the decay that is as insensitive, one tied."""
    chosen = {kind: models(family, kind)[0] for kind in ("plain", "augmented")}
    chosen["regularised"] = regularised(family, strength)
    if models(family, "decayed"):
        chosen["decayed"] = nearest_decayed(family, chosen["regularised"])
    tied = models(family, *TIED)[0]
    return chosen | {str(tied["model"].item()): tied}


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    family, *others = plotted.values()
    strength = family.attrs["strength"]
    decay = float(_chosen(family, strength)["decayed"]["weight_decay"])
    below = "; ".join(title(other) for other in others)
    further = f" The panels below show the last measure for {below}." if others else ""
    return (
        f"The panels show measures of invariance of one family ({title(family)}) on test images "
        f"(0) that are shifted by degrees, from left to right in each panel.{further} The "
        f"invariance loss has the strength {strength:g}. The control has (decoupled) weight decay "
        f"{decay:g} and no such loss. Of the decays tried, this one gives the nearest sensitivity "
        "to noise on test images. The errors of the weight-tied network are 0 to rounding and not "
        "drawn. A shift of strength s is the blend (1 - s) x + s z with the inverted image, with "
        "smooth random fields, with uniform noise, or with an image of another data "
        f"set{interpolated(family)}. For patches, s is the share of the 4 x 4 that changes places. "
        "A blend of one half with the inverted image is grey all over. There gx = x, the errors "
        "are 0 and the ratios are not defined. Lines are means as in invariance-regulariser over "
        f"{family.sizes['member']} networks, bands 1.96 standard errors (networks and "
        f"{family.attrs['images']} images). Moskalev et al. (2023) report the loss of learned "
        "invariance under shift. Shifts, protocol, ratios and control are this project's."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """A column for each shift; rows for the measures, then for the further families."""
    first, *others = plotted.values()
    rows = [(first, kind, label) for kind, label in NAMES.items()]
    rows += [(f, _SCALE_FREE, f"{NAMES[_SCALE_FREE]}\n{title(f)}") for f in others]
    shifts = [shift for shift, _ in sets(first) if shift]
    size = (style.TWO_COLUMNS, 0.6 + 1.05 * len(rows))
    figure, panels = plt.subplots(
        len(rows), len(shifts), figsize=size, sharex=True, sharey="row", squeeze=False
    )
    for line, (family, kind, label) in zip(panels, rows, strict=True):
        for axes, shift in zip(line, shifts, strict=True):
            _panel(axes, _chosen(family, family.attrs["strength"]), kind, shift)
        line[0].set_ylabel(label, fontsize=6)
    for axes, shift in zip(panels[0], shifts, strict=True):
        axes.set_title(shift)
    for axes in panels[-1]:
        axes.set_xlabel("strength of the shift")
    _legend(figure, _chosen(first, first.attrs["strength"]))
    return figure


def _panel(axes: Axes, chosen: dict[str, xr.Dataset], kind: str, shift: str) -> None:
    if kind != "saliency_absolute":
        logarithmic(axes)
    for name, model in chosen.items():
        if name in TIED and kind != "saliency_absolute":
            continue
        colour, marker = MODELS[name]
        # In inverted images at one half there is nothing to measure.
        found = [
            (s, summary(model, kind, shift, s))
            for s in model["shift_strength"].values.tolist()
            if values(model, "noise_error", shift, s).min() > _NOTHING
        ]
        x = np.array([s for s, _ in found])
        curve(axes, x, [m for _, m in found], color=colour, marker=marker, markersize=2.5)


_NOTHING = 1e-20  # of the logits' square; rounding leaves less


def _legend(figure: Figure, chosen: dict[str, xr.Dataset]) -> None:
    handles = [
        Line2D([], [], color=MODELS[name][0], marker=MODELS[name][1], markersize=3)
        for name in chosen
    ]
    labels = [_LABELS[name] for name in chosen]
    figure.legend(handles, labels, loc="outside lower center", ncols=len(handles))
