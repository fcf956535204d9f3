import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from symlearn.measures.diffeo import (
    DeformationWarning,
    displacement,
    folded,
    mode_amplitudes,
    remap,
    root_mean_square,
    sample_fields,
    square_side,
    temperature,
    temperature_range,
)

SIDES = st.integers(4, 64)
CUTOFFS = st.integers(2, 15)
INTERPOLATIONS = ("bilinear", "gaussian", "nearest")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def fields(count=3, side=12, pixels=1.0, cutoff=3, seed=0, like=None):
    drawn = temperature(pixels, side, cutoff)
    return sample_fields(count, side, drawn, cutoff, generator(seed), like)


@pytest.fixture
def images():
    return torch.rand(3, 2, 12, 12, generator=generator(), dtype=torch.float64)


@given(SIDES, CUTOFFS, st.floats(0.1, 10))
def test_displacement_and_temperature_are_inverse(side, cutoff, pixels):
    assert displacement(temperature(pixels, side, cutoff), side, cutoff) == pytest.approx(pixels)


@given(SIDES, CUTOFFS)
def test_the_range_goes_from_half_a_pixel_to_the_size_of_the_finest_mode(side, cutoff):
    lowest, highest = temperature_range(side, cutoff)
    assert displacement(lowest, side, cutoff) == pytest.approx(0.5)
    assert displacement(highest, side, cutoff) == pytest.approx(side / (math.pi * cutoff))


# docs/science/stability.md#temperature-cut-off-and-displacement: modes, sum of squared amplitudes.
@pytest.mark.parametrize(
    ("cutoff", "modes", "total"),
    [(2, 3, 0.900), (3, 6, 1.225), (5, 19, 1.878), (10, 77, 2.796), (15, 172, 3.365)],
)
def test_modes_lie_in_the_authors_disc(cutoff, modes, total):
    amplitudes = mode_amplitudes(cutoff)
    assert int((amplitudes > 0).sum()) == modes
    assert float((amplitudes**2).sum()) == pytest.approx(total, abs=5e-4)


@pytest.mark.parametrize(("cutoff", "ratio"), [(3, 0.843), (5, 0.862), (10, 0.879), (15, 0.889)])
def test_displacement_is_a_label_a_little_above_the_root_mean_square(cutoff, ratio):
    assert root_mean_square(temperature(1.0, 28, cutoff), 28, cutoff) == pytest.approx(
        ratio, abs=1e-3
    )


def test_fields_vanish_on_the_frame():
    for component in fields():
        frame = (component[:, 0], component[:, -1], component[:, :, 0], component[:, :, -1])
        assert all((edge == 0).all() for edge in frame)


def test_fields_come_from_the_generator_alone():
    one, again, other = fields(seed=1), fields(seed=1), fields(seed=2)
    assert torch.equal(one[0], again[0])
    assert torch.equal(one[1], again[1])
    assert not torch.equal(one[0], other[0])
    assert not torch.equal(one[0], one[1])


def test_single_precision_fields_are_the_same_fields():
    double, single = fields(), fields(like=torch.zeros(1))
    assert single[0].dtype == torch.float32
    torch.testing.assert_close(single[0].double(), double[0], rtol=0, atol=1e-5)
    assert fields(like=torch.zeros(1, dtype=torch.bfloat16))[0].dtype == torch.float32


# torch's sampler scales coordinates to -1 to 1, which rounds them.
ROUNDING = {"bilinear": 1e-14, "nearest": 0.0}


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_a_field_of_zeros_changes_nothing(images, interpolation):
    still = torch.zeros(12, 12, dtype=torch.float64)
    found = remap(images, still, still, interpolation)
    torch.testing.assert_close(found, images, rtol=0, atol=ROUNDING[interpolation])


def test_a_field_to_the_right_and_down_moves_the_image_there(images):
    right = torch.full((12, 12), 2.0, dtype=torch.float64)
    down = torch.full((12, 12), 3.0, dtype=torch.float64)
    for interpolation in ("bilinear", "nearest"):
        found = remap(images, right, down, interpolation)
        close = {"rtol": 0, "atol": ROUNDING[interpolation]}
        torch.testing.assert_close(found[..., 3:, 2:], images[..., :-3, :-2], **close)
        # The coordinates stop at the frame, so that its pixels are repeated.
        repeated = images[..., :1, :-2].expand(-1, -1, 3, -1)
        torch.testing.assert_close(found[..., :3, 2:], repeated, **close)


