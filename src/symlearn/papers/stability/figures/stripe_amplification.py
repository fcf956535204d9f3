"""The stripe model: how far training stretches the direction that the label depends on.

See docs/science/stability.md#the-amplification-factor and
docs/science/stability.md#relative-stability-of-the-stripe-model.
"""

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
from symlearn.plots.panels import INTERVALS, frame, plain_logarithm, powers_of_two
from symlearn.statistics import Measured, Measurements, largest, mean

TITLE = "The stripe model: amplification of the direction that matters"
NEEDS: dict[str, dict[str, int]] = {"stripe-training": {}}


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """All trainings of the two regimes."""
    runs = stripe.trainings(inputs.study("stripe-training"))
    return {"runs": runs.isel(member=np.flatnonzero(np.isin(runs["regime"], list(REGIMES))))}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Amplifications by regime and number of points, their slope, and the relative stability."""
    runs = plotted["runs"]
    feature, lazy = (of_regime(runs, regime) for regime in REGIMES)
    measured = stripe.as_measured("amplification", stripe.slope(feature, "amplification_at_fit"))
    measured |= stripe.as_measured("stability", stripe.slope(feature, "relative_stability"))
    for count in counts_of(feature):
        here = on_points(feature, count)
        ratio = here["amplification_at_fit"].values / expected_amplification(count)
        measured[f"amplification_over_expected.p{count}"] = mean(ratio)
        measured[f"noise_response.p{count}"] = mean(here["noise_response"].values)
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
        "others. (A) The panel shows the amplification by time, as a share of the time t* at which "
        "a tenth of the points have their margin, one line for each training. (B) The panel shows "
        f"it at t*, by number of points p: geometric means over seeds with the {INTERVALS}, the "
        "fitted power (dashed) and the one expected, 0.37 root p (grey). (C) The panel shows the "
        "trained predictor's change under shifts that leave the label, relative to noise of the "
        "same norm. This is the relative stability of this model. The points p and (in brackets) "
        f"trainings are {counts[0]} in the feature regime and {counts[1]} in the lazy one. The "
        "trainings on one p have points and initialisations of their own. Both regimes have the "
        "same ones, and the initialisations are the same at all p. The authors' networks have 10 "
        "000 units and a feature regime of scale 1e-6; ours have the scale 1e-4."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """By time, at t* by number of points, and the stability by number of points."""
    runs = plotted["runs"]
    figure, panels = plt.subplots(1, 3, figsize=(style.TWO_COLUMNS, 2.4))
    _by_time(panels[0], runs)
    counts = np.array(counts_of(runs))
    quantities = ("amplification_at_fit", "relative_stability")
    for axes, quantity in zip(panels[1:], quantities, strict=True):
        for regime in REGIMES:
            by_points(axes, of_regime(runs, regime), quantity, regime)
        powers_of_two(axes, counts, "points p")
        axes.set_yscale("log")
        frame(axes)
        plain_logarithm(axes.yaxis)
    expected = [expected_amplification(int(count)) for count in counts]
    panels[1].plot(counts, expected, color="0.6", label="expected")
    fitted = measured["amplification.slope"].value
    panels[1].set(ylabel="amplification at t*", title=f"slope {fitted:.2f}")
    panels[2].set(
        ylabel="relative stability R", title=f"slope {measured['stability.slope'].value:.2f}"
    )
    panels[1].legend()
    style.letters(panels)
    return figure


def _by_time(axes: Axes, runs: xr.Dataset) -> None:
    for regime, (colour, _) in REGIMES.items():
        here = of_regime(runs, regime)
        time = (here["flow_time"] / here["time_at_fit"]).transpose("step", "member").values
        values = here["amplification"].transpose("step", "member").values
        lines = axes.plot(time[1:], values[1:], color=colour, linewidth=0.6, alpha=0.7)
        lines[0].set_label(regime)
    axes.axvline(1, color="0.6", linewidth=0.8, linestyle=":")
    axes.set(xscale="log", yscale="log", xlabel="time / t*", ylabel="amplification")
    plain_logarithm(axes.yaxis)
    axes.set_xlim(left=1e-2)
    axes.legend()


def by_points(axes: Axes, runs: xr.Dataset, quantity: str, regime: str) -> None:
    """A quantity by number of points with its interval; in the feature regime the fitted power."""
    colour, marker = REGIMES[regime]
    found = log_means(runs, quantity)
    counts = np.array(list(found))
    stripe.error_bars(found, axes, color=colour, marker=marker, linestyle="none")
    if regime == "feature":
        power, level = np.polyfit(np.log(runs["points"].values), np.log(runs[quantity].values), 1)
        axes.plot(counts, np.exp(level) * counts**power, color=colour, linestyle="--", label="fit")
