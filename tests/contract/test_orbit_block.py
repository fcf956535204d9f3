"""The orbit-block error against dense algebra, and on MNIST against the exact error."""

import itertools

import numpy as np
import pytest

from symlearn.datasets.orbits import draw_tasks, rotation_orbits
from symlearn.groups import Subgroup, action_of, cyclic, dihedral, from_table, product
from symlearn.kernels import gram
from symlearn.kernels.of_orbits import exact_symmetries
from symlearn.theory import (
    coset_block_errors,
    exact_errors,
    exact_errors_by_pose,
    orbit_block_errors,
    scalar_error,
    solve_gram,
)
from symlearn.theory.orbit_block import average_over_subgroup

from .helpers import F64, RIDGES, difference, invariant_gram, leave_out, pair_labels, random_gram


def _symmetric_group():
    """The permutations of three things, the identity first."""
    permutations = list(itertools.permutations(range(3)))
    compose = [
        [permutations.index(tuple(g[h[i]] for i in range(3))) for h in permutations]
        for g in permutations
    ]
    return from_table(np.array(compose), name="symmetric-3")


GROUPS = {
    "cyclic-6": cyclic(6),
    "symmetric-3": _symmetric_group(),
    "dihedral-3": dihedral(3),
    "dihedral-4": dihedral(4),
    "dihedral-8": dihedral(8),
    "cyclic-2*dihedral-3": product(cyclic(2), dihedral(3)),
}
every_group = pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS)
every_ridge = pytest.mark.parametrize("ridge", RIDGES)


def _dense_errors(matrix, labels, pose, ridge):
    """Residuals at a pose that is missing from all orbits with the same label, written out."""
    poses = len(matrix) // len(labels)
    by_point = np.repeat(labels, poses, axis=0)
    errors = np.empty(labels.shape)
    for label in np.unique(labels, axis=0):
        members = np.flatnonzero((labels == label).reshape(len(labels), -1).all(axis=1))
        errors[members] = leave_out(matrix, by_point, members * poses + pose, ridge)
    return errors


@every_group
@every_ridge
@pytest.mark.parametrize("seeds", [1, 3])
def test_error_of_a_pose_missing_from_a_whole_class_is_exact(group, seeds, ridge):
    matrix = invariant_gram(group, 2 * seeds, seed=1)
    labels = np.repeat([1.0, -1.0], seeds)
    found = orbit_block_errors(matrix, 2 * seeds, group, labels, ridge)
    for pose in range(len(group)):
        expected = _dense_errors(matrix, labels, pose, ridge)
        assert difference(found, expected) <= F64["orbit-block"]


@every_group
@every_ridge
def test_error_of_a_single_missing_point_is_exact(group, ridge):
    labels = np.array([1.0, -1.0, 0.5, 2.0, -0.7, 0.1])  # all different: each a class of its own
    matrix = invariant_gram(group, 6, seed=2)
    found = orbit_block_errors(matrix, 6, group, labels, ridge)
    by_point = np.repeat(labels, len(group))
    for orbit in range(6):
        expected = leave_out(matrix, by_point, [orbit * len(group)], ridge)
        assert difference(found[orbit], expected) <= F64["orbit-block"]


@every_group
@every_ridge
def test_several_outputs_are_exact(group, ridge):
    classes = np.array([0, 1, 2, 0, 1])
    labels = 2.0 * np.eye(3)[classes] - 1.0
    matrix = invariant_gram(group, 5, seed=3)
    found = orbit_block_errors(matrix, 5, group, labels, ridge)
    assert found.shape == labels.shape
    assert difference(found, _dense_errors(matrix, labels, 0, ridge)) <= F64["orbit-block"]


@pytest.mark.parametrize("poses", [2, 5, 8])
@every_ridge
def test_two_orbits_of_a_cyclic_group_follow_the_two_block_formula(poses, ridge):
    matrix = invariant_gram(cyclic(poses), 2, seed=4)
    within_a, within_b = matrix[0, :poses].copy(), matrix[poses, poses:].copy()
    within_a[0] += ridge
    within_b[0] += ridge
    a, b = np.fft.fft(within_a).real, np.fft.fft(within_b).real
    between = np.fft.fft(matrix[0, poses:])
    determinant = a * b - np.abs(between) ** 2
    expected = [
        (b[0] + between[0].real) / determinant[0] / (b / determinant).mean(),
        (a[0] + between[0].real) / determinant[0] / (a / determinant).mean(),
    ]
    found = orbit_block_errors(matrix, 2, cyclic(poses), [1.0, -1.0], ridge) * [1.0, -1.0]
    assert difference(found, expected) <= F64["orbit-block"]


