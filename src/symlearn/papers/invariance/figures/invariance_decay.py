"""Figure invariance-decay: what a network is sensitive to while it learns an invariance.

See docs/science/invariance.md#spectral-decay.
"""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from symlearn.papers.invariance.figures.families import curve, logarithmic, models, tag
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted
from symlearn.statistics import Measured, Measurements, geometric_mean, mean

Look = tuple[Any, Any, str]  # colour, dashes, label

TITLE = "Spectral decay: learned invariance and the loss of sensitivity over training"
NEEDS: dict[str, dict[str, int]] = {"invariance-decay": {}}
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
    return measured


def _tag(model: xr.Dataset) -> str:
    return "decayed" if model["model"].item() == "decayed" else tag(model)


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    found = plotted["decay"]
    (control,) = models(found, "decayed")
    return (
        f"The upper panels show the largest singular value of each of the {found.sizes['layer']} "
        "layers. The lower panels show the product of these values, which bounds the Lipschitz "
        "constant, the mean Frobenius norm of the logits' gradient by the pixels, the error 1/2 "
        "‖f(x + noise) - f(x)‖^2 for noise as large as gx - x, and the logit error 1/2 ‖f(x) - "
        "f(gx)‖^2 over that error. Networks of the first family train without weight decay, with "
        "augmentation alone or also with an invariance loss of several strengths. The control "
        f"trains with weight decay {float(control['weight_decay']):g} instead of the loss. Of the "
        "decays tried, it ends with the error by noise that is nearest to that of the loss of "
        f"strength {found.attrs['strength']:g}. A measure that falls for the control too is loss "
        f"of sensitivity and not invariance. Lines are means over {found.sizes['member']} networks "
        f"on {found.attrs['images']} test images, bands 1.96 standard errors. Moskalev et al. "
        "(2023) name the phenomenon. Measures, control and protocol are this project's."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """Layers above, summaries below, over epochs."""
    found = plotted["decay"]
    looks = _looks(found)
    columns = max(found.sizes["layer"], len(_QUANTITIES))
    figure, panels = plt.subplots(2, columns, figsize=(style.TWO_COLUMNS, 3.5), squeeze=False)
    for axes in [*panels[0, found.sizes["layer"] :], *panels[1, len(_QUANTITIES) :]]:
        axes.set_axis_off()
    for layer, axes in enumerate(panels[0][: found.sizes["layer"]]):
        _panel(axes, found.isel(layer=layer), "gain", looks)
        axes.set_title(f"layer {layer + 1}")
    panels[0, 0].set_ylabel("largest singular value")
    for axes, (kind, label) in zip(panels[1], _QUANTITIES.items(), strict=False):
        logarithmic(axes)
        _panel(axes, found, kind, looks)
        axes.set(title=label, xlabel="epoch")
    style.letter(panels[0, 0], "A")
    style.letter(panels[1, 0], "B")
    handles = [Line2D([], [], color=colour, linestyle=dashes) for colour, dashes, _ in looks]
    labels = [label for _, _, label in looks]
    figure.legend(handles, labels, loc="outside lower center", ncols=len(handles))
    return figure


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
