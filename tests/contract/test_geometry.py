"""The geometry of orbits, in pixels and in a kernel's space."""

import numpy as np
import pytest

from symlearn.datasets.orbits import rotation_orbits
from symlearn.papers.orbits.two_rings import two_rings
from symlearn.theory import (
    adjacent_distance,
    centre_distance_squared,
    class_separation,
    orbit_radius,
)

from .helpers import difference


@pytest.mark.parametrize(("n", "separation"), [(3, 0.5), (8, 2.0)])
def test_two_rings_have_the_geometry_they_are_made_with(n, separation):
    rings = two_rings(n, separation)
    assert centre_distance_squared(rings) == pytest.approx(separation**2, rel=1e-12)
    assert orbit_radius(rings) == pytest.approx(1.0, rel=1e-12)
    assert adjacent_distance(rings) == pytest.approx(2 * np.sin(np.pi / n), rel=1e-12)


def test_class_separation_of_the_linear_kernel_is_the_distance_of_the_centres():
    images = np.random.default_rng(1).normal(size=(2, 6, 4, 4))
    flat = images.reshape(12, 16)
    expected = 6 / 2 * centre_distance_squared(images)
    assert class_separation(flat @ flat.T) == pytest.approx(expected, rel=1e-12)


def test_geometry_takes_a_batch_of_pairs():
    images = np.random.default_rng(2).random((3, 2, 5, 4, 4))
    for measure in (centre_distance_squared, orbit_radius, adjacent_distance):
        assert difference(measure(images), [measure(pair) for pair in images]) <= 1e-14


def test_poses_of_unit_norm_lie_on_a_sphere_round_their_centre():
    orbits = rotation_orbits(np.random.default_rng(3).random((2, 8, 8)), 8)
    centres = orbits.mean(axis=1)
    spread = 1 - (centres**2).sum(axis=(1, 2))
    assert orbit_radius(orbits) == pytest.approx(np.sqrt(spread).mean(), rel=1e-12)
