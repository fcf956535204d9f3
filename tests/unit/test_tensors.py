import numpy as np
import pytest
import torch

from symlearn.groups import action_of
from symlearn.groups.tensors import PixelMaps, PixelPermutations, image_action

SIDE = 12
EXACT = [
    *((name, n) for name in ("cyclic-shift", "product-shift") for n in (1, 2, 3, 4)),
    *((name, n) for name in ("cyclic-rotation", "dihedral") for n in (1, 2, 4)),
]
INTERPOLATED = [(name, n) for name in ("cyclic-rotation", "dihedral") for n in (3, 6, 8)]
exact_cases = pytest.mark.parametrize(("name", "n"), EXACT)
interpolated_cases = pytest.mark.parametrize(("name", "n"), INTERPOLATED)


def _images(dtype=torch.float64, shape=(SIDE, SIDE)):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(3, 2, *shape, generator=generator, dtype=dtype)


def _numpy_poses(images, name, n):
    """The poses as the numpy action gives them, channel by channel."""
    channels = [action_of(name).apply(images[:, c].numpy(), n) for c in range(images.shape[1])]
    return np.stack(channels, axis=2)


@exact_cases
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_exact_poses_are_those_of_numpy_images_bit_for_bit(name, n, dtype):
    images = _images(dtype)
    action = image_action(name, n, (SIDE, SIDE))
    assert isinstance(action, PixelPermutations)
    poses = action.poses(images)
    assert poses.dtype == dtype
    np.testing.assert_array_equal(poses.numpy(), _numpy_poses(images, name, n))


@interpolated_cases
def test_interpolated_poses_are_those_of_numpy_images(name, n):
    images = _images()
    action = image_action(name, n, (SIDE, SIDE))
    assert isinstance(action, PixelMaps)
    expected = _numpy_poses(images, name, n)
    np.testing.assert_allclose(action.poses(images).numpy(), expected, rtol=0, atol=1e-13)


@exact_cases
def test_undoing_exact_poses_gives_the_image_back_bit_for_bit(name, n):
    images = _images()
    action = image_action(name, n, (SIDE, SIDE))
    back = action.undo(action.poses(images))
    assert torch.equal(back, images[:, None].expand_as(back))


@interpolated_cases
def test_undoing_an_interpolated_pose_applies_the_inverse_element(name, n):
    images = _images()
    action = image_action(name, n, (SIDE, SIDE))
    poses = action.poses(images)
    back = action.undo(poses).numpy()
    for g, inverse in enumerate(action.group.inverse):
        expected = _numpy_poses(poses[:, g], name, n)[:, inverse]
        np.testing.assert_allclose(back[:, g], expected, rtol=0, atol=1e-12)


@exact_cases
def test_each_image_is_moved_by_its_own_element(name, n):
    images = _images()
    action = image_action(name, n, (SIDE, SIDE))
    elements = torch.arange(len(images)).remainder(len(action))
    poses = action.poses(images)
    for number, moved in enumerate(action.move(images, elements)):
        assert torch.equal(moved, poses[number, elements[number]])


@pytest.mark.parametrize(("name", "n"), [("cyclic-rotation", 4), ("cyclic-rotation", 8)])
def test_gradients_flow_back_along_the_transposed_map(name, n):
    images = _images().requires_grad_()
    action = image_action(name, n, (SIDE, SIDE))
    weights = torch.randn(3, n, 2, SIDE, SIDE, generator=torch.Generator().manual_seed(1)).double()
    (gradient,) = torch.autograd.grad((action.poses(images) * weights).sum(), images)
    along = torch.rand_like(images)
    expected = (action.poses(along) * weights).sum()
    torch.testing.assert_close((gradient * along).sum(), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("name", "n", "shape"), [("cyclic-rotation", 2, (4, 6)), ("cyclic-shift", 3, (4, 6))]
)
def test_groups_that_keep_the_shape_act_on_oblong_images(name, n, shape):
    images = _images(shape=shape)
    poses = image_action(name, n, shape).poses(images)
    np.testing.assert_array_equal(poses.numpy(), _numpy_poses(images, name, n))


@pytest.mark.parametrize(
    ("name", "n", "shape"),
    [
        ("cyclic-rotation", 4, (4, 6)),
        ("dihedral", 8, (6, 4)),
        ("cyclic-rotation", 4, (1, 6)),
        ("cyclic-shift", 5, (4, 6)),
        ("product-shift", 3, (4, 6)),
    ],
)
def test_a_group_that_does_not_act_on_the_shape_is_refused(name, n, shape):
    rows, columns = shape
    line = f"^{name} with n = {n} does not act on {rows} x {columns} pixels: [^\n]*$"
    with pytest.raises(ValueError, match=line):
        image_action(name, n, shape)


def test_images_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="set up for 8 x 8 pixels, not 12 x 12"):
        image_action("cyclic-rotation", 4, (8, 8)).poses(_images())
