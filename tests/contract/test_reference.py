"""The authors' own numbers, on the same images."""

import numpy as np
import pytest

from symlearn.datasets.orbits import rotation_orbits
from symlearn.kernels import gram
from symlearn.theory import (
    centre_distance_squared,
    exact_errors,
    interleaved,
    spectral_error,
)
from symlearn.theory.ridges import authors_regression, authors_spectral

from .helpers import F64, difference, relative_difference

CASES = [("mlp1", "mlp-1", 2), ("mlp1", "mlp-1", 4), ("mlp1", "mlp-1", 8)]
CASES += [("cnnfc", "cnn-fc-3", 2), ("cnnfc", "cnn-fc-3", 4)]
EXACT_RIDGE, SPECTRAL_RIDGE = 1e-10, 1e-5


@pytest.fixture(scope="module")
def numbers(reference):
    with np.load(reference / "perin_deny_pairs.npz") as archive:
        return dict(archive)


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[1]}-n{case[2]}")
def case(request, numbers, mnist):
    """The authors' numbers of one case, our orbits and our Gram matrices."""
    theirs, architecture, n = request.param
    prefix = f"{theirs}/N{n}/"
    expected = {
        key.removeprefix(prefix): value for key, value in numbers.items() if key.startswith(prefix)
    }
    orbits = np.stack(
        [rotation_orbits(mnist.levels[pair] / 255, n) for pair in numbers[f"{theirs}/idx"]]
    )
    points = orbits.reshape(len(orbits), 2 * n, 28, 28)[:, interleaved(n)]
    return expected, orbits, np.stack([gram(architecture, images) for images in points])


def _signed_errors(matrix):
    """Errors with pose 0 of the first class missing, and of the second."""
    labels = np.tile([1.0, -1.0], len(matrix) // 2)
    ridges = [authors_regression(matrix, EXACT_RIDGE, missing) for missing in (0, 1)]
    return [exact_errors(matrix, labels, [hole], ridges[hole])[0] for hole in (0, 1)]


def test_every_case_of_the_file_is_compared(numbers):
    stored = {tuple(key.split("/")[:2]) for key in numbers if not key.endswith("idx")}
    assert stored == {(theirs, f"N{n}") for theirs, _, n in CASES}


def test_gram_matrices_are_the_authors(case):
    expected, _, grams = case
    for found, theirs in zip(grams, expected["ntk"], strict=True):
        assert relative_difference(found, theirs) <= F64["reference gram"]


def test_exact_errors_are_the_authors(case):
    expected, _, grams = case
    found = [np.abs(_signed_errors(matrix)).mean() for matrix in grams]
    assert difference(found, expected["exact"]) <= F64["reference exact"]


def test_predictions_are_the_authors(case):
    expected, _, grams = case
    found = [np.array([1.0, -1.0]) - _signed_errors(matrix) for matrix in grams]
    assert difference(found, expected["pred"]) <= F64["reference exact"]


def test_spectral_errors_with_the_authors_ridge_are_the_authors(case):
    expected, _, grams = case
    found = [spectral_error(k, authors_spectral(k, SPECTRAL_RIDGE)) for k in grams]
    assert difference(found, expected["spectral"]) <= F64["reference spectral"]


def test_centre_distances_are_the_authors(case):
    expected, orbits, _ = case
    assert relative_difference(centre_distance_squared(orbits), expected["deltasq"]) <= 1e-9
