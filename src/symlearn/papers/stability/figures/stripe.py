"""What the figures of the stripe model share: its trainings, arranged."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from symlearn.papers.stability.stripe_theory import Slope, learning_exponent
from symlearn.plots.inputs import labels_of
from symlearn.plots.panels import FEWEST
from symlearn.statistics import Interval, Measured, geometric_interval

REGIMES = {"feature": ("#D55E00", "o"), "lazy": ("#0072B2", "s")}


def trainings(datasets: list[xr.Dataset]) -> xr.Dataset:
    """All trainings along `member`, with their regime and number of points."""
    parts = []
    for dataset in datasets:
        labels = labels_of(dataset)
        one = dataset.drop_dims(["unit", "moment"])
        count = one.sizes["member"]
        parts.append(
            one.assign(
                regime=("member", np.repeat(labels["regime"], count)),
                points=("member", np.repeat(labels["points"], count)),
            )
        )
    joined = xr.concat(parts, dim="member", combine_attrs="drop").sortby("points")
    first = next(d for d in datasets if labels_of(d)["regime"] == "feature")
    return joined.assign_attrs(width=first.sizes["unit"], dimension=first.sizes["coordinate"])


def of_regime(runs: xr.Dataset, regime: str) -> xr.Dataset:
    """The trainings of one regime."""
    return runs.isel(member=np.flatnonzero(runs["regime"] == regime))


def on_points(runs: xr.Dataset, count: int) -> xr.Dataset:
    """The trainings on one number of points."""
    return runs.isel(member=np.flatnonzero(runs["points"] == count))


def counts_of(runs: xr.Dataset) -> list[int]:
    """The numbers of points, growing."""
    return [int(count) for count in np.unique(runs["points"])]


def slope(runs: xr.Dataset, quantity: str) -> Slope:
    """The slope of log quantity against log number of points, over trainings."""
    return learning_exponent(runs["points"].values.astype(float), runs[quantity].values)


def asymptotic(runs: xr.Dataset, start: int) -> xr.Dataset | None:
    """The runs on `start` points or more, if they are on two numbers of points at least."""
    late = runs.isel(member=np.flatnonzero(runs["points"] >= start))
    return late if len(counts_of(late)) > 1 else None


def as_measured(name: str, found: Slope) -> dict[str, Measured]:
    """A slope with its standard error, and the ends of its 95 % interval."""
    return {
        f"{name}.slope": Measured(found.value, found.error),
        f"{name}.slope_low": Measured(found.low),
        f"{name}.slope_high": Measured(found.high),
    }


def log_means(runs: xr.Dataset, quantity: str) -> dict[int, Interval]:
    """The geometric mean over seeds, by number of points."""
    return {
        count: geometric_interval(on_points(runs, count)[quantity].values)
        for count in counts_of(runs)
    }


def with_enough(found: Mapping[int, Interval], runs: xr.Dataset) -> dict[int, Interval]:
    """The same without the intervals of fewer trainings than say something (`FEWEST`)."""
    few = {c for c in found if on_points(runs, c).sizes["member"] < FEWEST}
    none = float("nan")
    return {c: one._replace(low=none, high=none) if c in few else one for c, one in found.items()}


def error_bars(found: Mapping[int, Interval], axes: Axes, **look: Any) -> None:
    """Geometric means by number of points with their intervals, none where it is undefined."""
    values, low, high = np.array([(m.value, low, high) for m, low, high in found.values()]).T
    reach = np.nan_to_num([values - low, high - values])
    axes.errorbar(list(found), values, reach, capsize=2, **look)


def listed(runs: xr.Dataset) -> str:
    """Numbers of points with, in brackets, those of trainings, for captions."""
    return ", ".join(f"{c} ({on_points(runs, c).sizes['member']})" for c in counts_of(runs))
