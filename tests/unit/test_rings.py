import numpy as np
import pytest

from symlearn.papers.orbits.two_rings import two_rings


@pytest.mark.parametrize("n", [2, 3, 6, 48])
def test_points_have_radius_one_in_planes_apart_by_the_separation(n):
    rings = two_rings(n, 0.3)
    assert rings.shape == (2, n, 1, 3)
    np.testing.assert_allclose(np.linalg.norm(rings[..., :2], axis=-1), 1, rtol=0, atol=1e-15)
    np.testing.assert_array_equal(rings[0, ..., 2] - rings[1, ..., 2], 0.3)


@pytest.mark.parametrize("n", [2, 3, 6, 48])
def test_interleaved_points_are_one_orbit_of_half_a_step_with_a_reflection(n):
    points = two_rings(n, 0.3)[:, :, 0].swapaxes(0, 1).reshape(2 * n, 3)
    cos, sin = np.cos(np.pi / n), np.sin(np.pi / n)
    step = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, -1]])
    np.testing.assert_allclose(points @ step.T, np.roll(points, -1, axis=0), rtol=0, atol=1e-14)


def test_at_separation_zero_the_rings_are_in_one_plane():
    assert (two_rings(5, 0.0)[..., 2] == 0).all()
