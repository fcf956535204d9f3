"""The stripe and cylinder models: labels that do not depend on most directions of space.

After Paccolat et al. 2021. Points are normal in d dimensions and their label depends on the first
d_parallel coordinates only (docs/science/stability.md#the-stripe-and-the-cylinder). A network with
one hidden layer that learns features compresses the other directions; a kernel (lazy training)
cannot.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

Points = Float[np.ndarray, "point coordinate"]
Labels = Float[np.ndarray, " point"]

# The stripe's edges: its probability is one half.
EDGES = (-0.3, 1.18549)


class Slope(NamedTuple):
    """An exponent with its standard error and the ends of its 95 % interval."""

    value: float
    error: float
    low: float
    high: float


class LinearStability(NamedTuple):
    """R = D / G, from the mean squared changes of a predictor along shifts and along noise."""

    relative: float
    shifted: float
    noisy: float


def sample_points(
    count: int, dimension: int, rng: np.random.Generator, parallel: int = 1
) -> tuple[Points, Labels]:
    """Independent normal points and their labels, 1 and -1."""
    if not 1 <= parallel < dimension:
        raise ValueError(
            f"labels that depend on {parallel} of {dimension} coordinates: at least one coordinate "
            "must matter and at least one must not"
        )
    points = rng.normal(size=(count, dimension))
    return points, labels(points, parallel)


def labels(points: Points, parallel: int = 1) -> Labels:
    """-1 inside the stripe (one direction) or outside the cylinder (more), 1 elsewhere.

    The cylinder's radius squared is that of probability one half: exact for two directions, the
    authors' approximation d_parallel - 2/3 for more.
    """
    if parallel == 1:
        negative = (points[:, 0] > EDGES[0]) & (points[:, 0] < EDGES[1])
    else:
        radius_squared = 2 * math.log(2) if parallel == 2 else parallel - 2 / 3
        negative = (points[:, :parallel] ** 2).sum(axis=1) > radius_squared
    return np.where(negative, -1.0, 1.0)


def lazy_exponent(dimension: int) -> float:
    """The decay beta of the error, p^-beta, of lazy training: for a stripe or a cylinder.

    See docs/science/stability.md#predicted-exponents.
    """
    return dimension / (3 * dimension - 2)


def feature_exponent(dimension: int, parallel: int = 1) -> float:
    """The decay beta of the error, p^-beta, of training that learns features.

    See docs/science/stability.md#predicted-exponents.
    """
    if parallel == 1:
        return (2 * dimension - 1) / (3 * dimension - 2)
    return (dimension + (dimension - parallel) / 2) / (3 * dimension - 2)


def expected_amplification(count: int) -> float:
    """The amplification of a unit that is active on all points, in its end state, ~ sqrt(p).

    sqrt(2 p / pi) |exp(-a^2 / 2) - exp(-b^2 / 2)| with a and b the stripe's edges
    (docs/science/stability.md#the-amplification-factor).
    """
    first, second = (math.exp(-0.5 * edge**2) for edge in EDGES)
    return math.sqrt(2 * count / math.pi) * abs(first - second)


def predicted_amplification(
    points: Points, labels: Labels, rng: np.random.Generator, parallel: int = 1
) -> float:
    """The amplification of the unit that grows fastest on a training set; no parameter is fitted.

    Of the directions v of a unit's weights and bias, that of the largest growth
    |<y relu(v . u)>|, u = (x / sqrt(d), 1) (docs/science/stability.md#the-amplification-factor).
    Found by ascent from many directions; cost: `_ASCENTS` x `_STARTS` passes over the points.
    """
    inputs = with_bias(points)
    starts = _directions(rng.normal(size=(_STARTS, inputs.shape[1])))
    best = max(
        (_climb(inputs, sign * labels, starts) for sign in (1, -1)), key=lambda found: found[1]
    )
    squares = best[0][:-1] ** 2
    return math.sqrt(squares[:parallel].mean() / squares[parallel:].mean())


_STARTS, _ASCENTS = 64, 300


def _climb(
    inputs: Float[np.ndarray, "point input"],
    labels: Labels,
    directions: Float[np.ndarray, "direction input"],
) -> tuple[Float[np.ndarray, " input"], float]:
    """The direction of the largest <y relu(v . u)> that ascents come to, and that growth."""
    for step in range(_ASCENTS):
        active = (inputs @ directions.T > 0) * labels[:, None]
        pull = active.T @ inputs / len(inputs)
        along = (pull * directions).sum(axis=1, keepdims=True)
        size = np.linalg.norm(pull, axis=1, keepdims=True) + 1e-300
        # Steps in the tangent plane, shorter and shorter: the growth has kinks.
        directions = _directions(directions + (pull - along * directions) / size / (1 + step / 10))
    growth = (labels[:, None] * np.maximum(inputs @ directions.T, 0)).mean(axis=0)
    return directions[growth.argmax()], float(growth.max())


def relative_stability(
    predictor: Callable[[Points], Float[np.ndarray, " point"]],
    points: Points,
    size: float,
    rng: np.random.Generator,
    parallel: int = 1,
) -> LinearStability:
    """The stability of a predictor to shifts that leave the label, relative to noise.

    Shifts and noise have the same norm, `size` times the root of the dimension, and uniform
    directions: the shifts' in the space on which labels do not depend. One of each for a point
    (docs/science/stability.md#relative-stability-of-the-stripe-model).
    """
    noise = rng.normal(size=points.shape)
    shift = rng.normal(size=points.shape)
    shift[:, :parallel] = 0.0
    before = predictor(points)
    norm = size * math.sqrt(points.shape[1])
    shifted, noisy = (
        float(((predictor(points + norm * _directions(move)) - before) ** 2).mean())
        for move in (shift, noise)
    )
    return LinearStability(shifted / noisy, shifted, noisy)


def infinite_width_kernel(
    first: Float[np.ndarray, "first coordinate"], second: Float[np.ndarray, "second coordinate"]
) -> Float[np.ndarray, "first second"]:
    """The tangent kernel of the model's network at initialisation, in the limit of large width.

    |u| |v| (sin t + 2 (pi - t) cos t) / pi with u = (x / sqrt(d), 1) and t the angle of u and v
    (docs/science/stability.md#the-kernel-of-infinite-width).
    """
    u, v = with_bias(first), with_bias(second)
    scale = np.outer(np.linalg.norm(u, axis=1), np.linalg.norm(v, axis=1))
    cosine = np.clip(u @ v.T / scale, -1.0, 1.0)
    angle = np.arccos(cosine)
    return scale * (np.sin(angle) + 2 * (np.pi - angle) * cosine) / np.pi


def with_bias(points: Points) -> Float[np.ndarray, "point input"]:
    """What a unit weighs: x / sqrt(d), and 1."""
    return np.insert(points / math.sqrt(points.shape[1]), points.shape[1], 1.0, axis=1)


def compressed(points: Points, factor: float, parallel: int = 1) -> Points:
    """Points with the directions that do not matter divided by a factor."""
    return np.concatenate([points[:, :parallel], points[:, parallel:] / factor], axis=1)


def support_vector_error(
    gram: Float[np.ndarray, "train train"],
    labels: Float[np.ndarray, " train"],
    test_gram: Float[np.ndarray, "test train"],
    test_labels: Float[np.ndarray, " test"],
) -> float:
    """The test error of the hard-margin support vector machine of a kernel.

    Lazy training under a hinge loss comes to this
    (docs/science/stability.md#the-kernel-of-infinite-width). Cost: tenths of a second at 1 000
    points.
    """
    from sklearn.svm import SVC  # slow to import, and only needed here

    # Mean diagonal one: libsvm's tolerance is absolute.
    scale = np.trace(gram) / len(gram)
    machine = SVC(C=1e10, kernel="precomputed", cache_size=500).fit(gram / scale, labels)
    return float((machine.predict(test_gram / scale) != test_labels).mean())


def label_projection(
    gram: Float[np.ndarray, "point point"], labels: Labels, count: int
) -> Float[np.ndarray, " eigenvector"]:
    """The share of the labels' square in each of the first eigenvectors of a Gram matrix."""
    _, vectors = np.linalg.eigh(gram)
    return (vectors[:, : -count - 1 : -1].T @ labels) ** 2 / (labels @ labels)


def learning_exponent(
    counts: Float[np.ndarray, " run"], errors: Float[np.ndarray, " run"]
) -> Slope:
    """The slope of log error against log number of points over runs, with Student's interval.

    Of a run without an error nothing is known but that it is small: a ValueError asks for a larger
    test set.
    """
    if (errors <= 0).any():
        raise ValueError("a run has no test error, whose logarithm is asked for: test more points")
    import scipy.stats  # slow to import, and only needed here

    fit = scipy.stats.linregress(np.log(counts), np.log(errors))
    half = float(scipy.stats.t.ppf(0.975, len(counts) - 2) * fit.stderr)
    slope, error = float(fit.slope), float(fit.stderr)
    return Slope(slope, error, slope - half, slope + half)


def _directions(
    vectors: Float[np.ndarray, "vector coordinate"],
) -> Float[np.ndarray, "vector coordinate"]:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