@every_group
@every_ridge
def test_over_the_trivial_subgroup_any_kernel_is_exact_at_every_pose(group, ridge):
    labels = np.array([1.0, -1.0, 1.0])
    matrix = random_gram(3 * len(group), seed=5)
    found = coset_block_errors(matrix, 3, Subgroup(group, np.array([0])), labels, ridge)
    expected = exact_errors_by_pose(solve_gram(matrix, ridge), labels[:, None])[..., 0]
    assert difference(found, expected) <= F64["orbit-block"]


# Rotations r^i are 0 to 3, reflections r^i s are 4 to 7; among them, subgroups that are not normal.
SUBGROUPS_OF_THE_SQUARE = [[0], [0, 2], [0, 4], [0, 5], [0, 6], [0, 7], [0, 1, 2, 3]]
SUBGROUPS_OF_THE_SQUARE += [[0, 2, 4, 6], [0, 2, 5, 7], [0, 3, 2, 1, 6, 5, 4, 7]]


@pytest.mark.parametrize("elements", SUBGROUPS_OF_THE_SQUARE, ids=str)
@every_ridge
def test_over_a_subgroup_a_kernel_invariant_only_under_it_is_exact(elements, ridge):
    group = dihedral(4)
    subgroup = Subgroup(group, np.array(elements))
    labels = np.array([1.0, -1.0, -1.0, 1.0])
    matrix = invariant_gram(group, 4, seed=6, elements=elements)
    found = coset_block_errors(matrix, 4, subgroup, labels, ridge)
    for pose in range(len(group)):
        expected = _dense_errors(matrix, labels, pose, ridge)
        assert difference(found[:, subgroup.coset_of[pose]], expected) <= F64["orbit-block"]


CHARACTERS = {
    "dihedral-4": (dihedral(4), ["sign", "alternating", "alternating-sign"]),
    "dihedral-5": (dihedral(5), ["sign"]),
    "cyclic-8": (cyclic(8), ["character-4"]),
    "cyclic-2*dihedral-3": (product(cyclic(2), dihedral(3)), ["character-1*trivial"]),
}
CHARACTER_CASES = [(name, irrep) for name, (_, irreps) in CHARACTERS.items() for irrep in irreps]


@pytest.mark.parametrize(("name", "irrep"), CHARACTER_CASES)
@every_ridge
def test_one_orbit_labelled_by_a_character_has_the_character_formula(name, irrep, ridge):
    group = CHARACTERS[name][0]
    character = next(r for r in group.irreps if r.name == irrep).character.real
    matrix = invariant_gram(group, 1, seed=7)
    kernel = average_over_subgroup(matrix, 1, Subgroup(group, np.arange(len(group))))[0, 0]
    eigenvalue = kernel @ character + ridge
    reciprocal = 0.0
    for r in group.irreps:
        transform = np.einsum("u,uij->ij", kernel, r.matrices) + ridge * np.eye(r.dimension)
        reciprocal += r.dimension * np.trace(np.linalg.inv(transform)).real / len(group)
    exact = exact_errors(matrix, character, [0], ridge)[0] / character[0]
    assert difference(1 / (eigenvalue * reciprocal), exact) <= F64["orbit-block"]


@pytest.mark.parametrize("n", [3, 4, 7])
@every_ridge
def test_scalar_error_is_exact_where_two_orbits_are_one_of_a_bigger_group(n, ridge):
    matrix = invariant_gram(dihedral(n), 1, seed=8)  # rotations, then reflections
    exact = exact_errors(matrix, pair_labels(n), [0], ridge)[0]
    assert difference(scalar_error(matrix, cyclic(n), ridge), exact) <= F64["orbit-block"]


