"""Two rings: closed form of the spectrum, its reference values, and collapsed orbits.

See docs/science/orbits.md#two-rings and docs/science/orbits.md#the-ridge-floor.
"""

import numpy as np
import pytest

from symlearn.datasets.orbits import make_orbits
from symlearn.kernels import gram
from symlearn.kernels.of_orbits import exact_symmetries
from symlearn.papers.orbits.bessel import bessel_error, bessel_spectrum
from symlearn.papers.orbits.rings import ring_gram
from symlearn.theory import (
    class_separation,
    exact_errors,
    interleaved,
    spectral_error,
    spectrum,
)
from symlearn.theory.ridges import authors_regression, authors_spectral

from .helpers import F64, difference, pair_labels

RIDGE_FACTOR = 1e-5
# The table of docs/science/orbits.md#two-rings: points per ring, error without ridge, error with
# the authors' ridge.
SIZE_SWEEP = [
    (4, "1.04744", "1.04743"),
    (8, ".539970", ".540049"),
    (12, ".121594", ".121857"),
    (16, ".0127276", ".0132184"),
    (20, "7.3214e-4", "1.35665e-3"),
    (24, "2.683e-5", "4.910e-4"),
    (28, "6.84e-7", "3.300e-4"),
    (32, "1.285e-8", "2.649e-4"),
    (36, "1.85e-10", "2.296e-4"),
    (40, "2.1e-12", "2.075e-4"),
    (44, "2.0e-14", "1.924e-4"),
    (48, "1.5e-16", "1.814e-4"),
]
SIZES = [n for n, *_ in SIZE_SWEEP]
# From here on the authors' ridge exceeds the smallest eigenvalue, and the error is its plateau.
PLATEAU = 20
SEPARATIONS = [0.0, *np.logspace(-2, 1, 20)]
SEPARATION_ERRORS = ["7.516", "7.230", "6.955", "6.469", "5.715", "4.745", "3.747", "2.893"]
SEPARATION_ERRORS += ["2.217", "1.674", "1.2414", ".9156", ".6756", ".4933", ".3580", ".2736"]
SEPARATION_ERRORS += [".2401", ".2356", ".2355", ".2355", ".23553"]


def _by_size(n):
    return n, 1.0, 1.4


def _by_separation(separation):
    return 6, float(separation), 0.85


