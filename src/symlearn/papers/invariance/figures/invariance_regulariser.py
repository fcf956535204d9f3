"""Figure invariance-regulariser: what an invariance loss does, and what of it is invariance.

See docs/science/invariance.md#two-ratios-that-do-not-see-scale and
docs/science/invariance.md#lost-sensitivity.
"""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from symlearn.papers.invariance.figures.families import (
    NAMES,
    SETS,
    TIED,
    curve,
    families,
    interpolated,
    learned,
    logarithmic,
    models,
    regularised,
    sets,
    summary,
    tag,
    title,
    values,
)
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted
from symlearn.statistics import TWO_SIDED, Measured, Measurements, geometric_mean, mean

TITLE = "What an invariance loss does on test images and under shift, and what is lost sensitivity"
NEEDS: dict[str, dict[str, int]] = {"invariance": {}}
_ROWS = {"logit_error": "logit error", "selectivity": "logit error / that of noise"}
_MARKERS = "osD^v<>"  # of families, in the order of the config
_FALLING = ("divergence", "logit_error", "noise_error", "relative_logit_error", "selectivity")


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The families of networks."""
    return families(inputs)


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Values, and how they change with the strength, by family, set of images and model."""
    measured: dict[str, Measured] = {}
    for name, family in plotted.items():
        measured |= _values(name, family) | _tied(name, family) | _accuracy(name, family)
        for shift, where in sets(family):
            measured |= _steps(f"{name}.{where}", family, shift)
            measured |= _falls(f"{name}.{where}", family, shift)
    return measured


def _values(name: str, family: xr.Dataset) -> dict[str, Measured]:
    measured = {}
    for model in models(family):
        for shift, where in sets(family):
            for kind in ("agreement", "noise_error", *NAMES):
                tail = f"{name}.{where}.{tag(model)}"
                measured[f"{kind}.{tail}"] = summary(model, kind, shift)
        for kind in ("orbit_accuracy", "upright_accuracy", "gain_product", "logit_norm"):
            measured[f"{kind}.{name}.{tag(model)}"] = mean(model[kind].values)
    return measured


def _tied(name: str, family: xr.Dataset) -> dict[str, Measured]:
    """The largest errors and the least similarity of tied networks, on any set of images."""
    found = xr.concat([m["invariance"] for m in models(family, *TIED)], dim="model")
    every = family["invariance"]
    excess = every.sel(measure="divergence") - 0.5 * every.sel(measure="logit_error")
    return {
        f"tied_divergence.{name}": Measured(float(found.sel(measure="divergence").max())),
        f"tied_logit_error.{name}": Measured(float(found.sel(measure="logit_error").max())),
        f"tied_similarity.{name}": Measured(float(found.sel(measure="saliency_absolute").min())),
        f"divergence_above_half_logit_error.{name}": Measured(float(excess.max())),
    }


def _accuracy(name: str, family: xr.Dataset) -> dict[str, Measured]:
    """What the least and the most of the loss change: the best would be chosen on these images."""
    by_strength = np.array([m["orbit_accuracy"].values for m in learned(family)])
    changes = by_strength[1:] - by_strength[0]
    products = np.array([m["gain_product"].values for m in learned(family)])
    return {
        f"accuracy_change_smallest.{name}": mean(changes[0]),
        f"accuracy_change_at_most.{name}": mean(changes[-1]),
        f"fall.gain_product.{name}": geometric_mean(products[0] / products[-1]),
    }


def _steps(name: str, family: xr.Dataset, shift: str | None) -> dict[str, Measured]:
    """The worst step from one strength to the next: a factor of errors, a change of similarity."""
    measured = {}
    for kind in ("divergence", "logit_error", "noise_error"):
        means = np.array([values(m, kind, shift).mean() for m in learned(family)])
        measured[f"largest_step.{kind}.{name}"] = Measured(float((means[1:] / means[:-1]).max()))
    means = np.array([values(m, "saliency_absolute", shift).mean() for m in learned(family)])
    measured[f"smallest_step.saliency_absolute.{name}"] = Measured(float(np.diff(means).min()))
    return measured


