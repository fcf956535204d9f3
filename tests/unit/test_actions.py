import numpy as np
import pytest

from symlearn.groups import Subgroup, action_of
from symlearn.menu.groups import GROUPS

SIDE = 12
CASES = [
    (name, n)
    for name in GROUPS
    for n in ((1, 2, 3, 4, 6, 12) if name.endswith("shift") else (1, 2, 3, 4, 5, 6, 8, 16))
]
cases = pytest.mark.parametrize(("name", "n"), CASES)


@pytest.fixture
def images():
    return np.random.default_rng(0).random((2, SIDE, SIDE))


@cases
def test_exact_elements_form_a_subgroup(name, n):
    action = action_of(name)
    Subgroup(action.group(n), action.exact(n))


@cases
def test_elements_are_as_many_as_the_menu_says_without_the_group(name, n):
    action, family = action_of(name), GROUPS[name]
    assert family.order(n) == len(action.group(n))
    assert family.exact(n) == len(action.exact(n))


@cases
def test_an_orbit_has_a_pose_for_each_element_and_begins_with_the_image(name, n, images):
    orbits = action_of(name).apply(images, n)
    assert orbits.shape == (2, len(action_of(name).group(n)), SIDE, SIDE)
    np.testing.assert_array_equal(orbits[:, 0], images)


@cases
def test_elements_not_listed_as_exact_interpolate(name, n, images):
    action = action_of(name)
    orbits = np.sort(action.apply(images, n).reshape(2, -1, SIDE * SIDE), axis=-1)
    permuted = (orbits == orbits[:, :1]).all(axis=(0, 2))
    np.testing.assert_array_equal(np.flatnonzero(permuted), action.exact(n))


@cases
def test_an_exact_element_after_another_is_their_product_bit_for_bit(name, n, images):
    action = action_of(name)
    table, exact = action.group(n).table, action.exact(n)
    orbits = action.apply(images, n)
    for g in exact:
        again = action.apply(orbits[:, g], n)
        np.testing.assert_array_equal(again[:, exact], orbits[:, table[exact, g]])


@cases
def test_an_exact_element_moves_every_pose_as_the_table_says(name, n, images):
    action = action_of(name)
    table, exact = action.group(n).table, action.exact(n)
    orbits = action.apply(images, n)
    for g in range(orbits.shape[1]):
        again = action.apply(orbits[:, g], n)
        np.testing.assert_allclose(again[:, exact], orbits[:, table[exact, g]], rtol=0, atol=1e-13)


@pytest.mark.parametrize("n", [3, 5, 8, 16])
def test_exact_rotations_move_interpolated_poses_bit_for_bit(n, images):
    action = action_of("cyclic-rotation")
    table, exact = action.group(n).table, action.exact(n)
    orbits = action.apply(images, n)
    for g in range(n):
        again = action.apply(orbits[:, g], n)
        np.testing.assert_array_equal(again[:, exact], orbits[:, table[exact, g]])


def test_rotations_turn_counter_clockwise(images):
    orbits = action_of("cyclic-rotation").apply(images, 4)
    np.testing.assert_array_equal(orbits[0, 1], np.rot90(images[0]))


def test_the_reflection_turns_upside_down(images):
    orbits = action_of("dihedral").apply(images, 3)
    np.testing.assert_array_equal(orbits[:, 3], images[:, ::-1])


def test_shifts_go_right_by_the_nth_part_of_the_width(images):
    orbits = action_of("cyclic-shift").apply(images, 4)
    np.testing.assert_array_equal(orbits[:, 1, :, 3:], images[:, :, :-3])
    np.testing.assert_array_equal(orbits[:, 1, :, :3], images[:, :, -3:])


def test_shifts_in_two_directions_run_fastest_to_the_right(images):
    orbits = action_of("product-shift").apply(images, 4)
    np.testing.assert_array_equal(orbits[:, 1], np.roll(images, 3, axis=2))
    np.testing.assert_array_equal(orbits[:, 4], np.roll(images, 3, axis=1))


@pytest.mark.parametrize("name", ["cyclic-shift", "product-shift"])
@pytest.mark.parametrize("n", [5, 7, 24])
def test_shifts_that_do_not_divide_the_side_are_refused(name, n, images):
    with pytest.raises(ValueError, match=f"divisible by {n}, not 12 pixels"):
        action_of(name).apply(images, n)