def _exact(matrix, ridge=0.0):
    labels = np.tile([1.0, -1.0], len(matrix) // 2)
    return exact_errors(matrix, labels, [0], ridge)[0]


def _agrees(found, printed):
    """Within the promised digits, or half a unit of the last printed one where that is coarser."""
    mantissa, _, exponent = printed.partition("e")
    last = 10.0 ** (int(exponent or 0) - len(mantissa.split(".")[1]))
    expected = float(printed)
    return difference(found, expected) <= max(F64["printed digits"] * expected, 0.5 * last)


@pytest.mark.parametrize("setting", [*map(_by_size, SIZES), *map(_by_separation, SEPARATIONS)])
def test_closed_form_is_the_spectrum_of_the_gram_matrix(setting):
    expected = bessel_spectrum(*setting)
    found = spectrum(ring_gram(*setting))
    assert difference(found, expected, expected.max()) <= F64["bessel"]


@pytest.mark.parametrize(("n", "printed", "_"), SIZE_SWEEP)
def test_size_sweep_without_ridge_has_the_printed_digits(n, printed, _):
    assert _agrees(bessel_error(*_by_size(n)), printed)


@pytest.mark.parametrize(("n", "_", "printed"), SIZE_SWEEP)
def test_size_sweep_with_ridge_has_the_printed_digits(n, _, printed):
    matrix = ring_gram(*_by_size(n))
    ridge = authors_spectral(matrix, RIDGE_FACTOR)
    assert _agrees(spectral_error(matrix, ridge), printed)
    assert _agrees(_exact(matrix, ridge), printed)


@pytest.mark.parametrize("n", SIZES)
def test_ridge_exceeds_the_smallest_eigenvalue_on_the_plateau_only(n):
    ridge = authors_spectral(ring_gram(*_by_size(n)), RIDGE_FACTOR)
    assert (ridge > bessel_spectrum(*_by_size(n)).min()) == (n >= PLATEAU)


@pytest.mark.parametrize(("n", "_", "printed"), SIZE_SWEEP)
def test_regression_with_its_own_ridge_agrees_off_the_plateau_and_is_lower_on_it(n, _, printed):
    # Its ridge counts 2n - 1 points, so where the ridge rules the error is that much smaller.
    matrix = ring_gram(*_by_size(n))
    ratio = _exact(matrix, authors_regression(matrix, RIDGE_FACTOR, 0)) / float(printed)
    smallest = 1 - 1 / (2 * n) if n >= PLATEAU - 4 else 1 - F64["printed digits"]
    assert smallest - F64["printed digits"] <= ratio <= 1 + F64["printed digits"]


@pytest.mark.parametrize("n", [n for n in SIZES if n <= 28])
def test_regression_without_ridge_is_the_closed_form_while_digits_last(n):
    exact = _exact(ring_gram(*_by_size(n)))
    assert exact == pytest.approx(bessel_error(*_by_size(n)), rel=F64["printed digits"])


@pytest.mark.parametrize(
    ("separation", "printed"), list(zip(SEPARATIONS, SEPARATION_ERRORS, strict=True))
)
def test_separation_sweep_with_ridge_has_the_printed_digits(separation, printed):
    matrix = ring_gram(*_by_separation(separation))
    ridge = authors_spectral(matrix, RIDGE_FACTOR)
    assert _agrees(spectral_error(matrix, ridge), printed)
    assert _agrees(_exact(matrix, ridge), printed)


def test_rings_that_coincide_have_the_printed_error_without_ridge():
    assert _agrees(bessel_error(*_by_separation(0.0)), "7.724")


def test_error_falls_with_separation_and_with_size():
    by_separation = [bessel_error(*_by_separation(s)) for s in SEPARATIONS]
    by_size = [bessel_error(*_by_size(n)) for n in SIZES]
    assert (np.diff(by_separation) < 0).all()
    assert (np.diff(by_size) < 0).all()


def test_middle_eigenvalue_does_not_depend_on_the_separation():
    closed = [bessel_spectrum(*_by_separation(s))[3] for s in SEPARATIONS]
    solved = [spectrum(ring_gram(*_by_separation(s)))[3] for s in SEPARATIONS]
    assert difference(closed, closed[0], closed[0]) <= 1e-14
    assert difference(solved, closed[0], closed[0]) <= F64["bessel"]


def test_sketch_has_the_spectrum_and_the_error_of_figure_two():
    matrix = ring_gram(6, 1.0, 1.0)
    reciprocal = 1 / spectrum(matrix)[:7]
    expected = [0.136364, 0.194985, 0.436627, 1, 0.842668, 0.417462, 0.294383]
    assert difference(reciprocal / reciprocal.max(), expected) <= 1e-6
    for error in (spectral_error(matrix), _exact(matrix), bessel_error(6, 1.0, 1.0)):
        assert difference(error, 0.568468) <= 1e-6


SHIFTS = 7
RIDGE_SHARES = [1e-6, 1e-5, 1e-4]


@pytest.fixture(scope="module", params=[False, True], ids=["all-entries", "by-symmetry"])
def collapsed(request):
    """The Gram matrix of two orbits of shifts under a network that is equivariant to them."""
    orbits = make_orbits(
        np.random.default_rng(1).random((2, SHIFTS, SHIFTS)), "cyclic-shift", SHIFTS
    )
    symmetries = exact_symmetries("cyclic-shift", SHIFTS, orbits=2) if request.param else None
    return gram("cnn-gap-3", orbits.reshape(-1, SHIFTS, SHIFTS), symmetries=symmetries)


def test_shifts_collapse_to_a_point_under_pooling(collapsed):
    blocks = collapsed.reshape(2, SHIFTS, 2, SHIFTS)
    constant = blocks.mean(axis=(1, 3), keepdims=True)
    assert difference(blocks, constant, constant.max()) <= F64["symmetry, pooled"]
    eigenvalues = np.linalg.eigvalsh(collapsed)[::-1] / np.trace(collapsed)
    assert (eigenvalues[:2] > 1e-6).all()
    assert np.abs(eigenvalues[2:]).max() <= F64["symmetry, pooled"]


def _blocks(matrix):
    return matrix.reshape(2, SHIFTS, 2, SHIFTS).mean(axis=(1, 3))


@pytest.mark.parametrize("share", RIDGE_SHARES)
def test_spectral_error_of_collapsed_orbits_is_first_order_in_the_ridge(collapsed, share):
    own, other = _blocks(collapsed).trace() / 2, _blocks(collapsed)[0, 1]
    ridge = share * 2 * SHIFTS * own
    order = interleaved(SHIFTS)
    found = spectral_error(collapsed[np.ix_(order, order)], ridge)
    expected = 2 * share * SHIFTS / ((SHIFTS - 1) * (1 - other / own))
    second_order = 2 * ridge / class_separation(collapsed)
    assert difference(found / expected, 1) <= second_order


@pytest.mark.parametrize("share", RIDGE_SHARES)
def test_exact_error_of_collapsed_orbits_weighs_the_classes_by_the_other_ones_kernel(
    collapsed, share
):
    kernel = _blocks(collapsed)
    ridge = share * 2 * SHIFTS * kernel.trace() / 2
    labels = pair_labels(SHIFTS)
    found = [
        labels[hole] * exact_errors(collapsed, labels, [hole], ridge)[0] for hole in (0, SHIFTS)
    ]
    determinant = np.linalg.det(kernel)
    first_order = ridge / (SHIFTS - 1) * (np.diag(kernel)[::-1] + kernel[0, 1]) / determinant
    second_order = 2 * ridge / np.linalg.eigvalsh(collapsed)[-2]
    assert difference(found / first_order, 1) <= second_order


@pytest.mark.parametrize("share", RIDGE_SHARES)
def test_exact_error_is_the_spectral_one_where_both_orbits_have_equal_norms(collapsed, share):
    norm = np.sqrt(np.diag(collapsed))
    matrix = collapsed / np.outer(norm, norm)
    other = _blocks(matrix)[0, 1]
    labels, ridge = pair_labels(SHIFTS), share * 2 * SHIFTS
    expected = 2 * share * SHIFTS / ((SHIFTS - 1) * (1 - other))
    found = exact_errors(matrix, labels, [0], ridge)[0]
    assert difference(found / expected, 1) <= 2 * ridge / class_separation(matrix)
