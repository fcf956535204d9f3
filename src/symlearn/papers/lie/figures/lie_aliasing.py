"""Figure lie-aliasing: how much nonlinearities and down-samplings alias, by frequency.

See docs/science/lie.md#the-aliasing-law and docs/science/lie.md#the-rectified-cosine.
"""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted
from symlearn.statistics import Measured, Measurements, largest, mean

TITLE = "Aliasing breaks translation: nonlinearities and down-samplings by frequency"
NEEDS: dict[str, dict[str, int]] = {"lie-aliasing": {}}
_SAMPLES = 64  # of the cosines
# Of what the image before down-sampling can hold, as in docs/science/lie.md#what-aliases.
_SHOWN = 0.75
_LOOKS = (
    ("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"), ("#E69F00", "D"), ("#CC79A7", "v"),
    ("#666666", "x"),
)  # fmt: skip
_NAMES = {
    "relu": "ReLU", "gelu": "GELU", "average": "average of 2", "max": "maximum of 2",
    "binomial-3": "binomial, 3", "binomial-5": "binomial, 5", "ideal": "ideal filter",
}  # fmt: skip


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The study as it is."""
    return {"aliasing": inputs.one("lie-aliasing")}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Errors, their distance from the closed forms, and how they go with frequency."""
    found = plotted["aliasing"]
    waves = found["wave"].values
    ratio = (found["wave_error"] / found["wave_predicted"]).values
    by_wave = dict(zip(waves.tolist(), found["wave_error"].values.tolist(), strict=True))
    measured = {
        "wave.difference_of_divisors": largest(ratio[_SAMPLES % waves == 0] - 1),
        "wave.difference": largest(ratio - 1),
        "wave.31_over_16": Measured(by_wave[31] / by_wave[16]),
    }
    for name in found["activation"].values:
        measured |= _activation(found.sel(activation=name).dropna("band", how="all"), name)
    for name in found["down_sampling"].values:
        measured |= _down_sampling(found.sel(down_sampling=name), name)
    return measured


def _activation(found: xr.Dataset, name: str) -> dict[str, Measured]:
    errors = found["activation_error"].dropna("band")
    predicted = found["activation_predicted"].sel(band=errors["band"])
    highest = int(found.attrs["pixels"]) // 2
    degree = {"square": 2, "cube": 3}.get(name)
    measured = {
        f"activation.difference.{name}": largest((errors - predicted).values),
        f"activation.smallest_step.{name}": Measured(
            float(errors.mean("image").diff("band").min())
        ),
        f"activation.lowest_band.{name}": mean(errors.isel(band=0).values),
        f"activation.highest_band.{name}": mean(errors.isel(band=-1).values),
    }
    if degree:
        held = errors["band"] * degree <= highest
        measured[f"activation.harmonics_held.{name}"] = largest(errors.values[held.values])
        first = errors.isel(band=int(held.sum()))
        measured[f"activation.first_not_held.{name}"] = mean(first.values)
    return measured


def _down_sampling(found: xr.Dataset, name: str) -> dict[str, Measured]:
    errors, predicted = found["down_sampling_error"], found["down_sampling_predicted"]
    shown = _shown_band(found)
    measured = {f"down_sampling.error.{name}": mean(errors.sel(band=shown).values)}
    if not predicted.isnull().any():
        measured[f"down_sampling.difference.{name}"] = largest((errors - predicted).values)
    return measured


def _shown_band(found: xr.Dataset) -> int:
    return round(_SHOWN * found.attrs["pixels"])


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    found = plotted["aliasing"]
    pixels, draws = int(found.attrs["pixels"]), found.sizes["image"]
    return (
        "The figure shows the spectral Lie derivative of what torch computes, by translation along "
        "a row. Nothing is trained. The images are random and periodic, with independent normal "
        f"modes up to a frequency, {draws} images at each (bars: standard error). Errors are norms "
        "relative to the output's own motion under the translation. (A) Nonlinearities act on "
        f"{pixels} x {pixels} pixels. Lines are the closed form of aliasing with the harmonics of "
        "the output, which are exact for powers and otherwise come from a grid nine times finer. "
        f"(B) Points are the derivative of the mean of {_SAMPLES} samples of a rectified cosine by "
        "a shift of one pixel, as root mean square over the cosine's phase. The line is the closed "
        f"form. (C) Images of {2 * pixels} x {2 * pixels} pixels are down-sampled by two after "
        "filters along rows and columns. Lines are the closed form; the maximum has none. "
        "Frequencies in A and C are relative to the highest that the output can hold. The closed "
        "forms are this project's. The values of the smooth nonlinearities hold for the spectral "
        "derivative. The bilinear resampling of the paper adds an interpolation error."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """Activations, cosines, down-samplings."""
    found = plotted["aliasing"]
    figure, panels = plt.subplots(1, 3, figsize=(style.TWO_COLUMNS, 2.6))
    activations, cosines, down_samplings = panels
    _errors(activations, found, "activation")
    _errors(down_samplings, found, "down_sampling")
    activations.set_ylabel("equivariance error (relative)")
    down_samplings.set_ylabel("equivariance error (relative)")
    waves = found["wave"]
    cosines.plot(waves, found["wave_predicted"], color="0.5", linewidth=0.8, label="closed form")
    cosines.plot(waves, found["wave_error"], "o", color="#0072B2", markersize=3, label="measured")
    cosines.set(
        yscale="log", xlabel=f"periods in {_SAMPLES} samples",
        ylabel="error of mean ReLU(cos), per pixel",
    )  # fmt: skip
    cosines.legend(loc="lower right")
    style.letters(panels)
    return figure


def _errors(axes: Axes, found: xr.Dataset, dim: str) -> None:
    """Markers measured, lines predicted."""
    highest = found.attrs["pixels"] / 2
    for name, (colour, marker) in zip(found[dim].values, _LOOKS, strict=False):
        here = found.sel({dim: name})
        errors = here[f"{dim}_error"].dropna("band", how="all")
        x = errors["band"] / highest
        reach = errors.std("image", ddof=1) / np.sqrt(errors.sizes["image"])
        axes.errorbar(
            x, errors.mean("image"), reach, fmt=marker, color=colour, markersize=2.5,
            elinewidth=0.7, label=_NAMES.get(name, name),
        )  # fmt: skip
        line = here[f"{dim}_predicted"].sel(band=errors["band"]).mean("image")
        axes.plot(x, line, color=colour, linewidth=0.8)
    axes.axvline(1, color="0.8", linewidth=0.8, zorder=0)
    axes.set(xlabel="highest frequency of the image")
    axes.legend(loc="upper left", fontsize=5.8)