@given(st.floats(-2, 2), st.floats(-2, 2), st.sampled_from(INTERPOLATIONS))
def test_a_constant_image_stays_as_it_is(right, down, interpolation):
    image = torch.full((1, 8, 8), 0.7, dtype=torch.float64)
    shift = torch.full((8, 8), 1.0, dtype=torch.float64)
    found = remap(image, right * shift, down * shift, interpolation)
    torch.testing.assert_close(found, image, rtol=1e-12, atol=0)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_remapping_is_linear_in_the_images(images, interpolation):
    dx, dy = fields()
    other = images.flip(0)
    found = remap(2 * images - other, dx, dy, interpolation)
    expected = 2 * remap(images, dx, dy, interpolation) - remap(other, dx, dy, interpolation)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_one_field_for_each_image_acts_on_all_of_its_channels(images, interpolation):
    dx, dy = fields()
    found = remap(images, dx, dy, interpolation)
    for image in range(3):
        for channel in range(2):
            alone = remap(images[image, channel], dx[image], dy[image], interpolation)
            torch.testing.assert_close(found[image, channel], alone, rtol=0, atol=1e-14)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_images_need_not_be_square_to_be_remapped(images, interpolation):
    dx, dy = fields()
    wide = remap(images[..., :8, :], dx[0, :8], dy[0, :8].clamp(-1, 1), interpolation)
    assert wide.shape == (3, 2, 8, 12)
    tall = remap(images[..., :8, :].mT, dy[0, :8].clamp(-1, 1).mT, dx[0, :8].mT, interpolation)
    torch.testing.assert_close(tall.mT, wide, rtol=0, atol=1e-14)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_the_result_has_the_precision_of_the_images(images, dtype, interpolation):
    images = torch.arange(144.0, dtype=dtype).reshape(1, 1, 12, 12) / 144
    dx, dy = fields(1)
    found = remap(images, dx, dy, interpolation)
    expected = remap(images.double(), dx, dy, interpolation)
    assert found.dtype == dtype
    torch.testing.assert_close(found, expected.to(dtype), rtol=torch.finfo(dtype).eps, atol=1e-6)


def test_gradients_reach_the_images_and_the_fields(images):
    dx, dy = fields()
    images = images[:, :1, :4, :4].requires_grad_()
    small = (0.3 + 0.1 * dx[:, 3:7, 3:7], 0.2 + 0.1 * dy[:, 3:7, 3:7])
    small = tuple(field.detach().requires_grad_() for field in small)
    assert torch.autograd.gradcheck(remap, (images, *small))


def test_each_image_is_deformed_by_a_field_of_its_own(images):
    same = images[:1].expand(3, -1, -1, -1)
    drawn = temperature(1.0, 12, 3)
    found = remap(same, *sample_fields(3, 12, drawn, 3, generator()))
    assert not torch.equal(found[0], found[1])
    alone = [remap(one, dx, dy) for one, dx, dy in zip(same, *fields(), strict=True)]
    assert torch.equal(found, torch.stack(alone))


def test_a_field_that_swaps_two_pixels_folds():
    dx = torch.zeros(2, 8, 8)
    dx[1, 4, 4] = 1.5
    assert folded(dx, torch.zeros(2, 8, 8)).tolist() == [False, True]
    assert folded(torch.zeros(2, 8, 8), dx).tolist() == [False, True]


def test_images_that_are_not_square_are_refused():
    with pytest.raises(ValueError, match=r"8 rows and 10 columns.*square"):
        square_side(torch.zeros(1, 1, 8, 10))


@pytest.mark.parametrize("function", [displacement, temperature])
def test_a_cutoff_of_one_is_refused(function):
    with pytest.raises(ValueError, match="cutoff c = 1: c must be at least 2"):
        function(1.0, 8, 1)
    with pytest.raises(ValueError, match="cutoff c = 1"):
        sample_fields(1, 8, 1.0, 1, generator())


def test_a_temperature_above_the_range_tells_how_many_fields_fold():
    with pytest.warns(DeformationWarning, match=r"above 0\.013,.*100% of the fields fold") as seen:
        sample_fields(50, 28, 1.0, 3, generator())
    assert len(seen) == 1


def test_a_temperature_below_the_range_tells_the_displacement():
    with pytest.warns(DeformationWarning, match=r"below 0\.00037.*displacement 0\.1 pix.* 0% of"):
        sample_fields(10, 28, temperature(0.1, 28, 3), 3, generator())


def test_the_ends_of_the_range_are_allowed():
    for end in temperature_range(28, 3):
        sample_fields(2, 28, end, 3, generator())


def test_fields_of_another_shape_are_refused(images):
    with pytest.raises(ValueError, match=r"\(2, 12, 12\).*\(3, 2, 12, 12\)"):
        remap(images, torch.zeros(2, 12, 12), torch.zeros(2, 12, 12))