def test_averages_of_an_invariant_kernel_are_its_first_row():
    group = dihedral(3)
    matrix = invariant_gram(group, 2, seed=9)
    averages = average_over_subgroup(matrix, 2, Subgroup(group, np.arange(6)))
    first_rows = matrix.reshape(2, 6, 2, 6)[:, 0]
    assert difference(averages, first_rows) <= 1e-14


@pytest.mark.parametrize("labels", [[1.0], [1.0, -1.0, 1.0]])
def test_labels_of_another_number_of_orbits_are_refused(labels):
    with pytest.raises(ValueError, match="2 orbits need 2 labels"):
        orbit_block_errors(random_gram(8, seed=1), 2, cyclic(4), np.array(labels))


def test_a_gram_matrix_of_another_size_is_refused():
    with pytest.raises(ValueError, match="has 9"):
        orbit_block_errors(random_gram(9, seed=1), 2, cyclic(4), np.array([1.0, -1.0]))


PAIRS = 12


def _draw(mnist, n, tasks, seeds_per_class=1):
    """Orbits (task, orbit, pose, row, col) of random images of two random classes."""
    task = {"seed": 0, "draw": "contract", "start": 0, "stop": tasks, "classes": 2}
    chosen = draw_tasks(mnist.labels, {**task, "seeds_per_class": seeds_per_class})
    orbits = rotation_orbits(mnist.levels[chosen.ravel()] / mnist.maximum, n)
    return orbits.reshape(*chosen.shape, *orbits.shape[1:])


def _gram(architecture, orbits, with_symmetries=True):
    count, poses = orbits.shape[:2]
    symmetries = exact_symmetries("cyclic-rotation", poses, count) if with_symmetries else None
    return gram(architecture, orbits.reshape(-1, 28, 28), symmetries=symmetries)


@pytest.mark.parametrize("n", [2, 4, 8, 16, 32])
@pytest.mark.parametrize("architecture", ["mlp-1", "mlp-5", "cnn-fc-3"])
def test_on_digits_it_is_the_exact_error_averaged_over_poses(mnist, architecture, n):
    labels = np.array([1.0, -1.0])
    off = []
    for orbits in _draw(mnist, n, PAIRS):
        matrix = _gram(architecture, orbits)
        exact = exact_errors_by_pose(solve_gram(matrix), labels[:, None])[..., 0].mean(axis=1)
        off.append(np.abs(orbit_block_errors(matrix, 2, cyclic(n), labels) - exact))
    assert difference(np.mean(off), 0) <= F64["orbit-block, interpolated"]


@pytest.mark.parametrize("n", [2, 4, 8, 16, 32, 64])
def test_on_digits_with_five_seeds_it_is_the_exact_error_of_every_seed(mnist, n):
    labels = np.repeat([1.0, -1.0], 5)
    (orbits,) = _draw(mnist, n, tasks=1, seeds_per_class=5)
    matrix = _gram("mlp-1", orbits)
    exact = exact_errors_by_pose(solve_gram(matrix), labels[:, None])[..., 0].mean(axis=1)
    found = orbit_block_errors(matrix, 10, cyclic(n), labels)
    assert difference(found, exact) <= F64["orbit-block, several seeds"]


@pytest.mark.parametrize("with_symmetries", [True, False])
@pytest.mark.parametrize("n", [8, 16])
@pytest.mark.parametrize("architecture", ["mlp-1", "mlp-5", "cnn-fc-3", "cnn-gap-3"])
def test_on_digits_over_quarter_turns_it_is_exact_at_every_pose(
    mnist, architecture, n, with_symmetries
):
    subgroup = Subgroup(cyclic(n), action_of("cyclic-rotation").exact(n))
    assert len(subgroup) == 4
    labels = np.array([1.0, -1.0])
    tasks = PAIRS if "gap" not in architecture else 48 // n
    for orbits in _draw(mnist, n, tasks):
        matrix = _gram(architecture, orbits, with_symmetries)
        exact = exact_errors_by_pose(solve_gram(matrix), labels[:, None])[..., 0]
        found = coset_block_errors(matrix, 2, subgroup, labels)[:, subgroup.coset_of]
        assert difference(found, exact) <= F64["exact subgroup"]
