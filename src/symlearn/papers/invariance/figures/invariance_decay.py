"""Figure invariance-decay: what a network is sensitive to while it learns an invariance.

See docs/science/invariance.md#spectral-decay.
"""

import textwrap
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from symlearn.papers.invariance.figures.families import curve, logarithmic, models, tag
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted
from symlearn.plots.panels import plain_logarithm
from symlearn.statistics import Measured, Measurements, geometric_mean, mean

Ratios = Float[np.ndarray, "member rank"]
Look = tuple[Any, Any, str]  # colour, dashes, label

TITLE = (
    "Spectral decay: singular values after learning an invariance, and sensitivity over training"
)
NEEDS: dict[str, dict[str, int]] = {"invariance-decay": {}}
_SHOWN = 5  # panels beside each other
_MATTERING = 0.05  # of the augmented network's largest: singular values that are compared
_LOWEST = 0.05  # ratio that is drawn
_QUANTITIES = {
    "gain_product": "product\nover layers",
    "input_gradient": "mean input\ngradient",
    "noise_error": "error\nby noise",
    "selectivity": "logit error /\nthat of noise",
}


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The networks drawn: augmented, each strength, and the matched control."""
    found = inputs.one("invariance-decay")
    found = found.assign(selectivity=found["logit_error"] / found["noise_error"])
    return {"decay": found.isel(model=_drawn(found))}


def _drawn(found: xr.Dataset) -> list[int]:
    """The rows of all models but the controls that are further from the one strength's loss."""
    kinds, strengths = found["model"].values, found["strength"].values
    noise = np.log(found["noise_error"].isel(epoch=-1).mean("member").values)
    losses, controls = np.flatnonzero(strengths > 0), np.flatnonzero(kinds == "decayed")
    (target,) = np.flatnonzero(strengths == found.attrs["strength"])
    control = controls[np.abs(noise[controls] - noise[target]).argmin()]
    return np.array([*np.flatnonzero(kinds == "augmented"), *losses, control]).tolist()


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Values after training, and the strongest loss against augmentation alone."""
    found = plotted["decay"]
    measured: dict[str, Measured] = {}
    for model in models(found):
        last = model.isel(epoch=-1)
        for kind in _QUANTITIES:
            measured[f"{kind}.{_tag(model)}"] = mean(last[kind].values)
    *_, strongest = (m.isel(epoch=-1) for m in models(found, "regularised"))
    (augmented,) = (m.isel(epoch=-1) for m in models(found, "augmented"))
    for kind in _QUANTITIES:
        measured[f"fall.{kind}"] = geometric_mean(augmented[kind].values / strongest[kind].values)
    (control,) = (m.isel(epoch=-1) for m in models(found, "decayed"))
    ratio = control["selectivity"].values / augmented["selectivity"].values
    measured["control_selectivity_ratio"] = geometric_mean(ratio)
    layers = augmented["gain"] / strongest["gain"]
    for number, ratio in enumerate(layers.transpose("layer", "member").values, start=1):
        measured[f"fall.gain.layer{number}"] = geometric_mean(ratio)
    for model in models(found, "regularised", "decayed"):
        measured |= _spectra(model, augmented)
    return measured


def _spectra(model: xr.Dataset, augmented: xr.Dataset) -> dict[str, Measured]:
    """Singular values after training over those of augmentation alone: largest and median."""
    measured = {}
    for name, ratio in _ratios(model, augmented):
        for which, values in (("largest", ratio[:, 0]), ("median", np.median(ratio, axis=1))):
            measured[f"spectrum.{which}.{name}.{_tag(model)}"] = geometric_mean(values)
    return measured


def _ratios(model: xr.Dataset, augmented: xr.Dataset) -> list[tuple[str, Ratios]]:
    """By layer, and of the Jacobian: each singular value over the augmented network's of its rank.

    A model and the augmented network of its seed start with the same weights. Singular values
    that are small already in the augmented network are left out.
    """
    spectra = {
        f"layer{layer + 1}": [
            one["singular_value"].isel(layer=layer).transpose("member", "rank").values
            for one in (model, augmented)
        ]
        for layer in range(model.sizes["layer"])
    }
    spectra["jacobian"] = [
        one["jacobian_value"].transpose("member", "jacobian_rank").values
        for one in (model, augmented)
    ]
    found = []
    for name, (above, below) in spectra.items():
        kept = (below >= _MATTERING * below[:, :1]).all(axis=0)
        found.append((name, above[:, kept] / below[:, kept]))
    return found


def _finding(plotted: Plotted) -> str:
    """What of the statement holds, in one sentence."""
    found, measured = plotted["decay"], measure(plotted)
    *_, strongest = models(found, "regularised")
    (control,) = models(found, "decayed")
    layers = [f"layer{number + 1}" for number in range(found.sizes["layer"])]

    def span(model: xr.Dataset, which: str, names: list[str]) -> str:
        values = [measured[f"spectrum.{which}.{name}.{_tag(model)}"].value for name in names]
        low, high = (f"{value:.2g}" for value in (min(values), max(values)))
        return low if low == high else f"{low} to {high}"

    (augmented,) = models(found, "augmented")
    jacobian = dict(_ratios(strongest.isel(epoch=-1), augmented.isel(epoch=-1)))["jacobian"]
    everywhere = "every" if (jacobian < 1).all() else "not every"
    return (
        f"With loss {float(strongest['strength']):g} the spectrum of the Jacobian decays at "
        f"{everywhere} rank, to {span(strongest, 'largest', ['jacobian'])} of the augmented "
        f"network's at the largest singular value and {span(strongest, 'median', ['jacobian'])} at "
        "the median. Of the layers' spectra the largest value ends at "
        f"{span(strongest, 'largest', layers)} and the median at "
        f"{span(strongest, 'median', layers)}. Weight decay {float(control['weight_decay']):g} "
        f"leaves {span(control, 'largest', ['jacobian'])} and "
        f"{span(control, 'median', ['jacobian'])} of the Jacobian's, and of the layers' "
        f"{span(control, 'largest', layers)} and {span(control, 'median', layers)}."
    )


def _tag(model: xr.Dataset) -> str:
    return "decayed" if model["model"].item() == "decayed" else tag(model)


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    found = plotted["decay"]
    (control,) = models(found, "decayed")
    return (
        f"{_finding(plotted)} The upper panels show the singular values of each of the "
        f"{found.sizes['layer']} layers and of the Jacobian of the logits by the pixels (geometric "
        "mean over images) after training, from the largest on, over those of the same rank of "
        "the network trained with augmentation alone from the same start, where that is at least a "
        "twentieth of its largest (ratios below 0.05 are off the panels). The lower panels show, "
        "over training, the product of the layers' largest singular values, which bounds the "
        "Lipschitz constant, the mean Frobenius norm of the Jacobian, the error 1/2 ‖f(x + noise) "
        "- f(x)‖^2 for noise as large as gx - x, and the logit error 1/2 ‖f(x) - f(gx)‖^2 over "
        "that error. Networks of the first family train without weight decay, with augmentation "
        "alone or also with an invariance loss of several strengths. The control trains with "
        f"weight decay {float(control['weight_decay']):g} instead of the loss. Of the decays "
        "tried, it ends with the error by noise that is nearest to that of the loss of strength "
        f"{found.attrs['strength']:g}. A measure that falls for the control too is loss of "
        f"sensitivity and not invariance. Lines are means over {found.sizes['member']} networks "
        f"on {found.attrs['images']} test images, geometric ones of ratios, bands 1.96 standard "
        "errors over networks. Moskalev et al. (2023) name the phenomenon. Measures, control and "
        "protocol are this project's."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """Spectra above, summaries over epochs below, and what of the statement holds."""
    found = plotted["decay"]
    looks = _looks(found)
    spectra = found.sizes["layer"] + 1
    rows = -(-spectra // _SHOWN)
    figure, panels = plt.subplots(
        rows + 1, _SHOWN, figsize=(style.TWO_COLUMNS, 2.0 + 1.8 * rows), squeeze=False
    )
    upper, lower = panels[:-1].ravel(), panels[-1]
    for axes in [*upper[spectra:], *lower[len(_QUANTITIES) :]]:
        axes.set_axis_off()
    _draw_spectra(upper[:spectra], found, looks)
    for axes, (kind, label) in zip(lower, _QUANTITIES.items(), strict=False):
        logarithmic(axes)
        _panel(axes, found, kind, looks)
        axes.set(title=label, xlabel="epoch")
    style.letter(upper[0], "A")
    style.letter(lower[0], "B")
    handles = [Line2D([], [], color=colour, linestyle=dashes) for colour, dashes, _ in looks]
    labels = [label for _, _, label in looks]
    figure.legend(handles, labels, loc="outside lower center", ncols=len(handles))
    figure.suptitle(textwrap.fill(_finding(plotted), 125), fontsize=7, x=0.01, ha="left")
    return figure


def _draw_spectra(panels: np.ndarray, found: xr.Dataset, looks: list[Look]) -> None:
    (augmented,) = models(found, "augmented")
    for model, (colour, dashes, _) in zip(_ordered(found), looks, strict=True):
        for axes, (name, ratio) in zip(panels, _ratios(model, augmented), strict=True):
            rank = np.arange(1, ratio.shape[1] + 1)
            over = [geometric_mean(values) for values in ratio.T]
            axes.set_yscale("log")
            curve(axes, rank, over, color=colour, linestyle=dashes, linewidth=0.9)
            title = "Jacobian" if name == "jacobian" else name.replace("layer", "layer ")
            axes.set(title=title, xlabel="rank", xscale="log")
            axes.set_xlim(right=max(axes.get_xlim()[1], 11))  # so that two powers of ten show
            axes.xaxis.set_minor_formatter(NullFormatter())
    lowest = max(_LOWEST, min(axes.get_ylim()[0] for axes in panels))
    highest = max(axes.get_ylim()[1] for axes in panels)
    for axes in panels:
        axes.set_ylim(lowest, highest)
        plain_logarithm(axes.yaxis)
    panels[0].set_ylabel("relative to augmented")


def _looks(found: xr.Dataset) -> list[Look]:
    """Colour, dashes and label of each model: darker for a stronger loss."""
    losses = models(found, "regularised")
    shades = iter(plt.get_cmap("YlOrRd")(np.linspace(0.35, 1, len(losses))))
    looks: list[Look] = []
    for model in _ordered(found):
        match model["model"].item():
            case "augmented":
                looks.append(("#0072B2", "-", "augmented"))
            case "decayed":
                looks.append(("#CC79A7", "--", f"decay {float(model['weight_decay']):g}"))
            case _:
                looks.append((next(shades), "-", f"loss {float(model['strength']):g}"))
    return looks


def _ordered(found: xr.Dataset) -> list[xr.Dataset]:
    return [*models(found, "augmented", "regularised"), *models(found, "decayed")]


def _panel(axes: Axes, found: xr.Dataset, kind: str, looks: list[Look]) -> None:
    for model, (colour, dashes, _) in zip(_ordered(found), looks, strict=True):
        over = [mean(model[kind].sel(epoch=e).values) for e in model["epoch"]]
        curve(axes, model["epoch"].values, over, color=colour, linestyle=dashes)
