"""Test errors of the stripe and the cylinder, what is predicted and what they rest on.

See docs/science/stability.md#predicted-exponents and
docs/science/stability.md#the-kernel-of-infinite-width.
"""

from typing import NamedTuple

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.papers.stability.figures import stripe
from symlearn.papers.stability.figures.stripe import counts_of, log_means, of_regime, on_points
from symlearn.papers.stability.stripe_theory import feature_exponent, lazy_exponent
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted
from symlearn.plots.panels import FEWEST, plain_logarithm, powers_of_two
from symlearn.statistics import (
    Measured,
    Measurements,
    geometric_interval,
    geometric_mean,
    mean,
)

TITLE = "The stripe and cylinder models: learning curves with and without features"
NEEDS: dict[str, dict[str, int]] = {"stripe-training": {}, "stripe-kernel": {}}
# Points from which exponents are fitted: with fewer, errors fall faster than any power predicted.
_ASYMPTOTIC = {"feature": 128, "kernel": 512, "cylinder": 128}
_CHECKS = {"wider": "4 x units", "smaller-steps": "1/2 steps", "smaller-scale": "1/100 scale"}


class _Curve(NamedTuple):
    """Of a regime: its name in the legend, its colour and marker."""

    label: str
    colour: str
    marker: str


_CURVES = {
    "feature": _Curve("feature", "#D55E00", "o"),
    "lazy": _Curve("lazy", "#0072B2", "s"),
    "kernel": _Curve("kernel", "#009E73", "^"),
    "cylinder": _Curve("cylinder", "#CC79A7", "D"),
}
# The cylinder's dimension, and the coordinates that matter.
_CYLINDER = (3, 2)


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """All trainings, and the errors of the kernel of infinite width."""
    kernel = inputs.one("stripe-kernel")
    return {"runs": stripe.trainings(inputs.study("stripe-training")), "kernel": kernel}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Exponents with their intervals, errors, the checks, and final against initial kernel."""
    runs = plotted["runs"]
    feature = of_regime(runs, "feature")
    measured: dict[str, Measured] = {}
    for name in _ASYMPTOTIC:
        late = stripe.asymptotic(_runs(plotted, name), _ASYMPTOTIC[name])
        if late is not None:
            measured |= stripe.as_measured(name, stripe.slope(late, "test_error"))
    for name in _CURVES:
        for count, found in log_means(_runs(plotted, name), "test_error").items():
            measured[f"error.{name}.p{count}"] = found.measured
    for name in _CHECKS:
        measured[f"check.{name}"] = mean(_check(runs, name))
    trained = on_points(feature, _largest_solved(feature))
    kernels = np.log(trained["final_error"].values / trained["initial_error"].values)
    gained = trained["final_projection"].values - trained["initial_projection"].values
    both = sorted(set(counts_of(feature)) & set(counts_of(of_regime(runs, "lazy"))))
    ratios = [_geometric(feature, c) / _geometric(of_regime(runs, "lazy"), c) for c in both]
    for name in ("stretched", "last_layer"):
        ratio = trained[f"{name}_error"].values / trained["test_error"].values
        measured[f"{name}_over_network"] = geometric_mean(ratio[np.isfinite(ratio)])
    return measured | {
        "kernel_final_over_initial": Measured(float(np.exp(kernels.mean()))),
        "projection_gained": mean(gained),
        "feature_over_lazy": Measured(float(max(ratios))),
        "not_converged": Measured(float((~runs["converged"].astype(bool)).sum())),
    }


def _runs(plotted: Plotted, name: str) -> xr.Dataset:
    return plotted["kernel"] if name == "kernel" else of_regime(plotted["runs"], name)


def _geometric(runs: xr.Dataset, count: int) -> float:
    return float(np.exp(np.log(on_points(runs, count)["test_error"].values).mean()))


def _check(runs: xr.Dataset, name: str) -> np.ndarray:
    """Logarithms of the errors over those of the same seeds without the change."""
    changed = of_regime(runs, name).sortby("seed")
    same = on_points(of_regime(runs, "feature"), counts_of(changed)[0]).sortby("seed")
    pairs = min(changed.sizes["member"], same.sizes["member"])
    errors = [one["test_error"].values[:pairs] for one in (changed, same)]
    return np.log(errors[0] / errors[1])


def _largest_solved(feature: xr.Dataset) -> int:
    """The largest number of points of which the kernels are known."""
    known = feature.isel(member=np.flatnonzero(feature["final_error"].notnull()))
    return counts_of(known)[-1]


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    runs = plotted["runs"]
    dimension = runs.attrs["dimension"]
    counts = {name: stripe.listed(_runs(plotted, name)) for name in _CURVES}
    return (
        f"The models are the stripe in {dimension} dimensions with one hidden layer of "
        f"{runs.attrs['width']} units, the support vector machine of the tangent kernel of "
        f"infinitely many units, and a cylinder in {_CYLINDER[0]} dimensions, {_CYLINDER[1]} of "
        "which matter, with features. (A) The panel shows the test error by number of points p, as "
        "geometric mean over seeds with its 95 % interval. Dotted lines are the predicted powers, "
        f"-{feature_exponent(dimension):.2f} (feature), -{lazy_exponent(dimension):.2f} (lazy and "
        f"kernel) and -{feature_exponent(*_CYLINDER):.2f} (cylinder), through the last point. The "
        "legend gives the fitted powers with the 95 % interval over trainings, from p = "
        f"{_ASYMPTOTIC['feature']} (feature), {_ASYMPTOTIC['kernel']} (kernel) and "
        f"{_ASYMPTOTIC['cylinder']} (cylinder) on. Errors at fewer points fall faster, so a fit to "
        "those is no test of the prediction, and none is given where fewer than two numbers of "
        "points are left. (B) Errors of support vector machines in the feature regime against the "
        "network's: of its tangent kernel before and after training, of the products of its "
        "activations after training (last layer), and of the kernel of infinite width on points "
        "that are compressed by the network's amplification at t*. Intervals are of "
        f"{FEWEST} trainings or more, else dots are trainings. (C) The panel checks the feature "
        f"regime at p = {counts_of(of_regime(runs, 'wider'))[0]}. It shows the error with one "
        "thing changed over that of the same points and (but for the width) initialisation. Dots "
        "are seeds, bars the mean of the logarithm with its 95 % interval. The points p and (in "
        "brackets) "
        f"trainings are {'; '.join(f'{name} {text}' for name, text in counts.items())}. The "
        "authors' networks have 10 000 units."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """Learning curves, kernels before and after, checks."""
    figure, panels = plt.subplots(
        1, 3, figsize=(style.TWO_COLUMNS, 2.7), width_ratios=[1.4, 1.1, 1]
    )
    _learning(panels[0], plotted, measured)
    _kernels(panels[1], of_regime(plotted["runs"], "feature"))
    _checks(panels[2], plotted["runs"])
    style.letters(panels)
    return figure


def _learning(axes: Axes, plotted: Plotted, measured: Measurements) -> None:
    dimension = plotted["runs"].attrs["dimension"]
    predicted = {
        "feature": feature_exponent(dimension),
        "kernel": lazy_exponent(dimension),
        "cylinder": feature_exponent(*_CYLINDER),
    }
    for name, look in _CURVES.items():
        runs = _runs(plotted, name)
        if name in predicted:
            look = look._replace(label=f"{look.label}{_power(measured, name)}")
            counts = np.array(counts_of(runs), dtype=float)
            guide = (
                _geometric(runs, counts_of(runs)[-1]) * (counts / counts[-1]) ** -predicted[name]
            )
            axes.plot(counts, guide, ":", color=look.colour, linewidth=1)
        _line(axes, runs, "test_error", look)
    every = sorted({c for name in _CURVES for c in counts_of(_runs(plotted, name))})
    powers_of_two(axes, np.array(every), "points p")
    axes.set(yscale="log", ylabel="test error")
    plain_logarithm(axes.yaxis)
    axes.set_ylim(top=1.0)
    axes.legend(fontsize=5.8)


def _power(measured: Measurements, name: str) -> str:
    """The fitted power with its interval, if there is one."""
    if f"{name}.slope" not in measured:
        return ""
    value, low, high = (measured[f"{name}.slope{end}"].value for end in ("", "_low", "_high"))
    return f": {value:.2f} [{low:.2f}, {high:.2f}]"


def _kernels(axes: Axes, feature: xr.Dataset) -> None:
    solved = feature.isel(member=np.flatnonzero(feature["final_error"].notnull()))
    looks = {
        "initial_error": _Curve("kernel before", "0.5", "v"),
        "final_error": _Curve("kernel after", "#CC79A7", "D"),
        "last_layer_error": _Curve("last layer after", "#56B4E9", "P"),
        "stretched_error": _Curve("compressed points", "#009E73", "^"),
        "test_error": _CURVES["feature"]._replace(label="network"),
    }
    for quantity, look in looks.items():
        _line(axes, solved, quantity, look)
    powers_of_two(axes, np.array(counts_of(solved)), "points p")
    axes.set(yscale="log", ylabel="test error")
    plain_logarithm(axes.yaxis)
    axes.legend()


def _line(axes: Axes, runs: xr.Dataset, quantity: str, look: _Curve) -> None:
    found = stripe.with_enough(log_means(runs, quantity), runs)
    few = np.isin(runs["points"], [c for c, one in found.items() if np.isnan(one.low)])
    here = runs.isel(member=np.flatnonzero(few))
    axes.plot(here["points"], here[quantity], ".", color=look.colour, markersize=2, alpha=0.6)
    stripe.error_bars(
        found, axes, color=look.colour, marker=look.marker, linewidth=0.9,
        label=look.label,
    )  # fmt: skip


def _checks(axes: Axes, runs: xr.Dataset) -> None:
    for place, name in enumerate(_CHECKS):
        logs = _check(runs, name)
        middle, low, high = geometric_interval(np.exp(logs))
        axes.plot(np.full(len(logs), place + 0.15), np.exp(logs), ".", color="0.5", markersize=4)
        if len(logs) >= FEWEST:
            axes.plot([place, place], [low, high], color="black", linewidth=1)
        axes.plot(place, middle.value, "o", color="black")
    axes.axhline(1, color="0.6", linewidth=0.8, linestyle=":")
    axes.set_xticks(range(len(_CHECKS)), list(_CHECKS.values()), rotation=20, ha="right")
    axes.set(ylabel="error / error unchanged", xlim=(-0.5, len(_CHECKS) - 0.4))
