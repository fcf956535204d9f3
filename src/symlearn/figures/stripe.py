"""What the figures of the stripe model share: its trainings, arranged."""

import numpy as np
import xarray as xr

from symlearn.figures.inputs import labels_of
from symlearn.statistics import TWO_SIDED, Measured
from symlearn.theory.stripe import Slope, learning_exponent

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


def as_measured(name: str, found: Slope) -> dict[str, Measured]:
    """A slope and the ends of its 95 % interval."""
    error = (found.high - found.low) / (2 * TWO_SIDED)
    return {
        f"{name}.slope": Measured(found.value, error),
        f"{name}.slope_low": Measured(found.low),
        f"{name}.slope_high": Measured(found.high),
    }


def log_means(runs: xr.Dataset, quantity: str) -> dict[int, tuple[float, float, float]]:
    """Geometric mean over seeds with 1.96 standard errors to each side, by number of points."""
    found = {}
    for count in counts_of(runs):
        logs = np.log(on_points(runs, count)[quantity].values)
        reach = TWO_SIDED * logs.std(ddof=1) / np.sqrt(len(logs)) if len(logs) > 1 else np.nan
        low, middle, high = np.exp(logs.mean() + np.array([-reach, 0.0, reach]))
        found[count] = (float(middle), float(low), float(high))
    return found


def listed(runs: xr.Dataset) -> str:
    """Numbers of points with, in brackets, those of trainings, for captions."""
    return ", ".join(f"{c} ({on_points(runs, c).sizes['member']})" for c in counts_of(runs))
