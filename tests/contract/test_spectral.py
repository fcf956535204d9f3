"""The spectral error: where it is exact, and what averaging to a circulant keeps."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from symlearn.groups import Subgroup, cyclic
from symlearn.kernels import gram
from symlearn.theory import (
    circulant_row,
    class_separation,
    exact_errors,
    interleaved,
    solve_gram,
    spectral_error,
    spectrum,
)
from symlearn.theory.orbit_block import average_over_subgroup
from symlearn.theory.spectral import pairwise_spectral_errors

from .helpers import F64, circulant_gram, difference, invariant_gram, random_gram

SEEDS = st.integers(0, 2**32 - 1)


def _alternating(points):
    return np.tile([1.0, -1.0], points // 2)


@settings(max_examples=50)
@given(st.integers(2, 20), SEEDS, st.floats(0.0, 1.0))
def test_spectral_error_is_exact_on_circulant_matrices(poses, seed, ridge):
    matrix = circulant_gram(2 * poses, seed)
    labels = _alternating(2 * poses)
    missing = seed % (2 * poses)
    exact = labels[missing] * exact_errors(matrix, labels, [missing], ridge)[0]
    assert difference(spectral_error(matrix, ridge), exact) <= F64["regression"]


def test_spectrum_is_that_of_a_circulant_matrix():
    matrix = circulant_gram(12, seed=1)
    expected = np.sort(np.linalg.eigvalsh(matrix))
    assert difference(np.sort(spectrum(matrix)), expected) <= 1e-12


@settings(max_examples=25)
@given(st.integers(2, 12), SEEDS)
def test_averaging_keeps_trace_and_semi_definiteness(poses, seed):
    features = np.random.default_rng(seed).normal(size=(2 * poses, 2))
    matrix = features @ features.T
    averaged = scipy.linalg.circulant(circulant_row(matrix))
    assert np.trace(averaged) == pytest.approx(np.trace(matrix), rel=1e-12)
    assert np.linalg.eigvalsh(averaged).min() > -1e-12 * np.trace(matrix)
    assert difference(averaged, averaged.T) <= 1e-12 * np.trace(matrix)


def test_averaging_is_the_mean_over_all_cyclic_shifts():
    matrix = random_gram(10, seed=2)
    shifted = [np.roll(matrix, (s, s), (0, 1)) for s in range(10)]
    expected = scipy.linalg.circulant(circulant_row(matrix))
    assert difference(np.mean(shifted, axis=0), expected) <= 1e-14


@settings(max_examples=25)
@given(st.integers(1, 12), SEEDS)
def test_label_eigenvalue_is_the_class_separation_of_any_kernel(poses, seed):
    features = np.random.default_rng(seed).normal(size=(2, poses, 7))
    points = features.reshape(2 * poses, 7)
    matrix = points @ points.T
    order = interleaved(poses)
    last = spectrum(matrix[np.ix_(order, order)])[poses]
    centres = features.mean(axis=1)
    discrepancy = ((centres[0] - centres[1]) ** 2).sum()
    scale = np.trace(matrix)
    assert difference(class_separation(matrix), last, scale) <= F64["regression"]
    assert difference(last, poses / 2 * discrepancy, scale) <= F64["regression"]


@pytest.mark.parametrize("architecture", ["mlp-1", "cnn-fc-3", "cnn-gap-3"])
def test_label_eigenvalue_is_the_class_separation_of_the_kernels(architecture):
    matrix = gram(architecture, np.random.default_rng(3).normal(size=(10, 5, 5)))
    order = interleaved(5)
    last = spectrum(matrix[np.ix_(order, order)])[5]
    assert class_separation(matrix) == pytest.approx(last, rel=F64["regression"])


@pytest.mark.parametrize("ridge", [0.0, 1e-2])
def test_pairwise_errors_are_those_of_each_pair_alone(ridge):
    poses, class_of = 6, np.array([0, 1, 1, 0, 1])
    group = cyclic(poses)
    matrix = random_gram(5 * poses, seed=4)  # not invariant: averaging must agree too
    averages = average_over_subgroup(matrix, 5, Subgroup(group, np.arange(poses)))
    found = pairwise_spectral_errors(averages, class_of == 0, class_of == 1, ridge)
    assert found.shape == (2, 3)
    for i, first in enumerate(np.flatnonzero(class_of == 0)):
        for j, second in enumerate(np.flatnonzero(class_of == 1)):
            points = np.concatenate([np.arange(poses) + q * poses for q in (first, second)])
            points = points[interleaved(poses)]
            alone = spectral_error(matrix[np.ix_(points, points)], ridge)
            assert difference(found[i, j], alone) <= F64["regression"]


@settings(max_examples=50)
@given(st.integers(2, 10), SEEDS)
def test_error_below_one_means_the_right_sign(poses, seed):
    matrix = invariant_gram(cyclic(poses), 2, seed)
    labels = np.repeat([1.0, -1.0], poses)
    missing = seed % (2 * poses)
    kept = np.delete(np.arange(2 * poses), missing)
    weights = np.linalg.solve(matrix[np.ix_(kept, kept)], labels[kept])
    prediction = matrix[missing, kept] @ weights
    error = labels[missing] * exact_errors(matrix, labels, [missing])[0]
    assert (error < 1) == (labels[missing] * prediction > 0)


@settings(max_examples=50)
@given(st.integers(2, 10), SEEDS)
def test_spectral_error_below_one_means_the_label_eigenvalue_beats_the_harmonic_mean(poses, seed):
    matrix = circulant_gram(2 * poses, seed)
    eigenvalues = spectrum(matrix)
    harmonic = 1 / (1 / eigenvalues).mean()
    assert (spectral_error(matrix) < 1) == (eigenvalues[poses] > harmonic)


def test_functions_take_a_batch_of_matrices():
    matrices = np.stack([random_gram(8, seed) for seed in range(3)])
    one_by_one = [spectral_error(matrix) for matrix in matrices]
    assert difference(spectral_error(matrices), one_by_one) <= 1e-14


def test_mean_reciprocal_is_the_diagonal_of_the_inverse():
    matrix = circulant_gram(10, seed=5)
    inverse = solve_gram(matrix).inverse
    assert inverse[0, 0] == pytest.approx((1 / spectrum(matrix)).mean(), rel=1e-12)
