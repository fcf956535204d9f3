"""Unlabelled orbits and self-supervised features at a missing pose, against dense algebra."""

import numpy as np
import pytest
import scipy.linalg

from symlearn.groups import Subgroup, cyclic, dihedral
from symlearn.theory import (
    average_over_subgroup,
    averaged_errors,
    barlow_twins_features,
    contrastive_features,
    frozen_features,
    semi_supervised_errors,
)

from .helpers import (
    RIDGES,
    difference,
    invariant_gram,
    leave_out,
    relative_difference,
    some_groups,
)

TOLERANCE = 1e-10
ORBITS, PARTIAL = 5, 2


def _kernel(group, orbits=ORBITS, seed=1):
    matrix = invariant_gram(group, orbits, seed)
    return matrix, average_over_subgroup(matrix, orbits, Subgroup.whole(group))


def _seen(group, orbits=ORBITS, partial=PARTIAL):
    """The points but one, the missing one, and which orbit each seen point belongs to."""
    hole = partial * len(group) + len(group) - 1
    seen = np.setdiff1d(np.arange(orbits * len(group)), [hole])
    return seen, hole, np.eye(orbits)[seen // len(group)]


def _dense_semi_supervised(matrix, group, labels, labelled, partial, ridge):
    """The prediction at the hole, values of unlabelled orbits being free, written out.

    |f|^2 + |f - z|^2 / r is least at z^T (K + r)^-1 z, z = label on labelled orbits and a free
    constant on each other one.
    """
    orbits = len(matrix) // len(group)
    seen, hole, of_orbit = _seen(group, orbits, partial)
    inverse = np.linalg.inv(matrix[np.ix_(seen, seen)] + ridge * np.eye(len(seen)))
    fixed = of_orbit[:, labelled] @ labels
    free = np.delete(of_orbit, labelled, axis=1)
    values = -np.linalg.solve(free.T @ inverse @ free, free.T @ inverse @ fixed)
    return matrix[hole, seen] @ inverse @ (fixed + free @ values)


@some_groups
@pytest.mark.parametrize("ridge", RIDGES)
def test_unlabelled_orbits_act_as_dense_algebra_says(group, ridge):
    matrix, averages = _kernel(group)
    labelled, labels = [3, 0], np.array([1.0, -0.4])
    found = semi_supervised_errors(averages, group, labels, labelled, ridge)
    for place, orbit in enumerate(labelled):
        predicted = _dense_semi_supervised(matrix, group, labels, labelled, orbit, ridge)
        assert difference(found[place], labels[place] - predicted) <= TOLERANCE


@some_groups
def test_several_outputs_and_draws_are_as_each_alone(group):
    averages = np.stack([_kernel(group, seed=seed)[1] for seed in (1, 2)])
    labels = np.array([[1.0, -1.0], [-1.0, 1.0], [0.5, 0.2]])
    found = semi_supervised_errors(averages, group, labels, [0, 1, 4])
    assert found.shape == (2, 3, 2)
    alone = semi_supervised_errors(averages[1], group, labels[:, 1], [0, 1, 4])
    assert difference(found[1, :, 1], alone) <= TOLERANCE


@some_groups
def test_without_unlabelled_orbits_it_is_the_supervised_error(group):
    _, averages = _kernel(group)
    labels = np.array([1.0, -1.0, 0.3, 2.0, -0.2])  # all different: each is missing alone
    found = semi_supervised_errors(averages, group, labels, range(ORBITS))
    assert difference(found, averaged_errors(averages, group, labels)) <= TOLERANCE


@some_groups
@pytest.mark.parametrize("ridge", RIDGES)
def test_more_unlabelled_orbits_never_raise_the_residual(group, ridge):
    _, averages = _kernel(group, orbits=8, seed=3)
    sizes = [
        np.abs(semi_supervised_errors(averages[:count, :count], group, [1.0, -1.0], [0, 1], ridge))
        for count in range(2, 9)
    ]
    assert (np.diff(sizes, axis=0) <= 1e-12).all()
    assert (sizes[-1] < sizes[0]).all()


@some_groups
def test_contrastive_features_are_those_of_the_dense_eigenproblem(group):
    matrix, averages = _kernel(group)
    seen, hole, of_orbit = _seen(group)
    inverse = np.linalg.inv(matrix[np.ix_(seen, seen)])
    # The function of least norm with values v on orbits has the norm v^T E^T K^-1 E v.
    masses = np.diag(of_orbit.sum(axis=0))
    _, vectors = scipy.linalg.eigh(of_orbit.T @ inverse @ of_orbit, masses)
    at_hole = matrix[hole, seen] @ inverse @ of_orbit @ vectors
    found = contrastive_features(averages, group, PARTIAL, ORBITS)
    signs = np.sign(np.sum(found.seen * vectors, axis=0))
    assert difference(found.seen, vectors * signs) <= TOLERANCE
    assert difference(found.missing, at_hole * signs) <= TOLERANCE


@some_groups
def test_all_dimensions_with_a_linear_probe_are_supervised_regression(group):
    _, averages = _kernel(group)
    labels = np.array([1.0, -1.0, 0.3, 2.0, -0.2])
    seen, missing = contrastive_features(averages, group, PARTIAL, ORBITS)
    predicted = missing @ np.linalg.solve(seen, labels)
    supervised = averaged_errors(averages, group, labels)[PARTIAL]
    assert difference(labels[PARTIAL] - predicted, supervised) <= TOLERANCE


@some_groups
def test_barlow_twins_features_are_those_of_the_dense_eigenproblem(group):
    matrix, averages = _kernel(group)
    seen, hole, of_orbit = _seen(group)
    kernel = matrix[np.ix_(seen, seen)]
    counts = of_orbit.sum(axis=0)
    pairs = of_orbit / counts @ of_orbit.T  # both of a pair, drawn from one orbit
    root = scipy.linalg.sqrtm(kernel).real
    values, vectors = np.linalg.eigh(root @ pairs @ root)
    values, vectors = values[::-1][:ORBITS], vectors[:, ::-1][:, :ORBITS]
    weights = np.linalg.solve(root, vectors) / np.sqrt(values)  # cross-correlation one
    functions = kernel @ weights
    assert difference(functions.T @ pairs @ functions, np.eye(ORBITS)) <= 1e-8
    found = barlow_twins_features(averages, PARTIAL, ORBITS)
    means = (of_orbit / counts).T @ functions
    signs = np.sign(np.sum(found.seen * means, axis=0))
    assert difference(found.seen, means * signs) <= 1e-9
    assert difference(found.missing, matrix[hole, seen] @ weights * signs) <= 1e-9


@some_groups
def test_frozen_features_have_one_value_at_every_pose_of_every_orbit(group):
    matrix, averages = _kernel(group)
    full, order = [0, 1, 3, 4], len(group)
    found = frozen_features(averages, full, 3)
    points = np.concatenate([np.arange(o * order, (o + 1) * order) for o in full])
    of_orbit = np.repeat(np.eye(len(full)), order, axis=0)
    # The leading functions constant on full orbits, from dense algebra, at all points.
    inverse = np.linalg.inv(matrix[np.ix_(points, points)])
    _, vectors = scipy.linalg.eigh(of_orbit.T @ inverse @ of_orbit, order * np.eye(len(full)))
    functions = matrix[:, points] @ inverse @ of_orbit @ vectors[:, :3]
    by_pose = functions.reshape(ORBITS, order, 3)
    signs = np.sign(np.sum(found * by_pose[:, 0], axis=0))
    assert difference(by_pose * signs, found[:, None, :]) <= TOLERANCE


def test_missing_poses_break_features_less_with_fewer_dimensions():
    """The statement of the section: what blocks transfer is interpolation in all dimensions."""
    group = cyclic(8)
    _, averages = _kernel(group, orbits=40, seed=5)
    deviations = []
    for dimensions in (5, 40):
        seen, missing = contrastive_features(averages, group, PARTIAL, dimensions)
        deviations.append(np.linalg.norm(missing - seen[PARTIAL]) / np.linalg.norm(seen[PARTIAL]))
    assert deviations[0] < deviations[1]


def test_a_single_missing_point_is_the_leave_out_error_of_the_dense_kernel():
    group = dihedral(4)
    matrix, averages = _kernel(group)
    labels = np.array([1.0, -1.0, 0.3, 2.0, -0.2])
    expected = leave_out(matrix, np.repeat(labels, len(group)), [PARTIAL * len(group)])
    found = semi_supervised_errors(averages, group, labels, range(ORBITS))[PARTIAL]
    assert relative_difference(found, expected) <= TOLERANCE
