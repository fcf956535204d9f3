"""The leave-out identity against regressions that are written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symlearn.errors import IllConditionedError, IllConditionedWarning
from symlearn.theory import exact_errors, exact_errors_by_pose, solve_gram

from .helpers import F64, RIDGES, difference, leave_out, random_gram

POINTS = 14


@pytest.mark.parametrize("ridge", RIDGES)
@pytest.mark.parametrize("outputs", [(), (1,), (3,)])
@pytest.mark.parametrize("missing", [[0], [13], [2, 5, 11]])
def test_leave_out_identity_is_the_regression_without_those_points(missing, outputs, ridge):
    matrix = random_gram(POINTS, seed=1)
    labels = np.random.default_rng(2).normal(size=(POINTS, *outputs))
    found = exact_errors(matrix, labels, missing, ridge)
    assert found.shape == (len(missing), *outputs)
    assert difference(found, leave_out(matrix, labels, missing, ridge)) <= F64["regression"]


def test_one_missing_point_may_be_given_as_a_number():
    matrix, labels = random_gram(POINTS, seed=1), np.arange(POINTS, dtype=float)
    assert exact_errors(matrix, labels, 3) == exact_errors(matrix, labels, [3])


@settings(max_examples=30)
@given(st.integers(3, 25), st.integers(0, 2**32 - 1), st.floats(0.0, 1.0))
def test_leave_out_identity_holds_for_any_size_and_ridge(points, seed, ridge):
    matrix = random_gram(points, seed)
    labels = np.random.default_rng(seed).choice([-1.0, 1.0], size=points)
    missing = [seed % points]
    expected = leave_out(matrix, labels, missing, ridge)
    assert difference(exact_errors(matrix, labels, missing, ridge), expected) <= F64["regression"]


@pytest.mark.parametrize("ridge", RIDGES)
def test_errors_by_pose_are_those_of_each_pose_missing_from_its_class(ridge):
    orbits, poses = 5, 4
    matrix = random_gram(orbits * poses, seed=3)
    classes = np.array([0, 1, 0, 2, 1])
    labels = 2.0 * np.eye(3)[classes] - 1.0
    found = exact_errors_by_pose(solve_gram(matrix, ridge), labels)
    assert found.shape == (orbits, poses, 3)
    by_point = np.repeat(labels, poses, axis=0)
    for class_ in range(3):
        members = np.flatnonzero(classes == class_)
        for pose in range(poses):
            missing = members * poses + pose
            expected = leave_out(matrix, by_point, missing, ridge)
            assert difference(found[members, pose], expected) <= F64["regression"]
            same = exact_errors(matrix, by_point, missing, ridge)
            assert difference(found[members, pose], same) <= F64["regression"]


def test_two_equal_points_are_refused_with_advice():
    matrix = np.ones((4, 4))
    with pytest.raises(IllConditionedError, match="set a larger ridge"):
        exact_errors(matrix, np.ones(4), [0])


def test_a_ridge_makes_equal_points_solvable():
    assert np.isfinite(exact_errors(np.ones((4, 4)), np.ones(4), [0], ridge=1e-3)).all()


def test_a_badly_conditioned_matrix_warns():
    with pytest.warns(IllConditionedWarning, match="condition number"):
        solve_gram(np.diag([1.0, 1e-13]))


@pytest.mark.parametrize("exponent", [0, 4, 8, 11])
@pytest.mark.parametrize("ridge", RIDGES)
def test_condition_number_is_the_one_norm_condition_within_a_factor(exponent, ridge):
    rng = np.random.default_rng(4)
    basis, _ = np.linalg.qr(rng.normal(size=(20, 20)))
    matrix = (basis * np.logspace(-exponent, 0, 20)) @ basis.T
    matrix = (matrix + matrix.T) / 2
    expected = np.linalg.cond(matrix + ridge * np.eye(20), 1)
    assert 1 / 3 <= solve_gram(matrix, ridge).condition / expected <= 3


def test_the_inverse_is_symmetric_and_right():
    matrix = random_gram(POINTS, seed=5)
    inverse = solve_gram(matrix, 0.1).inverse
    assert (inverse == inverse.T).all()
    assert difference(inverse @ (matrix + 0.1 * np.eye(POINTS)), np.eye(POINTS)) <= 1e-12
