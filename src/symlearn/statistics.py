"""Summaries with their standard errors, by bootstrap over independent problems.

The first axis of what is summarised is that of the problems (`task`). What a problem has several
of, such as its orbits, shares one Gram matrix and is not independent: it lies along further axes.
"""

from collections.abc import Callable, Mapping
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


# Measured quantities by name; claims refer to these names.
Measurements = Mapping[str, Measured]


def correlation(
    x: Float[np.ndarray, "task *within"], y: Float[np.ndarray, "task *within"]
) -> Measured:
    """Pearson's correlation of all entries, with its standard error by bootstrap over tasks."""
    return _bootstrap(lambda rows: _pearson(_entries(x, rows), _entries(y, rows)), len(x))


def rank_correlation(x: Float[np.ndarray, " task"], y: Float[np.ndarray, " task"]) -> Measured:
    """Spearman's rank correlation over tasks, with its bootstrap standard error."""
    return _bootstrap(lambda rows: _pearson(_ranks(x[rows]), _ranks(y[rows])), len(x))


class Interval(NamedTuple):
    """A measured quantity with the ends of its 95 % bootstrap interval."""

    measured: Measured
    low: float
    high: float


def rank_correlation_interval(
    x: Float[np.ndarray, " task"], y: Float[np.ndarray, " task"]
) -> Interval:
    """Spearman's rank correlation over tasks with the percentiles of its bootstrap."""
    rows = _resampled(len(x))
    found = _pearson(_ranks(x[rows]), _ranks(y[rows]))
    low, high = np.nanquantile(found, [0.025, 0.975])
    return Interval(rank_correlation(x, y), float(low), float(high))


def slope_of_logs(x: Float[np.ndarray, " point"], y: Float[np.ndarray, " point"]) -> Measured:
    """The slope of log y against log x and its standard error; NaN for fewer than three points."""
    if len(x) < 3:
        return Measured(float("nan"))
    import scipy.stats  # slow to import, and every figure imports this module

    fit = scipy.stats.linregress(np.log(x), np.log(y))
    return Measured(float(fit.slope), float(fit.stderr))


def median(x: Num[np.ndarray, " task"]) -> Measured:
    """The median over tasks, with its bootstrap standard error."""
    return _bootstrap(lambda rows: np.median(x[rows], axis=-1), len(x))


def mean(x: Shaped[np.ndarray, " task"]) -> Measured:
    """The mean over tasks and its standard error."""
    spread = x.std(ddof=1) / np.sqrt(len(x)) if len(x) > 1 else np.nan
    return Measured(float(x.mean()), float(spread))


def largest(x: Num[np.ndarray, "..."]) -> Measured:
    """The largest absolute value."""
    return Measured(float(np.abs(x).max()))


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


def _resampled(size: int) -> np.ndarray:
    return generator(0, "bootstrap", size).integers(size, size=(_RESAMPLES, size))


def _bootstrap(statistic: Callable[[np.ndarray], np.ndarray], size: int) -> Measured:
    rows = _resampled(size)
    value = statistic(np.arange(size)[None])[0]
    return Measured(float(value), float(np.nanstd(statistic(rows), ddof=1)))
