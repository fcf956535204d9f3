"""Summaries with their standard errors, by bootstrap over independent problems.

The first axis of what is summarised is that of the problems (`task`). What a problem has several
of, such as its orbits, shares one Gram matrix and is not independent: it lies along further axes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Num, Shaped

from symlearn.randomness import generator

_RESAMPLES = 500

TWO_SIDED = 1.96
"""Standard errors from the middle of a 95 % interval to its ends."""


class Measured(NamedTuple):
    """A measured quantity and its standard error (NaN where there is none)."""

    value: float
    uncertainty: float = float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """The ends of the normal 95 % interval."""
        reach = TWO_SIDED * self.uncertainty
        return self.value - reach, self.value + reach


class Bounded(Measured):
    """A measured quantity that has bounds, such as a correlation, with an interval within them."""

    ends: tuple[float, float]

    def __new__(cls, value: float, uncertainty: float, ends: tuple[float, float]) -> "Bounded":
        """Value and standard error stay the tuple; the ends are of the 95 % interval."""
        made = super().__new__(cls, value, uncertainty)
        made.ends = ends
        return made

    @property
    def interval(self) -> tuple[float, float]:
        """The ends of the 95 % interval."""
        return self.ends


# Measured quantities by name; claims refer to these names.
Measurements = Mapping[str, Measured]


def correlation(
    x: Float[np.ndarray, "task *within"], y: Float[np.ndarray, "task *within"]
) -> Measured:
    """Pearson's correlation of all entries, with its bootstrap over tasks.

    The interval is of percentiles, which stay between -1 and 1.
    """
    return _bootstrap(lambda rows: _pearson(_entries(x, rows), _entries(y, rows)), len(x))


def rank_correlation(
    x: Float[np.ndarray, " task"],
    y: Float[np.ndarray, " task"],
    groups: Shaped[np.ndarray, " task"] | None = None,
) -> Measured:
    """Spearman's rank correlation over tasks, with its bootstrap standard error.

    Tasks of one of the `groups` are no independent draws: they are resampled together.
    """
    return _bootstrap(lambda rows: _pearson(_ranks(x[rows]), _ranks(y[rows])), len(x), groups)


class Interval(NamedTuple):
    """A measured quantity with the ends of its 95 % interval."""

    measured: Measured
    low: float
    high: float


_UNDEFINED = Interval(Measured(float("nan")), float("nan"), float("nan"))


def rank_correlation_interval(
    x: Float[np.ndarray, " task"],
    y: Float[np.ndarray, " task"],
    groups: Shaped[np.ndarray, " task"] | None = None,
) -> Interval:
    """Spearman's rank correlation over tasks with the percentiles of its bootstrap.

    Tasks of one group are not independent: groups are resampled, with all that is in them. Tasks
    of which one value is not finite are left out; NaN where fewer than three are left. The
    interval of one group alone is undefined.
    """
    return _rank_interval([x], y, groups)


def rank_correlation_difference(
    first: Float[np.ndarray, " task"],
    second: Float[np.ndarray, " task"],
    y: Float[np.ndarray, " task"],
    groups: Shaped[np.ndarray, " task"] | None = None,
) -> Interval:
    """The rank correlation of y with the first values less that with the second.

    Both over the same tasks in each resample; else as `rank_correlation_interval`.
    """
    return _rank_interval([first, second], y, groups)


def student(count: int) -> float:
    """Standard errors from the mean of so many values to the ends of its 95 % interval.

    Student's factor: 1.96 for very many values, 12.7 for two, NaN for one.
    """
    if count < 2:
        return float("nan")
    import scipy.stats  # slow to import, and every figure imports this module

    return float(scipy.stats.t.ppf(0.975, count - 1))


def geometric_interval(values: Float[np.ndarray, " seed"]) -> Interval:
    """The geometric mean with its standard error and, from the logarithms, Student's interval.

    Values that have no logarithm, NaN among them, are left out.
    """
    kept = values[np.isfinite(values) & (values > 0)]
    if not len(kept):
        return _UNDEFINED
    found = geometric_mean(kept)
    reach = float(np.exp(student(len(kept)) * found.uncertainty / found.value))
    return Interval(found, found.value / reach, found.value * reach)


def wilson(share: float, count: int) -> tuple[float, float]:
    """The ends of the 95 % interval of a probability, from the share of `count` draws (Wilson's).

    It has a width where none or all were hits, too.
    """
    import scipy.stats  # as above

    hits = round(share * count)
    found = scipy.stats.binomtest(hits, count).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def slope_of_logs(x: Float[np.ndarray, " point"], y: Float[np.ndarray, " point"]) -> Measured:
    """The slope of log y against log x and its standard error.

    Points without logarithms are left out; NaN for fewer than three or for a single x.
    """
    kept = np.isfinite(x) & np.isfinite(y) & (x > 0) & (y > 0)
    x, y = x[kept], y[kept]
    if len(x) < 3 or len(np.unique(x)) < 2:
        return Measured(float("nan"))
    import scipy.stats  # as above

    fit = scipy.stats.linregress(np.log(x), np.log(y))
    return Measured(float(fit.slope), float(fit.stderr))


def power_interval(x: Float[np.ndarray, " point"], y: Float[np.ndarray, " point"]) -> Interval:
    """The power b of y ~ x^b by least squares of logarithms, with percentiles of its bootstrap.

    Points are the units that are resampled: their scatter about the line need not be normal.
    Points without logarithms are left out; NaN for fewer than three or for a single x.
    """
    found = slope_of_logs(x, y)
    if np.isnan(found.value):
        return _UNDEFINED
    kept = np.isfinite(x) & np.isfinite(y) & (x > 0) & (y > 0)
    logs = np.log(x[kept]), np.log(y[kept])
    rows = _resampled(int(kept.sum()))
    a, b = (one[rows] - one[rows].mean(axis=1, keepdims=True) for one in logs)
    squares = (a**2).sum(axis=1)
    drawn = (a * b).sum(axis=1) / np.where(squares > 0, squares, np.nan)
    return Interval(
        found._replace(uncertainty=float(np.nanstd(drawn, ddof=1))), *_percentiles(drawn)
    )


def median(x: Num[np.ndarray, " task"]) -> Measured:
    """The median over tasks, with its bootstrap standard error."""
    return _bootstrap(lambda rows: np.median(x[rows], axis=-1), len(x))


class Intervals(NamedTuple):
    """Measured quantities with their standard errors and the ends of their 95 % intervals."""

    middle: np.ndarray
    error: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def one(self) -> Bounded:
        """The same of a single quantity."""
        return Bounded(float(self.middle), float(self.error), (float(self.low), float(self.high)))


def crossed(
    statistic: Callable[[np.ndarray], np.ndarray], x: Float[np.ndarray, "network image *within"]
) -> Intervals:
    """A statistic of values of several networks that all see the same images.

    Its errors and intervals are of a bootstrap that draws networks and images independently of
    each other: more networks do not average out the images that they have in common.
    """
    networks, images = x.shape[:2]
    rows = zip(_resampled(networks, "networks"), _resampled(images), strict=True)
    drawn = np.array([statistic(x[these][:, those]) for these, those in rows])
    low, high = np.nanquantile(drawn, [0.025, 0.975], axis=0)
    return Intervals(np.asarray(statistic(x)), np.nanstd(drawn, axis=0, ddof=1), low, high)


def crossed_medians(x: Float[np.ndarray, "network image *within"]) -> Intervals:
    """The median over images, mean over networks that all see the same images."""
    return crossed(lambda values: np.median(values, axis=1).mean(axis=0), x)


def ratio_of_means(
    numerator: Float[np.ndarray, " task"], denominator: Float[np.ndarray, " task"]
) -> Measured:
    """The ratio of two means over the same tasks, with its standard error (delta method).

    The error is that of the mean of numerator - ratio * denominator, over the denominator's mean:
    both means vary. NaN where the denominator is zero in all tasks.
    """
    scale = float(denominator.mean())
    if scale == 0:
        return Measured(float("nan"))
    ratio = float(numerator.mean()) / scale
    return Measured(ratio, mean(numerator - ratio * denominator).uncertainty / abs(scale))


def over_networks(
    values: Float[np.ndarray, " network"], errors: Float[np.ndarray, " network"]
) -> Measured:
    """The mean over networks, each with its standard error over images that all have in common.

    The images' part does not shrink by averaging over networks.
    """
    of_networks = values.var(ddof=1) / len(values) if len(values) > 1 else np.nan
    return Measured(float(values.mean()), float(np.sqrt(of_networks + (errors**2).mean())))


def geometric_ratio(
    numerator: tuple[np.ndarray, np.ndarray], denominator: tuple[np.ndarray, np.ndarray]
) -> Measured:
    """The geometric mean over networks of a ratio of two errors, each with those over images.

    Each of the two is (value by network, its standard error over images). The images' part, by
    the delta method as if the two were measured on different images, does not shrink by averaging
    over networks, which have them in common.
    """
    (above, above_error), (below, below_error) = numerator, denominator
    found = geometric_mean(above / below)
    relative = np.sqrt(((above_error / above) ** 2 + (below_error / below) ** 2).mean())
    error = np.hypot(found.uncertainty, found.value * relative)
    return Measured(found.value, float(error))


def mean(x: Shaped[np.ndarray, " task"]) -> Measured:
    """The mean over tasks and its standard error."""
    spread = x.std(ddof=1) / np.sqrt(len(x)) if len(x) > 1 else np.nan
    return Measured(float(x.mean()), float(spread))


def mean_interval(x: Float[np.ndarray, "task *within"]) -> tuple[np.ndarray, np.ndarray]:
    """The ends of the 95 % interval of the mean over tasks: percentiles of its bootstrap.

    They stay within the range of the values, as those of an accuracy must.
    """
    drawn = x[_resampled(len(x))].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return low, high


def geometric_mean(x: Float[np.ndarray, " task"]) -> Measured:
    """The geometric mean over tasks and its standard error, that of the mean logarithm times it.

    For ratios: of two quantities that are alike it is about 1, where the arithmetic mean is above.
    """
    with np.errstate(divide="ignore", invalid="ignore"):  # a ratio of zero makes the mean zero
        logs = mean(np.log(x))
        middle = float(np.exp(logs.value))
    return Measured(middle, middle * logs.uncertainty)


def ratio(above: Measured, below: Measured) -> Measured:
    """One measured quantity over another, with its standard error as if they were independent.

    To first order. Where both are of the same tasks, and vary together, it is too large.
    """
    value = above.value / below.value
    first, second = (one.uncertainty / one.value for one in (above, below))
    return Measured(value, abs(value) * float(np.hypot(first, second)))


def largest(x: Num[np.ndarray, "..."]) -> Measured:
    """The largest absolute value."""
    return Measured(float(np.abs(x).max()))


def first_below(
    values: Float[np.ndarray, "point *within"], at: Shaped[np.ndarray, " point"], bound: float
) -> Float[np.ndarray, "*within"]:
    """Where values along the first axis are first smaller than the bound in size; else infinite.

    So N* of docs/science/orbits.md#how-many-poses-are-enough is found, from errors at growing N.
    """
    below = np.abs(values) < bound
    first = np.asarray(at, dtype=float)[below.argmax(axis=0)]
    return np.where(below.any(axis=0), first, np.inf)


def mean_absolute(x: Num[np.ndarray, "task *within"]) -> Measured:
    """The mean absolute value of all entries, with its standard error over tasks."""
    return mean(np.abs(x).reshape(len(x), -1).mean(axis=1))


def _entries(x: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """All entries of the tasks in each row of `rows`, along the last axis."""
    return x[rows].reshape(len(rows), -1)


def _pearson(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Correlations along the last axis."""
    x = x - x.mean(axis=-1, keepdims=True)
    y = y - y.mean(axis=-1, keepdims=True)
    scale = np.sqrt((x**2).sum(axis=-1) * (y**2).sum(axis=-1))
    return (x * y).sum(axis=-1) / np.where(scale > 0, scale, np.nan)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks along the last axis."""
    import scipy.stats  # as above

    return scipy.stats.rankdata(values, axis=-1)


def _rank_interval(
    values: Sequence[np.ndarray], y: np.ndarray, groups: np.ndarray | None
) -> Interval:
    """The first values' rank correlation with y less those of the others."""
    kept = np.isfinite([*values, y]).all(axis=0)
    groups = (np.arange(len(y)) if groups is None else groups)[kept]
    values, y = [one[kept] for one in values], y[kept]
    if len(y) < 3:
        return _UNDEFINED

    def difference(rows: np.ndarray) -> float:
        ranks = _ranks(np.array([one[rows] for one in (*values, y)]))
        first, *others = _pearson(ranks[:-1], ranks[-1]).tolist()
        return first - sum(others)

    value = difference(np.arange(len(y)))
    if np.isnan(value) or len(np.unique(groups)) < 2:
        return _UNDEFINED._replace(measured=Measured(value))
    found = np.array([difference(rows) for rows in _resampled_groups(groups)])
    return Interval(Measured(value, float(np.nanstd(found, ddof=1))), *_percentiles(found))


def _resampled_groups(groups: np.ndarray) -> Iterator[np.ndarray]:
    """The rows of each resample: those of all groups drawn."""
    rows = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    for drawn in _resampled(len(rows)):
        yield np.concatenate([rows[group] for group in drawn])


def _resampled(size: int, stream: str = "bootstrap") -> np.ndarray:
    return generator(0, stream, size).integers(size, size=(_RESAMPLES, size))


def _bootstrap(
    statistic: Callable[[np.ndarray], np.ndarray], size: int, groups: np.ndarray | None = None
) -> Measured:
    value = statistic(np.arange(size)[None])[0]
    if groups is None:
        drawn = statistic(_resampled(size))
    else:
        # Draws differ in size where groups do.
        drawn = np.array([statistic(row[None])[0] for row in _resampled_groups(groups)])
    return Bounded(float(value), float(np.nanstd(drawn, ddof=1)), _percentiles(drawn))


def _percentiles(drawn: np.ndarray) -> tuple[float, float]:
    """Those that leave 2.5 % on each side; NaN where nothing is finite."""
    kept = drawn[np.isfinite(drawn)]
    low, high = np.quantile(kept, [0.025, 0.975]).tolist() if kept.size else [np.nan, np.nan]
    return low, high
