import numpy as np
import pytest
import scipy.ndimage

from symlearn.datasets.images import LabelledImages
from symlearn.datasets.orbits import (
    draw_tasks,
    make_orbits,
    normalise,
    orbits_dataset,
    prepare,
    rotation_orbits,
)
from symlearn.groups import action_of
from symlearn.menu.groups import GROUPS

ORDERS = [1, 2, 3, 4, 5, 6, 8, 16]
LABELS = np.repeat(np.arange(10), 30)
TASK = {"draw": "pairs", "seed": 3, "start": 0, "stop": 8, "classes": 2, "seeds_per_class": 4}


def seeds(side, count=3):
    return np.random.default_rng(side).random((count, side, side))


@pytest.mark.parametrize("side", [12, 15])
@pytest.mark.parametrize("n", ORDERS)
def test_rotations_equal_one_call_of_scipy_per_angle(n, side):
    images = seeds(side)
    poses = [
        scipy.ndimage.rotate(images, 360 * i / n, axes=(1, 2), reshape=False, order=3)
        for i in range(n)
    ]
    expected = np.stack(poses, axis=1)
    expected -= expected.mean(axis=(2, 3), keepdims=True)
    expected /= np.sqrt((expected**2).sum(axis=(2, 3), keepdims=True))
    np.testing.assert_allclose(rotation_orbits(images, n), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", GROUPS)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 6, 12])
def test_each_pose_has_zero_mean_and_unit_norm(name, n):
    orbits = make_orbits(seeds(12), name, n)
    assert orbits.shape == (3, len(action_of(name).group(n)), 12, 12)
    np.testing.assert_allclose(orbits.mean(axis=(2, 3)), 0, rtol=0, atol=1e-15)
    np.testing.assert_allclose((orbits**2).sum(axis=(2, 3)), 1, rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", GROUPS)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 6, 12])
def test_exact_poses_permute_pixels_bit_for_bit_also_when_normalised(name, n):
    numbered = np.arange(144.0).reshape(1, 12, 12)
    where = action_of(name).apply(numbered, n)[0, action_of(name).exact(n)].astype(int)
    orbits = make_orbits(seeds(12), name, n)[:, action_of(name).exact(n)]
    identity = orbits[:, 0].reshape(3, -1)
    for pose, pixels in enumerate(where):
        assert sorted(pixels.ravel()) == list(range(144))
        np.testing.assert_array_equal(orbits[:, pose], identity[:, pixels])


def test_a_constant_image_becomes_zero():
    assert (normalise(np.full((2, 4, 4), 0.7)) == 0).all()


def test_images_are_scaled_upsampled_and_padded():
    levels = np.random.default_rng(0).integers(0, 17, (6, 8, 8)).astype(np.uint8)
    data = LabelledImages(levels, np.arange(6), maximum=16)
    chosen = np.array([5, 0])
    plain = prepare(data, chosen, {"upsampling": 1, "padding": 2})
    assert plain.shape == (2, 12, 12)
    np.testing.assert_array_equal(plain[:, 2:-2, 2:-2], levels[[5, 0]] / 16)
    assert plain.sum() == pytest.approx(levels[[5, 0]].sum() / 16)
    upsampled = prepare(data, chosen, {"upsampling": 3, "padding": 0})
    assert upsampled.shape == (2, 24, 24)
    assert 0 <= upsampled.min() <= upsampled.max() <= 1
    np.testing.assert_allclose(upsampled[:, ::23, ::23], levels[[5, 0], ::7, ::7] / 16, atol=1e-12)


def test_a_larger_stop_keeps_the_earlier_tasks():
    np.testing.assert_array_equal(
        draw_tasks(LABELS, TASK), draw_tasks(LABELS, {**TASK, "stop": 20})[:8]
    )


def test_chunks_are_parts_of_the_whole():
    parts = [draw_tasks(LABELS, {**TASK, "start": s, "stop": s + 4}) for s in (0, 4)]
    np.testing.assert_array_equal(np.concatenate(parts), draw_tasks(LABELS, TASK))


def test_each_task_has_different_classes_and_no_seed_image_twice():
    tasks = draw_tasks(LABELS, {**TASK, "stop": 200, "seeds_per_class": 29})
    classes = LABELS[tasks].reshape(200, 2, 29)
    assert (classes == classes[:, :, :1]).all()
    assert (classes[:, 0] != classes[:, 1]).all()
    assert all(len(set(task)) == 58 for task in tasks)
    assert len(np.unique(classes)) == 10


def test_classes_can_be_given():
    tasks = draw_tasks(LABELS, {**TASK, "classes": [7, 4], "seeds_per_class": 2})
    np.testing.assert_array_equal(LABELS[tasks], np.tile([7, 7, 4, 4], (8, 1)))


@pytest.mark.parametrize("change", [{"draw": "seeds"}, {"seed": 4}, {"start": 8, "stop": 16}])
def test_other_streams_give_other_draws(change):
    assert (draw_tasks(LABELS, TASK) != draw_tasks(LABELS, {**TASK, **change})).any(axis=1).all()


def test_the_dataset_holds_poses_seeds_and_classes_of_every_task():
    rng = np.random.default_rng(1)
    data = LabelledImages(rng.integers(0, 17, (300, 8, 8)).astype(np.uint8), LABELS, maximum=16)
    preparation = {"upsampling": 1, "padding": 1}
    spec = {"task": TASK, "preparation": preparation, "group": "dihedral", "n": 4}
    orbits = orbits_dataset(data, spec)
    assert orbits["pixels"].dims == ("task", "orbit", "pose", "row", "col")
    assert orbits["pixels"].shape == (8, 8, 8, 10, 10)
    chosen = draw_tasks(LABELS, TASK)
    np.testing.assert_array_equal(orbits["source_image"], chosen)
    np.testing.assert_array_equal(orbits["class_"], LABELS[chosen])
    one = make_orbits(prepare(data, chosen[5], preparation), "dihedral", 4)
    np.testing.assert_array_equal(orbits["pixels"][5], one)
    assert int(orbits["n"]) == 4
    assert orbits.attrs["group"] == "dihedral"
