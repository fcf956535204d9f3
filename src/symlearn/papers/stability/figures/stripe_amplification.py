"""The stripe model: how far training stretches the direction that the label depends on.

See docs/science/stability.md#the-amplification-factor and
docs/science/stability.md#relative-stability-of-the-stripe-model.
"""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.papers.stability.figures import stripe
from symlearn.papers.stability.figures.stripe import (
    REGIMES,
    counts_of,
    log_means,
    of_regime,
    on_points,
)
from symlearn.papers.stability.stripe_theory import expected_amplification
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted
from symlearn.plots.panels import FEWEST, INTERVALS, frame, plain_logarithm, powers_of_two
from symlearn.statistics import (
    Measured,
    Measurements,
    correlation,
    geometric_mean,
    largest,
    mean,
)

TITLE = "The stripe model: amplification of the direction that matters"
NEEDS: dict[str, dict[str, int]] = {"stripe-training": {}}
_PREDICTED = "amplification_predicted"
# Points from which on the amplification's power is near its limit 1/2 (measured: 0.84 up to 128
# points, 0.57 from 512 on).
_ASYMPTOTIC = 512


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """All trainings of the two regimes."""
    runs = stripe.trainings(inputs.study("stripe-training"))
    return {"runs": runs.isel(member=np.flatnonzero(np.isin(runs["regime"], list(REGIMES))))}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Amplifications by number of points, against the prediction, and the relative stability.

    The power of the amplification only of points from which on it is asymptotic.
    """
    runs = plotted["runs"]
    feature, lazy = (of_regime(runs, regime) for regime in REGIMES)
    late = stripe.asymptotic(feature, _ASYMPTOTIC)
    measured = stripe.as_measured("stability", stripe.slope(feature, "relative_stability"))
    if late is not None:
        found = stripe.slope(late, "amplification_at_fit")
        measured |= stripe.as_measured("amplification", found)
    for count in counts_of(feature):
        here = on_points(feature, count)
        ratio = here["amplification_at_fit"].values / expected_amplification(count)
        measured[f"amplification_over_always_active.p{count}"] = mean(ratio)
        measured[f"noise_response.p{count}"] = mean(here["noise_response"].values)
    logs = np.log([feature[name].values for name in ("amplification_at_fit", _PREDICTED)])
    measured |= {
        "amplification_over_predicted": geometric_mean(np.exp(logs[0] - logs[1])),
        "prediction_correlation": correlation(*logs),
    }
    start = lazy["amplification"].isel(step=0)
    return measured | {
        "lazy_change": largest((lazy["amplification"] - start).values),
        "not_converged": Measured(float((~runs["converged"].astype(bool)).sum())),
    }


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    runs = plotted["runs"]
    counts = [stripe.listed(of_regime(runs, regime)) for regime in REGIMES]
    return (
        f"Points are normal in {runs.attrs['dimension']} dimensions, and their label depends on "
        "the first coordinate (inside or outside a stripe). One hidden layer of "
        f"{runs.attrs['width']} rectified units follows the gradient flow of a soft hinge loss in "
        "full batches until all points have their margin. The amplification is the root mean "
        "square of the first layer's weights along the first coordinate over that along the "
        "others. (A) It by time, as a share of the time t* at which a tenth of the points have "
        "their margin, one line for each training; in the feature regime the colour is the number "
        "of points p. (B) It at t* by p: dots are trainings, large marks geometric means"
        f"{_intervals(runs)}. Crosses: the amplification of the direction of weights that grows "
        "fastest on each training set, without a fitted parameter. Grey: 0.37 root p, of a unit "
        "that is active on all points, whose power is reached at large p alone. "
        f"{_about_the_power(runs)}(C) Each training of the feature regime at t* against that "
        "direction. (D) The trained predictor's change under shifts that leave the label, over "
        "that under noise of the "
        "same norm. This is the relative stability of this model. The points p and (in brackets) "
        f"trainings are {counts[0]} in the feature regime and {counts[1]} in the lazy one. The "
        "trainings on one p have points and initialisations of their own. Both regimes have the "
        "same ones, and the initialisations are the same at all p. The authors' networks have 10 "
        "000 units and a feature regime of scale 1e-6; ours have the scale 1e-4."
    )


def _intervals(runs: xr.Dataset) -> str:
    counts = counts_of(runs)
    known = any(on_points(of_regime(runs, "feature"), c).sizes["member"] >= FEWEST for c in counts)
    return f", of {FEWEST} trainings or more with the {INTERVALS}" if known else ""


def _about_the_power(runs: xr.Dataset) -> str:
    if stripe.asymptotic(of_regime(runs, "feature"), _ASYMPTOTIC) is None:
        return ""
    return f"The title gives the fitted power from p = {_ASYMPTOTIC} on. "


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """By time, at t* by number of points, against the prediction, and the stability."""
    runs = plotted["runs"]
    figure, ((time, fit), (predicted, stability)) = plt.subplots(
        2, 2, figsize=(style.TWO_COLUMNS, 4.6)
    )
    _by_time(time, runs)
    for axes, quantity in ((fit, "amplification_at_fit"), (stability, "relative_stability")):
        for regime in REGIMES:
            by_points(axes, of_regime(runs, regime), quantity, regime)
        powers_of_two(axes, np.array(counts_of(runs)), "points p")
        axes.set_yscale("log")
    _predictions(fit, of_regime(runs, "feature"))
    _against_prediction(predicted, of_regime(runs, "feature"), measured)
    for axes in (fit, stability):
        frame(axes)
        plain_logarithm(axes.yaxis)
    if "amplification.slope" in measured:
        fit.set_title(f"power {measured['amplification.slope'].value:.2f}")
    fit.set_ylabel("amplification at t*")
    stability.set_ylabel("relative stability R")
    fit.legend()
    style.letters((time, fit, predicted, stability))
    return figure


def _predictions(axes: Axes, feature: xr.Dataset) -> None:
    """By number of points: of the fastest growing direction, and of an always active unit."""
    counts = np.array(counts_of(feature))
    means = [m.value for m, _, _ in log_means(feature, _PREDICTED).values()]
    axes.plot(counts, means, "x", color="black", label="fastest direction", zorder=3)
    expected = [expected_amplification(int(count)) for count in counts]
    axes.plot(counts, expected, color="0.6", label="always active")


def _against_prediction(axes: Axes, feature: xr.Dataset, measured: Measurements) -> None:
    shades = _shades(feature)
    ends = [np.inf, 0.0]
    for count, shade in shades.items():
        here = on_points(feature, count)
        x, y = here[_PREDICTED].values, here["amplification_at_fit"].values
        axes.plot(x, y, "o", color=shade, markersize=3)
        ends = [min(ends[0], x.min(), y.min()), max(ends[1], x.max(), y.max())]
    axes.plot(ends, ends, ":", color="0.6", zorder=0)
    ratio = measured["amplification_over_predicted"].value
    r = measured["prediction_correlation"].value
    axes.set(
        xscale="log", yscale="log", xlabel="of the fastest growing direction",
        ylabel="amplification at t*", title=f"r = {r:.2f}, ratio {ratio:.2f}",
    )  # fmt: skip
    for axis in (axes.xaxis, axes.yaxis):
        plain_logarithm(axis)


def _shades(feature: xr.Dataset) -> dict[int, Any]:
    """A colour for each number of points."""
    counts = counts_of(feature)
    return dict(zip(counts, plt.get_cmap("plasma")(np.linspace(0, 0.85, len(counts))), strict=True))


def _by_time(axes: Axes, runs: xr.Dataset) -> None:
    lazy = of_regime(runs, "lazy")
    _traces(axes, lazy, REGIMES["lazy"][0], "lazy")
    feature = of_regime(runs, "feature")
    for count, shade in _shades(feature).items():
        _traces(axes, on_points(feature, count), shade, f"p = {count}")
    axes.axvline(1, color="0.6", linewidth=0.8, linestyle=":")
    axes.set(xscale="log", yscale="log", xlabel="time / t*", ylabel="amplification")
    plain_logarithm(axes.yaxis)
    axes.set_xlim(left=1e-2)
    axes.legend()


def _traces(axes: Axes, runs: xr.Dataset, colour: Any, label: str) -> None:
    time = (runs["flow_time"] / runs["time_at_fit"]).transpose("step", "member").values
    values = runs["amplification"].transpose("step", "member").values
    lines = axes.plot(time[1:], values[1:], color=colour, linewidth=0.6, alpha=0.7)
    lines[0].set_label(label)


def by_points(axes: Axes, runs: xr.Dataset, quantity: str, regime: str) -> None:
    """A quantity by number of points: trainings as dots, their mean with its interval."""
    colour, marker = REGIMES[regime]
    axes.plot(runs["points"], runs[quantity], ".", color=colour, markersize=2.5, alpha=0.6)
    found = log_means(runs, quantity)
    stripe.error_bars(
        stripe.with_enough(found, runs), axes, color=colour, marker=marker, linestyle="none",
        label=regime,
    )  # fmt: skip
