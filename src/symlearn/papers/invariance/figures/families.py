"""What the figures of invariance share: families of networks, arranged, summarised and coloured."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from symlearn.pipeline import store
from symlearn.plots.inputs import Inputs, labels_of, prepared
from symlearn.statistics import TWO_SIDED, Measured, over_networks

# Colour and marker by how a network was made invariant.
MODELS = {
    "plain": ("#666666", "x"),
    "augmented": ("#0072B2", "o"),
    "regularised": ("#D55E00", "s"),
    "decayed": ("#CC79A7", "v"),
    "averaged": ("#009E73", "D"),
    "pooled": ("#009E73", "D"),
}
TIED = ("averaged", "pooled")
# Colour by the images that are measured; None is the test images themselves. None is that of the
# tied networks, which are in the same figures.
SETS = {
    None: "black",
    "inversion": "#D55E00",
    "patch-shuffling": "#0072B2",
    "smooth-fields": "#56B4E9",
    "noise": "#CC79A7",
    "interpolation": "#E69F00",
}
NAMES = {
    "divergence": "KL divergence\n(nats)",
    "logit_error": "logit error",
    "saliency_absolute": "saliency\nsimilarity",
    "relative_logit_error": "logit error /\nspread of images",
    "selectivity": "logit error /\nthat of noise",
}


def families(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The families of networks by number, `family1` the first of the config."""
    return {
        f"family{number}": found.assign_attrs(_settings(found))
        for number, found in enumerate(inputs.study("invariance"), start=1)
    }


def _settings(found: xr.Dataset) -> dict[str, Any]:
    """The family's labels, and the data set that images are interpolated to if there is one."""
    other = store.spec_of(found)["other"]
    return {**labels_of(found), **({"other": _described(other)} if other else {})}


def _described(other: dict[str, Any]) -> str:
    cut = f", without {other['crop']} pixels on each side" if other["crop"] else ""
    return f"{prepared(other)}, in grey{cut}"


def interpolated(family: xr.Dataset) -> str:
    """What captions say of the images that others are interpolated to, if there are any."""
    return f" (interpolation: to {family.attrs['other']})" if "other" in family.attrs else ""


def title(family: xr.Dataset) -> str:
    """The network and the group of a family."""
    network, group, n = (family.attrs[key] for key in ("network", "group", "n"))
    action = {"cyclic-rotation": f"{n} rotations", "cyclic-shift": f"{n} shifts"}
    return f"{network}, {action.get(group, f'{group} {n}')}"


def tag(model: xr.Dataset) -> str:
    """What tells a model from the others of its family, in names of quantities."""
    for key, prefix in (("strength", "strength"), ("weight_decay", "decay")):
        if float(model[key]):
            return f"{prefix}{float(model[key]):g}"
    return str(model["model"].item())


def models(family: xr.Dataset, *kinds: str) -> list[xr.Dataset]:
    """The models of some kinds (of all where none is named), by growing strength."""
    rows = [family.isel(model=i) for i in range(family.sizes["model"])]
    chosen = [row for row in rows if not kinds or row["model"].item() in kinds]
    return sorted(chosen, key=lambda row: float(row["strength"]))


def learned(family: xr.Dataset) -> list[xr.Dataset]:
    """The models with augmentation, from none of the invariance loss to the most of it."""
    return models(family, "augmented", "regularised")


def regularised(family: xr.Dataset, strength: float) -> xr.Dataset:
    """The model with the invariance loss of this strength."""
    (found,) = (m for m in models(family, "regularised") if float(m["strength"]) == strength)
    return found


def nearest_decayed(family: xr.Dataset, target: xr.Dataset) -> xr.Dataset:
    """The control by weight decay that is about as sensitive to noise as `target`."""
    wanted = np.log(values(target, "noise_error").mean())
    return min(
        models(family, "decayed"),
        key=lambda m: abs(np.log(values(m, "noise_error").mean()) - wanted),
    )


def chosen(family: xr.Dataset) -> dict[str, xr.Dataset]:
    """One model of each kind: one strength, the decay that is as insensitive, one tied."""
    found = {kind: models(family, kind)[0] for kind in ("plain", "augmented")}
    found["regularised"] = regularised(family, family.attrs["strength"])
    if models(family, "decayed"):
        found["decayed"] = nearest_decayed(family, found["regularised"])
    tied = models(family, *TIED)[0]
    return found | {str(tied["model"].item()): tied}


def values(
    model: xr.Dataset, measure: str, shift: str | None = None, strength: float = 1.0
) -> Float[np.ndarray, " member"]:
    """A measure of each network of a model, on test images or under a shift."""
    return _at(model["invariance"], measure, shift, strength).values


def summary(
    model: xr.Dataset, measure: str, shift: str | None = None, strength: float = 1.0
) -> Measured:
    """The mean over networks, and its standard error from networks and from images.

    Images are the same for all networks, so their part does not shrink by averaging.
    """
    errors = _at(model["invariance_error"], measure, shift, strength).values
    return over_networks(values(model, measure, shift, strength), errors)


def over_strengths(model: xr.Dataset, kind: str, shift: str) -> list[Measured]:
    """A measure by the degree of a shift; undefined where there is nothing to measure.

    That is in inverted images at one half, which are grey all over.
    """
    return [
        summary(model, kind, shift, s)
        if values(model, "noise_error", shift, s).min() > _NOTHING
        else Measured(float("nan"))
        for s in model["shift_strength"].values.tolist()
    ]


_NOTHING = 1e-20  # of the logits' square; rounding leaves less


def sets(family: xr.Dataset) -> Iterator[tuple[str | None, str]]:
    """The sets of images and their names: the test images, then the shifts."""
    yield None, "test"
    yield from ((name, name) for name in family["shift"].values.tolist())


def logarithmic(axes: Axes) -> None:
    """A logarithmic axis of values on which only powers of ten are written out."""
    axes.set_yscale("log")
    axes.yaxis.set_minor_formatter(NullFormatter())


def curve(axes: Axes, x: np.ndarray, found: list[Measured], **line: object) -> None:
    """Means over `x` with bands of 1.96 standard errors, kept above zero on logarithmic axes.

    The line stops at values that are not defined, and goes on after them.
    """
    middle, error = np.array([(one.value, one.uncertainty) for one in found]).T
    reach = TWO_SIDED * error
    low, high = middle - reach, middle + reach
    if axes.get_yscale() == "log":
        # An interval that reaches zero has no lower end there: symmetric in the logarithm.
        factor = np.exp(reach / middle)
        low, high = middle / factor, middle * factor
    (drawn,) = axes.plot(x, middle, **line)  # type: ignore[arg-type]
    axes.fill_between(x, low, high, color=drawn.get_color(), alpha=0.18, linewidth=0)


def _at(found: xr.DataArray, measure: str, shift: str | None, strength: float) -> xr.DataArray:
    if shift is None:
        return found.sel(measure=measure).isel(shift=0).sel(shift_strength=0.0)
    return found.sel(measure=measure, shift=shift, shift_strength=strength)
