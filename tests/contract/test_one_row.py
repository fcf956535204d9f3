"""One row of the kernel, and soft equivariance, against dense algebra and on MNIST's digits."""

import numpy as np
import pytest

from symlearn.datasets.orbits import rotation_orbits
from symlearn.datasets.sets.mnist_5k import installed, read_table
from symlearn.errors import IllConditionedWarning
from symlearn.groups import Subgroup, cyclic
from symlearn.kernels import gram
from symlearn.kernels.of_orbits import exact_symmetries
from symlearn.papers.orbits.poses import curve
from symlearn.statistics import first_below
from symlearn.theory import (
    average_over_subgroup,
    averaged_errors,
    exact_errors_by_pose,
    least_eigenvalues,
    one_row_errors,
    orbit_block_errors,
    rows_of_every,
    softened,
    solve_gram,
)

from .helpers import (
    RIDGES,
    difference,
    invariant_gram,
    leave_out,
    pair_labels,
    random_gram,
    some_groups,
)

every_ridge = pytest.mark.parametrize("ridge", RIDGES)
TOLERANCE = 1e-10


def rows_of(matrix, orbits):
    """The rows of one pose of each orbit."""
    poses = len(matrix) // orbits
    return matrix.reshape(orbits, poses, orbits, poses)[:, 0]


@some_groups
@every_ridge
def test_one_row_of_an_invariant_kernel_gives_the_exact_error(group, ridge):
    matrix = invariant_gram(group, 3, seed=1)
    labels = np.array([1.0, -1.0, 0.3])
    found = one_row_errors(rows_of(matrix, 3), group, labels, ridge)
    by_point = np.repeat(labels, len(group))
    for orbit in range(3):
        expected = leave_out(matrix, by_point, [orbit * len(group)], ridge)
        assert difference(found[orbit], expected) <= TOLERANCE


@some_groups
def test_the_least_eigenvalue_is_that_of_the_dense_matrix(group):
    matrices = np.stack([invariant_gram(group, 3, seed) for seed in (1, 2)])
    averages = average_over_subgroup(matrices, 3, Subgroup.whole(group))
    expected = np.linalg.eigvalsh(matrices)[:, 0]
    assert difference(least_eigenvalues(averages, group), expected) <= TOLERANCE


def test_rows_that_belong_to_no_kernel_are_told():
    rows = rows_of(random_gram(16, seed=0), 2)
    rows[0, 1] = rows[1, 0] = 10.0
    with pytest.warns(IllConditionedWarning, match="1 of 1 sets of rows"):
        one_row_errors(rows, cyclic(8), [1.0, -1.0])


@pytest.mark.parametrize("n", [1, 2, 3, 6, 12])
def test_a_row_at_many_poses_holds_those_of_its_divisors(n):
    matrix = invariant_gram(cyclic(12), 2, seed=3)
    few = matrix.reshape(2, 12, 2, 12)[:, :: 12 // n, :, :: 12 // n].reshape(2 * n, 2 * n)
    found = one_row_errors(rows_of_every(rows_of(matrix, 2), n), cyclic(n), [1.0, -1.0])
    assert difference(found, orbit_block_errors(few, 2, cyclic(n), [1.0, -1.0])) <= TOLERANCE


def test_only_divisors_have_rows():
    with pytest.raises(ValueError, match="5 does not divide 12"):
        rows_of_every(np.ones((2, 2, 12)), 5)


def test_the_first_n_with_a_small_error_is_enough():
    errors = np.array([[1.2, 0.4, -0.9], [-0.6, 0.6, 0.8], [0.2, 0.1, -0.7]])
    assert first_below(errors, np.array([2, 4, 8]), 0.5).tolist() == [8.0, 2.0, np.inf]
    assert first_below(errors, np.array([2, 4, 8]), 0.75).tolist() == [4.0, 2.0, 8.0]


@some_groups
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_soft_equivariance_is_as_dense_algebra_says(group, share):
    matrix = invariant_gram(group, 2, seed=4)
    order = len(group)
    moved = [
        matrix[:, (np.arange(2)[:, None] * order + group.table[:, g]).ravel()] for g in range(order)
    ]
    soft = (1 - share) * matrix + share * np.mean(moved, axis=0)
    expected = leave_out(soft, pair_labels(order), [order - 1])
    averages = average_over_subgroup(matrix, 2, Subgroup.whole(group))
    # One pose of one orbit alone: the labels differ.
    found = averaged_errors(softened(averages, share), group, [1.0, -1.0])
    assert difference(found[0], expected) <= TOLERANCE


@some_groups
def test_soft_equivariance_scales_all_irreps_but_the_trivial_one(group):
    averages = average_over_subgroup(invariant_gram(group, 2, seed=5), 2, Subgroup.whole(group))
    hard = averaged_errors(averages, group, [1.0, -1.0])
    trivial = np.linalg.inv(averages.sum(axis=-1))
    weights = np.diag(trivial) / len(group)
    v = trivial @ [1.0, -1.0]
    for share in (0.5, 0.99):
        expected = v / (weights + (v / hard - weights) / (1 - share))
        assert (
            difference(averaged_errors(softened(averages, share), group, [1.0, -1.0]), expected)
            <= TOLERANCE
        )
    shares = np.array([0.0, 0.5])
    both = averaged_errors(softened(np.stack([averages, averages]), shares), group, [1.0, -1.0])
    assert difference(both[0], hard) <= TOLERANCE


@pytest.mark.parametrize("architecture", ["mlp-1", "mlp-5", "cnn-fc-3"])
def test_enough_poses_are_those_of_the_exact_error_on_mnist(architecture):
    """For 95 % of orbits or more, from 4 N kernel entries of a pair."""
    table = read_table(installed())
    pixels, labels = table[:, :-1].reshape(-1, 28, 28) / 255, table[:, -1]
    rng, n = np.random.default_rng(0), np.array([2, 4, 8, 16])
    enough, exact = [], []
    for _ in range(10):
        classes = rng.choice(10, 2, replace=False)
        images = [pixels[rng.choice(np.flatnonzero(labels == c))] for c in classes]
        enough.append(curve(np.stack(images), architecture, "cyclic-rotation", 16).errors)
        by_n = []
        for count in n.tolist():
            orbits = rotation_orbits(np.stack(images), count)
            symmetries = exact_symmetries("cyclic-rotation", count, 2)
            matrix = gram(architecture, orbits.reshape(-1, 28, 28), symmetries=symmetries)
            errors = exact_errors_by_pose(solve_gram(matrix), np.array([[1.0], [-1.0]]))
            by_n.append(errors[..., 0].mean(axis=1) * [1.0, -1.0])
        exact.append(by_n)
    predicted, known = (first_below(np.stack(errors, axis=1), n, 0.5) for errors in (enough, exact))
    assert (predicted == known).mean() >= 0.95
    assert len(np.unique(known)) > 1