def _falls(name: str, family: xr.Dataset, shift: str | None) -> dict[str, Measured]:
    """By what factor the loss lowers each measure, and the part of it that is lost sensitivity.

    The logit error is the selectivity ratio times the error of noise, so its logarithm splits.
    """
    (augmented,) = models(family, "augmented")
    model = regularised(family, family.attrs["strength"])
    falls = {k: values(augmented, k, shift) / values(model, k, shift) for k in _FALLING}
    measured = {f"fall.{kind}.{name}": geometric_mean(ratio) for kind, ratio in falls.items()}
    part = np.log(falls["noise_error"]) / np.log(falls["logit_error"])
    return measured | {f"lost_sensitivity.{name}": mean(part)}


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    family = next(iter(plotted.values()))
    measured = measure(plotted)
    strength = family.attrs["strength"]
    lost = ", ".join(
        f"{where} {100 * measured[f'lost_sensitivity.family1.{where}'].value:.0f} %"
        for _, where in sets(family)
    )
    markers = "; ".join(f"{title(one)}" for one in plotted.values())
    return (
        f"Panels A and B show networks of one family ({title(family)}): without augmentation, with "
        "augmentation by the group (0), with augmentation and an invariance loss of growing "
        "strength, and as a control with augmentation and weight decay instead of the loss, which "
        "knows no group. The loss is the strength given times 1/2 ‖f(x) - f(gx)‖^2 with g uniform, "
        "and gradients flow through both branches. Black marks are test images, coloured marks the "
        f"same images under the full shift{interpolated(family)}. (A) The logit error 1/2 ‖f(x) - "
        "f(gx)‖^2 falls with the strength on all images, and for the control too. (B) Its ratio to "
        "the error by noise as large as gx - x does not see the scale of the logits: 0 for "
        "weight-tied networks, unchanged by mere shrinkage. On test images the loss lowers it, "
        "under shift it lowers it less. (C) The factor by which the loss of strength "
        f"{strength:g} lowers the logit error is a product: lower sensitivity to noise times a "
        "lower ratio. The part of its logarithm that is lost sensitivity is, for the first family, "
        f"{lost}; above the dashed line it is more than half. Families are {markers}. Points are "
        f"means over {family.sizes['member']} networks, bands and bars 1.96 standard errors (A, B: "
        f"networks and {family.attrs['images']} images; C: networks). The figure "
        "invariance-measures has accuracies and the other measures. Moskalev et al. (2023) name "
        "the loss and publish neither code nor normalisations. Formulas, protocol, shifts and "
        "control are this project's, and no number here is theirs."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """Error and ratio by strength of the first family; lost sensitivity of all."""
    family = next(iter(plotted.values()))
    figure, panels = plt.subplots(
        1, 3, figsize=(style.TWO_COLUMNS, 3.1), width_ratios=[1.15, 1.15, 1]
    )
    for axes, (kind, label) in zip(panels, _ROWS.items(), strict=False):
        _by_strength(axes, family, kind)
        axes.set_ylabel(label)
    _lost(panels[2], plotted, measured)
    style.letters(panels)
    handles = [Line2D([], [], color=SETS[s], marker="o", markersize=2.5) for s, _ in sets(family)]
    labels = ["test images", *(name for s, name in sets(family) if s)]
    figure.legend(handles, labels, loc="outside lower center", ncols=len(handles))
    return figure


def _by_strength(axes: Axes, family: xr.Dataset, kind: str) -> None:
    """Lines over the strengths, and the controls as points beside them."""
    shown, controls = [*models(family, "plain"), *learned(family)], models(family, "decayed")
    x = np.arange(len(shown))
    beside = len(shown) + 0.5 + np.arange(len(controls))
    logarithmic(axes)
    for shift, _ in sets(family):
        look = {"color": SETS[shift], "marker": "o", "zorder": 3 if shift is None else 2}
        curve(axes, x, [summary(m, kind, shift) for m in shown], markersize=2.5, **look)
        for at, control in zip(beside, controls, strict=True):
            _point(axes, at, summary(control, kind, shift), **look)
    axes.axvline(len(shown) - 0.25, color="0.8", linewidth=0.8)
    labels = ["none", "0", *(f"{float(m['strength']):g}" for m in shown[2:])]
    labels += [f"decay {float(m['weight_decay']):g}" for m in controls]
    axes.set_xticks([*x, *beside], labels, fontsize=6, rotation=90)
    axes.set_xlabel("strength of the loss, or control")


def _point(axes: Axes, x: float, found: Measured, **look: Any) -> None:
    """With its interval, symmetric in the logarithm."""
    y = found.value
    factor = np.exp(TWO_SIDED * found.uncertainty / y)
    axes.errorbar(x, y, [[y - y / factor], [y * factor - y]], markersize=3.5, **look)


def _lost(axes: Axes, plotted: Plotted, measured: Measurements) -> None:
    """Families are told by markers: colours are the images."""
    first = next(iter(plotted.values()))
    shown = list(sets(first))
    for number, (name, family) in enumerate(plotted.items()):
        marker = _MARKERS[number % len(_MARKERS)]
        for row, (shift, where) in enumerate(shown):
            one = measured[f"lost_sensitivity.{name}.{where}"]
            y = row + 0.2 * (number - (len(plotted) - 1) / 2)
            axes.errorbar(
                one.value, y, xerr=TWO_SIDED * one.uncertainty, fmt=marker, color=SETS[shift],
                markersize=3.5,
            )  # fmt: skip
        axes.plot([], [], marker, color="0.4", markersize=3.5, label=title(family))
    axes.axvline(0.5, color="0.5", linestyle="--", linewidth=0.8)
    axes.set_yticks(range(len(shown)), [where for _, where in shown], fontsize=6)
    axes.set(ylim=(len(shown) - 0.5, -0.5), xlim=(0, 1))
    axes.set_xlabel("part that is lost sensitivity")
    axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1), fontsize=5.5)
