"""What the contract tests promise (tolerances), and independent answers to compare with."""

from collections.abc import Iterable, Sequence

import numpy as np
import pytest
import scipy.linalg

from symlearn.groups import FiniteGroup, cyclic, dihedral, product
from symlearn.stages.networks import Training

# A commutative group, and others of two kinds.
_SOME = {
    "cyclic-6": cyclic(6),
    "dihedral-4": dihedral(4),
    "cyclic-2*dihedral-3": product(cyclic(2), dihedral(3)),
}
some_groups = pytest.mark.parametrize("group", _SOME.values(), ids=_SOME)

# The promises, by the precision of the computation. Errors of regression and of kernels are
# relative to the size of what is compared unless a test says otherwise.
TOLERANCE = {
    "float64": {
        "kernel": 1e-9,  # against neural-tangents, whose angles lose half the digits
        "kernel of dense layers": 1e-13,  # against the recursion in numpy
        "kernel of a point with itself": 1e-8,  # of which neural-tangents loses half the digits
        "kernel of one pixel": 1.5e-8,  # the same where all angles do: the root of rounding
        "kernel against a careful evaluation": 1e-12,
        "symmetry": 1e-12,
        "symmetry, pooled": 1e-10,
        "tiles": 1e-14,
        "semi-definite": 1e-10,
        "regression": 1e-10,
        "orbit-block": 1e-8,
        "exact subgroup": 1e-9,
        "orbit-block, interpolated": 1e-4,  # mean absolute, pairs
        "orbit-block, several seeds": 1e-3,  # absolute, every seed
        "reference gram": 1e-9,
        "reference exact": 1e-6,
        "reference spectral": 1e-8,
        "bessel": 1e-12,
        "printed digits": 1e-4,
        "ensemble": 1e-10,
    },
    # Angles near zero keep half of the digits; pooling averages their errors away.
    "float32": {"kernel": 1e-6, "kernel of a convolution": 1e-4, "ensemble": 1e-4},
}
F64, F32 = TOLERANCE["float64"], TOLERANCE["float32"]

RIDGES = [0.0, 1e-2]


def difference(found, expected, scale=1.0) -> float:
    """The largest absolute difference, in units of `scale`."""
    return float((np.abs(np.asarray(found) - np.asarray(expected)) / scale).max())


def relative_difference(found, expected) -> float:
    """The largest absolute difference, relative to the largest expected value."""
    return difference(found, expected, np.abs(expected).max())


def scale_of(gram: np.ndarray) -> np.ndarray:
    """The size that entries of a Gram matrix can have: the norms of the two points."""
    norm = np.sqrt(np.diag(gram))
    norm = np.where(norm > 0, norm, 1.0)
    return np.outer(norm, norm)


def leave_out(gram, labels, missing: Sequence[int], ridge: float = 0.0) -> np.ndarray:
    """Residuals at the missing points, from a regression on the others written out."""
    holes = np.asarray(missing)
    kept = np.setdiff1d(np.arange(len(gram)), holes)
    training = gram[np.ix_(kept, kept)] + ridge * np.eye(len(kept))
    return labels[holes] - gram[np.ix_(holes, kept)] @ np.linalg.solve(training, labels[kept])


def random_gram(points: int, seed: int) -> np.ndarray:
    """A well-conditioned positive definite matrix."""
    features = np.random.default_rng(seed).normal(size=(points, 2 * points))
    return features @ features.T / (2 * points) + 0.1 * np.eye(points)


def invariant_gram(
    group: FiniteGroup, orbits: int, seed: int, elements: Iterable[int] | None = None
) -> np.ndarray:
    """A random kernel of points (orbit, element), invariant under `elements` of the group."""
    order = len(group)
    gram = random_gram(orbits * order, seed)
    elements = range(order) if elements is None else list(elements)
    start = np.arange(orbits)[:, None] * order
    moved = [(start + group.table[g]).ravel() for g in elements]
    return np.mean([gram[np.ix_(points, points)] for points in moved], axis=0)


def circulant_gram(points: int, seed: int) -> np.ndarray:
    """A random positive definite circulant matrix."""
    half = np.random.default_rng(seed).uniform(0.1, 3.0, size=points)
    spectrum = half + np.roll(half[::-1], 1)  # even, so that the matrix is real and symmetric
    return scipy.linalg.circulant(np.fft.ifft(spectrum).real)


def pair_labels(poses: int) -> np.ndarray:
    """Labels of two orbits, points ordered (orbit, pose)."""
    return np.repeat([1.0, -1.0], poses)


def train(spec, inputs, *, out, seconds: float = 1e9):
    """The histories of the networks of a spec, as the stage gives them; weights lie by `out`."""
    training = Training(out, "cpu", seconds)
    history = training.compute(spec, inputs)
    training.finish()
    return history
